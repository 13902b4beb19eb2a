"""Locate the value of an attribute in the database, and compare it.

The rules are those of `scim.matching`, with the same results on each database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    F,
    FloatField,
    Model,
    Q,
    UUIDField,
    Value,
    When,
)
from django.db.models.expressions import Expression
from django.db.models.functions import NullIf
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IsNull,
    LessThan,
    LessThanOrEqual,
)
from django.utils import timezone

from tiled_scim.attributes import Attribute
from tiled_scim.database.expressions import (
    ColumnText,
    Contains,
    Element,
    EndsWith,
    ExactText,
    FoldedText,
    IsNotTrue,
    JSONBoolean,
    JSONInteger,
    JSONNumber,
    JSONText,
    NonEmpty,
    StartsWith,
)
from tiled_scim.errors import invalid_filter
from tiled_scim.scim.absence import TEXT_TYPES
from tiled_scim.scim.grammar import Comparison
from tiled_scim.scim.identifiers import as_canonical_uuid
from tiled_scim.scim.matching import Comparable, literal
from tiled_scim.sql.host_fields import HostField

ALWAYS = Q(Value(True))
NEVER = Q(Value(False))

_LOOKUPS = {
    "eq": Exact,
    "gt": GreaterThan,
    "ge": GreaterThanOrEqual,
    "lt": LessThan,
    "le": LessThanOrEqual,
}
_SEARCHES = {"co": Contains, "sw": StartsWith, "ew": EndsWith}


@dataclass(frozen=True)
class Stored:
    """The location of an attribute's value.

    Args:
        attribute: The attribute.
        expression: The value in the form for comparisons. It is null if there is none.
        column: The ORM path of an indexed column with the value in this form, if there is one.
        is_uuid: Whether that column contains UUIDs.
        is_folded_here: Whether the database folds the value. It must then fold literals, too.
        is_comparable: Whether the database can compare the values.
    """

    attribute: Attribute
    expression: F | Expression
    column: str | None = None
    is_uuid: bool = False
    is_folded_here: bool = False
    is_comparable: bool = True

    @property
    def is_text(self) -> bool:
        """Return whether the value is compared as text."""
        return self.attribute.type in TEXT_TYPES

    def present(self) -> Q:
        """Return the condition that there is a value that is not empty."""
        if self.is_text:
            return Q(GreaterThan(self.expression, Value("")))
        return Q(IsNull(self.expression, False))

    def fits(self, comparison: Comparison) -> Q:
        """Return the condition that a comparison is true.

        Raises:
            ScimError: 400 `invalidFilter` if the comparison does not fit the attribute.
        """
        return _compare(self, comparison, literal(self.attribute, comparison))


def in_text(attribute: Attribute, expression: F | Expression) -> Stored:
    """Return the location of text. The database folds it, unless the attribute is case-exact."""
    if attribute.case_exact or attribute.type == "binary":
        return Stored(attribute, ExactText(expression))
    return Stored(attribute, FoldedText(expression), is_folded_here=True)


def in_column(attribute: Attribute, model: type[Model]) -> Stored:
    """Return the location of a column of the model or a related one.

    If there is a column with the canonical form, it is used.
    """
    column = cast(str, attribute.canonical_column or attribute.column)
    if attribute.type not in TEXT_TYPES:
        return Stored(attribute, F(column))
    if not attribute.case_exact and not attribute.canonical_column:
        return in_text(attribute, NonEmpty(ExactText(F(column))))
    is_uuid = isinstance(_field(model, column), UUIDField)
    return Stored(attribute, NonEmpty(ExactText(ColumnText(F(column)))), column, is_uuid)


def in_host_field(field: HostField, keys: Sequence[str]) -> Stored:
    """Return the location of a host field. An empty string counts as null.

    Args:
        field: The host field.
        keys: The path of keys to the account's own value in the link's JSON.
    """
    attribute, value = field.leaf, field.expression
    if attribute.type == "boolean":
        value = _active(field) if field.name == "active" else value
        shown = NullIf(value, JSONBoolean(F("hidden_values"), field.name))
        return Stored(attribute, _own_or(field, JSONBoolean(F("attributes"), *keys), shown))
    if attribute.type not in TEXT_TYPES:
        return Stored(attribute, value)
    text = NonEmpty(ExactText(ColumnText(value)))
    return in_text(attribute, _own_or(field, JSONText(F("attributes"), *keys), text))


def _own_or(field: HostField, own: Expression, host: F | Expression) -> F | Expression:
    """Return the account's own value if the link keeps it, or else the host's."""
    return Case(When(keeps_own_values=True, then=own), default=host) if field.is_private else host


def _active(field: HostField) -> F | Expression:
    """Return the account's `active`, from the link and the host user.

    See `provisioning.multi_account`. A membership that says whether it is active decides alone.
    """
    if field.is_membership:
        return field.expression
    inactive = When(suspended=True, then=Value(False))
    return Case(inactive, default=field.expression, output_field=BooleanField())


def in_json(attribute: Attribute, root: F | Element, *keys: str) -> Stored:
    """Return the location of the value at a path of keys in a JSON value."""
    match attribute.type:
        case "boolean":
            return Stored(attribute, JSONBoolean(root, *keys))
        case "integer":
            return Stored(attribute, JSONInteger(root, *keys))
        case "decimal":
            return Stored(attribute, JSONNumber(root, *keys))
        case "dateTime":
            # It is stored as it was sent, and can be written in many ways.
            return Stored(attribute, JSONText(root, *keys), is_comparable=False)
    return in_text(attribute, JSONText(root, *keys))


def _field(model: type[Model], path: str) -> Any:
    """Return the field at an ORM path. For a foreign key, return the field that it refers to."""
    *relations, name = path.split("__")
    related: Any = model
    for relation in relations:
        related = related._meta.get_field(relation).related_model
    field = related._meta.get_field(name)
    return getattr(field, "target_field", field)


def _compare(stored: Stored, comparison: Comparison, expected: Comparable | None) -> Q:
    if comparison.operator == "ne":
        return Q(IsNotTrue(_compare(stored, replace(comparison, operator="eq"), expected)))
    if expected is None:
        return Q(IsNull(stored.expression, True))
    if not stored.is_comparable:
        raise invalid_filter(f"{comparison.name} is kept as it was sent and cannot be compared.")
    if stored.is_text:
        return _compare_text(stored, comparison, cast(str, expected))
    return Q(
        _LOOKUPS[comparison.operator](stored.expression, _parameter(stored.attribute, expected))
    )


def _compare_text(stored: Stored, comparison: Comparison, expected: str) -> Q:
    if comparison.operator == "eq" and stored.column and expected:
        return _column_equals(stored.column, stored.is_uuid, expected)
    if comparison.operator in _SEARCHES and not expected:
        return Q(IsNull(stored.expression, False))  # every text contains the empty text
    operand = FoldedText(Value(comparison.value)) if stored.is_folded_here else Value(expected)
    operators = _SEARCHES | _LOOKUPS
    return Q(operators[comparison.operator](stored.expression, operand))


def _column_equals(column: str, is_uuid: bool, expected: str) -> Q:
    """Return a plain equality, which can use the index.

    No resource has an id that is not a UUID in its standard form.
    """
    if not is_uuid:
        return Q((column, expected))
    key = as_canonical_uuid(expected)
    return Q((column, key)) if key else NEVER


def _parameter(attribute: Attribute, expected: Comparable) -> Comparable | Value:
    """Return a literal as a query parameter."""
    if isinstance(expected, datetime) and not settings.USE_TZ:
        return timezone.make_naive(expected, timezone.get_default_timezone())
    if attribute.type == "integer" and isinstance(expected, int | float):
        # A plain number would be converted to an integer, so that 1.5 would equal 1.
        exact = BigIntegerField() if isinstance(expected, int) else FloatField()
        return Value(expected, output_field=exact)
    return expected
