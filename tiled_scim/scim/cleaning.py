"""Values that clients send, checked and coerced by the attribute table (RFC 7643 section 2).

What comes out is clean: canonical names, real booleans, nothing that a client may not write. A
**document** is a whole resource of clean values: core attributes at the top, the attributes of an
extension in an object under its URN, unassigned attributes absent.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sized
from datetime import datetime
from decimal import Decimal
from typing import cast

from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.errors import invalid_syntax, invalid_value, mutability
from tiled_scim.scim.absence import is_blank, is_nothing, is_null, is_null_element
from tiled_scim.scim.grammar import quoted
from tiled_scim.scim.matching import comparable

Document = dict[str, object]

# Of an attribute that is no relation. People have a few of each, and hundreds of entitlements at
# most; each of the operations of a PATCH looks at all of them.
MAX_ELEMENTS = 1000

# Read-only values are the server's, and write-only ones (password) are never kept.
KEPT = frozenset({"readWrite", "immutable"})

# Entra ID and OneLogin send booleans as strings.
BOOLEANS = {"true": True, "false": False}


def clean(
    attribute: Attribute, value: object, name: str, *, accept_lone_element: bool = False
) -> object:
    """One attribute's value, checked and coerced.

    Args:
        attribute: the row of the attribute table.
        value: what the client sent, as JSON.
        name: how to call the attribute in an error's detail.
        accept_lone_element: whether one element may stand for an array of it, as PATCH allows.

    Returns:
        The clean value; a list where the attribute is multi-valued; None where it is unassigned.

    Raises:
        ScimError: invalidValue, or invalidSyntax where a name is given twice.
    """
    if is_null(value, attribute):
        return None
    if attribute.multi_valued:
        return _clean_elements(attribute, value, name, accept_lone_element)
    return clean_element(attribute, value, name)


def clean_element(attribute: Attribute, value: object, name: str) -> object:
    """One element of a multi-valued attribute, or the value of a single-valued one."""
    if is_null_element(value, attribute):
        return None
    return _CLEANERS[attribute.type](attribute, value, name)


def clean_document(resource_type: ResourceType, body: Mapping[str, object]) -> Document:
    """The document that the body of a POST or PUT describes.

    Names are taken in any letter case. Unknown, read-only and write-only attributes are dropped
    (RFC 7644 section 3.3), and so are null and empty ones, which are unassigned (RFC 7643
    section 2.5). An empty list of members stays: it empties the group, where its absence does not.

    Raises:
        ScimError: invalidValue for a value of the wrong kind or a required one that is missing;
            invalidSyntax where a name is given twice.
    """
    document = _clean_object(body, resource_type.attribute, "")
    check_required(resource_type.schema, document, "")
    for key, value in body.items():
        extension = resource_type.extension(key)
        if extension is None:
            continue
        values = clean_extension(extension, value)
        if not is_nothing(values):
            document[extension.urn] = values
    return document


def clean_extension(extension: Schema, value: object) -> Document:
    """The attributes of one extension, from the object under its URN."""
    if is_null(value):
        return {}
    if not isinstance(value, Mapping):
        raise invalid_value(f"{extension.urn} must be an object.")
    values = _clean_object(value, extension.attribute, f"{extension.urn}:")
    if not is_nothing(values):
        check_required(extension, values, f"{extension.urn}:")
    return values


def check_length(name: str, value: object, limit: int | None) -> None:
    """That the place where a value is kept has room for it: nothing is ever cut off.

    Raises:
        ScimError: invalidValue.
    """
    if limit is not None and isinstance(value, str) and len(value) > limit:
        raise invalid_value(f"{name} may have {limit} characters here, and {len(value)} were sent.")


def named_values(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The names and values of a JSON object; names are case-insensitive (RFC 7643 section 2.1).

    Raises:
        ScimError: invalidSyntax where two names differ in letter case alone, since nothing says
            which of the values is meant.
    """
    seen = set()
    for name, sub_value in value.items():
        folded = name.lower()
        if folded in seen:
            raise invalid_syntax(f"{quoted(name)} is given twice, in different letter case.")
        seen.add(folded)
        yield name, sub_value


def check_primary(elements: list[object], name: str) -> None:
    """At most one element is the primary one (RFC 7643 section 2.4)."""
    primaries = sum(isinstance(e, Mapping) and e.get("primary") is True for e in elements)
    if primaries > 1:
        raise invalid_value(f"{name} may have one primary value, and {primaries} were sent.")


def check_number(attribute: Attribute, elements: Sized) -> None:
    """That a multi-valued attribute does not grow without end; members, which are rows, may.

    Raises:
        ScimError: invalidValue.
    """
    if len(elements) > MAX_ELEMENTS and not attribute.relation:
        raise invalid_value(
            f"{attribute.name} may have {MAX_ELEMENTS} values, and would have {len(elements)}."
        )


def check_immutable(before: Document, after: Document, resource_type: ResourceType) -> None:
    """An immutable attribute that has a value keeps it (RFC 7644 sections 3.5.1 and 3.5.2).

    To leave the value out is to change it, too. Parts of elements are not looked at, since nothing
    tells an element that changed from another one.

    Raises:
        ScimError: mutability.
    """
    _check_unchanged(resource_type.schema.attributes, before, after, "")
    for extension in resource_type.extensions:
        prefix = f"{extension.urn}:"
        _check_unchanged(
            extension.attributes, before.get(extension.urn), after.get(extension.urn), prefix
        )


