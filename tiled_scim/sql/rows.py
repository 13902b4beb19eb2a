"""Read the rows of resources for a response, or lock them for a change.

All queries use the database for writes, because a replica may not have yet what the identity
provider has just created.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from tiled_scim import permissions
from tiled_scim.database.aggregates import JSONArray
from tiled_scim.database.compiled import (
    Parameter,
    compiled,
    compiled_instances,
    rows_of_keys,
)
from tiled_scim.database.expressions import ColumnText
from tiled_scim.database.for_write import locked, objects
from tiled_scim.database.membership_model import MEMBERSHIP, membership_model
from tiled_scim.errors import too_many
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.sql.pages import TIES

# The memberships on a page of users, and on a page of several groups. They are in memory at once.
MAX_MEMBERSHIPS = 100_000


class UserRow(NamedTuple):
    """The columns of a user link."""

    pk: UUID
    user_id: Any
    external_id: str | None
    user_name: str
    attributes: dict[str, Any]
    suspended: bool
    keeps_own_values: bool
    hidden_values: dict[str, bool]
    version: int
    created_at: datetime
    updated_at: datetime


class GroupRow(NamedTuple):
    """The columns of a group link."""

    pk: UUID
    external_id: str | None
    display_name: str
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


USER_COLUMNS = UserRow._fields
GROUP_COLUMNS = GroupRow._fields


def live_links(
    model: type[UserLink | LibraryGroupLink], account: str, host_paths: Sequence[str]
) -> QuerySet[Any]:
    """Return the live links of an account, in a total order for pages.

    Args:
        model: The model of the links.
        account: The account.
        host_paths: The `link_path` of each host field that the query may use.
    """
    rows: Any = objects(model)
    return with_membership(rows.live(account).order_by(*TIES), host_paths, account)


def live_rows(
    model: type[UserLink | LibraryGroupLink],
    column: str,
    value: Any,
    account: str,
    host_paths: tuple[str, ...],
) -> list[Any]:
    """Return the rows of the live links with a value in an indexed column, at most two.

    Args:
        model: The model of the links.
        column: The column.
        value: The value.
        account: The account.
        host_paths: The `link_path` of each host field to read with a user.

    Returns:
        For users, rows with `USER_COLUMNS`, the host's columns, and the groups as a JSON array.
        For groups, rows with `GROUP_COLUMNS`.
    """
    using = router.db_for_write(model)
    key = (model, column, host_paths, using)
    query = compiled(key, lambda: _live_rows(model, column, host_paths))
    return query.rows(account=account, value=value)


def _live_rows(
    model: type[UserLink | LibraryGroupLink], column: str, host: tuple[str, ...]
) -> QuerySet[Any, Any]:
    rows = _of_account(model).filter(**{column: _value(model, column)})[:2]
    if model is LibraryGroupLink:
        return rows.values_list(*GROUP_COLUMNS)
    rows = with_membership(with_groups(rows), host, account_key())
    return rows.values_list(*USER_COLUMNS, *host, "group_rows")


def with_membership(
    rows: QuerySet[Any], host_paths: Sequence[str], account: Any, to_user: str = "user__"
) -> QuerySet[Any]:
    """Join the membership in an account, if one of the paths needs it.

    Args:
        rows: Links, or host users.
        host_paths: The ORM paths that will be read.
        account: The key of the account, or a parameter for it.
        to_user: The ORM path from a row to its user.
    """
    memberships = membership_model()
    if memberships is None or not any(path.startswith(f"{MEMBERSHIP}__") for path in host_paths):
        return rows
    return memberships.joined(rows, to_user, account)


def account_key() -> Parameter | None:
    """Return the parameter for the key of an account of the membership model."""
    memberships = membership_model()
    return Parameter("account", memberships.account.target_field) if memberships else None


def _of_account(model: type[UserLink | LibraryGroupLink], live: bool = True) -> QuerySet[Any]:
    """Return the links of an account, which is a parameter."""
    account: Any = Parameter("account", model._meta.get_field("account"))
    rows: Any = objects(model)
    links: QuerySet[Any] = rows.live(account) if live else rows.filter(account=account)
    return links


def _value(model: type[UserLink | LibraryGroupLink], column: str) -> Parameter:
    field: Any = model._meta.pk if column == "pk" else model._meta.get_field(column)
    return Parameter("value", field)


def with_groups(rows: QuerySet[UserLink]) -> QuerySet[Any]:
    """Annotate users with `group_rows`: `value` and `display` of each group, as a JSON array."""
    memberships = (
        LibraryGroupMember.objects.filter(LibraryGroupMember.live, user=OuterRef("pk"))
        .order_by()
        .values("user")
        .annotate(rows=JSONArray(JSONObject(value=F("group"), display=F("group__display_name"))))
    )
    annotations: dict[str, Any] = {"group_rows": Subquery(memberships.values("rows"))}
    return rows.annotate(**annotations)


def groups_of(users: Sequence[UUID]) -> list[Any]:
    """Return the user id, group id and displayName of each membership of users in live groups.

    Raises:
        ScimError: tooMany for too many memberships together.
    """
    found = rows_of_keys(
        ("groups of users", MAX_MEMBERSHIPS),
        lambda is_one_of: (
            LibraryGroupMember.objects.using(router.db_for_write(UserLink))
            .filter(LibraryGroupMember.live, is_one_of(F("user_id")))
            .values_list("user_id", "group_id", "group__display_name")[: MAX_MEMBERSHIPS + 1]
        ),
        UserLink._meta.pk,
        users,
        router.db_for_write(UserLink),
    )
    if len(found) > MAX_MEMBERSHIPS:
        raise too_many(
            f"These users are in more than {MAX_MEMBERSHIPS} groups together. Ask for fewer users "
            "at once, with count."
        )
    return found


def numbers_of_members(groups: Sequence[UUID]) -> dict[UUID, int]:
    """Return the number of members of each group that has any."""
    rows = rows_of_keys(
        "numbers of members",
        lambda is_one_of: (
            objects(LibraryGroupMember)
            .filter(is_one_of(F("group_id")))
            .order_by()
            .values("group_id")
            .annotate(number=Count("pk"))
            .values_list("group_id", "number")
        ),
        LibraryGroupLink._meta.pk,
        groups,
        router.db_for_write(LibraryGroupMember),
    )
    return dict(rows)


def member_rows(group: UUID) -> Iterator[list[Any]]:
    """Yield lists of the ids, as text, and display names of a group's members, oldest first.

    The lists have a limited length, so not all members of a large group are in memory at once.
    """
    using = router.db_for_write(LibraryGroupMember)
    parameter = Parameter("group", LibraryGroupLink._meta.pk)
    query = compiled(("members of a group", using), lambda: _member_rows(using, group=parameter))
    return query.pages(group=group)


def member_rows_of(groups: Sequence[UUID]) -> list[Any]:
    """Return the group id, the id as text and the display name of the members of groups."""
    using = router.db_for_write(LibraryGroupMember)
    return rows_of_keys(
        "members of groups",
        lambda is_one_of: _member_rows(using).filter(is_one_of(F("group_id"))),
        LibraryGroupLink._meta.pk,
        groups,
        using,
    )


def _member_rows(using: str, **group: Any) -> QuerySet[Any, Any]:
    rows = LibraryGroupMember.objects.using(using).filter(LibraryGroupMember.belonging, **group)
    columns = () if group else ("group_id",)
    # The database converts an id to text faster than Python converts it to a UUID and to text.
    rows = rows.order_by("pk").annotate(key=ColumnText(F("user_id")))
    return rows.values_list(*columns, "key", "display")


def lock_user(column: str, value: Any, account: str, using: str, *, live: bool = True) -> Any:
    """Return the user link with a value in a unique column, locked with its host user, or None.

    Args:
        column: The column.
        value: The value.
        account: The account.
        using: The database alias.
        live: Whether to return only a live link.
    """
    query = compiled_instances(
        ("lock user", column, live, using), "user", lambda: _locked_user(column, live)
    )
    link = query.instance(account=account, value=value)
    if link is not None:
        permissions.remember_powers(link.user, link.has_powers)
    return link


def _locked_user(column: str, live: bool) -> QuerySet[Any]:
    rows = _of_account(UserLink, live).filter(**{column: _value(UserLink, column)})
    # In the same statement, because every change of a user has to know it.
    rows = rows.annotate(has_powers=permissions.has_powers("user"))
    return locked(rows.select_related("user"), "user")


def groups_and_sharing(user: UUID, using: str) -> Any:
    """Return a locked user's groups (see `with_groups`), and whether another account has the user.

    This is a separate statement, because on PostgreSQL, a statement that waited for a lock only
    sees changes that were committed meanwhile in the locked rows.
    """
    query = compiled(("groups and sharing", using), lambda: _groups_and_sharing(using))
    return query.row(key=user)


def _groups_and_sharing(using: str) -> QuerySet[Any, Any]:
    others = UserLink.objects.filter(UserLink.live, user=OuterRef("user"))
    is_shared = Exists(others.exclude(account=OuterRef("account")))
    rows = UserLink.objects.using(using).filter(pk=Parameter("key", UserLink._meta.pk))
    annotated: QuerySet[Any, Any] = with_groups(rows).annotate(is_shared=is_shared)
    return annotated.values_list("group_rows", "is_shared")


def host_row(user: Any, account: str, paths: tuple[str, ...], using: str) -> Any:
    """Return the values of a host user as the database has them.

    Args:
        user: The primary key of the host user.
        account: The account, for values of the membership.
        paths: The `user_path` of each host field to read.
        using: The database alias.
    """
    query = compiled(("host user", paths, using), lambda: _host_row(paths, using))
    return query.row(key=user, account=account)


def _host_row(paths: tuple[str, ...], using: str) -> QuerySet[Any, Any]:
    model = get_user_model()
    rows = model._base_manager.using(using).filter(pk=Parameter("key", model._meta.pk))
    return with_membership(rows, paths, account_key(), to_user="").values_list(*paths)


def lock_group(column: str, value: Any, account: str, using: str, *, live: bool = True) -> Any:
    """Return the group link with a value in a unique column, locked with its Library, or None.

    Args:
        column: The column.
        value: The value.
        account: The account.
        using: The database alias.
        live: Whether to return only a live link. If False, the Library is not locked, because only
            a live group certainly has one.
    """
    query = compiled_instances(
        ("lock group", column, live, using), "library", lambda: _locked_group(column, live)
    )
    found = query.instance(account=account, value=value)
    if found is None and live:
        # PostgreSQL misses a group that was moved to another Library while the statement waited.
        found = query.instance(account=account, value=value)
    return found


def _locked_group(column: str, live: bool) -> QuerySet[Any]:
    rows = _of_account(LibraryGroupLink, live).filter(**{column: _value(LibraryGroupLink, column)})
    rows = rows.select_related("library")
    if not live:
        return locked(rows)
    # PostgreSQL cannot lock the nullable side of an outer join.
    joins = rows.query.setup_joins(["library"], rows.model._meta, rows.query.get_initial_alias())
    rows.query.demote_joins(joins.joins[1:])
    return locked(rows, "library")
