"""Read resources: one by its id or another unique value, or those of a query."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from typing import Any, cast
from uuid import UUID

from django.db import router
from django.db.models import QuerySet

from tiled_scim.attributes import ResourceType
from tiled_scim.database.bulk import chunks
from tiled_scim.database.membership_model import membership_model
from tiled_scim.host import HostAdapter
from tiled_scim.models import LINKS, LibraryGroupLink, Link, UserLink
from tiled_scim.provisioning.documents import (
    HostValues,
    read_group,
    read_user,
    values_of_row,
    values_of_user,
)
from tiled_scim.provisioning.resources import StoredResource, entity_tag, groups_of_json
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql import rows
from tiled_scim.sql.host_fields import host_fields
from tiled_scim.sql.pages import SORT_KEY
from tiled_scim.sql.rows import GroupRow, UserRow


class Reader:
    """Read the live resources of one type in an account.

    Args:
        resource_type: The resource type.
        adapter: The host adapter for the account.
    """

    def __init__(self, resource_type: ResourceType, adapter: HostAdapter) -> None:
        self.model = LINKS[resource_type.name]
        self.adapter = adapter
        self.account = adapter.account
        self.fields = host_fields(adapter) if self.model is UserLink else ()
        self.host_paths = tuple(field.link_path for field in self.fields)

    def get(self, key: UUID) -> StoredResource | None:
        """Return the resource with this id, or None. Takes one query."""
        return next(iter(self.find("pk", key)), None)

    def find(self, column: str, value: Any) -> list[StoredResource]:
        """Return the resources with a value in an indexed column of the link, at most two.

        Takes one query, which also reads the groups of a user.
        """
        found = rows.live_rows(self.model, column, value, self.account, self.host_paths)
        if self.model is not UserLink:
            return [self._group(GroupRow(*row)) for row in found]
        size = len(rows.USER_COLUMNS)
        users = [(UserRow(*row[:size]), row[size:-1], row[-1]) for row in found]
        own = self.adapter.belonging([user.user_id for user, _host, _groups in users])
        return [
            self._user(user, host, groups_of_json(groups))
            for user, host, groups in users
            if user.user_id in own
        ]

    def links(self) -> QuerySet[Any]:
        """Return the links of the resources, in a total order for pages."""
        links = rows.live_links(self.model, self.account, self.host_paths)
        own = self.adapter.account_users() if self.model is UserLink else None
        return links if own is None else links.filter(user__in=own.values("pk"))

    def columns(self, links: QuerySet[Any]) -> QuerySet[Any, Any]:
        """Return a query for the rows that `read` takes. It creates no model instances."""
        names = rows.USER_COLUMNS if self.model is UserLink else rows.GROUP_COLUMNS
        sort_key = (SORT_KEY,) if SORT_KEY in links.query.annotations else ()
        return links.values_list(*names, *self.host_paths, *sort_key, named=True)

    def fit(self, found: Sequence[Any]) -> int:
        """Return how many groups fit on a page with their members, at least one.

        Args:
            found: The rows of the groups, from `columns`.
        """
        if len(found) < 2:
            return len(found)
        numbers = rows.numbers_of_members([row.pk for row in found])
        totals = list(accumulate(numbers.get(row.pk, 0) for row in found))
        return max(1, bisect_right(totals, rows.MAX_MEMBERSHIPS))

    def read(self, found: Sequence[Any]) -> list[StoredResource]:
        """Return the resources of rows from `columns`. Users have their groups."""
        if self.model is not UserLink:
            return [self._group(row) for row in found]
        groups = _groups_by_user([row.pk for row in found])
        size = len(rows.USER_COLUMNS)
        end = size + len(self.host_paths)
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
    paths = (field.link_path for field in host_fields(adapter) if not field.is_membership)
    return {"user"} | {path.rpartition("__")[0] for path in paths}


def read_memberships(links: Collection[UserLink]) -> None:
    """Set `membership` of each link, so that `host_values_of` needs no queries."""
    memberships = membership_model()
    if memberships is None:
        return
    user, account = memberships.user, memberships.account
    for chunk in chunks(links):
        users = {f"{user.name}__in": {link.user_id for link in chunk}}
        found = {
            (getattr(row, user.attname), str(getattr(row, account.attname))): row
            for row in memberships.rows(router.db_for_write(UserLink), **users)
        }
        for link in chunk:
            link.membership = found.get((link.user_id, link.account))


def host_values_of(link: UserLink, adapter: HostAdapter) -> HostValues:
    """Return the values of a link's host user as the account sees them.

    There are none if the user does not belong to the account any more.
    """
    if link.membership is None:
        read_memberships([link])
    if not link.belongs:
        return {}
    return values_of_user(link, host_fields(adapter), suspended=link.suspended)


def document_of(link: Link, adapter: HostAdapter) -> Document:
    """Return the document of a link, without groups and members."""
    if isinstance(link, UserLink):
        return read_user(link, host_values_of(link, adapter), host_fields(adapter))
    return read_group(cast(LibraryGroupLink, link))


def version_of(link: Link, adapter: HostAdapter) -> str:
    """Return the version of a link's resource. User links must be read `with_groups`."""
    groups = groups_of_json(cast(Any, link).group_rows) if isinstance(link, UserLink) else ()
    return entity_tag(link.version, document_of(link, adapter), groups)
