"""Check and convert the values that clients send, by the attribute table (RFC 7643 section 2).

The results are clean: canonical names, real booleans, and only attributes that clients may write. A
**document** has all clean values of a resource: core attributes at the top, and the attributes of
an extension in an object under its URN. It omits unassigned attributes.

The module is long, because documents, elements and values are cleaned by functions that call each
other, one for each type of RFC 7643 section 2.3.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from datetime import datetime
from typing import cast

from tiled_scim.attributes import Attribute, AttributePath, ResourceType, Schema
from tiled_scim.errors import invalid_syntax, invalid_value, mutability, too_large
from tiled_scim.scim.absence import is_blank, is_nothing, is_null, is_null_element
from tiled_scim.scim.grammar import quoted
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.matching import comparable
from tiled_scim.scim.numbers import as_float, is_integer, without_exponent

Document = dict[str, object]

# The maximum number of values, except members. Users have a few, and at most some hundred
# entitlements. Each operation of a PATCH reads all of them.
MAX_ELEMENTS = 1000

# The maximum number of characters of a text, such as a small picture or a certificate in base64.
MAX_TEXT = 32_768
# The maximum size of a resource as JSON in UTF-8, without members. People have some kilobytes. A
# page has a hundred of them, and Python needs up to twenty times as much memory.
MAX_RESOURCE_BYTES = 50_000

# Clients cannot write read-only values. Write-only values (password) are not stored.
KEPT = frozenset({"readWrite", "immutable"})

# Entra ID and OneLogin send booleans as strings.
BOOLEANS = {"true": True, "false": False}


def clean(
    attribute: Attribute, value: object, name: str, *, accept_lone_element: bool = False
) -> object:
    """Check and convert the value of an attribute.

    Args:
        attribute: The attribute.
        value: The JSON value that the client sent.
        name: The name of the attribute for errors.
        accept_lone_element: Whether a single element is accepted as an array, as PATCH allows.

    Returns:
        The clean value, a list for a multi-valued attribute, or None for an unassigned one.

    Raises:
        ScimError: invalidValue, or invalidSyntax for a repeated name.
    """
    if is_null(value, attribute):
        return None
    if attribute.multi_valued:
        return _clean_elements(attribute, value, name, accept_lone_element)
    return clean_element(attribute, value, name)


def clean_element(attribute: Attribute, value: object, name: str) -> object:
    """Return the clean form of an element, or of the value of a single-valued attribute."""
    if is_null_element(value, attribute):
        return None
    return _CLEANERS[attribute.type](attribute, value, name)


def clean_document(resource_type: ResourceType, body: Mapping[str, object]) -> Document:
    """Return the document of the body of a POST or PUT.

    Names may have any case. Unknown, read-only and write-only attributes are ignored (RFC 7644
    section 3.3), and so are null and empty ones, which are unassigned (RFC 7643 section 2.5). An
    empty list of members is kept, because it empties the group. Names may have the URN of their
    schema before them, and core attributes may be in an object under theirs, as in a PATCH.

    Raises:
        ScimError: invalidValue for an invalid value, or a missing required one; invalidSyntax for a
            repeated name.
    """
    body = _in_place(resource_type, body)
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


def _in_place(resource_type: ResourceType, body: Mapping[str, object]) -> Mapping[str, object]:
    """Return a body with each attribute where a document has it, wherever its URN is.

    Raises:
        ScimError: invalidSyntax for an attribute that is given twice, with and without its URN.
    """
    qualified = [name for name in body if _is_qualified(name, resource_type)]
    if not qualified:
        return body
    top = {name.lower(): value for name, value in named_values(body)}
    values = [(name, top.pop(name.lower())) for name in qualified]
    extensions = {
        urn.lower(): _names_of(top.get(urn.lower()), urn)
        for urn in (extension.urn for extension in resource_type.extensions)
    }
    for path, value in _values_of_paths(values, resource_type):
        container = extensions[path.schema.urn.lower()] if path.is_extension else top
        name = cast(Attribute, path.attribute).name
        if name.lower() in container:
            raise invalid_syntax(f"{path} is given twice, with and without its URN.")
        container[name.lower()] = value
    return {**top, **extensions}


def _is_qualified(name: str, resource_type: ResourceType) -> bool:
    """Return whether a name has a URN, and is not that of an extension."""
    return name[:4].lower() == "urn:" and resource_type.extension(name) is None


def _values_of_paths(
    values: Iterable[tuple[str, object]], resource_type: ResourceType
) -> Iterator[tuple[AttributePath, object]]:
    """Yield the attributes that qualified names stand for, with their values."""
    for name, value in values:
        sent = {name: value}
        if resource_type.is_core(name):
            sent = {f"{name}:{part}": each for part, each in _names_of(value, name).items()}
        for qualified, each in sent.items():
            path = resource_type.resolve(qualified)
            if path and path.attribute and not path.sub_attribute:
                yield path, each


def _names_of(value: object, urn: str) -> dict[str, object]:
    """Return a copy of the object under a URN, with the names in lower case."""
    if is_null(value):
        return {}
    if not isinstance(value, Mapping):
        raise invalid_value(f"{urn} must be an object.")
    return {name.lower(): part for name, part in named_values(value)}


def clean_extension(extension: Schema, value: object) -> Document:
    """Return the clean attributes of an extension, from the object under its URN."""
    if is_null(value):
        return {}
    if not isinstance(value, Mapping):
        raise invalid_value(f"{extension.urn} must be an object.")
    values = _clean_object(value, extension.attribute, f"{extension.urn}:")
    if not is_nothing(values):
        check_required(extension, values, f"{extension.urn}:")
    return values


def check_length(name: str, value: object, limit: int | None) -> None:
    """Refuse a text that is too long to be stored. Values are never truncated.

    Raises:
        ScimError: invalidValue.
    """
    if limit is not None and isinstance(value, str) and len(value) > limit:
        raise invalid_value(f"{name} may have {limit} characters here, and {len(value)} were sent.")


def named_values(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the names and values of a JSON object. Names ignore case (RFC 7643 section 2.1).

    Raises:
        ScimError: invalidSyntax for names that only differ in case, because it is unclear which
            value is meant.
    """
    seen = set()
    for name, sub_value in value.items():
        folded = name.lower()
        if folded in seen:
            raise invalid_syntax(f"{quoted(name)} is given twice, in different letter case.")
        seen.add(folded)
        yield name, sub_value


