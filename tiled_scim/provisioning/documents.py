"""Link rows <-> documents: what is kept in a column, on the host user, or as JSON.

A document is a resource of clean values (see `values`). The host user keeps the attributes of
`HostAdapter.user_fields`, so that an edit in the host shows at once; the link's columns keep the
identifiers; everything else is the link's JSON and comes back as it was sent.

Where the host keeps one value of a multi-valued attribute (`emails.value`), that of the preferred
element, the JSON has the element without it: the **placeholder**. There is always exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.utils import timezone

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, Link, UserLink
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import KEPT, TEXT_TYPES, Document, check_length
from tiled_scim.scim.matching import comparable

Element = dict[str, Any]

# The key, in the link's JSON, of the host's booleans that a client removed or never gave, each with
# the value that the host has all the same: it is not shown, but another one, which people gave
# since, is. No attribute has this name.
UNASSIGNED = "unassigned"


@dataclass(frozen=True)
class Parts:
    """A document, taken apart by the place where each value is kept."""

    columns: dict[str, Any]
    host: dict[str, Any]
    attributes: Document


def read(link: Link, adapter: HostAdapter) -> Document:
    """The document that a link, and the host user behind it, make up."""
    resource_type = _resource_type(link)
    document = cast(Document, deepcopy(link.attributes))
    for attribute in _column_attributes(resource_type):
        if value := getattr(link, cast(str, attribute.column)):
            document[attribute.name] = value
    if isinstance(link, UserLink):
        values = host_values(link, adapter)
        for path in _host_paths(adapter):
            value = values[str(path)]
            if link.attributes.get(UNASSIGNED, {}).get(str(path)) is not value:
                _put(document, path, _as_json(cast(Attribute, path.leaf), value))
    return _in_order(document, resource_type)


def host_values(link: UserLink, adapter: HostAdapter) -> dict[str, Any]:
    """The values of the host user as the account has them: `active` is the link's, too."""
    values = adapter.read_user(link.user)
    return values if link.active or "active" not in values else {**values, "active": False}


def take_apart(
    document: Document, link: Link, adapter: HostAdapter, *, removes: bool = False
) -> Parts:
    """The inverse of `read`; a boolean of the host's that is absent here is left as it is there.

    Args:
        removes: whether such an absence means that a client removed the attribute. Then it is not
            shown any more, and what it gave is taken away; but for `active`, since nobody loses
            access without being told so.

    Raises:
        ScimError: 400, where a column has no room for its value.
    """
    attributes = deepcopy(document)
    columns = {}
    for attribute in _column_attributes(_resource_type(link)):
        column, value = cast(str, attribute.column), attributes.pop(attribute.name, None)
        length = getattr(link._meta.get_field(column), "max_length", None)
        check_length(attribute.name, value, length)
        columns[column] = value
    host: dict[str, Any] = {}
    unassigned: dict[str, bool] = {}
    if isinstance(link, UserLink):
        taken = [(path, _take(attributes, path)) for path in _host_paths(adapter)]
        host = {str(path): value for path, value in taken if _is_writable(path)}
        unassigned = _unassigned(host, link, adapter, removes=removes)
    attributes = {name: value for name, value in attributes.items() if value not in ({}, [])}
    values = {name: value for name, value in host.items() if value is not None}
    if removes:
        values = unassigned | values
    if unassigned:
        attributes[UNASSIGNED] = unassigned
    return Parts(columns, values, attributes)


def _unassigned(
    host: dict[str, Any], link: UserLink, adapter: HostAdapter, *, removes: bool
) -> dict[str, bool]:
    """The booleans of the host's that have no value to show from now on: see `UNASSIGNED`.

    Args:
        host: the values for the host user, as `_take` has them.
    """
    if not hasattr(link, "user"):
        return {}  # a new person's host user is still to be found, or made
    current = host_values(link, adapter)
    absent = [name for name, value in host.items() if value is None]
    if link._state.adding:
        return {name: False for name in absent if current[name] is False}
    before = link.attributes.get(UNASSIGNED, {})
    # What people gave since is shown: to send it back changes nothing.
    unassigned = {
        name: before[name]
        for name, value in host.items()
        if name in before and (value is None or value == current[name] != before[name])
    }
    if removes:
        unassigned |= {name: name == "active" and bool(current[name]) for name in absent}
    return unassigned


def differing(values: Mapping[str, Any], link: UserLink, adapter: HostAdapter) -> dict[str, Any]:
    """Those of the values, which are `Parts.host`, that the host user does not have."""
    current = host_values(link, adapter)
    leaves = {str(path): cast(Attribute, path.leaf) for path in _host_paths(adapter)}
    return {
        name: value
        for name, value in values.items()
        if not _is_same(leaves[name], value, _as_json(leaves[name], current[name]))
    }


