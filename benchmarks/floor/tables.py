"""The floor's statements: everything in it that names a table or a column is here.

The tables are those of `tiled_scim`, so that both write the same rows and indexes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from example_project.libraries.models import Library
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    ScimEvent,
    ScimToken,
    UserLink,
)

# What the link keeps of a user, beside its columns and the host user.
KEPT = ("displayName", "locale")

AccessRow = Library.members.through
Person = tuple[UUID, int, str]


class UserRow(NamedTuple):
    """A link with its host user."""

    id: UUID
    external_id: str | None
    user_name: str
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    host: int
    first_name: str
    last_name: str
    email: str
    is_active: bool


class GroupRow(NamedTuple):
    """A group's link."""

    id: UUID
    external_id: str | None
    display_name: str
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    library: int


LINK_COLUMNS = ("attributes", "version", "created_at", "updated_at")
USER_COLUMNS = (
    *("id", "external_id", "user_name", *LINK_COLUMNS, "user_id"),
    *("user__first_name", "user__last_name", "user__email", "user__is_active"),
)
GROUP_COLUMNS = ("id", "external_id", "display_name", *LINK_COLUMNS, "library_id")


def account_of(digest: str) -> str | None:
    """The account that a token opens, or None."""
    tokens = ScimToken.objects.filter(digest=digest).values_list("current_account", "expires_at")
    for account, expires_at in tokens:
        if expires_at is None or expires_at > timezone.now():
            return account
    return None


# Users


def _users(account: str) -> QuerySet[UserLink, tuple[Any, ...]]:
    return UserLink.objects.filter(account=account, unlinked_at=None).values_list(*USER_COLUMNS)


def _user_rows(rows: Iterable[tuple[Any, ...]]) -> list[UserRow]:
    return [UserRow(*row)._replace(attributes=kept(row[3])) for row in rows]


def user(account: str, key: UUID) -> UserRow | None:
    return next(iter(_user_rows(_users(account).filter(pk=key))), None)


def locked_user(account: str, key: UUID) -> UserRow | None:
    """The link and its host user, both locked."""
    return next(iter(_user_rows(_users(account).filter(pk=key).select_for_update())), None)


def users_named(account: str, name: str) -> list[UserRow]:
    return _user_rows(_users(account).filter(user_name_folded=name.lower()))


def count_users(account: str) -> int:
    return UserLink.objects.filter(account=account, unlinked_at=None).count()


def users_from(account: str, start: int, count: int) -> list[UserRow]:
    return _user_rows(_users(account).order_by("created_at", "id")[start : start + count])


def users_beyond(account: str, created_at: datetime, key: UUID, count: int) -> list[UserRow]:
    """The page after the user with this moment and key."""
    beyond = Q(created_at__gt=created_at) | Q(id__gt=key)
    rows = _users(account).filter(beyond, created_at__gte=created_at)
    return _user_rows(rows.order_by("created_at", "id")[:count])


def insert_host_user(sent: Mapping[str, Any], password: str, now: datetime) -> int:
    host = User(
        username=sent["userName"],
        password=password,
        first_name=sent["name"]["givenName"],
        last_name=sent["name"]["familyName"],
        email=sent["emails"][0]["value"],
        is_active=sent["active"],
        date_joined=now,
    )
    host.save(force_insert=True)
    return host.pk


def insert_user(account: str, key: UUID, host: int, sent: Mapping[str, Any], now: datetime) -> None:
    UserLink(
        id=key,
        account=account,
        external_id=sent["externalId"],
        attributes=kept(sent),
        user_id=host,
        user_name=sent["userName"],
        user_name_folded=sent["userName"].lower(),
        created_at=now,
        updated_at=now,
    ).save(force_insert=True)


def update_user(row: UserRow) -> None:
    """Write the link and the host user."""
    User.objects.filter(pk=row.host).update(
        username=row.user_name,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        is_active=row.is_active,
    )
    UserLink.objects.filter(pk=row.id).update(
        external_id=row.external_id,
        user_name=row.user_name,
        user_name_folded=row.user_name.lower(),
        attributes=row.attributes,
        version=row.version,
        updated_at=row.updated_at,
    )


def update_active(row: UserRow) -> None:
    """Write the host user's flag and the link's version."""
    User.objects.filter(pk=row.host).update(is_active=row.is_active)
    UserLink.objects.filter(pk=row.id).update(version=row.version, updated_at=row.updated_at)


