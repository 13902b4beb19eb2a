"""The migrations in a large host, forward and backward: how long they take, and who waits for them.

    DATABASE_URL=postgres://postgres@127.0.0.1/migrations python -m benchmarks.migrations [rows]

Makes a test database of its own with a million users of the host, or as many rows as it is told to,
and drops it in the end. Meanwhile another connection reads and writes the host's tables, as its
visitors do. The tables of SCIM are made beside those million users, dropped with a million users
and as many members and events in them, and made again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django

ROWS = 1_000_000
DIGITS = 7
# Seconds between two visitors.
PAUSE = 0.01
SQLITE_FILE = "migrations.sqlite3"

# What each database calls a text of two parts, and a new UUID.
JOINED = {"mysql": "CONCAT({}, {})", "postgresql": "{} || {}", "sqlite": "{} || {}"}
NEW_ID = {
    "mysql": "UUID()",
    "postgresql": "gen_random_uuid()",
    "sqlite": "lower(hex(randomblob(16)))",
}

HOST_ROWS = (
    """INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser,
        is_staff, is_active, date_joined)
    SELECT {name}, '!', 'Ann', 'Angel', '', false, false, true, CURRENT_TIMESTAMP FROM {numbers}""",
    "INSERT INTO libraries_library (name) SELECT {name} FROM {numbers} WHERE n < 1000",
)
SCIM_ROWS = (
    """INSERT INTO tiled_scim_userlink (id, account, attributes, version, created_at, updated_at,
        user_name, user_name_folded, user_id, active)
    SELECT {id}, '', '{{}}', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, username, username, id, true
    FROM auth_user""",
    """INSERT INTO tiled_scim_librarygrouplink (id, account, attributes, version, created_at,
        updated_at, display_name, display_name_folded, library_id)
    SELECT {id}, '', '{{}}', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, name, name, id
    FROM libraries_library WHERE name = 'row0'""",
    """INSERT INTO tiled_scim_librarygroupmember (group_id, user_id, display, granted, created_at)
    SELECT g.id, u.id, u.user_name, true, CURRENT_TIMESTAMP
    FROM tiled_scim_librarygrouplink g, tiled_scim_userlink u""",
    """INSERT INTO tiled_scim_scimevent (created_at, account, token_last_four, client, request_id,
        method, action, resource_type, resource_name, resource_name_folded, changes, outcome,
        scim_type, detail, duration, times)
    SELECT CURRENT_TIMESTAMP, '', 'abcd', 'Okta', {name}, 'PATCH', 'user_updated', 'User', {name},
        {name}, '{{}}', 'done', '', '', 12, 1
    FROM {numbers}""",
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    from django.db import connection

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(Path(SQLITE_FILE).resolve())
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        report(rows)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def report(rows: int) -> None:
    """Measure each way, and print what it took."""
    from django.db import connection

    migrate("zero")
    fill(HOST_ROWS, rows)
    print(f"{connection.vendor}, {rows:,} users of the host")
    print(f"{'':44}{'seconds':>9}{'longest read':>14}{'longest write':>15}")
    measure("forward", migrate)
    fill(SCIM_ROWS, rows)
    measure(f"backward, with {rows:,} users and events", lambda: migrate("zero"))
    measure("forward again", migrate)


def migrate(*target: str) -> None:
    from django.core.management import call_command

    call_command("migrate", "tiled_scim", *target, verbosity=0)


def fill(statements: tuple[str, ...], rows: int) -> None:
    from django.db import connection

    words = {
        "id": NEW_ID[connection.vendor],
        "name": JOINED[connection.vendor].format("'row'", "n"),
        "numbers": f"({numbers()}) AS numbers WHERE n < {rows}",
    }
    with connection.cursor() as cursor:
        for statement in statements:
            one_condition = statement.format(**words).replace(f"< {rows} WHERE", f"< {rows} AND")
            cursor.execute(one_condition)


def numbers() -> str:
    """A query for the numbers of so many digits: no two databases have a function for them."""
    digit = " UNION ALL ".join(f"SELECT {number} AS d" for number in range(10))
    tables = ", ".join(f"({digit}) AS digit{power}" for power in range(DIGITS))
    terms = " + ".join(f"digit{power}.d * {10**power}" for power in range(DIGITS))
    return f"SELECT {terms} AS n FROM {tables}"  # noqa: S608 -- nothing of it comes from outside


def measure(name: str, way: Callable[[], None]) -> None:
    with visitors() as longest:
        start = time.perf_counter()
        way()
        seconds = time.perf_counter() - start
    print(f"{name:44}{seconds:>9.2f}{longest['read']:>14.3f}{longest['write']:>15.3f}")


@contextmanager
def visitors() -> Iterator[dict[str, float]]:
    """Another connection that reads and writes the host's tables; yields its longest waits."""
    longest = {"read": 0.0, "write": 0.0}
    is_over = threading.Event()
    thread = threading.Thread(target=visit, args=(longest, is_over))
    thread.start()
    try:
        yield longest
    finally:
        is_over.set()
        thread.join()


def visit(longest: dict[str, float], is_over: threading.Event) -> None:
    from django.contrib.auth.models import User
    from django.db import connection

    from example_project.libraries.models import Library

    def read() -> None:
        User.objects.get(username="row1")
        Library.objects.get(name="row1")

    def write() -> None:
        User.objects.filter(username="row1").update(last_name="Angel")
        Library.objects.filter(name="row1").update(name="row1")

    try:
        while not is_over.wait(PAUSE):
            for kind, act in (("read", read), ("write", write)):
                start = time.perf_counter()
                act()
                longest[kind] = max(longest[kind], time.perf_counter() - start)
    finally:
        connection.close()


if __name__ == "__main__":
    main()
