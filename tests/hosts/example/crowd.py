"""Accounts with many people, as pushes would leave them, made by SQL: it takes seconds."""

from __future__ import annotations

from string import Template
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from example_project.customers.models import Account
from example_project.libraries.models import Library
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    ScimToken,
    Slot,
    UserLink,
)
from tiled_scim.secret import digest

BATCH = 5_000
# How each database writes a number as text, and as a UUID.
WORDS = {
    "sqlite": {"text": "TEXT", "uuid": "printf('%032x', id)"},
    "postgresql": {"text": "TEXT", "uuid": "LPAD(TO_HEX(id), 32, '0')::uuid"},
    "mysql": {"text": "CHAR", "uuid": "LPAD(HEX(id), 32, '0')"},
}
# Half of all people belong to the first account. Each account has a group with all its people.
STATEMENTS = (
    """
    INSERT INTO customers_membership (user_id, account_id, role, is_active, title)
    SELECT id, CASE WHEN id % 2 = 0 THEN 1 ELSE id % $accounts + 1 END, 'member', true, ''
    FROM auth_user WHERE id NOT IN (SELECT user_id FROM customers_membership)
    """,
    """
    INSERT INTO tiled_scim_userlink (id, account, attributes, version, created_at, updated_at,
        pushed_at, user_name, user_name_canonical, user_id, suspended, keeps_own_values,
        hidden_values)
    SELECT $uuid, account, '{}', 1, date_joined, date_joined, date_joined, username, username, id,
        false, false, '{}'
    FROM (
        SELECT auth_user.id, username, date_joined, CAST(account_id AS $text) AS account
        FROM auth_user JOIN customers_membership ON user_id = auth_user.id
        WHERE auth_user.id NOT IN (SELECT user_id FROM tiled_scim_userlink)
    ) AS people
    """,
    """
    INSERT INTO tiled_scim_librarygroupmember (group_id, user_id, display, created_at)
    SELECT tiled_scim_librarygrouplink.id, people.id, user_name, people.created_at
    FROM tiled_scim_userlink AS people
    JOIN tiled_scim_librarygrouplink ON tiled_scim_librarygrouplink.account = people.account
    WHERE display_name = 'Staff'
        AND people.id NOT IN (SELECT user_id FROM tiled_scim_librarygroupmember)
    """,
    """
    INSERT INTO tiled_scim_scimevent (created_at, account, token_last_four, client, actor,
        request_id, method, action, resource_type, resource_id, resource_name,
        resource_name_canonical, changes, outcome, status, scim_type, cause,
        detail, duration, times)
    SELECT created_at, account, '', '', '', '', 'PATCH', 'user_updated', 'User', id, user_name,
        user_name, '{}', CASE WHEN user_id % 10 < 2 THEN 'refused' ELSE 'done' END, 200, '', '', '',
        10, 1
    FROM tiled_scim_userlink WHERE id NOT IN (SELECT resource_id FROM tiled_scim_scimevent)
    """,
)


def grow(accounts: int, people: int) -> None:
    """Add accounts with a token and a group, and people, until there are so many."""
    _open_accounts(range(Account.objects.count() + 1, accounts + 1))
    names = [f"person{number:06}@example.com" for number in range(User.objects.count(), people)]
    users = (User(username=name, email=name, password="!") for name in names)
    User.objects.bulk_create(users, batch_size=BATCH)
    words = WORDS[connection.vendor]
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(Template(statement).substitute(words, accounts=accounts))
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")


def _open_accounts(keys: range) -> None:
    Account.objects.bulk_create(Account(pk=key, name=f"Customer {key:05}") for key in keys)
    ScimToken.objects.bulk_create(
        ScimToken(account=str(key), slot=Slot.NEWEST, digest=digest(str(key))) for key in keys
    )
    Library.objects.bulk_create(Library(account_id=key, name="Staff") for key in keys)
    libraries = Library.objects.filter(account__in=keys)
    LibraryGroupLink.objects.bulk_create(_group(library) for library in libraries)


def make_board(account: Account, number: int = 3) -> LibraryGroupLink:
    """Make a group of a few people, which does not grow."""
    library = Library.objects.create(account=account, name="Board")
    link = _group(library)
    link.save()
    users = list(UserLink.objects.filter(account=link.account).order_by("user_name")[:number])
    LibraryGroupMember.objects.bulk_create(
        LibraryGroupMember(group=link, user=user, display=user.user_name) for user in users
    )
    library.members.set(user.user for user in users)
    return link


def _group(library: Any) -> LibraryGroupLink:
    link = LibraryGroupLink(account=str(library.account_id), library=library)
    link.rename(library.name)
    return link
