"""The migrations in a host that has people already: what is theirs is not touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from tests.factories import make_library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 2_000
OURS = "tiled_scim_"
LATEST = "0001_initial"
WRITES = re.compile(r"(CREATE (UNIQUE )?|ALTER |DROP |INSERT |UPDATE |DELETE )")
MAKES = re.compile(r"CREATE TABLE|CREATE (UNIQUE )?INDEX|ALTER TABLE \S+ ADD CONSTRAINT")
UNMAKES = re.compile(r"DROP TABLE|ALTER TABLE \S+ DROP (CONSTRAINT|FOREIGN KEY)")


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    """People in a Library, a few of whom SCIM manages."""
    users = User.objects.bulk_create(User(username=f"person{number}") for number in range(PEOPLE))
    group = LibraryGroupLink(library=make_library("Maps", *User.objects.all()))
    group.rename("Maps")
    group.save()
    for user in users[:3]:
        link = UserLink(user=User.objects.get(username=user.username))
        link.rename(user.username)
        link.save()
        LibraryGroupMember.objects.create(group=group, user=link)
    yield
    migrate(LATEST)


def migrate(target: str | None) -> list[str]:
    """The SQL that leads to a migration, or for None to before the first one."""
    with CaptureQueriesContext(connection) as captured:
        MigrationExecutor(connection).migrate([("tiled_scim", target)])
    return [query["sql"] for query in captured.captured_queries]


def tables() -> list[str]:
    """Those of the host."""
    names = connection.introspection.table_names()
    # SQLite keeps statistics in a table, once another test has asked for them.
    others = (OURS, "django_migrations", "sqlite_")
    return [name for name in names if not name.startswith(others)]


def rows() -> dict[str, list[Any]]:
    """All that is in the tables of the host."""
    content = {}
    with connection.cursor() as cursor:
        for name in tables():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)} ORDER BY 1")  # noqa: S608 (the quoted name of a table)
            content[name] = list(cursor.fetchall())
    return content


def touched(statements: list[str]) -> set[str]:
    """The tables of the host that statements name, but as what a foreign key refers to."""
    quoted = {name: connection.ops.quote_name(name) for name in tables()}
    text = re.sub(r"REFERENCES \S+", "", "\n".join(statements))
    return {name for name, in_quotes in quoted.items() if in_quotes in text}


def writes(statements: list[str]) -> list[str]:
    """Those that change anything, but for what Django notes of its migrations."""
    return [sql for sql in statements if WRITES.match(sql) and "django_migrations" not in sql]


def test_backward_and_forward_leave_the_host_as_it_is() -> None:
    before = rows()
    assert len(before["auth_user"]) == len(before["libraries_library_members"]) == PEOPLE

    migrate(None)
    without = rows()
    migrate(LATEST)

    assert without == rows() == before
    assert not UserLink.objects.exists()
    assert not LibraryGroupLink.objects.exists()


def test_forward_makes_tables_and_looks_at_none_of_the_hosts() -> None:
    migrate(None)

    statements = migrate(LATEST)

    assert touched(statements) == set()
    assert writes(statements)
    for sql in writes(statements):
        assert MAKES.match(sql), sql
        assert OURS in re.sub(r"REFERENCES .*", "", sql), sql


def test_backward_drops_them_and_copies_none() -> None:
    statements = migrate(None)

    assert touched(statements) == set()
    assert writes(statements)
    for sql in writes(statements):
        assert UNMAKES.match(sql), sql


@pytest.mark.skipif(connection.vendor != "postgresql", reason="shows its locks to everybody")
def test_forward_lets_the_hosts_people_read() -> None:
    migrate(None)

    with transaction.atomic(), connection.cursor() as cursor:
        migrate(LATEST)
        cursor.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE relation::regclass::text = ANY(%s)",
            [tables()],
        )
        modes = {mode for (mode,) in cursor.fetchall()}

    assert "ShareRowExclusiveLock" in modes  # what a foreign key takes: writers wait
    assert "AccessExclusiveLock" not in modes
