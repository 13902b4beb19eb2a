"""Link rows as SCIM JSON: what a client sees of a resource (RFC 7643 3, RFC 7644 3.9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from tiled_scim.attributes import ResourceType
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, Link, UserLink
from tiled_scim.provisioning import documents
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.selection import ALL, Resource, Selection
from tiled_scim.sql.aggregates import JSONArray

Resources = list[Resource]


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
