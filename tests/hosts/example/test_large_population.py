"""Pages take as many statements, and read no more rows, however many accounts and people there are.

The first account has half of all people, who are all in one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext

from example_project.customers.models import Account
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink

from .crowd import grow, make_board
from .people import join, make_user, scim_of, signed_in

SMALL = {"accounts": 3, "people": 600}
# Pages count 10,000 rows at most: the first account has more people, and as many events.
LARGE = {"accounts": 1_000, "people": 24_000}
# Lists have 100 rows at most, and one more that says whether there are others.
MOST_ROWS = 101

# A page of the Django admin, by what its URL is made of.
ADMIN_PAGES = {
    "choice of accounts": "/admin/tiled_scim/scimtoken/",
    "choice of accounts, second page": "/admin/tiled_scim/scimtoken/?page=2",
    "choice of accounts, found": "/admin/tiled_scim/scimtoken/?q=00001",
    "account": "/admin/tiled_scim/scimtoken/?account={account}",
    "events": "/admin/tiled_scim/scimevent/",
    "events of an account": "/admin/tiled_scim/scimevent/?account={account}",
    "events refused": "/admin/tiled_scim/scimevent/?outcome=refused",
    "events found": "/admin/tiled_scim/scimevent/?q=person",
    "event": "/admin/tiled_scim/scimevent/{event}/change/",
    "users": "/admin/tiled_scim/userlink/",
    "users of an account": "/admin/tiled_scim/userlink/?account={account}",
    "users of a group": "/admin/tiled_scim/userlink/?group={group}",
    "users who are active": "/admin/tiled_scim/userlink/?state=active",
    "user": "/admin/tiled_scim/userlink/{user}/change/",
    "user to be unlinked": "/admin/tiled_scim/userlink/{user}/let-go/",
    "groups": "/admin/tiled_scim/librarygrouplink/",
    "groups of a user": "/admin/tiled_scim/librarygrouplink/?user={user}",
    "group": "/admin/tiled_scim/librarygrouplink/{group}/change/",
    "group to be moved": "/admin/tiled_scim/librarygrouplink/{group}/move/",
    "small group to be unlinked": "/admin/tiled_scim/librarygrouplink/{board}/let-go/",
    "small group to be resynced": "/admin/tiled_scim/librarygrouplink/{board}/resync/",
    "small group, who gains": "/admin/tiled_scim/librarygrouplink/{board}/move/?library={library}",
    "user of the host": "/admin/auth/user/{host_user}/change/",
    "index": "/admin/",
}
# A page of SCIM Configuration, for an admin of the first account.
CUSTOMER_PAGES = {
    "connection": "",
    "events": "events/",
    "events, last page that is counted": "events/?page=9999",
    "events found": "events/?q=person",
    "event": "events/{event}/",
    "users": "users/",
    "users, last page that is counted": "users/?page=9999",
    "users found": "users/?q=person",
    "users of a group": "users/?group={group}",
    "users who are active": "users/?state=active",
    "user": "users/{user}/",
    "user to be unlinked": "users/{user}/unlink/",
    "groups": "groups/",
    "groups of a user": "groups/?user={user}",
    "group": "groups/{group}/",
    "group to be moved": "groups/{group}/move/",
    "small group to be unlinked": "groups/{board}/unlink/",
    "small group to be resynced": "groups/{board}/resync/",
    "small group, who gains": "groups/{board}/move/?library={library}",
    "setup links": "setup-links/",
    "setup link, opened": "setup/open/",
}
pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Reading:
    """The statements of a page, and the number of rows that it has read of each result."""

    statements: list[str]
    rows: list[int]

    @property
    def most_rows(self) -> int:
        return max(self.rows)

    @property
    def largest(self) -> str:
        return self.statements[self.rows.index(self.most_rows)]


class CountingCursor(CursorWrapper):
    """A cursor that counts the rows that are read of each result."""

    def __init__(self, cursor: Any, db: Any, results: list[int]) -> None:
        super().__init__(cursor, db)
        self.results = results

    def execute(self, *args: Any, **options: Any) -> Any:
        self.results.append(0)
        return super().execute(*args, **options)

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            self.results[-1] += 1
            yield row

    def fetchone(self) -> Any:
        row = self.cursor.fetchone()
        self.results[-1] += row is not None
        return row

    def fetchmany(self, *args: Any) -> Any:
        return self._counted(self.cursor.fetchmany(*args))

    def fetchall(self) -> Any:
        return self._counted(self.cursor.fetchall())

    def _counted(self, rows: Any) -> Any:
        self.results[-1] += len(rows)
        return rows


def read(browser: Client, url: str) -> Reading:
    results: list[int] = []
    make_cursor = connection.make_debug_cursor

    def make_counting_cursor(cursor: Any) -> CountingCursor:
        return CountingCursor(make_cursor(cursor), connection, results)

    with (
        patch.object(connection, "make_debug_cursor", make_counting_cursor),
        CaptureQueriesContext(connection) as queries,
    ):
        answer = browser.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return Reading([query["sql"] for query in queries], results)


@dataclass(frozen=True)
class Viewers:
    """The browsers of people who see all accounts, and of admins of the first account."""

    account: Account
    staff: Client
    support: Client
    admin: Client

    @classmethod
    def of(cls, account: Account) -> Viewers:
        support = make_user("support@example.com", is_staff=True)
        support.user_permissions.set(Permission.objects.all())
        admin = make_user("ada@example.com")
        for user in (support, admin):
            join(user, account, role="admin")
        staff = User.objects.create_superuser("staff")
        return cls(account, *(signed_in(user) for user in (staff, support, admin)))

    def read(self) -> dict[str, Reading]:
        """Read all pages."""
        scim = scim_of(self.account)
        customer_pages = {name: scim + path for name, path in CUSTOMER_PAGES.items()}
        of_viewers = {
            "staff": (self.staff, ADMIN_PAGES),
            "support": (self.support, ADMIN_PAGES),
            "customer": (self.admin, customer_pages),
        }
        values = self._values()
        return {
            f"{viewer}: {name}": read(browser, url.format(**values))
            for viewer, (browser, pages) in of_viewers.items()
            for name, url in pages.items()
        }

    def _values(self) -> dict[str, Any]:
        """Return what the URLs are made of: rows of the first account."""
        key = str(self.account.pk)
        link = UserLink.objects.filter(account=key).earliest("user_name")
        groups = LibraryGroupLink.objects.filter(account=key)
        staff_group = groups.get(display_name="Staff")
        return {
            "account": key,
            "event": ScimEvent.objects.get(resource_id=link.pk).pk,
            "user": link.pk,
            "host_user": link.user_id,
            "group": staff_group.pk,
            "library": staff_group.library_id,
            "board": groups.get(display_name="Board").pk,
        }


def test_pages_read_no_more_than_they_show() -> None:
    grow(**SMALL)
    account = Account.objects.order_by("pk")[0]
    make_board(account)
    viewers = Viewers.of(account)
    viewers.read()  # some things are only read once in each process
    small = viewers.read()

    grow(**LARGE)

    large = viewers.read()
    assert statements(large) == statements(small)
    assert {name: page.largest for name, page in large.items() if page.most_rows > MOST_ROWS} == {}


def statements(pages: dict[str, Reading]) -> dict[str, int]:
    return {name: len(page.statements) for name, page in pages.items()}
