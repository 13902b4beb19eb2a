"""Where the values of a resource are stored, and the document that they make up.

A document is a resource of clean values (see `scim.cleaning`). Its values are in three places: the
host user has those of `HostAdapter.user_fields`, so that an edit in the host shows at once; columns
of the link have what resources are looked up by; the link's JSON has everything else, as it was
sent. A value that is nothing is absent, in each of them; only `host_input` knows empty strings.

Of a multi-valued attribute the host keeps one value, such as that of `emails.value`: the preferred
element's. In the JSON that element has no value: it is the placeholder, and there is one always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, cast

from django.utils import timezone

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.absence import TEXT_TYPES, is_nothing
from tiled_scim.scim.cleaning import KEPT, Document, check_length
from tiled_scim.scim.matching import comparable
from tiled_scim.sql.rows import GroupRow, UserRow

Element = dict[str, Any]

MODELS: dict[str, type[UserLink | LibraryGroupLink]] = {
    USER.name: UserLink,
    GROUP.name: LibraryGroupLink,
}


@dataclass(frozen=True)
class HostField:
    """An attribute that the host user has.

    Args:
        name: its canonical name, such as `name.givenName`.
        path: where it is in a document.
        column: ORM path of the value, from the user.
    """

    name: str
    path: AttributePath
    column: str

    @cached_property
    def leaf(self) -> Attribute:
        """The innermost attribute of the path."""
        return cast(Attribute, self.path.leaf)

    @cached_property
    def is_writable(self) -> bool:
        """Whether clients write the value; what is read-only is the host's alone."""
        parts = (self.path.attribute, self.path.leaf)
        return all(part.mutability in KEPT for part in parts if part)

    @cached_property
    def is_boolean(self) -> bool:
        """Whether it may be about access, which absence never changes."""
        return self.leaf.type == "boolean"


HostFields = tuple[HostField, ...]
HostValues = dict[str, Any]


def host_fields(adapter: HostAdapter) -> HostFields:
    """Return the attributes that the host user has.

    Raises:
        LookupError: `HostAdapter.user_fields` names an attribute that no schema has.
    """
    return _host_fields(tuple(adapter.user_fields.items()))


@lru_cache
def _host_fields(columns: tuple[tuple[str, str], ...]) -> HostFields:
    return tuple(_host_field(name, column) for name, column in columns)


def _host_field(name: str, column: str) -> HostField:
    path = USER.resolve(name)
    if path is None or path.attribute is None:
        raise LookupError(f"HostAdapter.user_fields names “{name}”, which no schema has")
    return HostField(str(path), path, column)


# Reading


def read_user(stored: UserRow | UserLink, host: HostValues, fields: HostFields) -> Document:
    """Return the document of a user.

    Args:
        stored: what SCIM keeps of the user: a row, or the link itself.
        host: the host user's values, from `values_of_row` or `values_of_user`.
        fields: the attributes that the host user has.
    """
    document = dict(stored.attributes)
    document["userName"] = stored.user_name
    if stored.external_id:
        document["externalId"] = stored.external_id
    hidden = stored.hidden_values
    for field in fields:
        value = host.get(field.name)
        if value is None or hidden.get(field.name) is not value:
            _put(document, field, value)
    return _in_order(document, USER)


def read_group(stored: GroupRow | LibraryGroupLink) -> Document:
    """Return the document of a group, without its members."""
    document = dict(stored.attributes)
    document["displayName"] = stored.display_name
    if stored.external_id:
        document["externalId"] = stored.external_id
    return _in_order(document, GROUP)


def values_of_row(values: Iterable[Any], fields: HostFields, *, suspended: bool) -> HostValues:
    """Return the host user's values as the account sees them; those that are nothing are absent.

    Args:
        values: what is in the column of each of the fields.
        suspended: whether the user is inactive in the account, whatever the host says.
    """
    found = {
        field.name: _as_json(field.leaf, value)
        for field, value in zip(fields, values, strict=True)
        if value is not None and value != ""
    }
    if any(field.name == "active" for field in fields):
        found["active"] = bool(found.get("active")) and not suspended
    return found


