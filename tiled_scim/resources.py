"""Link rows as SCIM JSON: what a client sees of a resource (RFC 7643 3, RFC 7644 3.9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from . import documents
from .aggregates import JSONArray
from .attributes import Attribute, ResourceType
from .host import HostAdapter
from .models import LibraryGroupLink, LibraryGroupMember, Link, UserLink
from .schemas import GROUP, USER

Resource = dict[str, Any]
Resources = list[Resource]
Find = Callable[[str], Attribute | None]


@dataclass(frozen=True)
class Selection:
    """Which attributes an answer has: `attributes` and `excludedAttributes`.

    Names that the resource does not have select nothing and are no error, as a client may ask a
    User and a Group the same.
    """

    attributes: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, parameters: Mapping[str, str], resource_type: ResourceType) -> Selection:
        """Read the two query parameters, which are lists with commas."""
        return cls(
            _names(parameters.get("attributes", ""), resource_type),
            _names(parameters.get("excludedAttributes", ""), resource_type),
        )

    def wants(self, name: str) -> bool:
        """Whether an attribute that is returned by default is in the answer."""
        if self.attributes:
            return any(wanted.split(".")[0] == name for wanted in self.attributes)
        return name not in self.excluded

    def apply(self, resource: Resource, resource_type: ResourceType) -> Resource:
        """The resource with the attributes that are wanted, and those always returned."""
        selected: Resource = {}
        for name, value in resource.items():
            extension = resource_type.extension(name)
            if extension is not None:
                part = self._parts(value, extension.attribute, f"{extension.urn}:")
            else:
                part = self._part(name, value, resource_type.attribute(name))
            if part is not None:
                selected[name] = part
        return selected

    def _part(
        self, name: str, value: Any, attribute: Attribute | None, *, is_named: bool = False
    ) -> Any:
        """What is left of an attribute's value; None where nothing is (RFC 7643 section 7).

        Args:
            name: the canonical one.
            is_named: whether the client named what the attribute is a part of.
        """
        if attribute is None or attribute.returned == "never":
            return None
        if attribute.returned == "always":
            return value
        if name in self.excluded:
            return None
        is_named = name in self.attributes or (is_named and attribute.returned == "default")
        is_kept = is_named or not (self.attributes or attribute.returned == "request")
        if is_kept and self._is_whole(name, attribute):
            return value
        if not is_kept and not _below(self.attributes, name):
            return None
        find, prefix = attribute.sub_attribute, f"{name}."
        if not isinstance(value, list):
            return self._parts(value, find, prefix, is_named=is_named)
        parts = [self._parts(item, find, prefix, is_named=is_named) for item in value]
        return [part for part in parts if part] or None

    def _parts(
        self, values: Resource, find: Find, prefix: str, *, is_named: bool = False
    ) -> Resource | None:
        """What is left of a complex value, or of what a resource has of an extension."""
        parts = {
            name: self._part(prefix + name, value, find(name), is_named=is_named)
            for name, value in values.items()
        }
        return {name: part for name, part in parts.items() if part is not None} or None

    def _is_whole(self, name: str, attribute: Attribute) -> bool:
        """Whether no part of a value that is kept has to go."""
        is_plain = all(part.returned == "default" for part in attribute.sub_attributes)
        return is_plain and not _below(self.excluded, name)


ALL = Selection()


@dataclass(frozen=True)
class Renderer:
    """Makes the JSON of links.

    Args:
        adapter: the host, for the account that is asking.
        base_url: the SCIM base URL, without a slash at its end.
        selection: the attributes that the client asked for.
    """

    adapter: HostAdapter
    base_url: str
    selection: Selection = field(default=ALL)

    def render(self, links: Sequence[Link]) -> Resources:
        """Resources of one type. Users that are rows of `with_groups` show their groups."""
        groups = [link for link in links if isinstance(link, LibraryGroupLink)]
        members = self._members(groups) if groups and self.selection.wants("members") else {}
        return [
            self._user(link)
            if isinstance(link, UserLink)
            else self._resource(
                link,
                GROUP,
                {**documents.read(link, self.adapter), "members": members.get(link.pk, [])},
            )
            for link in links
        ]

    def _user(self, link: UserLink) -> Resource:
        document = documents.read(link, self.adapter)
        groups = [
            {
                "value": str(key),
                "$ref": self.location(GROUP, key),
                "display": display,
                "type": "direct",
            }
            for key, display in _groups(link)
        ]
        if groups:
            document["groups"] = groups
        return self._resource(link, USER, document)

    def location(self, resource_type: ResourceType, key: object) -> str:
        """The URI of a resource."""
        return f"{self.base_url}{resource_type.endpoint}/{key}"

    def _members(self, links: list[LibraryGroupLink]) -> dict[UUID, Resources]:
        rows = (
            LibraryGroupMember.objects.using(links[0]._state.db)
            .filter(group__in=[link.pk for link in links])
            .order_by("pk")
            .values_list("group_id", "user_id", "display")
        )
        members: dict[UUID, Resources] = {}
        for group, user, display in rows.iterator():
            members.setdefault(group, []).append(
                {
                    "value": str(user),
                    "$ref": self.location(USER, user),
                    "type": "User",
                    "display": display,
                }
            )
        return members

    def _resource(self, link: Link, resource_type: ResourceType, document: Resource) -> Resource:
        extensions = [schema.urn for schema in resource_type.extensions if schema.urn in document]
        resource = {
            "schemas": [resource_type.schema.urn, *extensions],
            "id": str(link.pk),
            **document,
            "meta": {
                "resourceType": resource_type.name,
                "created": documents.date_time(link.created_at),
                "lastModified": documents.date_time(link.updated_at),
                "location": self.location(resource_type, link.pk),
                "version": version(link, self.adapter),
            },
        }
        return self.selection.apply(resource, resource_type)


def with_groups(rows: QuerySet[UserLink]) -> QuerySet[UserLink]:
    """The rows with `group_rows`: the `value` and `display` of each group, in the same query."""
    memberships = (
        LibraryGroupMember.objects.filter(LibraryGroupMember.live, user=OuterRef("pk"))
        .order_by()
        .values("user")
        .annotate(rows=JSONArray(JSONObject(value=F("group"), display=F("group__display_name"))))
    )
    return rows.annotate(group_rows=Subquery(memberships.values("rows")))


def version(link: Link, adapter: HostAdapter) -> str:
    """The weak entity tag of a resource: it changes with all that a GET shows of it.

    Args:
        link: of a user, a row of `with_groups`. A group's members are not looked at, since every
            change of them changes the link's own version.
    """
    content = [link.version, documents.read(link, adapter)]
    if isinstance(link, UserLink):
        content.append([(str(key), display) for key, display in _groups(link)])
    text = json.dumps(content, sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _groups(link: UserLink) -> list[tuple[UUID, str]]:
    """The id and displayName of each of a user's groups, by name."""
    rows = getattr(link, "group_rows", None) or []
    return sorted(((UUID(row["value"]), row["display"]) for row in rows), key=lambda row: row[1])


def _names(text: str, resource_type: ResourceType) -> frozenset[str]:
    """Canonical names; a name that leads nowhere stays, to select nothing."""
    names = (name.strip() for name in text.split(",") if name.strip())
    return frozenset(
        canonical for name in names for canonical in _canonical_names(name, resource_type)
    )


def _canonical_names(name: str, resource_type: ResourceType) -> list[str]:
    """The name, or where it is that of an extension, those of its attributes."""
    path = resource_type.resolve(name)
    if path is None:
        return [name]
    if path.attribute is not None:
        return [str(path)]
    attributes = path.schema.attributes
    return [f"{path}:{part.name}" for part in attributes if part.returned == "default"]


def _below(names: frozenset[str], parent: str) -> bool:
    """Whether one of the names is that of a part."""
    return any(name.startswith(f"{parent}.") for name in names)