def kept(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the link keeps as JSON."""
    return {name: sent[name] for name in KEPT if name in sent}


# Groups


def _groups(account: str) -> QuerySet[LibraryGroupLink, tuple[Any, ...]]:
    groups = LibraryGroupLink.objects.filter(account=account, unlinked_at=None)
    return groups.filter(library__isnull=False).values_list(*GROUP_COLUMNS)


def group(account: str, key: UUID) -> GroupRow | None:
    return next((GroupRow(*row) for row in _groups(account).filter(pk=key)), None)


def locked_group(account: str, key: UUID) -> GroupRow | None:
    rows = _groups(account).filter(pk=key).select_for_update()
    return next((GroupRow(*row) for row in rows), None)


def count_groups(account: str) -> int:
    return _groups(account).count()


def groups_from(account: str, start: int, count: int) -> list[GroupRow]:
    rows = _groups(account).order_by("created_at", "id")[start : start + count]
    return [GroupRow(*row) for row in rows]


def insert_library(name: str) -> int:
    return Library.objects.create(name=name).pk


def insert_group(account: str, key: UUID, library: int, name: str, now: datetime) -> None:
    LibraryGroupLink(
        id=key,
        account=account,
        library_id=library,
        display_name=name,
        display_name_folded=name.lower(),
        created_at=now,
        updated_at=now,
    ).save(force_insert=True)


def touch_group(row: GroupRow, now: datetime) -> None:
    LibraryGroupLink.objects.filter(pk=row.id).update(version=row.version + 1, updated_at=now)


def delete_group(row: GroupRow) -> None:
    """Delete a group and its Library, to tidy up: this is not measured."""
    LibraryGroupMember.objects.filter(group_id=row.id).delete()
    LibraryGroupLink.objects.filter(pk=row.id).delete()
    Library.objects.filter(pk=row.library).delete()


# Members


def people(account: str, keys: Collection[UUID]) -> list[Person]:
    """The link, host user and userName of each; no statement where there are no keys."""
    if not keys:
        return []
    links = UserLink.objects.filter(account=account, unlinked_at=None, pk__in=keys)
    return list(links.values_list("id", "user_id", "user_name"))


def members(group_key: UUID) -> QuerySet[LibraryGroupMember, tuple[UUID, str]]:
    rows = LibraryGroupMember.objects.filter(group_id=group_key)
    return rows.values_list("user_id", "display")


def member_keys(group_key: UUID) -> set[UUID]:
    rows = LibraryGroupMember.objects.filter(group_id=group_key)
    return set(rows.values_list("user_id", flat=True))


def groups_of(keys: Collection[UUID]) -> Mapping[UUID, list[tuple[UUID, str]]]:
    """The groups that each of the users is in."""
    groups: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    rows = LibraryGroupMember.objects.filter(
        user_id__in=keys, group__unlinked_at=None, group__library__isnull=False
    )
    for key, group_key, name in rows.values_list("user_id", "group_id", "group__display_name"):
        groups[key].append((group_key, name))
    return groups


def insert_members(group_key: UUID, library: int, joining: Collection[Person]) -> None:
    """Add members, and give them access; who has it already keeps it."""
    if not joining:
        return
    LibraryGroupMember.objects.bulk_create(
        [
            LibraryGroupMember(group_id=group_key, user_id=key, display=name)
            for key, _, name in joining
        ],
        ignore_conflicts=True,
    )
    AccessRow.objects.bulk_create(
        [AccessRow(library_id=library, user_id=host) for _, host, _ in joining],
        ignore_conflicts=True,
    )


def delete_members(group_key: UUID, library: int, leaving: Collection[Person]) -> None:
    """Remove members, and take their access away."""
    if not leaving:
        return
    keys = [key for key, _, _ in leaving]
    hosts = [host for _, host, _ in leaving]
    members = LibraryGroupMember.objects.filter(group_id=group_key, user_id__in=keys)
    members._raw_delete(members.db)
    access = AccessRow.objects.filter(library_id=library, user_id__in=hosts)
    access._raw_delete(access.db)


def insert_event(
    account: str,
    resource_type: str,
    key: UUID,
    name: str,
    action: str,
    changes: Mapping[str, Any],
    status: int,
) -> None:
    ScimEvent(
        account=account,
        resource_type=resource_type,
        resource_id=key,
        resource_name=name,
        resource_name_folded=name.lower(),
        action=action,
        changes=changes,
        outcome="done",
        status=status,
    ).save(force_insert=True)
