"""Render resources as JSON (RFC 7643 section 3, RFC 7644 sections 3.4.2 and 3.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID, uuid4

from rest_framework.utils.encoders import JSONEncoder

from tiled_scim.attributes import ResourceType
from tiled_scim.provisioning.documents import date_time
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.selection import ALL, Resource, Selection
from tiled_scim.sql.rows import member_rows, member_rows_of

Resources = list[Resource]

# An example of a member, to find out which of its sub-attributes are selected.
MEMBER: dict[str, str] = {"value": "", "$ref": "", "type": "User", "display": ""}
# Escapes braces in text for `str.format`.
BRACES = str.maketrans({"{": "{{", "}": "}}"})


@dataclass(frozen=True)
class Renderer:
    """Render resources as JSON.

    Args:
        base_url: The SCIM base URL, without a slash at the end.
        selection: The attributes that the client asked for.
    """

    base_url: str
    selection: Selection = field(default=ALL)

    def render(self, resources: Sequence[StoredResource]) -> Resources:
        """Return resources of one type as JSON objects, for `encode`."""
        if resources and self.shows_members(resources[0].resource_type):
            return self._with_members(resources)
        return [self._resource(each, each.document) for each in resources]

    def shows_members(self, resource_type: ResourceType) -> bool:
        """Return whether resources of this type have members in the response."""
        return resource_type is GROUP and self.selection.wants("members")

    def location(self, resource_type: ResourceType, key: str) -> str:
        """Return the URI of a resource."""
        return f"{self.base_url}{resource_type.endpoint}/{key}"

    def _resource(self, stored: StoredResource, document: Resource) -> Resource:
        resource_type = stored.resource_type
        extensions = [each.urn for each in resource_type.extensions if each.urn in document]
        resource = {
            "schemas": [resource_type.schema.urn, *extensions],
            "id": stored.key,
            **document,
        }
        if stored.groups:
            resource["groups"] = [self._group(*group) for group in stored.groups]
        resource["meta"] = {
            "resourceType": resource_type.name,
            "created": date_time(stored.created_at),
            "lastModified": date_time(stored.updated_at),
            "location": self.location(resource_type, stored.key),
            "version": stored.version,
        }
        return self.selection.apply(resource, resource_type)

    def _group(self, key: str, name: str) -> Resource:
        reference = self.location(GROUP, key)
        return {"value": key, "$ref": reference, "display": name, "type": "direct"}

    def _with_members(self, groups: Sequence[StoredResource]) -> Resources:
        """Return groups with their members, which are encoded while they are read."""
        sample = self.selection.apply({"members": [MEMBER]}, GROUP).get("members")
        parts = sample[0] if sample else {}
        resources = [self._resource(each, each.document) for each in groups]
        if parts:
            template = self._template(parts)
            for resource, members in zip(resources, _members(groups), strict=True):
                first = next(members, None)
                if first is not None or self._shows_no_members:
                    pages = chain([first or []], members)
                    _insert_before_meta(resource, Members(pages, template))
        return resources

    @property
    def _shows_no_members(self) -> bool:
        """Return whether to show an empty array of members: unless sub-attributes are selected."""
        return "members" in self.selection.apply({"members": []}, GROUP)

    def _template(self, parts: Resource) -> str:
        """Return the JSON of a member as a format string for the id and the JSON of its name."""
        reference = json.dumps(self.location(USER, ""), ensure_ascii=False)[1:-1]
        templates = {
            "value": '"value":"{0}"',
            "$ref": f'"$ref":"{reference.translate(BRACES)}{{0}}"',
            "type": '"type":"User"',
            "display": '"display":{1}',
        }
        return f"{{{{{','.join(templates[part] for part in parts)}}}}}"


@dataclass(frozen=True)
class Members:
    """The members of one group, to be encoded while they are read.

    Args:
        pages: Their ids and display names, in lists.
        template: The JSON of a member, see `Renderer._template`.
    """

    pages: Iterator[list[Any]]
    template: str

    def write(self, buffer: BytesIO) -> None:
        """Write the JSON array."""
        one, separator = self.template.format, b"["
        for page in filter(None, self.pages):
            text = ",".join([one(key, encode_basestring(name)) for key, name in page])
            buffer.write(separator)
            buffer.write(text.encode())
            separator = b","
        buffer.write(b"[]" if separator == b"[" else b"]")


def encode(content: Any) -> bytes:
    """Return JSON in UTF-8.

    Args:
        content: A JSON value. It may contain `Members` in place of arrays.

    Raises:
        ValueError: for an infinite number or NaN.
    """
    members: list[Members] = []
    marker = uuid4().hex

    def default(value: Any) -> Any:
        if isinstance(value, Members):
            members.append(value)
            return marker
        return JSONEncoder().default(value)

    text = json.dumps(
        content, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=default
    )
    if not members:
        return text.encode()
    first, *rest = text.split(f'"{marker}"')
    # One buffer, because a group of 100,000 has 20 MB, which must not be in memory twice.
    buffer = BytesIO()
    buffer.write(first.encode())
    for array, part in zip(members, rest, strict=True):
        array.write(buffer)
        buffer.write(part.encode())
    return buffer.getvalue()


def _members(groups: Sequence[StoredResource]) -> Iterator[Iterator[list[Any]]]:
    """Yield the members of each group, in lists."""
    if len(groups) == 1:
        yield member_rows(UUID(groups[0].key))
        return
    found: dict[str, list[Any]] = {}
    for group, key, name in member_rows_of([UUID(group.key) for group in groups]):
        found.setdefault(str(group), []).append((key, name))
    for group in groups:
        yield iter([found[group.key]] if group.key in found else [])


def _insert_before_meta(resource: Resource, members: Members) -> None:
    """Insert members at their position in the attribute table."""
    meta = resource.pop("meta", None)
    resource["members"] = members
    if meta is not None:
        resource["meta"] = meta