def check_primary(elements: list[object], name: str) -> None:
    """Refuse more than one primary element (RFC 7643 section 2.4)."""
    primaries = sum(isinstance(e, Mapping) and e.get("primary") is True for e in elements)
    if primaries > 1:
        raise invalid_value(f"{name} may have one primary value, and {primaries} were sent.")


def check_number(attribute: Attribute, elements: Sized) -> None:
    """Refuse too many elements. Members have no limit, because they are rows.

    Raises:
        ScimError: invalidValue.
    """
    if len(elements) > MAX_ELEMENTS and not attribute.relation:
        raise invalid_value(
            f"{attribute.name} may have {MAX_ELEMENTS} values, and would have {len(elements)}."
        )


def check_size(
    document: Document, resource_type: ResourceType, before: Document | None = None
) -> int:
    """Return the size of a document in bytes. Members do not count, because they are rows.

    Args:
        document: The document.
        resource_type: Its resource type.
        before: The document that it replaces. It may be too large by what the host has stored, and
            may then become smaller.

    Raises:
        ScimError: 413 for a document that is too large.
    """
    size = _size(document, resource_type)
    if size <= MAX_RESOURCE_BYTES or (before and size <= _size(before, resource_type)):
        return size
    raise too_large(
        f"The {resource_type.name} would have {size} bytes as JSON, and may have "
        f"{MAX_RESOURCE_BYTES}. Send fewer or shorter values."
    )