def values_of_user(link: UserLink, fields: HostFields, *, suspended: bool) -> HostValues:
    """As `values_of_row`, from a link whose host user has been read."""
    values = (_follow(link.user, field.column) for field in fields)
    return values_of_row(values, fields, suspended=suspended)


def is_active(host: HostValues) -> bool:
    """Whether a user with these values is active; all are, where the host has no such field."""
    return bool(host.get("active", True))


def _follow(instance: Any, path: str) -> Any:
    """The value at an ORM path such as `profile__title`."""
    for name in path.split("__"):
        instance = getattr(instance, name)
    return instance


def _as_json(attribute: Attribute, value: Any) -> Any:
    """A value of the host's as its attribute has it: a date or a number may stand for text."""
    if isinstance(value, datetime):
        return date_time(value)
    return str(value) if attribute.type in TEXT_TYPES else value


def date_time(moment: datetime) -> str:
    """Return a moment in UTC, as RFC 7643 section 2.3.5 has it; the host may have USE_TZ off."""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    text = aware.astimezone(UTC).isoformat()
    return f"{text.removesuffix('+00:00')}Z"


def _put(document: Document, field: HostField, value: Any) -> None:
    """Set the host's value in a document whose parts are not its own."""
    path, attribute = field.path, cast(Attribute, field.path.attribute)
    container = document
    if path.is_extension:
        container = dict(cast(Document, document.get(path.schema.urn, {})))
    if attribute.multi_valued:
        _set(container, attribute.name, _filled(container, field, value))
    elif path.sub_attribute:
        part = dict(cast(Element, container.get(attribute.name, {})))
        _set(part, field.leaf.name, value)
        _set(container, attribute.name, part)
    else:
        _set(container, attribute.name, value)
    if path.is_extension:
        _set(document, path.schema.urn, container)


def _filled(container: Document, field: HostField, value: Any) -> list[Element]:
    """The elements with the placeholder's value; without one there is no such element."""
    attribute, name = cast(Attribute, field.path.attribute), field.leaf.name
    elements = cast("list[Element]", container.get(attribute.name, [{"primary": True}]))
    return [
        element if name in element else {name: value, **element}
        for element in elements
        if name in element or value is not None
    ]


def _set(container: Element, name: str, value: Any) -> None:
    """Put a value in its place, where nothing is absent."""
    if is_nothing(value):
        container.pop(name, None)
    else:
        container[name] = value


def _in_order(document: Document, resource_type: ResourceType) -> Document:
    """The document in the order of the attribute table."""
    names = (*resource_type.common.names, *resource_type.schema.names)
    ordered = {name: document[name] for name in names if name in document}
    for extension in resource_type.extensions:
        if extension.urn in document:
            ordered[extension.urn] = document[extension.urn]
    return ordered


# Storing


@dataclass(frozen=True)
class StoredValues:
    """A document, divided by the place where each value is stored.

    Args:
        columns: by the name of the link's column; None where there is no value.
        host: by the name of the attribute.
        attributes: the link's JSON.
    """

    columns: dict[str, Any]
    host: HostValues
    attributes: Document


def split(document: Document, resource_type: ResourceType, fields: HostFields) -> StoredValues:
    """Divide a document: the inverse of `read_user` and `read_group`.

    Args:
        fields: the attributes that the host user has; none for a group.

    Raises:
        ScimError: 400, where a column has no room for its value.
    """
    attributes = dict(document)
    columns: dict[str, Any] = {}
    for attribute, column, length in _columns(resource_type):
        value = attributes.pop(attribute, None)
        check_length(attribute, value, length)
        columns[column] = value
    taken = [(field, _take(attributes, field)) for field in fields]
    host = {field.name: value for field, value in taken if field.is_writable and value is not None}
    attributes = {name: value for name, value in attributes.items() if not is_nothing(value)}
    return StoredValues(columns, host, attributes)


def _columns(resource_type: ResourceType) -> Iterator[tuple[str, str, int | None]]:
    """The attributes that have a column which clients write: name, column, and room in it."""
    opts = MODELS[resource_type.name]._meta
    for attribute in (*resource_type.common.attributes, *resource_type.schema.attributes):
        if attribute.column and attribute.mutability != "readOnly":
            room = getattr(opts.get_field(attribute.column), "max_length", None)
            yield attribute.name, attribute.column, room


