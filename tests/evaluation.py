"""Filters and sorting in plain Python, over resources as a client sees them.

Written from RFC 7644 section 3.4.2.2 and the rules of `scim.matching`, not with its code.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tiled_scim.attributes import Attribute, ResourceType
from tiled_scim.scim.grammar import And, Comparison, ElementFilter, Expression, Not, Or, Present
from tiled_scim.scim.text import canonical, fold

Resource = dict[str, Any]


def is_chosen(resource: Resource, expression: Expression, resource_type: ResourceType) -> bool:
    """Whether a filter chooses a resource."""
    match expression:
        case And(operands):
            return all(is_chosen(resource, operand, resource_type) for operand in operands)
        case Or(operands):
            return any(is_chosen(resource, operand, resource_type) for operand in operands)
        case Not(operand):
            return not is_chosen(resource, operand, resource_type)
        case Present(name):
            _, values = found(resource, name, resource_type)
            return any(map(is_present, values))
        case Comparison(name):
            attribute, values = found(resource, name, resource_type)
            if not values:
                return (expression.operator == "ne") != (expression.value is None)
            return any(fits(attribute, value, expression) for value in values)
        case ElementFilter(name, operand):
            attribute, elements = found(resource, name, resource_type, whole=True)
            return any(is_element_chosen(element, operand, attribute) for element in elements)


def is_element_chosen(element: Any, expression: Expression, attribute: Attribute) -> bool:
    """Whether a filter in brackets chooses an element."""
    match expression:
        case And(operands):
            return all(is_element_chosen(element, operand, attribute) for operand in operands)
        case Or(operands):
            return any(is_element_chosen(element, operand, attribute) for operand in operands)
        case Not(operand):
            return not is_element_chosen(element, operand, attribute)
        case Present(name):
            return part(element, name) not in (None, "")
        case Comparison(name):
            sub_attribute = attribute.sub_attribute(name) or attribute
            return fits(sub_attribute, part(element, name), expression)
        case ElementFilter():
            raise AssertionError("brackets in brackets")


def found(
    resource: Resource, name: str, resource_type: ResourceType, *, whole: bool = False
) -> tuple[Attribute, list[Any]]:
    """The attribute that a comparison is about, and its values: one, or those of each element."""
    path = resource_type.resolve(name)
    assert path is not None
    container = resource.get(path.schema.urn, {}) if path.is_extension else resource
    if path.attribute is None:
        return Attribute("schema", "complex"), [bool(container) or None]
    attribute, value = path.attribute, container.get(path.attribute.name)
    sub_attribute = path.sub_attribute
    if not attribute.multi_valued:
        return (
            (sub_attribute, [part(value, sub_attribute.name)])
            if sub_attribute
            else (
                attribute,
                [value],
            )
        )
    elements = value or []
    if whole:
        return attribute, elements
    sub_attribute = sub_attribute or attribute.sub_attribute("value")
    if sub_attribute is None:
        return attribute, elements
    return sub_attribute, [part(element, sub_attribute.name) for element in elements]


def is_present(value: Any) -> bool:
    """Whether a value is not empty, nor all that is in it."""
    if isinstance(value, dict):
        return any(map(is_present, value.values()))
    return value not in (None, "")


def part(value: Any, name: str) -> Any:
    """A sub-attribute's value; a simple element is its own `value`."""
    if isinstance(value, dict):
        return {key.lower(): part for key, part in value.items()}.get(name.lower())
    return value


def fits(attribute: Attribute, value: Any, comparison: Comparison) -> bool:
    """Whether a comparison is true of a value."""
    if comparison.operator == "ne":
        return not fits(attribute, value, Comparison(comparison.name, "eq", comparison.value))
    if value is None and comparison.value is not None and attribute.name == "primary":
        value = False  # RFC 7643 section 2.4
    if value is None or comparison.value is None:
        return value is None and comparison.value is None
    left, right = comparable(attribute, value), comparable(attribute, comparison.value)
    return OPERATORS[comparison.operator](left, right)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "co": lambda left, right: right in left,
    "sw": lambda left, right: bool(left.startswith(right)),
    "ew": lambda left, right: bool(left.endswith(right)),
    "gt": lambda left, right: bool(left > right),
    "ge": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "le": lambda left, right: bool(left <= right),
}


def comparable(attribute: Attribute, value: Any) -> Any:
    """A value in the form in which it is compared."""
    if attribute.type == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if attribute.type == "dateTime" and isinstance(value, str):
        return datetime.fromisoformat(value)
    is_text = isinstance(value, str) and attribute.type != "binary"
    if not is_text or attribute.case_exact:
        return value
    return canonical(value) if attribute.canonical_column else fold(value)


def in_order(
    resources: list[Resource], name: str, descending: bool, resource_type: ResourceType
) -> list[Resource]:
    """The resources by an attribute: those without a value at the end, or at the beginning."""
    keys = [sort_value(resource, name, resource_type) for resource in resources]
    present = [pair for pair in zip(keys, resources, strict=True) if pair[0] is not None]
    absent = [resource for key, resource in zip(keys, resources, strict=True) if key is None]
    present.sort(key=lambda pair: pair[0], reverse=descending)
    if descending:  # a reversed sort keeps equal ones in their order
        return absent + [resource for _, resource in present]
    return [resource for _, resource in present] + absent


def sort_value(resource: Resource, name: str, resource_type: ResourceType) -> Any:
    """What a resource is sorted by: of several values the primary one's, or else the first's."""
    path = resource_type.resolve(name)
    assert path is not None
    attribute, values = found(resource, name, resource_type)
    if path.attribute is not None and path.attribute.multi_valued:
        _, elements = found(resource, name, resource_type, whole=True)
        ranks = [part(element, "primary") is not True for element in elements]
        values = [value for _, value in sorted(zip(ranks, values, strict=True), key=_first)]
    value = values[0] if values else None
    return None if value is None else comparable(attribute, value)


def _first(pair: tuple[bool, Any]) -> bool:
    return pair[0]