def _size(document: Document, resource_type: ResourceType) -> int:
    relations = {each.name for each in resource_type.schema.attributes if each.relation}
    return size_as_json({name: document[name] for name in document if name not in relations})


def size_as_json(value: object) -> int:
    """Return the number of bytes that a value takes as JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def check_immutable(before: Document, after: Document, resource_type: ResourceType) -> None:
    """Refuse a change of an immutable value (RFC 7644 sections 3.5.1 and 3.5.2).

    Omitting the value counts as a change. Sub-attributes of elements are not checked, because a
    changed element cannot be distinguished from another one.

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
    """Return a clean value in a form for comparisons.

    The order of elements is ignored. Case is ignored unless the attribute is case-exact.
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
        # An empty list of members is kept, because it empties the group.
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
    if attribute.relation:
        # An empty object beside others says nothing.
        value = [element for element in value if element != {}] or value
    cleaned = [clean_element(attribute, element, name) for element in value]
    if attribute.relation:
        _check_related(cleaned, name)
    elements = [element for element in cleaned if not is_nothing(element)]
    check_primary(elements, name)
    return elements


def _check_related(elements: list[object], name: str) -> None:
    """Refuse elements without an id. Ignoring them could empty a group."""
    if any(not isinstance(e, Mapping) or is_blank(e.get("value")) for e in elements):
        raise invalid_value(f"{name} must give the id of each one as its value.")


def check_required(schema: Schema, values: Mapping[str, object], prefix: str) -> None:
    """Refuse values without a required attribute of the schema.

    Raises:
        ScimError: invalidValue.
    """
    for attribute in schema.attributes:
        if attribute.required and is_blank(values.get(attribute.name)):
            raise invalid_value(f"{prefix}{attribute.name} is required.")


def as_object(attribute: Attribute, value: object, name: str) -> Mapping[str, object]:
    """Return the value of a complex attribute as an object.

    Entra ID sends roles, members and the manager as strings, which become the `value`.

    Raises:
        ScimError: invalidValue, also for a string that cannot be the `value`.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) and _stands_for_object(attribute, value):
        return {"value": value}
    if attribute.accepts_text:
        meant = "the id of one" if attribute.relation else "its value as plain text"
        raise invalid_value(f"{name} must be an object, or {meant}.")
    raise invalid_value(f"{name} must be an object.")


def _stands_for_object(attribute: Attribute, text: str) -> bool:
    """Return whether a text is the `value` of a complex attribute.

    Entra ID can also send JSON as a text (`SingleAppRoleAssignment` without its counterpart), and
    that is not a value.
    """
    if attribute.relation:
        return attribute.accepts_text and as_uuid(text) is not None
    return attribute.accepts_text and not _is_json(text)


def _is_json(text: str) -> bool:
    """Return whether a text is a JSON array or object."""
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def _clean_complex(attribute: Attribute, value: object, name: str) -> object:
    sub_values = as_object(attribute, value, name)
    values = _clean_object(sub_values, attribute.sub_attribute, f"{name}.")
    return None if is_nothing(values) else values


def _clean_text(attribute: Attribute, value: object, name: str) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{name} must be a string.")
    if len(value) > MAX_TEXT:
        raise invalid_value(f"{name} may have {MAX_TEXT} characters, and {len(value)} were sent.")
    if not is_storable(value):
        raise invalid_value(f"{name} has a character that cannot be stored.")
    return value


def is_storable(text: str) -> bool:
    """Return whether databases can store a text: without NUL and without lone surrogates."""
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
    if not is_integer(value):
        raise invalid_value(f"{name} must be a whole number of at most 64 bits.")
    return value


def _clean_decimal(attribute: Attribute, value: object, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_value(f"{name} must be a number.")
    number = as_float(value)
    if number is None:
        raise invalid_value(f"{name} must be a number of at most 64 bits.")
    is_exact = isinstance(value, int) and is_integer(value)
    return value if is_exact else without_exponent(number)


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
        # Clients may omit the padding (RFC 7643 section 2.3.6).
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
