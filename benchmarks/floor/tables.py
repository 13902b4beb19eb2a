"""The SQL of the floor: only this module names tables and columns.

It uses the tables of `tiled_scim`, so that both write the same rows and indexes, with as few
statements as possible. Columns that are not named here get the default of their model. Ids are
strings, as in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils import timezone

from tests.simple_project.libraries.models import Library
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    ScimEvent,
    ScimToken,
    UserLink,
)

# The attributes that neither the host user nor a column of the link has.
KEPT = ("displayName", "locale")
AccessRow = Library.members.through

Pair = tuple[str, str]


class UserRow(NamedTuple):
    """A link with its host user, and the ids and names of its groups."""

    id: str
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
    groups: list[Pair] | None


class GroupRow(NamedTuple):
    """The link of a group."""

    id: str
    display_name: str
    version: int
    created_at: datetime
    updated_at: datetime
    library: int


def table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


TOKEN, EVENT = table(ScimToken), table(ScimEvent)
HOST, LINK = table(User), table(UserLink)
LIBRARY, GROUP = table(Library), table(LibraryGroupLink)
MEMBER, ACCESS = table(LibraryGroupMember), table(AccessRow)

# The column for lookups by userName in any letter case.
FOLDED_USER_NAME = "user_name_canonical"
LIVE_USER = "link.account = %s AND link.unlinked_at IS NULL"
LIVE_GROUP = "grp.account = %s AND grp.unlinked_at IS NULL AND grp.library_id IS NOT NULL"

GROUPS_OF_USER = f"""(SELECT json_agg(json_build_array(grp.id, grp.display_name))
    FROM {MEMBER} AS member JOIN {GROUP} AS grp ON grp.id = member.group_id
    WHERE member.user_id = link.id AND grp.unlinked_at IS NULL AND grp.library_id IS NOT NULL)"""
USER_COLUMNS = f"""link.id::text, link.external_id, link.user_name, link.attributes::json,
    link.version, link.created_at, link.updated_at, link.user_id,
    host.first_name, host.last_name, host.email, host.is_active, {GROUPS_OF_USER}"""
USER_ROWS = (
    f"SELECT {USER_COLUMNS} FROM {LINK} AS link JOIN {HOST} AS host ON host.id = link.user_id"
)
# Select the page first, so that rows that are skipped need no join.
USER_PAGE = f"""WITH link AS (SELECT * FROM {LINK} AS link WHERE {LIVE_USER} {{}}
        ORDER BY link.created_at, link.id LIMIT %s OFFSET %s)
    SELECT {USER_COLUMNS} FROM link JOIN {HOST} AS host ON host.id = link.user_id
    ORDER BY link.created_at, link.id"""
GROUP_ROWS = f"""SELECT grp.id::text, grp.display_name, grp.version, grp.created_at,
    grp.updated_at, grp.library_id FROM {GROUP} AS grp WHERE {LIVE_GROUP}"""


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


class Insert:
    """An INSERT that is composed once. Other columns get the defaults of the model.

    Args:
        columns: columns, and the SQL of their values.
        source: the FROM clause; by default, one row is inserted.
        ending: the clauses ON CONFLICT and RETURNING.
    """

    def __init__(
        self,
        model: type[models.Model],
        columns: Mapping[str, str],
        source: str = "",
        ending: str = "",
    ) -> None:
        others = [
            field
            for field in model._meta.concrete_fields
            if field.column not in columns and not isinstance(field, models.AutoField)
        ]
        self._defaults = [
            field.get_db_prep_save(field.get_default(), connection) for field in others
        ]
        names = ", ".join([*columns, *(str(field.column) for field in others)])
        values = ", ".join([*columns.values(), *("%s" for _ in others)])
        body = f"SELECT {values} {source}" if source else f"VALUES ({values})"
        self._statement = f"INSERT INTO {table(model)} ({names}) {body} {ending}"

    def execute(self, *values: object, source: Sequence[object] = ()) -> None:
        execute(self._statement, *values, *self._defaults, *source)

    def rows(self, *values: object, source: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return rows(self._statement, *values, *self._defaults, *source)


def given(*names: str) -> dict[str, str]:
    """Return columns whose values are parameters."""
    return dict.fromkeys(names, "%s")


NAMES = ("first_name", "last_name", "email", "is_active")
SOME_LINKS = f"FROM {LINK} AS link WHERE {LIVE_USER} AND link.id = ANY(%s::uuid[])"
LINK_NAMES = ("id", "account", "attributes", "created_at", "updated_at")

INSERT_HOST = Insert(
    User, given("username", "password", *NAMES, "date_joined"), ending="RETURNING id"
)
INSERT_USER = Insert(
    UserLink, given(*LINK_NAMES, "external_id", "user_id", "user_name", FOLDED_USER_NAME)
)
INSERT_LIBRARY = Insert(Library, given("name"), ending="RETURNING id")
INSERT_GROUP = Insert(
    LibraryGroupLink, given(*LINK_NAMES, "library_id", "display_name", "display_name_canonical")
)
INSERT_MEMBERS = Insert(
    LibraryGroupMember,
    {"group_id": "%s", "created_at": "%s", "user_id": "link.id", "display": "link.user_name"},
    SOME_LINKS,
    "ON CONFLICT DO NOTHING RETURNING user_id::text, display",
)
INSERT_ACCESS = Insert(
    AccessRow, {"library_id": "%s", "user_id": "link.user_id"}, SOME_LINKS, "ON CONFLICT DO NOTHING"
)
INSERT_EVENT = Insert(
    ScimEvent,
    given(
        *("created_at", "account", "resource_type", "resource_id", "resource_name"),
        *("resource_name_canonical", "method", "action", "changes", "outcome", "status"),
    ),
)


def account_of(digest: str) -> str | None:
    """Return the account of a valid token, or None."""
    statement = f"SELECT account, slot, expires_at FROM {TOKEN} WHERE digest = %s"
    for account, slot, expires_at in rows(statement, digest):
        if slot is not None and (expires_at is None or expires_at > timezone.now()):
            return str(account)
    return None


# Users


def user(account: str, key: str) -> UserRow | None:
    return _one_user(f"{USER_ROWS} WHERE link.id = %s AND {LIVE_USER}", key, account)


def locked_user(account: str, key: str) -> UserRow | None:
    """Lock a link and its host user, and return them."""
    statement = f"{USER_ROWS} WHERE link.id = %s AND {LIVE_USER} FOR UPDATE OF link, host"
    return _one_user(statement, key, account)


def _one_user(statement: str, key: str, account: str) -> UserRow | None:
    return next((UserRow(*row) for row in rows(statement, key, account)), None)


def users_named(account: str, name: str) -> list[UserRow]:
    statement = f"{USER_ROWS} WHERE link.{FOLDED_USER_NAME} = %s AND {LIVE_USER}"
    return [UserRow(*row) for row in rows(statement, name.lower(), account)]


def count_users(account: str) -> int:
    [[total]] = rows(f"SELECT count(*) FROM {LINK} AS link WHERE {LIVE_USER}", account)
    return int(total)


def users_from(account: str, start: int, count: int) -> list[UserRow]:
    return [UserRow(*row) for row in rows(USER_PAGE.format(""), account, count, start)]


def users_beyond(account: str, created_at: str, key: str, count: int) -> list[UserRow]:
    """Return the page after the user with this time of creation and id."""
    statement = USER_PAGE.format("AND (link.created_at, link.id) > (%s, %s)")
    return [UserRow(*row) for row in rows(statement, account, created_at, key, count, 0)]


def insert_user(
    account: str, key: str, sent: Mapping[str, Any], password: str, now: datetime
) -> int:
    """Insert a host user and its link; return the host user's primary key."""
    name, names = sent["userName"], names_of(sent)
    [[host]] = INSERT_HOST.rows(name, password, *names, now)
    attributes = json.dumps(kept(sent))
    INSERT_USER.execute(
        key, account, attributes, now, now, sent["externalId"], host, name, name.lower()
    )
    return int(host)


