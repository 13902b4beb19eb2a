"""What the names in a filter refer to: a resource, or an element of a multi-valued attribute."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, cast

from django.db.models import Case, Exists, F, Model, OuterRef, Q, Value, When
from django.db.models.expressions import Expression as SQLExpression
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from tiled_scim.attributes import Attribute
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
from tiled_scim.errors import invalid_filter
from tiled_scim.models import LibraryGroupMember
from tiled_scim.scim.grammar import (
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Present,
)
from tiled_scim.scim.matching import assumed, sub_attribute
from tiled_scim.scim.paths import as_complex
from tiled_scim.sql.candidates import Candidates, by_email, fewest, union
from tiled_scim.sql.host_fields import HostField
from tiled_scim.sql.locations import (
    ALWAYS,
    NEVER,
    Stored,
    in_column,
    in_json,
    in_text,
)


def all_of(conditions: Iterable[Q]) -> Q:
    return reduce(operator.and_, conditions)


def any_of(conditions: Iterable[Q]) -> Q:
    return reduce(operator.or_, conditions, NEVER)


class Scope(ABC):
    """The object that the names in a filter refer to: a resource, or an element."""

    def condition(self, expression: Expression) -> Q:
        """Return the filter as a condition."""
        match expression:
            case And(operands):
                return all_of([self.condition(operand) for operand in operands])
            case Or(operands):
                return any_of([self.condition(operand) for operand in operands])
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


class ElementScope(Scope):
    """An element of a multi-valued attribute. Names refer to its sub-attributes."""

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = as_complex(attribute)

    def present(self, name: str) -> Q:
        return self.stored(sub_attribute(self.attribute, name)).present()

    def compare(self, comparison: Comparison) -> Q:
        part = sub_attribute(self.attribute, comparison.name)
        stored, default = self.stored(part), assumed(part)
        if default is not None and comparison.value is not None:
            value = Coalesce(stored.expression, Value(default))
            stored = replace(stored, expression=value)
        return stored.fits(comparison)

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


class JSONElements(ElementScope):
    """The elements of an array in the link's JSON.

    Args:
        attribute: The multi-valued attribute.
        keys: The path of keys to the array.
        host_field: The host field with the `value` of the placeholder.
    """

    def __init__(
        self, attribute: Attribute, keys: Sequence[str], host_field: HostField | None
    ) -> None:
        super().__init__(attribute)
        self.elements = Elements(F("attributes"), *keys)
        self.host_field = host_field
        self.is_email = list(keys) == ["emails"]
        self.is_simple = attribute.type != "complex"

    def stored(self, attribute: Attribute) -> Stored:
        if self.is_simple:
            return in_json(attribute, Element())
        if self.host_field and attribute.name == "value":
            # An element without a value has an empty text, see `provisioning.placeholders`.
            return in_text(attribute, NonEmpty(self._value(self.host_field)))
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

    def _value(self, host_field: HostField) -> F | SQLExpression:
        host_value: SQLExpression = NonEmpty(ExactText(ColumnText(host_field.expression)))
        if host_field.is_private:
            host_value = Case(When(keeps_own_values=False, then=host_value))
        return Coalesce(JSONText(Element(), "value"), host_value)


class RelatedRows(ElementScope):
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
            self._visible,
            condition,
            **{self.relation.field.name: OuterRef("pk")},
        )
        return Q(Exists(rows))

    def first(self, attribute: Attribute) -> F | SQLExpression:
        raise invalid_filter(f"{self.attribute.name} cannot be sorted by.")

    @property
    def _visible(self) -> Q:
        """Return the condition for the rows that the resource shows."""
        rows = LibraryGroupMember
        return rows.live if self.relation.name == "memberships" else rows.belonging
