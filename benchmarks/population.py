"""A database of its own for a measurement, and large numbers of rows in it, made by SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.db import connection
from django.test.utils import get_runner

MEMBERS_OF_A_GROUP = 100


@contextmanager
def database() -> Iterator[None]:
    """Set Django up with an empty database, as for its tests, and drop that in the end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simple_project.settings")
    django.setup()
    from django.conf import settings

    runner = get_runner(settings)(verbosity=0, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        if connection.vendor != "postgresql":
            raise SystemExit(
                "This measurement makes its rows in PostgreSQL's SQL: set DATABASE_URL."
            )
        yield
    finally:
        runner.teardown_databases(databases)
        runner.teardown_test_environment()


def populate(*, users: int, groups: int, events: int, first: int = 0) -> None:
    """Make rows as pushes would leave them.

    Args:
        first: the number of the first user, group and event, where some are there already.
    """
    numbers = {"first": first, "members": MEMBERS_OF_A_GROUP}
    for statement in STATEMENTS:
        count = {"users": users, "groups": groups, "events": events}[statement.split()[1]]
        with connection.cursor() as cursor:
            cursor.execute(statement, {**numbers, "last": first + count - 1, "users": users})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


# Each begins with a comment that names what it is of.
STATEMENTS = (
    """-- users
    INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser, is_staff,
        is_active, date_joined)
    SELECT 'person' || n, '!', 'Given' || n, 'Family' || n, 'person' || n || '@example.com', false,
        n %% 100 = 0, n %% 10 <> 0, now()
    FROM generate_series(%(first)s, %(last)s) AS n""",
    """-- users
    INSERT INTO tiled_scim_userlink (id, account, external_id, attributes, version, created_at,
        updated_at, pushed_at, user_name, user_name_canonical, user_id, suspended, keeps_own_values,
        hidden_values)
    SELECT gen_random_uuid(), '', '00u' || username, '{}', 1, now(), now(), now(), email, email, id,
        false, false, '{}'
    FROM auth_user WHERE username LIKE 'person%%'
        AND NOT EXISTS (SELECT FROM tiled_scim_userlink WHERE user_id = auth_user.id)""",
    """-- groups
    INSERT INTO libraries_library (name)
    SELECT 'Library ' || n FROM generate_series(%(first)s, %(last)s) AS n""",
    """-- groups
    INSERT INTO tiled_scim_librarygrouplink (id, account, attributes, version, created_at,
        updated_at, pushed_at, display_name, display_name_canonical, library_id, role)
    SELECT gen_random_uuid(), '', '{}', 1, now(), now(), now(), name, lower(name), id, ''
    FROM libraries_library
    WHERE NOT EXISTS (
        SELECT FROM tiled_scim_librarygrouplink WHERE library_id = libraries_library.id)""",
    """-- groups
    INSERT INTO tiled_scim_librarygroupmember (group_id, user_id, display, created_at)
    SELECT g.id, u.id, u.user_name, now()
    FROM (SELECT id, row_number() OVER () AS n FROM tiled_scim_librarygrouplink
        WHERE NOT EXISTS (SELECT FROM tiled_scim_librarygroupmember m
            WHERE m.group_id = tiled_scim_librarygrouplink.id)) AS g
    JOIN (SELECT id, user_name, row_number() OVER () AS n FROM tiled_scim_userlink) AS u
        ON u.n %% (%(users)s / %(members)s) = g.n %% (%(users)s / %(members)s)""",
    """-- events
    INSERT INTO tiled_scim_scimevent (created_at, account, token_last_four, client, actor, address,
        request_id, method, action, resource_type, resource_id, resource_name,
        resource_name_canonical, changes, outcome, status, scim_type, cause, detail, duration,
        times)
    SELECT now() - n * interval '90 days' / %(last)s, '', 'abcd', 'Okta SCIM Client 1.0.0', '',
        '10.0.0.1', md5(n::text), 'PATCH',
        CASE WHEN n %% 100 = 0 THEN '' ELSE 'user_updated' END, 'User', gen_random_uuid(),
        'person' || n %% 100000 || '@example.com', 'person' || n %% 100000 || '@example.com',
        '{"attributes": {"title": ["Clerk", "Head"]}}',
        CASE WHEN n %% 100 = 0 THEN 'refused' ELSE 'done' END,
        CASE WHEN n %% 100 = 0 THEN 409 ELSE 200 END,
        CASE WHEN n %% 100 = 0 THEN 'uniqueness' ELSE '' END,
        '', CASE WHEN n %% 100 = 0 THEN 'There is a User already.' ELSE '' END, 12, 1
    FROM generate_series(%(first)s + 1, %(last)s) AS n""",
)