def update_user(row: UserRow) -> None:
    """Update the host user and the link."""
    execute(
        f"UPDATE {HOST} SET username = %s, first_name = %s, last_name = %s, email = %s,"
        " is_active = %s WHERE id = %s",
        *(row.user_name, row.first_name, row.last_name, row.email, row.is_active, row.host),
    )
    execute(
        f"UPDATE {LINK} SET external_id = %s, user_name = %s, {FOLDED_USER_NAME} = %s,"
        " attributes = %s, version = %s, updated_at = %s WHERE id = %s",
        *(row.external_id, row.user_name, row.user_name.lower(), json.dumps(row.attributes)),
        *(row.version, row.updated_at, row.id),
    )


def update_active(row: UserRow) -> None:
    """Update `is_active` of the host user, and the version of the link."""
    execute(f"UPDATE {HOST} SET is_active = %s WHERE id = %s", row.is_active, row.host)
    execute(
        f"UPDATE {LINK} SET version = %s, updated_at = %s WHERE id = %s",
        *(row.version, row.updated_at, row.id),
    )


def names_of(sent: Mapping[str, Any]) -> tuple[str, str, str, bool]:
    """Return the values of the host user, in the order of `NAMES`."""
    name, [email] = sent["name"], sent["emails"]
    return name["givenName"], name["familyName"], email["value"], sent["active"]


