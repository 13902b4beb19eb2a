"""The rows that resources are made of: read for an answer, or locked for a change.

Everything here reads the database that is written to: a replica may not have yet what the identity
provider has just made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, router
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from tiled_scim.database.aggregates import JSONArray
from tiled_scim.database.compiled import (
    Parameter,
    compiled,
    compiled_instances,
    rows_of_keys,
)
from tiled_scim.database.expressions import ColumnText
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

# What makes an order of links total.
TIES = ("created_at", "pk")


class UserRow(NamedTuple):
    """What SCIM keeps of a user."""

    pk: UUID
    external_id: str | None
    user_name: str
    attributes: dict[str, Any]
    suspended: bool
    hidden_values: dict[str, bool]
    version: int
    created_at: datetime
    updated_at: datetime


class GroupRow(NamedTuple):
    """What SCIM keeps of a group."""

    pk: UUID
    external_id: str | None
    display_name: str
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


USER_COLUMNS = UserRow._fields
GROUP_COLUMNS = GroupRow._fields


def live_links(model: type[UserLink | LibraryGroupLink], account: Any) -> QuerySet[Any]:
    """Return the links of an account that SCIM manages now, in an order that pages can rely on."""
    rows: Any = model.objects.using(router.db_for_write(model))
    links: QuerySet[Any] = rows.live(account).order_by(*TIES)
    return links


def live_rows(
    model: type[UserLink | LibraryGroupLink],
    column: str,
    value: Any,
    account: str,
    host_columns: Sequence[str],
) -> list[Any]:
    """Return the rows of the live links with this value in an indexed column: two at most.

    Args:
        host_columns: ORM paths, from the host user, of more columns to read of a user.

    Returns:
        Rows with the columns of `USER_COLUMNS`, the host's, and the user's groups as a JSON array;
        or with those of `GROUP_COLUMNS`.
    """
    using = router.db_for_write(model)
    host = tuple(f"user__{path}" for path in host_columns)
    query = compiled((model, column, host, using), lambda: _live_rows(model, column, host))
    return query.rows(account=account, value=value)


def _live_rows(
    model: type[UserLink | LibraryGroupLink], column: str, host: tuple[str, ...]
) -> QuerySet[Any, Any]:
    rows = _of_account(model).filter(**{column: _value(model, column)})[:2]
    if model is LibraryGroupLink:
        return rows.values_list(*GROUP_COLUMNS)
    return with_groups(rows).values_list(*USER_COLUMNS, *host, "group_rows")


def _of_account(model: type[UserLink | LibraryGroupLink], live: bool = True) -> QuerySet[Any]:
    """The links of the account that a parameter names."""
    account: Any = Parameter("account", model._meta.get_field("account"))
    rows: Any = model.objects.using(router.db_for_write(model))
    links: QuerySet[Any] = rows.live(account) if live else rows.filter(account=account)
    return links


def _value(model: type[UserLink | LibraryGroupLink], column: str) -> Parameter:
    field: Any = model._meta.pk if column == "pk" else model._meta.get_field(column)
    return Parameter("value", field)


def with_groups(rows: QuerySet[UserLink]) -> QuerySet[Any]:
    """Return users with `group_rows`: the `value` and `display` of each group, as a JSON array."""
    memberships = (
        LibraryGroupMember.objects.filter(LibraryGroupMember.live, user=OuterRef("pk"))
        .order_by()
        .values("user")
        .annotate(rows=JSONArray(JSONObject(value=F("group"), display=F("group__display_name"))))
    )
    annotations: dict[str, Any] = {"group_rows": Subquery(memberships.values("rows"))}
    return rows.annotate(**annotations)


def groups_of(users: Sequence[UUID]) -> list[Any]:
    """Return the user, id and displayName of each live group that the users are in."""
    return rows_of_keys(
        "groups of users",
        lambda is_one_of: (
            LibraryGroupMember.objects.using(router.db_for_write(UserLink))
            .filter(LibraryGroupMember.live, is_one_of(F("user_id")))
            .values_list("user_id", "group_id", "group__display_name")
        ),
        UserLink._meta.pk,
        users,
        router.db_for_write(UserLink),
    )


def member_rows(group: UUID) -> Iterator[list[Any]]:
    """Return the id, as text, and display name of a group's members, in the order of their coming.

    In pages, so that the members of a large group are not in memory all at once.
    """
    using = router.db_for_write(LibraryGroupMember)
    parameter = Parameter("group", LibraryGroupLink._meta.pk)
    query = compiled(("members of a group", using), lambda: _member_rows(using, group=parameter))
    return query.pages(group=group)


def member_rows_of(groups: Sequence[UUID]) -> list[Any]:
    """Return the group, and what `member_rows` has, of the members of groups."""
    using = router.db_for_write(LibraryGroupMember)
    return rows_of_keys(
        "members of groups",
        lambda is_one_of: _member_rows(using).filter(is_one_of(F("group_id"))),
        LibraryGroupLink._meta.pk,
        groups,
        using,
    )


def _member_rows(using: str, **group: Any) -> QuerySet[Any, Any]:
    rows = LibraryGroupMember.objects.using(using).filter(**group).order_by("pk")
    columns = () if group else ("group_id",)
    # The database makes text of an id faster than Python makes a UUID, and text of that.
    return rows.annotate(key=ColumnText(F("user_id"))).values_list(*columns, "key", "display")


def lock_user(column: str, value: Any, account: str, using: str, *, live: bool = True) -> Any:
    """Return the link whose unique column has this value, locked together with its host user.

    It has `group_rows`, as of `with_groups`, and `is_shared`: whether another account has the user.

    Args:
        live: whether to return None for one that SCIM does not manage now.
    """
    query = compiled_instances(
        ("lock user", column, live, using), "user", lambda: _locked_user(column, live, using)
    )
    return query.instance(account=account, value=value)


def _locked_user(column: str, live: bool, using: str) -> QuerySet[Any]:
    others = UserLink.objects.filter(UserLink.live, user=OuterRef("user"))
    rows = _of_account(UserLink, live).filter(**{column: _value(UserLink, column)})
    rows = with_groups(rows.select_related("user")).annotate(
        is_shared=Exists(others.exclude(account=OuterRef("account")))
    )
    return locked(rows, using, "user")


def lock_group(column: str, value: Any, account: str, using: str, *, live: bool = True) -> Any:
    """Return the group whose unique column has this value, locked together with its Library.

    It has `is_shared`: whether another group feeds the same Library.

    Args:
        live: whether to return None for one that SCIM does not manage now. Only a live group is
            sure to have a Library, and another one's is not locked.
    """
    query = compiled_instances(
        ("lock group", column, live, using), "library", lambda: _locked_group(column, live, using)
    )
    return query.instance(account=account, value=value)


def _locked_group(column: str, live: bool, using: str) -> QuerySet[Any]:
    others = LibraryGroupLink.objects.filter(library=OuterRef("library"))
    rows = _of_account(LibraryGroupLink, live).filter(**{column: _value(LibraryGroupLink, column)})
    rows = rows.annotate(is_shared=Exists(others.exclude(pk=OuterRef("pk"))))
    rows = rows.select_related("library")
    if not live:
        return locked(rows, using)
    # PostgreSQL locks no row that an outer join may not find.
    joins = rows.query.setup_joins(["library"], rows.model._meta, rows.query.get_initial_alias())
    rows.query.demote_joins(joins.joins[1:])
    return locked(rows, using, "library")


def locked(rows: QuerySet[Any], using: str, *relations: str) -> QuerySet[Any]:
    """Return rows that are locked as they are read, with the rows of these relations.

    They are not locked against rows that refer to them: people may give access meanwhile.
    """
    features = connections[using].features
    of = ("self", *relations) if features.has_select_for_update_of else ()
    return rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update)
