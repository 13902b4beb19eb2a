"""Lists of elements: what adding to and removing from a multi-valued attribute does.

RFC 7643 section 2.4 and RFC 7644 section 3.5.2. The functions return new lists of new elements.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

from tiled_scim.attributes import Attribute
from tiled_scim.scim.cleaning import check_number, check_primary
from tiled_scim.scim.text import fold


def merged(
    attribute: Attribute, elements: Sequence[object], added: Iterable[object]
) -> list[object]:
    """The elements with others added; one that is there already takes up what is new of it.

    Raises:
        ScimError: invalidValue for more than there may be, or more than one primary element.
    """
    result = list(elements)
    positions: dict[Hashable, int] = {}
    for position, element in enumerate(result):
        _note(positions, attribute, element, position)
    chosen = set()
    for element in added:
        position = positions.get(_identities(attribute, element)[0], len(result))
        if position == len(result):
            result.append(element)
            _note(positions, attribute, element, position)
        else:
            result[position] = _combined(result[position], element)
        chosen.add(position)
    check_number(attribute, result)
    return with_one_primary(attribute, result, chosen)


def without(
    attribute: Attribute, elements: Iterable[object], removed: Iterable[object]
) -> list[object]:
    """The elements that none of the removed ones stands for."""
    gone = {_identities(attribute, element)[0] for element in removed}
    return [element for element in elements if gone.isdisjoint(_identities(attribute, element))]


def with_one_primary(
    attribute: Attribute, elements: list[object], chosen: Collection[int]
) -> list[object]:
    """The elements where those at some positions were just written.

    If one of them is primary, all others cease to be (RFC 7644 section 3.5.2).

    Raises:
        ScimError: invalidValue where more than one of those written is primary.
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


def _is_primary(element: object) -> bool:
    return isinstance(element, Mapping) and element.get("primary") is True


def _combined(element: object, other: object) -> object:
    if isinstance(element, Mapping) and isinstance(other, Mapping):
        return {**element, **other}
    return other


def _note(
    positions: dict[Hashable, int], attribute: Attribute, element: object, position: int
) -> None:
    for identity in _identities(attribute, element):
        positions.setdefault(identity, position)


def _identities(attribute: Attribute, element: object) -> tuple[Hashable, ...]:
    """What an element is known by, the most exact first.

    A value is there once for each type (RFC 7643 section 2.4); who leaves the type out means the
    value whatever its type. Elements that have no value, such as addresses, are known by all that
    is in them.
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
    return json.dumps(value, sort_keys=True)
