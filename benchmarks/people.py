"""People as pushes would leave them, a million in a few minutes, on every supported database.

Person `n` has the username `person<n>`, an address that the host keeps and, if `n` is a multiple of
ten, a second one that only the link has. All of it can be told from the number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import UUID

import django

BEGIN = datetime(2024, 2, 29, tzinfo=UTC)
# One in so many has a second address.
SECOND_EMAILS = 10
DIGIT = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))
TABLES = (
    *("auth_user", "tiled_scim_userlink", "tiled_scim_storedemail"),
    *("libraries_library", "libraries_library_members"),
)
# What the database does by itself after a while.
STATISTICS = {
    "mysql": f"ANALYZE TABLE {', '.join(TABLES)}",
    "postgresql": "VACUUM ANALYZE",
    "sqlite": "PRAGMA optimize",
}
UUIDS = {
    "mysql": "UUID()",
    "postgresql": "gen_random_uuid()",
    "sqlite": "lower(hex(randomblob(16)))",
}
# An id that can be told from the number, as random as a real one and of the same version, since
# MariaDB takes no other. SQLite has no MD5.
_PARTS = "CONCAT(SUBSTR({0}, 1, 12), '4', SUBSTR({0}, 14, 3), '8', SUBSTR({0}, 18))"
IDS = {
    "mysql": _PARTS.format("MD5(n)"),
    "postgresql": f"{_PARTS.format('MD5(n::text)')}::uuid",
    "sqlite": UUIDS["sqlite"],
}
MOMENTS = {
    "mysql": "TIMESTAMPADD(SECOND, n DIV 3, prototype.created_at)",
    "postgresql": "prototype.created_at + n / 3 * interval '1 second'",
    "sqlite": "DATETIME(prototype.created_at, (n / 3) || ' seconds')",
}
INTEGERS = {"mysql": "UNSIGNED", "postgresql": "bigint", "sqlite": "INTEGER"}
JSON = {"mysql": "{}", "postgresql": "({})::jsonb", "sqlite": "{}"}
# Drops what would be checked again row by row.
UNCHECKED = {"mysql": "SET unique_checks = {0}, foreign_key_checks = {0}"}


@contextmanager
def databases(*names: str) -> Iterator[Callable[[str], None]]:
    """Set Django up with new databases beside the one of DATABASE_URL, and drop them in the end.

    Those that an interrupted run has left behind are dropped first.

    Yields:
        A function that makes one of them the database that Django uses, given its name.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simple_project.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    settings, own = connection.settings_dict, connection.settings_dict["NAME"]
    created: dict[str, str] = {}

    def use(name: str) -> None:
        connection.close()
        settings["NAME"] = created[name]

    try:
        for name in names:
            settings["NAME"] = own
            settings["TEST"]["NAME"] = None if connection.vendor == "sqlite" else f"{own}_{name}"
            connection.creation.create_test_db(verbosity=0, autoclobber=True)
            created[name] = settings["NAME"]
        yield use
    finally:
        for name in created:
            use(name)
            connection.creation.destroy_test_db(own, verbosity=0)
        teardown_test_environment()


def user_name(number: int) -> str:
    """A userName; their order is not that of the numbers."""
    return f"{number * 7919 % 1_000_003}.{number}@example.com"


def email(number: int) -> str:
    """The address that the host keeps."""
    return f"Person{number}@Example.com"


def second_email(number: int) -> str:
    """The address that only the link has."""
    return f"Person{number}@home.example"


def identifier(number: int) -> UUID:
    """The SCIM id; not on SQLite, which makes others."""
    digits = md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return UUID(f"{digits[:12]}4{digits[13:16]}8{digits[17:]}")


def push(last: int, first: int = 0) -> None:
    """Make the people whose numbers are under `last`.

    Args:
        first: the number of the first one; those before are there already.
    """
    from django.db import connection

    if not first:
        _push_first()
        first = 1
    with _unchecked():
        _add_users(first, last)
        with _without_indexes():
            _add_links(first)
        _add_second_emails(first)
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS[connection.vendor])


def _push_first() -> None:
    """Make person 0, after whose rows those of all the others are made."""
    from django.contrib.auth.models import User

    from tiled_scim.models import UserLink

    user = User(username="person0", email=email(0), first_name="Given", last_name="Family0")
    user.set_unusable_password()
    user.save()
    link = UserLink(user=user, external_id="00u0", created_at=BEGIN, updated_at=BEGIN)
    if _vendor() != "sqlite":
        link.id = identifier(0)
    link.rename(user_name(0))
    second = {"value": second_email(0), "type": "home"}
    link.attributes = {
        "emails": [{"type": "work", "primary": True}, second],
        "title": "Title 0",
        "displayName": "Person 0",
    }
    link.save()


def _add_users(first: int, last: int) -> None:
    from django.contrib.auth.models import User

    multiply(
        User.objects.get(username="person0"),
        numbers(last, first),
        username=text("'person'", "n"),
        email=text("'Person'", "n", "'@Example.com'"),
        last_name=text("'Family'", "n %% 1000"),
    )


