"""When there is no value: one notion for what is sent, kept, required and searched.

What is nothing is absent from a clean document: it has no null, no empty array and no empty object.
The one exception is `members: []`, which empties a group where its absence does not. An empty text
is a text where an attribute has texts, and comes back as it was sent.
"""

from __future__ import annotations

from tiled_scim.attributes import Attribute

# Types that have an empty text of their own. For the others "" is how clients say "no value": Okta
# maps an empty profile field to it whatever the attribute's type is.
TEXT_TYPES = frozenset({"string", "reference", "binary"})


def is_nothing(value: object) -> bool:
    """Return whether a clean value is none, so that it is absent from documents."""
    return value is None or value == [] or value == {}


def is_null(value: object, attribute: Attribute | None = None) -> bool:
    """Return whether a value, as it was sent, says that there is none.

    An empty array or object does not: what it says depends on the attribute.

    Args:
        attribute: what it is the value of; None for a whole extension.
    """
    return value is None or (value == "" and (attribute is None or not _has_text(attribute)))


def is_null_element(value: object, attribute: Attribute) -> bool:
    """Return whether an element, as it was sent, is none: to be dropped from its array.

    Args:
        attribute: the one that has the element, or the single value.
    """
    return value is None or (value == "" and attribute.type not in TEXT_TYPES)


def is_blank(value: object) -> bool:
    """Return whether a required attribute with this clean value would still be missing."""
    return is_nothing(value) or (isinstance(value, str) and not value.strip())


def is_present(value: object) -> bool:
    """Return whether `pr` is true (RFC 7644 section 3.4.2.2). False and 0 are values."""
    return not is_nothing(value) and value != ""


def _has_text(attribute: Attribute) -> bool:
    return attribute.type in TEXT_TYPES and not attribute.multi_valued
