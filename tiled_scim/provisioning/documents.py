"""Read the document of a resource from where its values are stored, and divide it again.

A document has the clean values of a resource (see `scim.cleaning`). They are stored in three
places: on the host user, as `HostAdapter.user_fields` says, so that a change by the host is visible
at once; in columns of the link, which resources are looked up by; and, as they were sent, in the
link's JSON. Absent values are absent in each of them. Only `host_input` uses empty strings.

The host stores one value of a multi-valued attribute, such as `emails.value`, see `placeholders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.utils import timezone

from tiled_scim.accounts import AccountAdapter
from tiled_scim.attributes import Attribute, ResourceType
from tiled_scim.database.host_models import follow_path, normalized_username, username_column
from tiled_scim.host import HostAdapter
from tiled_scim.models import LINKS, LibraryGroupLink, UserLink
from tiled_scim.provisioning.placeholders import Element, divided, joined, shown
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.absence import TEXT_TYPES, is_nothing, set_value
from tiled_scim.scim.cleaning import Document, check_length
from tiled_scim.scim.matching import comparable
from tiled_scim.sql.host_fields import HostField, HostFields
from tiled_scim.sql.rows import GroupRow, UserRow

HostValues = dict[str, Any]


def keeps_values(adapter: HostAdapter, fields: HostFields) -> bool:
    """Return whether a saved host user and its membership have the same values as the database.

    They may not if the host adapter saves users itself, or if a value such as a date has another
    form when it is read.
    """
    is_ours = all(
        getattr(type(adapter), name)
        in {getattr(each, name) for each in (HostAdapter, AccountAdapter)}
        for name in ("create_user", "update_user")
    )
    return is_ours and all(field.is_exact for field in fields)


# Reading


def read_user(stored: UserRow | UserLink, host: HostValues, fields: HostFields) -> Document:
    """Return the document of a user.

    Args:
        stored: The columns of the link: a row, or the link itself.
        host: The host's values, from `values_of_row` or `values_of_user`.
        fields: The attributes that are stored in the host.
    """
    document = dict(stored.attributes)
    document["userName"] = stored.user_name
    if stored.external_id:
        document["externalId"] = stored.external_id
    hidden = stored.hidden_values
    for field in fields:
        if stored.keeps_own_values and field.is_private:
            # The order of the parts must not tell where the value is stored.
            _put(document, field, _take(document, field), shown)
            continue
        value = host.get(field.name)
        if value is None or hidden.get(field.name) is not value:
            _put(document, field, value, shown)
    return _in_order(document, USER)


def read_group(stored: GroupRow | LibraryGroupLink) -> Document:
    """Return the document of a group, without its members."""
    document = dict(stored.attributes)
    document["displayName"] = stored.display_name
    if stored.external_id:
        document["externalId"] = stored.external_id
    return _in_order(document, GROUP)


def values_of_row(values: Iterable[Any], fields: HostFields, *, suspended: bool) -> HostValues:
    """Return the host's values as the account sees them, without absent ones.

    Args:
        values: The value of each field's column.
        fields: The attributes that are stored in the host.
        suspended: Whether the user is inactive in the account, whatever the host user says. A
            membership that says whether it is active decides alone.
    """
    found = {
        field.name: _as_json(field.leaf, field.read(value))
        for field, value in zip(fields, values, strict=True)
        if value is not None and value != ""
    }
    for field in fields:
        if field.name == "active":
            is_suspended = suspended and not field.is_membership
            found["active"] = bool(found.get("active")) and not is_suspended
    return found


def values_of_user(link: UserLink, fields: HostFields, *, suspended: bool) -> HostValues:
    """Return the host's values as `values_of_row` does, from a link with its host user.

    If there are fields of a membership, the link must have it as `membership`.
    """
    values = (follow_path(link, field.link_path) for field in fields)
    return values_of_row(values, fields, suspended=suspended)


def is_active(host: HostValues) -> bool:
    """Return whether a user with these values is active. Without such a field, all users are."""
    return bool(host.get("active", True))


def _as_json(attribute: Attribute, value: Any) -> Any:
    """Convert a value of the host to JSON. The host may store text as a date or a number."""
    if isinstance(value, datetime):
        return date_time(value)
    return str(value) if attribute.type in TEXT_TYPES else value


def date_time(moment: datetime) -> str:
    """Format a time as RFC 7643 section 2.3.5 requires, in UTC. The host may not use time zones."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    text = moment.astimezone(UTC).isoformat()
    return f"{text.removesuffix('+00:00')}Z"


def _put(
    document: Document,
    field: HostField,
    value: Any,
    join: Callable[[list[Element], str, Any], list[Element]],
) -> None:
    """Set the host's value in a document. Nested objects are copied, because others share them.

    Args:
        document: The document.
        field: The attribute.
        value: The host's value, or None.
        join: Puts the value among the elements of a multi-valued attribute, see `placeholders`.
    """
    path, attribute = field.path, cast(Attribute, field.path.attribute)
    container = document
    if path.is_extension:
        container = dict(cast(Document, document.get(path.schema.urn, {})))
    if attribute.multi_valued:
        elements = cast("list[Element]", container.get(attribute.name, [{"primary": True}]))
        set_value(container, attribute.name, join(elements, field.leaf.name, value))
    elif path.sub_attribute:
        part = dict(cast(Element, container.get(attribute.name, {})))
        set_value(part, field.leaf.name, value)
        set_value(container, attribute.name, part)
    else:
        set_value(container, attribute.name, value)
    if path.is_extension:
        set_value(document, path.schema.urn, container)