def _add_links(first: int) -> None:
    from tiled_scim.models import UserLink

    vendor = _vendor()
    number = f"CAST(SUBSTR(username, 7) AS {INTEGERS[vendor]})"
    users = f"SELECT id AS host, {number} AS n FROM auth_user WHERE username LIKE 'person%%'"  # noqa: S608 (SQL and names of this module only)
    name = text("n * 7919 %% 1000003", "'.'", "n", "'@example.com'")
    multiply(
        UserLink.objects.get(user__username="person0"),
        f"(SELECT host, n FROM ({users}) AS users WHERE n >= {first}) AS people",  # noqa: S608 (SQL and integers of this module only)
        id=IDS[vendor],
        user_id="host",
        user_name=name,
        user_name_canonical=name,
        external_id=text("'00u'", "n"),
        attributes=JSON[vendor].format(_attributes()),
        created_at=MOMENTS[vendor],
        updated_at=MOMENTS[vendor],
    )


def _attributes() -> str:
    """SQL for the text of a link's JSON: `_push_first` has it as Python."""
    second = text("""',{"type":"home","value":"Person'""", "n", """'@home.example"}'""")
    emails = f"CASE WHEN n %% {SECOND_EMAILS} = 0 THEN {second} ELSE '' END"
    return text(
        """'{"emails":[{"type":"work","primary":true}'""",
        *(emails, """'],"title":"Title '""", "n %% 50"),
        *("""'","displayName":"Person '""", "n", """'"}'"""),
    )


def _add_second_emails(first: int) -> None:
    from tiled_scim.models import StoredEmail

    number = f"CAST(SUBSTR(external_id, 4) AS {INTEGERS[_vendor()]})"
    links = f"SELECT id AS link, {number} AS n FROM tiled_scim_userlink"  # noqa: S608 (SQL and names of this module only)
    chosen = f"n >= {first} AND n %% {SECOND_EMAILS} = 0"
    multiply(
        StoredEmail.objects.get(link__user__username="person0"),
        f"(SELECT link, n FROM ({links}) AS links WHERE {chosen}) AS people",  # noqa: S608 (SQL and integers of this module only)
        link_id="link",
        folded=text("'person'", "n", "'@home.example'"),
    )


@contextmanager
def _unchecked() -> Iterator[None]:
    """Leave out, where it can be, what the database would check row by row."""
    from django.db import connection

    statement = UNCHECKED.get(connection.vendor)
    with connection.cursor() as cursor:
        if statement:
            cursor.execute(statement.format(0))
        yield
        if statement:
            cursor.execute(statement.format(1))


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Make the indexes of links anew in the end, which is faster than keeping them up to date."""
    from django.db import connection

    from tiled_scim.models import UserLink

    constraints, indexes = UserLink._meta.constraints, UserLink._meta.indexes
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(UserLink, constraint)
        for index in indexes:
            editor.remove_index(UserLink, index)
    yield
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(UserLink, index)
        for constraint in constraints:
            editor.add_constraint(UserLink, constraint)


def multiply(prototype: Any, source: str, **different: str) -> None:
    """Make a row like the prototype for each row of a source, but for some columns.

    Args:
        source: what stands in FROM.
        different: a column, and the SQL of its value. Rows go in by the order of their ids.
    """
    from django.db import connection

    options = prototype._meta
    columns = [field.column for field in options.concrete_fields]
    if "id" not in different:
        columns.remove("id")
    names = ", ".join(map(connection.ops.quote_name, columns))
    values = ", ".join(different.get(column, f"prototype.{column}") for column in columns)
    order = f" ORDER BY {different['id']}" if "id" in different else ""
    statement = (
        f"INSERT INTO {options.db_table} ({names}) SELECT {values} "  # noqa: S608 (SQL and names of this module only)
        f"FROM {options.db_table} AS prototype CROSS JOIN {source} WHERE prototype.id = %s{order}"
    )
    with connection.cursor() as cursor:
        key = options.pk.get_db_prep_value(prototype.pk, connection)
        cursor.execute(statement, [key])


def numbers(last: int, first: int = 0) -> str:
    """The numbers from `first` to under `last` as a source, each as `n`."""
    digits = range(len(str(last - 1)))
    total = " + ".join(f"d{digit}.n * {10**digit}" for digit in digits)
    tables = " CROSS JOIN ".join(f"({DIGIT}) AS d{digit}" for digit in digits)
    every = f"SELECT {total} AS n FROM {tables}"  # noqa: S608 (numbers only)
    return f"(SELECT n FROM ({every}) AS a WHERE n >= {first} AND n < {last}) AS numbers"  # noqa: S608 (SQL and integers of this module only)


def text(*parts: str) -> str:
    """SQL for a text that is made of the values of these pieces of SQL."""
    if _vendor() == "sqlite":
        return " || ".join(f"({part})" for part in parts)
    return f"CONCAT({', '.join(parts)})"


def uuid() -> str:
    """SQL for a new id."""
    return UUIDS[_vendor()]


def _vendor() -> str:
    from django.db import connection

    return connection.vendor