def kept(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that the link stores as JSON."""
    return {name: sent[name] for name in KEPT if name in sent}


# Groups


def group(account: str, key: str) -> GroupRow | None:
    found = rows(f"{GROUP_ROWS} AND grp.id = %s", account, key)
    return next((GroupRow(*row) for row in found), None)


def locked_group(account: str, key: str) -> GroupRow | None:
    found = rows(f"{GROUP_ROWS} AND grp.id = %s FOR UPDATE", account, key)
    return next((GroupRow(*row) for row in found), None)


def count_groups(account: str) -> int:
    [[total]] = rows(f"SELECT count(*) FROM {GROUP} AS grp WHERE {LIVE_GROUP}", account)
    return int(total)


def groups_from(account: str, start: int, count: int) -> list[GroupRow]:
    statement = f"{GROUP_ROWS} ORDER BY grp.created_at, grp.id LIMIT %s OFFSET %s"
    return [GroupRow(*row) for row in rows(statement, account, count, start)]


def insert_group(account: str, key: str, name: str, now: datetime) -> int:
    """Insert a Library and its link; return the Library's primary key."""
    [[library]] = INSERT_LIBRARY.rows(name)
    INSERT_GROUP.execute(key, account, "{}", now, now, library, name, name.lower())
    return int(library)


def touch_group(row: GroupRow, now: datetime) -> None:
    execute(
        f"UPDATE {GROUP} SET version = %s, updated_at = %s WHERE id = %s",
        *(row.version + 1, now, row.id),
    )


def delete_group(row: GroupRow) -> None:
    """Delete a group and its Library, for cleanup, which is not measured."""
    execute(f"DELETE FROM {MEMBER} WHERE group_id = %s", row.id)
    execute(f"DELETE FROM {ACCESS} WHERE library_id = %s", row.library)
    execute(f"DELETE FROM {GROUP} WHERE id = %s", row.id)
    execute(f"DELETE FROM {LIBRARY} WHERE id = %s", row.library)


# Members


def members(group_key: str) -> list[Pair]:
    """Return the ids and names of all members."""
    statement = f"SELECT user_id::text, display FROM {MEMBER} WHERE group_id = %s"
    return [(key, name) for key, name in rows(statement, group_key)]


def member_keys(group_key: str) -> set[str]:
    statement = f"SELECT user_id::text FROM {MEMBER} WHERE group_id = %s"
    return {key for (key,) in rows(statement, group_key)}


def insert_members(
    account: str, group_key: str, library: int, keys: Collection[str], now: datetime
) -> list[Pair]:
    """Add members and give them access; return the ids and names of new members."""
    if not keys:
        return []
    source = (account, list(keys))
    added = INSERT_MEMBERS.rows(group_key, now, source=source)
    INSERT_ACCESS.execute(library, source=source)
    return [(key, name) for key, name in added]


def delete_members(group_key: str, library: int, keys: Collection[str]) -> list[str]:
    """Remove members and their access; return the names of removed members."""
    if not keys:
        return []
    removed = rows(
        f"DELETE FROM {MEMBER} WHERE group_id = %s AND user_id = ANY(%s::uuid[]) RETURNING display",
        *(group_key, list(keys)),
    )
    execute(
        f"DELETE FROM {ACCESS} AS access USING {LINK} AS link WHERE access.library_id = %s"
        " AND access.user_id = link.user_id AND link.id = ANY(%s::uuid[])",
        *(library, list(keys)),
    )
    return [name for (name,) in removed]


def insert_event(
    account: str,
    method: str,
    about: tuple[str, str, str],
    action: str,
    changes: Mapping[str, Any],
    status: int,
) -> None:
    """Insert an event.

    Args:
        about: the type, id and name of the resource.
    """
    INSERT_EVENT.execute(
        timezone.now(),
        account,
        *about,
        about[-1].lower(),
        *(method, action, json.dumps(changes), "done", status),
    )
