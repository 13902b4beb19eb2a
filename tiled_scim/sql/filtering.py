"""Turn SCIM filters and sort keys into queries (RFC 7644 sections 3.4.2.2 and 3.4.2.3).

A filter never matches more than it says. Anything unknown, or that cannot be searched, is an error.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, cast

from django.db.models import Exists, F, Model, OuterRef, Q, Value
from django.db.models.expressions import Expression as SQLExpression
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from tiled_scim.attributes import Attribute, AttributePath, ResourceType, Schema
from tiled_scim.database.expressions import (
    AnyElement,
    ColumnText,
    Element,
    Elements,
    ExactText,
    FirstElement,
    IsNotTrue,
    JSONBoolean,
    JSONText,
    NonEmpty,
)
from tiled_scim.errors import ScimError, invalid_filter, invalid_request
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import KEPT
from tiled_scim.scim.grammar import (
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Present,
    quoted,
)
from tiled_scim.scim.matching import predicate, sub_attribute
from tiled_scim.scim.paths import as_complex
from tiled_scim.sql.candidates import Candidates, by_column, by_email, fewest, union
from tiled_scim.sql.locations import (
    ALWAYS,
    NEVER,
    Stored,
    in_column,
    in_host_field,
    in_json,
    in_text,
)

MODELS: dict[str, type[Model]] = {USER.name: UserLink, GROUP.name: LibraryGroupLink}
# The visible rows of a relation. All rows of other relations are visible.
VISIBLE = {"memberships": LibraryGroupMember.live}


def condition(expression: Expression, resource_type: ResourceType, adapter: HostAdapter) -> Q:
    """Return a filter as a condition on links.

    Args:
        expression: The parsed filter, from `grammar.parse`.
        resource_type: The resource type of the links.
        adapter: The host adapter, which knows the attributes of the host user.

    Raises:
        ScimError: 400 `invalidFilter` for invalid names, operators and literals, and for
            attributes that cannot be searched.
    """
    resources = _Resources(resource_type, adapter)
    chosen = resources.condition(expression)
    candidates = resources.candidates(expression)
    return candidates.condition() & chosen if candidates else chosen


def sort_key(sort_by: str, resource_type: ResourceType, adapter: HostAdapter) -> F | SQLExpression:
    """Return the expression to sort links by. It is null if there is no value.

    A multi-valued attribute is sorted by its primary value, or else by its first (RFC 7644 section
    3.4.2.3).

    Args:
        sort_by: The name of the attribute, as the client sent it.
        resource_type: The resource type of the links.
        adapter: The host adapter, which knows the attributes of the host user.

    Raises:
        ScimError: 400 `invalidValue` for an attribute that cannot be sorted by.
    """
    try:
        return _Resources(resource_type, adapter).sort_key(sort_by)
    except ScimError as error:
        raise invalid_request(f"sortBy: {error.detail}") from error


def _all(conditions: Iterable[Q]) -> Q:
    return reduce(operator.and_, conditions)


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(operator.or_, conditions, NEVER)


class _Scope(ABC):
    """The object that the names in a filter refer to: a resource, or an element."""

    def condition(self, expression: Expression) -> Q:
        """Return the filter as a condition."""
        match expression:
            case And(operands):
                return _all([self.condition(operand) for operand in operands])
            case Or(operands):
                return _any([self.condition(operand) for operand in operands])
            case Not(operand):
                return Q(IsNotTrue(self.condition(operand)))
            case Present(name):
                return self.present(name)
            case Comparison():
                return self.compare(expression)
            case ElementFilter(name, operand):
                return self.element(name, operand)

    def candidates(self, expression: Expression) -> Candidates | None:
        """Return the links that may match the filter, or None if no index finds them."""
        match expression:
            case And(operands):
                return fewest(map(self.candidates, operands))
            case Or(operands):
                return union(map(self.candidates, operands))
            case Comparison(_, "eq"):
                return self.equal(expression)
            case ElementFilter(name, operand):
                return self.with_element(name, operand)
        return None

    @abstractmethod
    def present(self, name: str) -> Q:
        """Return the condition that there is a value."""

    @abstractmethod
    def compare(self, comparison: Comparison) -> Q:
        """Return the condition that a comparison is true."""

    @abstractmethod
    def element(self, name: str, operand: Expression) -> Q:
        """Return the condition that a filter matches an element of a multi-valued attribute."""

    def equal(self, comparison: Comparison) -> Candidates | None:
        """Return the links that may match an equality."""
        return None

    def with_element(self, name: str, operand: Expression) -> Candidates | None:
        """Return the links that may have an element which matches a filter in brackets."""
        return None


class _ElementScope(_Scope):
    """An element of a multi-valued attribute. Names refer to its sub-attributes."""

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = as_complex(attribute)

    def present(self, name: str) -> Q:
        return self.stored(sub_attribute(self.attribute, name)).present()

    def compare(self, comparison: Comparison) -> Q:
        return self.stored(sub_attribute(self.attribute, comparison.name)).fits(comparison)

    def element(self, name: str, operand: Expression) -> Q:
        raise invalid_filter(f"A filter in brackets cannot be inside another one: {name}[…].")

    @abstractmethod
    def stored(self, attribute: Attribute) -> Stored:
        """Return the location of a sub-attribute's value."""

    @abstractmethod
    def exists(self, condition: Q = ALWAYS) -> Q:
        """Return the condition that an element meets a condition."""

    @abstractmethod
    def first(self, attribute: Attribute) -> F | SQLExpression:
        """Return the value of the primary or first element, in the form for comparisons."""


