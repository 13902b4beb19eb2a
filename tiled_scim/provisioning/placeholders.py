"""Divide the elements of an attribute of which the host stores one value, and join them again.

The host stores one value of a multi-valued attribute, such as `emails.value`: that of the preferred
element. In the link's JSON, this element has no value and is called the placeholder. There is
always one, so that a value that the host gives later is shown. Other elements without a value have
an empty text there, which distinguishes them from the placeholder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tiled_scim.scim.elements import preferred

Element = dict[str, Any]

# The value in the JSON of an element without a value.
NO_VALUE = ""


def divided(elements: Iterable[Element], name: str) -> tuple[Any, list[Element]]:
    """Return the value for the host, and the elements for the link's JSON.

    Args:
        elements: The elements of a document.
        name: The sub-attribute that the host stores.

    Returns:
        The value of the preferred element, or None if no element has a value.
    """
    known = [element for element in elements if any(part != "" for part in element.values())]
    chosen = preferred(known, name)
    if chosen is not None:
        return chosen[name], [_stored(each, name, chosen) for each in known]
    has_primary = any(element.get("primary") for element in known)
    placeholder = {} if has_primary else {"primary": True}
    return None, [*(_stored(each, name, None) for each in known), placeholder]


def joined(elements: Iterable[Element], name: str, value: Any) -> list[Element]:
    """Return the elements of the link's JSON with the host's value in the placeholder.

    Without a value, the placeholder is omitted.
    """
    return list(_joined(elements, name, value))


def shown(elements: Iterable[Element], name: str, value: Any) -> list[Element]:
    """Return the elements for a document: as `joined` does, but without empty values."""
    return [
        element if element[name] != NO_VALUE else _without(element, name)
        for element in _joined(elements, name, value)
    ]


def _joined(elements: Iterable[Element], name: str, value: Any) -> Iterator[Element]:
    for element in elements:
        if name in element:
            yield element
        elif value is not None:
            yield {name: value, **element}


def _stored(element: Element, name: str, chosen: Mapping[str, Any] | None) -> Element:
    if element is chosen:
        return _without(element, name)
    return element if element.get(name) else {**element, name: NO_VALUE}


def _without(element: Element, name: str) -> Element:
    return {part: value for part, value in element.items() if part != name}
