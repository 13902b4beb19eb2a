"""Read resources: one by its id or another unique value, or those of a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet

from tiled_scim.attributes import ResourceType
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, Link, UserLink
from tiled_scim.provisioning.documents import (
    MODELS,
    HostValues,
    host_fields,
    read_group,
    read_user,
    values_of_row,
    values_of_user,
)
from tiled_scim.provisioning.resources import StoredResource, groups_of_json
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql import rows
from tiled_scim.sql.pages import SORT_KEY
from tiled_scim.sql.rows import GroupRow, UserRow


class Reader:
    """Read the live resources of one type in an account.

    Args:
        resource_type: The resource type.
        adapter: The host adapter for the account.
    """

    def __init__(self, resource_type: ResourceType, adapter: HostAdapter) -> None:
        self.resource_type = resource_type
        self.model = MODELS[resource_type.name]
        self.account = adapter.account
        self.fields = host_fields(adapter) if self.model is UserLink else ()
        self.host_columns = tuple(field.column for field in self.fields)

    def get(self, key: UUID) -> StoredResource | None:
        """Return the resource with this id, or None. Takes one query."""
        return next(iter(self.find("pk", key)), None)

    def find(self, column: str, value: Any) -> list[StoredResource]:
        """Return the resources with a value in an indexed column of the link, at most two.

        Takes one query, which also reads the groups of a user.
        """
        found = rows.live_rows(self.model, column, value, self.account, self.host_columns)
        if self.model is not UserLink:
            return [self._group(GroupRow(*row)) for row in found]
        size = len(rows.USER_COLUMNS)
        return [
            self._user(UserRow(*row[:size]), row[size:-1], groups_of_json(row[-1])) for row in found
        ]

    def links(self) -> QuerySet[Any]:
        """Return the links of the resources, in a total order for pages."""
        return rows.live_links(self.model, self.account)

    def columns(self, links: QuerySet[Any]) -> QuerySet[Any, Any]:
        """Return a query for the rows that `read` takes. It creates no model instances."""
        host = (f"user__{path}" for path in self.host_columns)
        names = rows.USER_COLUMNS if self.model is UserLink else rows.GROUP_COLUMNS
        sort_key = (SORT_KEY,) if SORT_KEY in links.query.annotations else ()
        return links.values_list(*names, *host, *sort_key, named=True)

    def read(self, found: Sequence[Any]) -> list[StoredResource]:
        """Return the resources of rows from `columns`. Users have their groups."""
        if self.model is not UserLink:
            return [self._group(row) for row in found]
        groups = _groups_by_user([row.pk for row in found])
        size = len(rows.USER_COLUMNS)
        end = size + len(self.host_columns)
        return [self._user(row, row[size:end], groups.get(row.pk, ())) for row in found]

    def _user(
        self, row: UserRow, host: Iterable[Any], groups: tuple[tuple[str, str], ...]
    ) -> StoredResource:
        values = values_of_row(host, self.fields, suspended=row.suspended)
        document = read_user(row, values, self.fields)
        key = str(row.pk)
        return StoredResource(
            USER, key, document, row.version, row.created_at, row.updated_at, groups
        )

    def _group(self, row: GroupRow) -> StoredResource:
        key, document = str(row.pk), read_group(row)
        return StoredResource(GROUP, key, document, row.version, row.created_at, row.updated_at)


def _groups_by_user(users: Sequence[UUID]) -> dict[UUID, tuple[tuple[str, str], ...]]:
    """Return the id and displayName of each group of the users, sorted by name."""
    groups: dict[UUID, list[tuple[str, str]]] = {}
    for user, group, name in rows.groups_of(users):
        groups.setdefault(user, []).append((str(group), name))
    return {
        user: tuple(sorted(found, key=lambda group: group[1])) for user, found in groups.items()
    }


def user_relations(adapter: HostAdapter) -> set[str]:
    """Return the relations to select with user links, so `host_values_of` needs no queries."""
    columns = (f"user__{field.column}" for field in host_fields(adapter))
    return {"user"} | {column.rpartition("__")[0] for column in columns}


def host_values_of(link: UserLink, adapter: HostAdapter) -> HostValues:
    """Return the values of a link's host user as the account sees them."""
    return values_of_user(link, host_fields(adapter), suspended=link.suspended)


def document_of(link: Link, adapter: HostAdapter) -> Document:
    """Return the document of a link, without groups and members."""
    if isinstance(link, UserLink):
        return read_user(link, host_values_of(link, adapter), host_fields(adapter))
    return read_group(cast(LibraryGroupLink, link))


def version_of(link: Link, adapter: HostAdapter) -> str:
    """Return the version of a link's resource. User links must be read `with_groups`."""
    is_user = isinstance(link, UserLink)
    groups = groups_of_json(cast(UserLink, link).group_rows) if is_user else ()
    return StoredResource(
        USER if is_user else GROUP,
        str(link.pk),
        document_of(link, adapter),
        link.version,
        link.created_at,
        link.updated_at,
        groups,
    ).version