class _JSONElements(_ElementScope):
    """The elements of an array in the link's JSON.

    Args:
        attribute: The multi-valued attribute.
        keys: The path of keys to the array.
        host_field: The ORM path, from the host user, to the `value` of the placeholder.
    """

    def __init__(self, attribute: Attribute, keys: Sequence[str], host_field: str | None) -> None:
        super().__init__(attribute)
        self.elements = Elements(F("attributes"), *keys)
        self.host_field = host_field
        self.is_email = list(keys) == ["emails"]
        self.is_simple = attribute.type != "complex"

    def stored(self, attribute: Attribute) -> Stored:
        if self.is_simple:
            return in_json(attribute, Element())
        if self.host_field and attribute.name == "value":
            return in_text(attribute, self._value(self.host_field))
        return in_json(attribute, Element(), attribute.name)

    def exists(self, condition: Q = ALWAYS) -> Q:
        return Q(AnyElement(self.elements, self._visible & condition))

    def equal(self, comparison: Comparison) -> Candidates | None:
        is_address = sub_attribute(self.attribute, comparison.name).name == "value"
        if not (self.is_email and is_address and comparison.value):
            return None
        return by_email(cast(str, comparison.value), self.host_field)

    def first(self, attribute: Attribute) -> F | SQLExpression:
        value = self.stored(attribute).expression
        primary = NEVER if self.is_simple else JSONBoolean(Element(), "primary")
        return FirstElement(self.elements, self._visible, value, primary)

    @property
    def _visible(self) -> Q:
        """Return the condition that an element is visible: not a placeholder without a value."""
        if not self.host_field:
            return ALWAYS
        return Q(IsNull(self._value(self.host_field), False))

    def _value(self, host_field: str) -> F | SQLExpression:
        host_value = NonEmpty(ExactText(ColumnText(F(f"user__{host_field}"))))
        return Coalesce(JSONText(Element(), "value"), host_value)


class _RelatedRows(_ElementScope):
    """The elements of an attribute that is stored as a relation of the link."""

    def __init__(self, attribute: Attribute, model: type[Model]) -> None:
        super().__init__(attribute)
        self.relation = cast(Any, model._meta.get_field(cast(str, attribute.relation)))

    def stored(self, attribute: Attribute) -> Stored:
        if attribute.constant:
            return in_text(attribute, Value(attribute.constant))
        if not attribute.column:
            raise invalid_filter(f"{self.attribute.name}.{attribute.name} cannot be searched.")
        return in_column(attribute, self.relation.related_model)

    def exists(self, condition: Q = ALWAYS) -> Q:
        rows = self.relation.related_model._default_manager.filter(
            VISIBLE.get(self.relation.name, ALWAYS),
            condition,
            **{self.relation.field.name: OuterRef("pk")},
        )
        return Q(Exists(rows))

    def first(self, attribute: Attribute) -> F | SQLExpression:
        raise invalid_filter(f"{self.attribute.name} cannot be sorted by.")