def _in_order(document: Document, resource_type: ResourceType) -> Document:
    """Return a document in the order of the attribute table."""
    names = (*resource_type.common.names, *resource_type.schema.names)
    ordered = {name: document[name] for name in names if name in document}
    for extension in resource_type.extensions:
        if extension.urn in document:
            ordered[extension.urn] = document[extension.urn]
    return ordered


# Storing


@dataclass(frozen=True)
class StoredValues:
    """The values of a document, by where they are stored.

    Args:
        columns: The values of the link's columns. None if there is no value.
        host: The values of the host user, by the name of the attribute.
        attributes: The link's JSON.
    """

    columns: dict[str, Any]
    host: HostValues
    attributes: Document


def split(document: Document, resource_type: ResourceType, fields: HostFields) -> StoredValues:
    """Divide a document into stored values, the inverse of `read_user` and `read_group`.

    Args:
        document: The document.
        resource_type: Its resource type.
        fields: The attributes that are stored on the host user. None for a group.

    Raises:
        ScimError: 400 if a value is too long for its column.
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


def split_apart(document: Document, fields: HostFields) -> StoredValues:
    """Divide the document of a user as `split` does, but keep the person's values in the JSON.

    An account must not see whether another one has the user. So they are what the host would have
    stored: without a value, its username begins as userName.
    """
    stored = split(document, USER, fields)
    attributes, host = dict(stored.attributes), dict(stored.host)
    for field in fields:
        if field.is_private:
            value = host.pop(field.name, None)
            if field.column == username_column():
                value = value or normalized_username(cast(str, document["userName"]))
            _put(attributes, field, value, joined)
    return StoredValues(stored.columns, host, attributes)


def with_username(document: Document, before: Document, fields: HostFields) -> Document:
    """Return a document that keeps the host's username, which a client cannot remove.

    Args:
        document: The document that the user should have.
        before: The current document.
        fields: The attributes that are stored in the host. One of them may be the username.
    """
    complete = dict(document)
    for field in fields:
        is_username = field.is_private and field.column == username_column()
        if is_username and not _take(dict(document), field):
            _put(complete, field, _take(dict(before), field), joined)
    return complete


def with_unnamed_booleans(document: Document, before: Document, fields: HostFields) -> Document:
    """Return the document of a PUT with the booleans of the person that it does not name.

    Absence does not change them (`HostField.is_boolean`), whether they are stored on the host user
    or, because another account has the user, in the JSON.
    """
    complete = dict(document)
    for field in fields:
        if field.is_boolean and field.is_private and _take(dict(document), field) is None:
            _put(complete, field, _take(dict(before), field), joined)
    return complete


def _columns(resource_type: ResourceType) -> Iterator[tuple[str, str, int | None]]:
    """Yield the name, column and maximum length of attributes in columns that clients write."""
    opts = LINKS[resource_type.name]._meta
    for attribute in (*resource_type.common.attributes, *resource_type.schema.attributes):
        if attribute.column and attribute.mutability != "readOnly":
            room = getattr(opts.get_field(attribute.column), "max_length", None)
            yield attribute.name, attribute.column, room


def _take(attributes: Document, field: HostField) -> Any:
    """Remove the host's value from a document and return it. Nested objects are copied."""
    path, attribute = field.path, cast(Attribute, field.path.attribute)
    container = attributes
    if path.is_extension:
        container = dict(cast(Document, attributes.get(path.schema.urn, {})))
    value: Any
    if attribute.multi_valued:
        elements = cast("list[Element]", container.get(attribute.name, []))
        value, container[attribute.name] = divided(elements, field.leaf.name)
    elif path.sub_attribute:
        part = dict(cast(Element, container.get(attribute.name, {})))
        value = part.pop(field.leaf.name, None)
        set_value(container, attribute.name, part)
    else:
        value = container.pop(attribute.name, None)
    if path.is_extension:
        set_value(attributes, path.schema.urn, container)
    return None if value == "" else value


# Comparing


def hidden_values(
    host: HostValues,
    current: HostValues,
    before: Mapping[str, bool],
    fields: HostFields,
    *,
    removes: bool,
) -> dict[str, bool]:
    """Return the host's booleans to hide, with the values that the host user will have.

    Args:
        host: The values that the client wants the host user to have.
        current: The values that the host user has.
        before: The booleans that are hidden now, with their values.
        fields: The attributes that are stored on the host user.
        removes: Whether absent booleans were removed, as by a PATCH. They become false, except
            `active`: a user only loses access if a client explicitly says so.
    """
    hidden = {}
    for field in fields:
        name, wanted = field.name, host.get(field.name)
        if not (field.is_boolean and field.is_writable):
            continue
        if wanted is None and removes:
            hidden[name] = name == "active" and bool(current.get(name))
        elif name in before and (wanted is None or wanted == current.get(name) != before[name]):
            # A value that the host has changed since is visible, and sending it changes nothing.
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
    """Return the values of the host user to change. None clears a value.

    Args:
        host: The values that the client wants the host user to have.
        current: The values that the host user has.
        fields: The attributes that are stored on the host user.
        hidden: The booleans that were removed, with their new values.
        clears: Whether to clear absent values. Booleans are never cleared.
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
    """Return values for `HostAdapter`, which clears an attribute with an empty string."""
    return {name: "" if value is None else value for name, value in values.items()}


def _is_same(attribute: Attribute, value: Any, current: Any) -> bool:
    """Return whether two values are equal. Dates are equal if they are the same point in time."""
    if attribute.type == "dateTime" and value and current:
        return comparable(attribute, value) == comparable(attribute, current)
    if attribute.type == "boolean":
        return bool(value) == bool(current)
    return bool(value == current)
