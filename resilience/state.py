"""The state of the database, as facts that a scenario can compare."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, Q

from tests.simple_project.libraries.models import Library
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    PriorAccess,
    PriorRoles,
    ScimEvent,
    UserLink,
)

Facts = Counter[str]
# The rows of all tables.
Snapshot = list[list[tuple[str, ...]]]

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The columns to compare for each table. The first one contains the name.
COLUMNS: dict[type[Model], tuple[str, ...]] = {
    User: ("username", "first_name", "last_name", "email", "is_active", "is_staff"),
    UserLink: (
        *("user_name", "user__username", "user_name_canonical", "external_id"),
        *("attributes", "hidden_values", "suspended", "unlinked_at"),
    ),
    LibraryGroupLink: (
        *("display_name", "library__name", "display_name_canonical", "unlinked_at", "role"),
    ),
    Library: ("name",),
    LibraryGroupMember: ("group__display_name", "user__user_name", "display"),
    PriorAccess: ("library__name", "user__username"),
    PriorRoles: ("link__user_name", "prior", "left"),
    Library.members.through: ("library__name", "user__username"),
    ScimEvent: ("resource_name", "action", "method", "status", "changes"),
}
# The events of changes of users and groups, without those of the scenarios' tokens.
CHANGES = Q(outcome=Outcome.DONE) & ~Q(resource_type="")
# Restricts which rows of a table to compare.
ROWS: dict[type[Model], Q] = {ScimEvent: CHANGES}

# Queries for the number of other active sessions.
RUNNING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state <> 'idle'",
    # Listing open transactions requires the privilege PROCESS.
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database() "
    "AND id <> connection_id() AND command <> 'Sleep'",
    "sqlite": "SELECT 0",
}


def person(name: str, *, active: bool = True) -> Facts:
    """Return the facts about a provisioned person."""
    return Counter([_user(name, active), f"{name} is provisioned"])


def people(names: Iterable[str]) -> Facts:
    """Return the facts about active people."""
    return _sum(person(name) for name in names)


def unlinked(name: str) -> Facts:
    """Return the facts about an unlinked person."""
    return Counter([_user(name, False), f"{name} is unlinked"])


def group(name: str, members: Iterable[str] = ()) -> Facts:
    """Return the facts about a pushed group, its Library, and its members with access."""
    facts = Counter([f"{name} is pushed", f"{name} is a Library"])
    for member in members:
        facts += Counter([f"{member} is in {name}", f"{member} may open {name}"])
    return facts


def group_unlinked(name: str) -> Facts:
    """Return the facts about an unlinked group, whose Library is kept."""
    return Counter([f"{name} is unlinked", f"{name} is a Library"])


def facts() -> Facts:
    """Return all facts, with names in lower case."""
    return Counter(_facts())


def snapshot(subject: str) -> Snapshot:
    """Return all values of the rows whose names start with the subject, without the subject."""
    tables = []
    for model, (name, *others) in COLUMNS.items():
        rows = model._default_manager.filter(
            ROWS.get(model, Q()), Q((f"{name}__startswith", subject))
        )
        values = rows.order_by(name, *others[:1]).values_list(name, *others)
        tables.append([tuple(_shown(value, subject) for value in row) for row in values])
    return tables


def difference(expected: Snapshot, found: Snapshot) -> list[str]:
    """Describe which rows are missing and which are unexpected."""
    return [
        f"{sign}{row}"
        for one, other in zip(expected, found, strict=True)
        for sign, rows in (
            ("-", Counter(one) - Counter(other)),
            ("+", Counter(other) - Counter(one)),
        )
        for row in rows
    ]


def wipe() -> None:
    """Delete everything except tokens and superusers."""
    for model in (ScimEvent, LibraryGroupMember, PriorAccess, LibraryGroupLink, UserLink, Library):
        model.objects.all().delete()
    User.objects.filter(is_superuser=False).delete()


def running() -> int:
    """Return the number of other active sessions, including those of killed processes."""
    with connection.cursor() as cursor:
        cursor.execute(RUNNING[connection.vendor])
        return int(cursor.fetchone()[0])


def _facts() -> Iterator[str]:
    for name, active in User.objects.filter(is_superuser=False).values_list(
        "username", "is_active"
    ):
        yield _user(name.lower(), active)
    for name, unlinked_at in UserLink.objects.values_list("user_name", "unlinked_at"):
        yield f"{name.lower()} {'is unlinked' if unlinked_at else 'is provisioned'}"
    for name, unlinked_at in LibraryGroupLink.objects.values_list("display_name", "unlinked_at"):
        yield f"{name.lower()} {'is unlinked' if unlinked_at else 'is pushed'}"
    for name in Library.objects.values_list("name", flat=True):
        yield f"{name.lower()} is a Library"
    rows = LibraryGroupMember.objects.values_list("user__user_name", "group__display_name")
    for user, name in rows:
        yield f"{user.lower()} is in {name.lower()}"
    access = Library.members.through.objects.values_list("user__username", "library__name")
    for user, name in access:
        yield f"{user.lower()} may open {name.lower()}"


def _shown(value: object, subject: str) -> str:
    if isinstance(value, datetime):
        return "a time"
    return UUID.sub("an id", str(_sorted(value)).replace(subject, ""))


def _sorted(value: object) -> object:
    """Sort the names of members in an event, which are in the order of their random ids."""
    if not isinstance(value, dict):
        return value
    return {
        name: sorted(part) if name == "names" else _sorted(part) for name, part in value.items()
    }


def _user(name: str, active: bool) -> str:
    return f"{name} is {'active' if active else 'inactive'} in the host"


def _sum(parts: Iterable[Facts]) -> Facts:
    result: Facts = Counter()
    for part in parts:
        result += part
    return result