def _take(attributes: Document, field: HostField) -> Any:
    """Remove the host's value from a document, whose parts are not its own, and return it."""
    path, attribute = field.path, cast(Attribute, field.path.attribute)
    container = attributes
    if path.is_extension:
        container = dict(cast(Document, attributes.get(path.schema.urn, {})))
    value: Any
    if attribute.multi_valued:
        elements = cast("list[Element]", container.get(attribute.name, []))
        value, container[attribute.name] = _emptied(elements, field.leaf.name)
    elif path.sub_attribute:
        part = dict(cast(Element, container.get(attribute.name, {})))
        value = part.pop(field.leaf.name, None)
        _set(container, attribute.name, part)
    else:
        value = container.pop(attribute.name, None)
    if path.is_extension:
        _set(attributes, path.schema.urn, container)
    return None if value == "" else value


def _emptied(elements: Iterable[Element], name: str) -> tuple[Any, list[Element]]:
    """The preferred element's value, and the elements with that one as the placeholder."""
    valued = [element for element in elements if element.get(name)]
    preferred = min(valued, key=_preference, default=None)
    if preferred is None:
        return None, [{"primary": True}]
    placeholder = {part: value for part, value in preferred.items() if part != name}
    kept = [placeholder if element is preferred else element for element in valued]
    return preferred[name], kept


def _preference(element: Element) -> int:
    """The primary one; else the one for work; else the first, as `min` keeps the order."""
    if element.get("primary"):
        return 0
    return 1 if element.get("type") == "work" else 2


# Comparing


def hidden_values(
    host: HostValues,
    current: HostValues,
    before: Mapping[str, bool],
    fields: HostFields,
    *,
    removes: bool,
) -> dict[str, bool]:
    """Return the host's booleans that will not be shown, with the value that the host has.

    Args:
        host: the values that the client wants the host user to have.
        current: those that the host user has.
        before: what was hidden until now.
        removes: whether a client that leaves a boolean out removes it, as a PATCH does. What it
            gave is taken away then, but for `active`: nobody loses access without being told so.
    """
    hidden = {}
    for field in fields:
        name, wanted = field.name, host.get(field.name)
        if not (field.is_boolean and field.is_writable):
            continue
        if wanted is None and removes:
            hidden[name] = name == "active" and bool(current.get(name))
        elif name in before and (wanted is None or wanted == current.get(name) != before[name]):
            # What people gave since is shown: to send it back changes nothing.
            hidden[name] = before[name]
    return hidden


def host_changes(
    host: HostValues,
    current: HostValues,
    fields: HostFields,
    *,
    hidden: Mapping[str, bool],
    clears: bool = True,
) -> HostValues:
    """Return the values of the host user that will differ; None where one is to be cleared.

    Args:
        host: the values that the client wants the host user to have.
        current: those that the host user has.
        hidden: the booleans that are removed, with the value that they have from now on.
        clears: whether values that are absent are cleared, if they have nothing to do with access.
    """
    changes: HostValues = {}
    for field in fields:
        name, wanted = field.name, host.get(field.name)
        if not field.is_writable:
            continue
        if wanted is None and field.is_boolean:
            if name not in hidden:
                continue
            wanted = hidden[name]
        if wanted is None and not clears:
            continue
        if not _is_same(field.leaf, wanted, current.get(name)):
            changes[name] = wanted
    return changes


def host_input(values: HostValues) -> HostValues:
    """Return values as `HostAdapter` takes them: an attribute that is cleared is an empty text."""
    return {name: "" if value is None else value for name, value in values.items()}


def _is_same(attribute: Attribute, value: Any, current: Any) -> bool:
    """Whether two values are one; dates are, where they are one moment."""
    if attribute.type == "dateTime" and value and current:
        return comparable(attribute, value) == comparable(attribute, current)
    if attribute.type == "boolean":
        return bool(value) == bool(current)
    return bool(value == current)