def _is_same(attribute: Attribute, value: Any, current: Any) -> bool:
    """Whether two values are one: dates by their moment, and nothing in any form is nothing."""
    if attribute.type == "dateTime" and value and current:
        return comparable(attribute, value) == comparable(attribute, current)
    return (value or None) == (current or None)


def _as_json(attribute: Attribute, value: Any) -> Any:
    """A value of a host's field as its attribute has it: a date or a number may stand for text."""
    if isinstance(value, datetime):
        return date_time(value)
    is_text = attribute.type in TEXT_TYPES and value is not None
    return str(value) if is_text else value


def date_time(moment: datetime) -> str:
    """The moment as RFC 7643 section 2.3.5 wants it, in UTC, also where the host has USE_TZ off."""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _resource_type(link: Link) -> ResourceType:
    return GROUP if isinstance(link, LibraryGroupLink) else USER


def _column_attributes(resource_type: ResourceType) -> Iterator[Attribute]:
    """The attributes that a client writes and a link has a column for."""
    for attribute in (*resource_type.common.attributes, *resource_type.schema.attributes):
        if attribute.column and attribute.mutability != "readOnly":
            yield attribute


def _host_paths(adapter: HostAdapter) -> Iterator[AttributePath]:
    for name in adapter.user_fields:
        path = USER.resolve(name)
        if path is None or path.attribute is None:
            raise LookupError(f"HostAdapter.user_fields names “{name}”, which no schema has")
        yield path


def _is_writable(path: AttributePath) -> bool:
    """Whether clients write what is at a path; what is read-only is the host's alone."""
    return all(part.mutability in KEPT for part in (path.attribute, path.leaf) if part)


def _in_order(document: Document, resource_type: ResourceType) -> Document:
    """The document in the order of the attribute table."""
    names = [
        *(attribute.name for attribute in resource_type.common.attributes),
        *(attribute.name for attribute in resource_type.schema.attributes),
        *(extension.urn for extension in resource_type.extensions),
    ]
    return {name: document[name] for name in names if name in document}


def _put(document: Document, path: AttributePath, value: Any) -> None:
    """Set the host's value at a path; None and "" are unassigned."""
    container, attribute = _container(document, path), cast(Attribute, path.attribute)
    if attribute.multi_valued:
        _put_element(container, path, value)
        return
    target: Element = container
    if path.sub_attribute:
        target = cast(Element, container.setdefault(attribute.name, {}))
    if value is not None and value != "":
        target[cast(Attribute, path.leaf).name] = value
    if path.sub_attribute and not target:
        del container[attribute.name]
    if path.is_extension and not container:
        del document[path.schema.urn]


def _put_element(container: Document, path: AttributePath, value: Any) -> None:
    """Fill the placeholder; without a value there is no such element."""
    name, sub_name = cast(Attribute, path.attribute).name, cast(Attribute, path.leaf).name
    elements = cast(list[Element], container.get(name, [{"primary": True}]))
    filled = (
        element if sub_name in element else {sub_name: value, **element}
        for element in elements
        if sub_name in element or value
    )
    container[name] = list(filled)
    if not container[name]:
        del container[name]


def _take(attributes: Document, path: AttributePath) -> Any:
    """Remove the host's value from the document and return it: "" where there is none.

    For a boolean that is absent, None: absence never changes access.
    """
    attribute, leaf = cast(Attribute, path.attribute), cast(Attribute, path.leaf)
    container = _container(attributes, path)
    absent = None if leaf.type == "boolean" else ""
    if attribute.multi_valued:
        value = _take_element(container, attribute.name, leaf.name)
    elif path.sub_attribute:
        parent = cast(Element, container.get(attribute.name, {}))
        value = parent.pop(leaf.name, absent)
        if not parent:
            container.pop(attribute.name, None)
    else:
        value = container.pop(leaf.name, absent)
    if path.is_extension and not container:
        attributes.pop(path.schema.urn, None)
    return value


def _take_element(container: Document, name: str, sub_name: str) -> Any:
    """Make the preferred element the placeholder and return its value."""
    elements = cast(list[Element], container.get(name, []))
    elements = [element for element in elements if element.get(sub_name)]
    preferred = min(elements, key=_preference, default={"primary": True})
    container[name] = elements or [preferred]
    return preferred.pop(sub_name, "")


def _preference(element: Element) -> int:
    """The primary one; else the one for work; else the first, as `min` keeps the order."""
    if element.get("primary"):
        return 0
    return 1 if element.get("type") == "work" else 2


def _container(document: Document, path: AttributePath) -> Document:
    """The part of the document that has the path's schema; an extension's is made if need be."""
    if not path.is_extension:
        return document
    return cast(Document, document.setdefault(path.schema.urn, {}))