def _check_unchanged(
    attributes: tuple[Attribute, ...], before: object, after: object, prefix: str
) -> None:
    if not isinstance(before, Mapping):
        return
    remaining = after if isinstance(after, Mapping) else {}
    for attribute in attributes:
        old, new = before.get(attribute.name), remaining.get(attribute.name)
        name = prefix + attribute.name
        is_fixed = attribute.mutability == "immutable" and old is not None
        if is_fixed and _in_comparison(attribute, old) != _in_comparison(attribute, new):
            raise mutability(f"{name} is immutable: it keeps the value that it has.")
        if not attribute.multi_valued:
            _check_unchanged(attribute.sub_attributes, old, new, f"{name}.")


def _in_comparison(attribute: Attribute, value: object) -> object:
    """A clean value in the form in which it is equal to what means the same.

    The order of elements means nothing; letter case does, where the attribute says so.
    """
    if isinstance(value, list):
        return sorted((_in_comparison(attribute, element) for element in value), key=repr)
    if isinstance(value, Mapping):
        return {
            part.name: _in_comparison(part, value[part.name])
            for part in attribute.sub_attributes
            if part.name in value
        }
    normalized = comparable(attribute, value)
    return value if normalized is None else normalized


def _clean_object(
    value: Mapping[str, object], find: Callable[[str], Attribute | None], prefix: str
) -> dict[str, object]:
    cleaned: dict[str, object] = {}
    for name, sub_value in named_values(value):
        attribute = find(name)
        if attribute is None or attribute.mutability not in KEPT:
            continue
        result = clean(attribute, sub_value, prefix + attribute.name)
        # An empty list of members stays: it empties the group, where its absence does not.
        if not is_nothing(result) or (attribute.relation and result == []):
            cleaned[attribute.name] = result
    return cleaned


def _clean_elements(
    attribute: Attribute, value: object, name: str, accept_lone_element: bool
) -> list[object]:
    if not isinstance(value, list):
        if not accept_lone_element:
            raise invalid_value(f"{name} must be an array.")
        value = [value]
    check_number(attribute, value)
    cleaned = [clean_element(attribute, element, name) for element in value]
    if attribute.relation:
        _check_related(cleaned, name)
    elements = [element for element in cleaned if not is_nothing(element)]
    check_primary(elements, name)
    return elements


def _check_related(elements: list[object], name: str) -> None:
    """Each element names a resource: one that was dropped for naming none could empty a group."""
    if any(not isinstance(e, Mapping) or is_blank(e.get("value")) for e in elements):
        raise invalid_value(f"{name} must give the id of each one as its value.")


def check_required(schema: Schema, values: Mapping[str, object], prefix: str) -> None:
    """No required attribute of a schema is missing.

    Raises:
        ScimError: invalidValue.
    """
    for attribute in schema.attributes:
        if attribute.required and is_blank(values.get(attribute.name)):
            raise invalid_value(f"{prefix}{attribute.name} is required.")


def as_object(attribute: Attribute, value: object, name: str) -> Mapping[str, object]:
    """The value of a complex attribute; a bare string is its `value`.

    Entra ID sends roles, members and the manager as bare strings.
    """
    if isinstance(value, str) and attribute.sub_attribute("value"):
        return {"value": value}
    if isinstance(value, Mapping):
        return value
    raise invalid_value(f"{name} must be an object.")


def _clean_complex(attribute: Attribute, value: object, name: str) -> object:
    sub_values = as_object(attribute, value, name)
    values = _clean_object(sub_values, attribute.sub_attribute, f"{name}.")
    return None if is_nothing(values) else values


def _clean_text(attribute: Attribute, value: object, name: str) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{name} must be a string.")
    if not is_storable(value):
        raise invalid_value(f"{name} has a character that cannot be stored.")
    return value


def is_storable(text: str) -> bool:
    """Whether databases can keep the text: PostgreSQL takes no NUL, and UTF-8 no lone surrogate."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean_boolean(attribute: Attribute, value: object, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in BOOLEANS:
        return BOOLEANS[value.lower()]
    raise invalid_value(f"{name} must be true or false.")


def _clean_integer(attribute: Attribute, value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_value(f"{name} must be a whole number.")
    return value


def _clean_decimal(attribute: Attribute, value: object, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_value(f"{name} must be a number.")
    if not math.isfinite(value):
        raise invalid_value(f"{name} must be a finite number.")
    return value if isinstance(value, int) else _without_exponent(value)


def _without_exponent(number: float) -> int | float:
    """Return a number as PostgreSQL's JSON has it: 1e22 is whole, and -0.0 is 0.0."""
    return cast("int | float", json.loads(f"{Decimal(repr(number)):f}")) + 0


def _clean_date_time(attribute: Attribute, value: object, name: str) -> str:
    text = _clean_text(attribute, value, name)
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid_value(
            f"{name} must be a date and time such as 2011-05-13T04:42:34Z."
        ) from error
    return text


def _clean_binary(attribute: Attribute, value: object, name: str) -> str:
    text = _clean_text(attribute, value, name)
    try:
        # RFC 7643 section 2.3.6 lets clients leave the padding out.
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_value(f"{name} must be base64.") from error
    return text


_CLEANERS: dict[str, Callable[[Attribute, object, str], object]] = {
    "string": _clean_text,
    "reference": _clean_text,
    "boolean": _clean_boolean,
    "integer": _clean_integer,
    "decimal": _clean_decimal,
    "dateTime": _clean_date_time,
    "binary": _clean_binary,
    "complex": _clean_complex,
}
