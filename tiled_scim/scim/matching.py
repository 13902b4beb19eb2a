"""Compare values, and evaluate filters for elements in memory (RFC 7644 section 3.4.2.2).

For an absent attribute, `eq null` is true and any other `eq` is false. `ne` is always the opposite
of `eq`. `not` only has the results true and false. A multi-valued attribute without elements counts
as one absent value. `sql.filtering` applies the same rules in SQL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tiled_scim.attributes import Attribute, Type
from tiled_scim.errors import invalid_filter
from tiled_scim.scim.absence import is_present
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
from tiled_scim.scim.numbers import is_integer
from tiled_scim.scim.text import canonical, fold

Comparable = str | bool | int | float | datetime
Predicate = Callable[[Mapping[str, object]], bool]

# Operators by type: RFC 7644 section 3.4.2.2, table 3. Boolean and binary values have no order.
_EQUALITY = frozenset({"eq", "ne"})
_ORDER = frozenset({"gt", "ge", "lt", "le"})
_TEXT = frozenset({"co", "sw", "ew"})
OPERATORS: dict[Type, frozenset[str]] = {
    "string": _EQUALITY | _ORDER | _TEXT,
    "reference": _EQUALITY | _ORDER | _TEXT,
    "dateTime": _EQUALITY | _ORDER,
    "integer": _EQUALITY | _ORDER,
    "decimal": _EQUALITY | _ORDER,
    "boolean": _EQUALITY,
    "binary": _EQUALITY,
    "complex": frozenset(),  # its sub-attributes are compared
}

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def literal(attribute: Attribute, comparison: Comparison) -> Comparable | None:
    """Return the literal of a comparison, in the form for comparisons.

    Names are canonical. Other strings are folded unless the attribute is case-exact. Dates are
    aware datetimes in UTC. None means `null`.

    Raises:
        ScimError: 400 `invalidFilter` if the operator or the literal does not fit the attribute.
    """
    name, value = comparison.name, comparison.value
    allowed = _EQUALITY if value is None else OPERATORS[attribute.type]
    if comparison.operator not in allowed:
        kind = "null" if value is None else f"{name}, which is {attribute.type}"
        raise invalid_filter(
            f"{comparison.operator} cannot be used with {kind}; {', '.join(sorted(allowed))} can."
        )
    if value is None:
        return None
    if attribute.type == "integer" and isinstance(value, int | float) and not is_integer(value):
        raise invalid_filter(f"{name} is an integer, which has at most 64 bits.")
    if attribute.type == "boolean" and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)  # Entra quotes booleans
    normalized = comparable(attribute, value)
    if normalized is None:
        raise invalid_filter(f"{name} is {attribute.type}, which {quoted(str(value))} is not.")
    return normalized


def comparable(attribute: Attribute, value: object) -> Comparable | None:
    """Return a value in the form for comparisons, or None if it has the wrong type."""
    match attribute.type:
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer" | "decimal":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            return value
        case "dateTime":
            return _instant(value) if isinstance(value, str) else None
    if not isinstance(value, str):
        return None
    if attribute.case_exact or attribute.type == "binary":
        return value
    return canonical(value) if attribute.canonical_column else fold(value)


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def holds_of_absent(comparison: Comparison) -> bool:
    """Return whether a comparison is true for an absent attribute."""
    return (comparison.operator == "ne") != (comparison.value is None)


def assumed(attribute: Attribute) -> bool | None:
    """Return the value that an element is compared by if it has none, or None.

    `primary` is then false (RFC 7643 section 2.4). Only `eq null` and `pr` find that it is absent.
    """
    return False if attribute.name == "primary" and attribute.type == "boolean" else None


def predicate(expression: Expression, attribute: Attribute) -> Predicate:
    """Return a filter as a function of an element of a multi-valued complex attribute.

    Names refer to sub-attributes. They may be written as `emails.type` or with the URN. The whole
    filter is checked here, before it is evaluated.

    Raises:
        ScimError: 400 `invalidFilter` for invalid names, operators and literals.
    """
    match expression:
        case And(operands):
            conditions = [predicate(operand, attribute) for operand in operands]
            return lambda element: all(condition(element) for condition in conditions)
        case Or(operands):
            conditions = [predicate(operand, attribute) for operand in operands]
            return lambda element: any(condition(element) for condition in conditions)
        case Not(operand):
            condition = predicate(operand, attribute)
            return lambda element: not condition(element)
        case Present(name):
            key = sub_attribute(attribute, name).name
            return lambda element: is_present(element.get(key))
        case Comparison():
            return _comparison_predicate(expression, sub_attribute(attribute, expression.name))
        case ElementFilter(name):
            raise invalid_filter(f"A filter in brackets cannot be inside another one: {name}[…].")


def _comparison_predicate(comparison: Comparison, attribute: Attribute) -> Predicate:
    expected = literal(attribute, comparison)
    negated = comparison.operator == "ne"
    compare = _COMPARE["eq" if negated else comparison.operator]
    default = None if expected is None else assumed(attribute)

    def holds(element: Mapping[str, object]) -> bool:
        stored = element.get(attribute.name, default)
        value = comparable(attribute, stored)
        if value is None or expected is None:
            return (stored is None and expected is None) != negated
        return compare(value, expected) != negated

    return holds


def sub_attribute(attribute: Attribute, name: str) -> Attribute:
    """Return the sub-attribute that a name in a filter in brackets refers to.

    Raises:
        ScimError: 400 `invalidFilter` for an unknown name.
    """
    # Attribute names contain no colon, so the part before the last colon is a URN.
    short = name.rpartition(":")[2]
    prefix, dot, rest = short.partition(".")
    if dot and prefix.lower() == attribute.name.lower():
        short = rest
    if found := attribute.sub_attribute(short):
        return found
    raise invalid_filter(f"{attribute.name} has no sub-attribute {quoted(name)}.")