class _Resources(_Scope):
    """A resource: a link with its host user."""

    def __init__(self, resource_type: ResourceType, adapter: HostAdapter) -> None:
        self.resource_type = resource_type
        self.model = MODELS[resource_type.name]
        self.account = adapter.account
        is_user = self.model is UserLink
        self.host_fields = adapter.user_fields if is_user else {}

    def present(self, name: str) -> Q:
        return self._present(self._resolve(name))

    def compare(self, comparison: Comparison) -> Q:
        path = self._resolve(comparison.name)
        if path.attribute is None:
            raise invalid_filter(f"{comparison.name} is a schema: only pr can be used with it.")
        if path.attribute.multi_valued:
            name = str(path) if path.sub_attribute else f"{path}.value"
            return self._elements_fit(path.attribute, path, replace(comparison, name=name))
        return self._stored(path).fits(comparison)

    def element(self, name: str, operand: Expression) -> Q:
        path = self._resolve(name)
        if path.attribute is None or path.sub_attribute or not path.attribute.multi_valued:
            raise invalid_filter(f"{name} is not multi-valued, so that it can have no brackets.")
        return self._elements_fit(path.attribute, path, operand)

    def equal(self, comparison: Comparison) -> Candidates | None:
        path = self._resolve(comparison.name)
        attribute = cast(Attribute, path.attribute)
        if attribute.multi_valued:
            name = path.sub_attribute.name if path.sub_attribute else "value"
            return self._elements(path).candidates(replace(comparison, name=name))
        stored = self._stored(path)
        if stored.column is None or not comparison.value:
            return None
        return by_column(self.model, self.account, stored.fits(comparison))

    def with_element(self, name: str, operand: Expression) -> Candidates | None:
        return self._elements(self._resolve(name)).candidates(operand)

    def sort_key(self, name: str) -> F | SQLExpression:
        """Return the expression to sort by. It is null if there is no value."""
        path = self._resolve(name)
        attribute = path.attribute
        if attribute is None or attribute.name == "schemas":
            raise invalid_filter(f"{name} cannot be sorted by.")
        if attribute.multi_valued:
            elements = self._elements(path)
            sub_name = path.sub_attribute.name if path.sub_attribute else "value"
            return elements.first(sub_attribute(elements.attribute, sub_name))
        stored = self._stored(path)
        if not stored.is_comparable:
            raise invalid_filter(f"{name} is kept as it was sent and cannot be sorted by.")
        return stored.expression

    def _resolve(self, name: str) -> AttributePath:
        path = self.resource_type.resolve(name)
        if path is None:
            raise invalid_filter(f"{self.resource_type.name} has no attribute {quoted(name)}.")
        if path.leaf and path.leaf.returned == "never":
            raise invalid_filter(f"{name} cannot be searched.")
        return path

    def _present(self, path: AttributePath) -> Q:
        attribute = path.attribute
        if attribute is None:
            return self._uses(path.schema)
        if attribute.name == "schemas":
            return ALWAYS
        if attribute.multi_valued:
            elements = self._elements(path)
            if path.sub_attribute is None:
                return elements.exists()
            return elements.exists(elements.present(path.sub_attribute.name))
        if attribute.sub_attributes and path.sub_attribute is None:
            parts = (replace(path, sub_attribute=part) for part in attribute.sub_attributes)
            return _any([self._present(part) for part in parts if self._is_kept(part)])
        return self._stored(path).present()

    def _uses(self, schema: Schema) -> Q:
        """Return the condition that a resource lists a schema.

        It lists an extension if it has a value of it.
        """
        if schema is self.resource_type.schema:
            return ALWAYS
        in_host = (
            Q(IsNull(self._stored(path).expression, False))
            for path in map(self._resolve, self.host_fields)
            if path.schema is schema
        )
        return _any([Q(IsNull(JSONText(F("attributes"), schema.urn), False)), *in_host])

    def _elements_fit(self, attribute: Attribute, path: AttributePath, operand: Expression) -> Q:
        """Return the condition that a filter matches an element of a multi-valued attribute."""
        if attribute.name == "schemas":
            fits = predicate(operand, as_complex(attribute))
            schemas = self.resource_type.schemas
            return _any([self._uses(schema) for schema in schemas if fits({"value": schema.urn})])
        elements = self._elements(path)
        return elements.exists(elements.condition(operand))

    def _elements(self, path: AttributePath) -> _ElementScope:
        attribute = cast(Attribute, path.attribute)
        if attribute.relation:
            return _RelatedRows(attribute, self.model)
        whole = replace(path, sub_attribute=None)
        host_field = self.host_fields.get(f"{whole}.value")
        return _JSONElements(attribute, _keys(whole), host_field)

    def _is_kept(self, path: AttributePath) -> bool:
        """Return whether values of an attribute are stored anywhere."""
        leaf = cast(Attribute, path.leaf)
        is_kept = leaf.mutability in KEPT or leaf.column is not None
        return is_kept or str(path) in self.host_fields

    def _stored(self, path: AttributePath) -> Stored:
        leaf, name = cast(Attribute, path.leaf), str(path)
        if leaf.type == "complex":
            raise invalid_filter(f"{name} is complex: name one of its sub-attributes.")
        if name == "meta.resourceType":
            return in_text(leaf, Value(self.resource_type.name))
        if not self._is_kept(path):
            raise invalid_filter(f"{name} cannot be searched.")
        if leaf.column:
            return in_column(leaf, self.model)
        if name in self.host_fields:
            return in_host_field(leaf, f"user__{self.host_fields[name]}", name)
        return in_json(leaf, F("attributes"), *_keys(path))


def _keys(path: AttributePath) -> list[str]:
    """Return the path of keys to a value in the link's JSON."""
    keys = [path.schema.urn] if path.is_extension else []
    return keys + [part.name for part in (path.attribute, path.sub_attribute) if part]
