"""Decide when a value counts as absent: in requests, storage, checks and filters.

A clean document contains no null, no empty array and no empty object. The only exception is
`members: []`, which empties a group, while an absent `members` does not. An empty string is a value
of a text attribute, and is returned as it was sent.
"""

from __future__ import annotations

from typing import Any

from tiled_scim.attributes import Attribute

# Types for which "" is a value. For other types it means "no value": Okta sends it for an empty
# profile field of any type.
TEXT_TYPES = frozenset({"string", "reference", "binary"})


def is_nothing(value: object) -> bool:
    """Return whether a clean value counts as absent, so that documents omit it."""
    return value is None or value == [] or value == {}


def set_value(container: dict[str, Any], name: str, value: object) -> None:
    """Set a clean value, or remove it if it counts as absent."""
    if is_nothing(value):
        container.pop(name, None)
    else:
        container[name] = value


def is_null(value: object, attribute: Attribute | None = None) -> bool:
    """Return whether a value that a client sent is null, or "" if that means "no value".

    The meaning of an empty array or object depends on the attribute, so they are not null.

    Args:
        value: The value as it was sent.
        attribute: The attribute of the value. None for an extension.
    """
    return value is None or (value == "" and (attribute is None or not _has_text(attribute)))


def is_null_element(value: object, attribute: Attribute) -> bool:
    """Return whether an element that a client sent is null, so that its array omits it.

    Args:
        value: The element as it was sent.
        attribute: The attribute of the element.
    """
    return value is None or (value == "" and attribute.type not in TEXT_TYPES)


def is_blank(value: object) -> bool:
    """Return whether a required attribute with this clean value counts as missing."""
    return is_nothing(value) or (isinstance(value, str) and not value.strip())


def is_present(value: object) -> bool:
    """Return whether `pr` is true for a value (RFC 7644 section 3.4.2.2). It is for False and 0."""
    return not is_nothing(value) and value != ""


def _has_text(attribute: Attribute) -> bool:
    return attribute.type in TEXT_TYPES and not attribute.multi_valued
