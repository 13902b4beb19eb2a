"""Add and remove elements of multi-valued attributes.

See RFC 7643 section 2.4 and RFC 7644 section 3.5.2. The functions return new lists and do not
change their arguments.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from tiled_scim.attributes import Attribute
from tiled_scim.scim.cleaning import check_number, check_primary
from tiled_scim.scim.text import fold


def merged(
    attribute: Attribute, elements: Sequence[object], added: Iterable[object]
) -> list[object]:
    """Return the elements with others added. An existing element is updated.

    Raises:
        ScimError: invalidValue for too many elements, or more than one primary element.
    """
    result = list(elements)
    positions: dict[Hashable, int] = {}
    for position, element in enumerate(result):
        positions.setdefault(_identities(attribute, element)[0], position)
    chosen = set()
    for element in added:
        position = positions.setdefault(_identities(attribute, element)[0], len(result))
        if position == len(result):
            result.append(element)
        else:
            result[position] = _combined(result[position], element)
        chosen.add(position)
    check_number(attribute, result)
    return with_one_primary(attribute, result, chosen)


def without(
    attribute: Attribute, elements: Iterable[object], removed: Iterable[object]
) -> list[object]:
    """Return the elements that do not match a removed element.

    A removed value without a type matches the value of any type.
    """
    gone = {_identities(attribute, element)[0] for element in removed}
    return [element for element in elements if gone.isdisjoint(_identities(attribute, element))]


def with_one_primary(
    attribute: Attribute, elements: list[object], chosen: Collection[int]
) -> list[object]:
    """Return the elements with at most one primary element.

    If an element that was just written is primary, all others become non-primary (RFC 7644 section
    3.5.2).

    Args:
        attribute: The multi-valued attribute.
        elements: Its elements.
        chosen: The positions of the elements that were just written.

    Raises:
        ScimError: invalidValue if more than one of the written elements is primary.
    """
    check_primary([elements[position] for position in chosen], attribute.name)
    if not any(_is_primary(elements[position]) for position in chosen):
        return elements
    return [
        {**element, "primary": False}
        if isinstance(element, Mapping) and _is_primary(element) and position not in chosen
        else element
        for position, element in enumerate(elements)
    ]


def preferred(elements: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """Return the element that stands for all where there is room for one, or None.

    It is the primary element, or else the first one for work, or else the first one.

    Args:
        elements: The elements of a document.
        name: The sub-attribute of which the element must have a value.
    """
    valued = (element for element in elements if element.get(name))
    return min(valued, key=_preference, default=None)


def _preference(element: Mapping[str, Any]) -> int:
    """Return a sort key: the primary element comes first, then elements for work."""
    if element.get("primary"):
        return 0
    return 1 if element.get("type") == "work" else 2


def _is_primary(element: object) -> bool:
    return isinstance(element, Mapping) and element.get("primary") is True


def _combined(element: object, other: object) -> object:
    if isinstance(element, Mapping) and isinstance(other, Mapping):
        return {**element, **other}
    return other


def _identities(attribute: Attribute, element: object) -> tuple[Hashable, ...]:
    """Return the key that identifies an element, and then the one of its value without its type.

    A value is unique for each type, and without one (RFC 7643 section 2.4). Elements without a
    value, such as addresses, are identified by all sub-attributes.
    """
    if not isinstance(element, Mapping):
        return (_comparable(attribute, element),)
    parts = {
        sub_attribute.name: _comparable(sub_attribute, element[sub_attribute.name])
        for sub_attribute in attribute.sub_attributes
        if sub_attribute.name in element
    }
    if "value" not in parts:
        return (frozenset(parts.items()),)
    return (parts["value"], parts.get("type")), (parts["value"], None)


def _comparable(attribute: Attribute, value: object) -> str:
    if isinstance(value, str) and not attribute.case_exact:
        return fold(value)
    return json.dumps(value)
