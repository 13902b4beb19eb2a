"""Turn SCIM filters and sort keys into queries (RFC 7644 sections 3.4.2.2 and 3.4.2.3).

A filter never matches more than it says. Anything unknown, or that cannot be searched, is an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from django.db.models import F, Q, Value
from django.db.models.expressions import Expression as SQLExpression
from django.db.models.lookups import IsNull

from tiled_scim.attributes import Attribute, AttributePath, ResourceType, Schema
from tiled_scim.database.expressions import IsNotTrue, JSONText
from tiled_scim.errors import ScimError, invalid_filter, invalid_request
from tiled_scim.host import HostAdapter
from tiled_scim.models import LINKS, UserLink
from tiled_scim.scim.cleaning import KEPT
from tiled_scim.scim.grammar import (
    Comparison,
    Expression,
    quoted,
)
from tiled_scim.scim.matching import holds_of_absent, predicate, sub_attribute
from tiled_scim.scim.paths import as_complex
from tiled_scim.sql.candidates import Candidates, by_column
from tiled_scim.sql.host_fields import host_fields
from tiled_scim.sql.locations import (
    ALWAYS,
    Stored,
    in_column,
    in_host_field,
    in_json,
    in_text,
)
from tiled_scim.sql.scopes import ElementScope, JSONElements, RelatedRows, Scope, any_of


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


def is_indexed(expression: Expression, resource_type: ResourceType, adapter: HostAdapter) -> bool:
    """Return whether an index finds the few links that a filter can match.

    Raises:
        ScimError: 400 `invalidFilter`, see `condition`.
    """
    return _Resources(resource_type, adapter).candidates(expression) is not None


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


class _Resources(Scope):
    """A resource: a link with its host user."""

    def __init__(self, resource_type: ResourceType, adapter: HostAdapter) -> None:
        self.resource_type = resource_type
        self.model = LINKS[resource_type.name]
        self.account = adapter.account
        is_user = self.model is UserLink
        fields = host_fields(adapter) if is_user else ()
        self.host_fields = {field.name: field for field in fields}

    def present(self, name: str) -> Q:
        return self._present(self._resolve(name))

    def compare(self, comparison: Comparison) -> Q:
        path = self._valued(comparison.name)
        if path.attribute is None:
            raise invalid_filter(f"{comparison.name} is a schema: only pr can be used with it.")
        if path.attribute.multi_valued:
            name = str(path) if path.sub_attribute else f"{path}.value"
            fits = self._elements_fit(path.attribute, path, replace(comparison, name=name))
            if path.attribute.name == "schemas" or not holds_of_absent(comparison):
                return fits
            return fits | Q(IsNotTrue(self._elements(path).exists()))
        return self._stored(path).fits(comparison)

    def element(self, name: str, operand: Expression) -> Q:
        path = self._resolve(name)
        if path.attribute is None or path.sub_attribute or not path.attribute.multi_valued:
            raise invalid_filter(f"{name} is not multi-valued, so that it can have no brackets.")
        return self._elements_fit(path.attribute, path, operand)

    def equal(self, comparison: Comparison) -> Candidates | None:
        path = self._valued(comparison.name)
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
        path = self._valued(name)
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

    def _valued(self, name: str) -> AttributePath:
        """Return the path of the value that a name stands for: `manager` for `manager.value`."""
        path = self._resolve(name)
        if path.attribute is None or path.attribute.multi_valued or path.sub_attribute:
            return path
        return replace(path, sub_attribute=path.attribute.sub_attribute("value"))

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
            return any_of([self._present(part) for part in parts if self._is_kept(part)])
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
        return any_of([Q(IsNull(JSONText(F("attributes"), schema.urn), False)), *in_host])

    def _elements_fit(self, attribute: Attribute, path: AttributePath, operand: Expression) -> Q:
        """Return the condition that a filter matches an element of a multi-valued attribute."""
        if attribute.name == "schemas":
            fits = predicate(operand, as_complex(attribute))
            schemas = self.resource_type.schemas
            return any_of([self._uses(schema) for schema in schemas if fits({"value": schema.urn})])
        elements = self._elements(path)
        return elements.exists(elements.condition(operand))

    def _elements(self, path: AttributePath) -> ElementScope:
        attribute = cast(Attribute, path.attribute)
        if attribute.relation:
            return RelatedRows(attribute, self.model)
        whole = replace(path, sub_attribute=None)
        host_field = self.host_fields.get(f"{whole}.value")
        return JSONElements(attribute, _keys(whole), host_field)

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
            return in_host_field(self.host_fields[name], _keys(path))
        return in_json(leaf, F("attributes"), *_keys(path))


def _keys(path: AttributePath) -> list[str]:
    """Return the path of keys to a value in the link's JSON."""
    keys = [path.schema.urn] if path.is_extension else []
    return keys + [part.name for part in (path.attribute, path.sub_attribute) if part]
