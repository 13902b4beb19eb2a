"""Pages by cursor in a long list: what one in the middle costs, as against the first.

    DATABASE_URL=mysql://root@127.0.0.1/cursors python -m benchmarks.cursors [users]

Makes a test database of its own with 200,000 users, or as many as it is told to, and drops it in
the end. The total, which the first page of a cursor counts, is measured apart.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import django

USERS = 200_000
BATCH = 5_000
COUNT = 100
RUNS = 3
# In the order of creation first, then by a column, by the JSON and by a field of the host.
ORDERS = (
    *("", "userName", "externalId", "meta.created", "meta.lastModified"),
    *("displayName", "title", "name.familyName"),
)
BEGIN = datetime(2024, 2, 29, tzinfo=UTC)
# What the database does by itself after a while.
STATISTICS = {
    "mysql": "ANALYZE TABLE tiled_scim_userlink, auth_user",
    "postgresql": "VACUUM ANALYZE",
    "sqlite": "PRAGMA optimize",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    from django.db import connection

    users = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        populate(users)
        report(users)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def populate(users: int) -> None:
    """Push people, three in a second."""
    from django.db import connection

    for first in range(0, users, BATCH):
        push(range(first, min(first + BATCH, users)))
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS[connection.vendor])


def push(numbers: range) -> None:
    """Push the people with these numbers."""
    from django.contrib.auth.models import User

    from tiled_scim.models import UserLink

    User.objects.bulk_create(
        User(username=f"person{number}", last_name=f"Family{number % 1_000}") for number in numbers
    )
    names = [f"person{number}" for number in numbers]
    hosts = {user.username: user for user in User.objects.filter(username__in=names)}
    links = []
    for number, name in zip(numbers, names, strict=True):
        moment = BEGIN + timedelta(seconds=number // 3)
        link = UserLink(user=hosts[name], created_at=moment, updated_at=moment)
        link.external_id = f"00u{number}"
        link.attributes = {"title": f"Title {number % 50}", "displayName": f"Person {number}"}
        # So that the order by name is not that of creation.
        link.rename(f"{number * 7919 % 1_000_003:07}.{number}@example.com")
        links.append(link)
    UserLink.objects.bulk_create(links)


def report(users: int) -> None:
    """Print what pages cost in each order."""
    from django.db import connection

    total = milliseconds(list_of("").count)
    print(f"{users:,} users in {connection.display_name}; their total takes {total:.1f} ms")
    print(f"{'ms of a page, by':20}{'first':>10}{'forward':>10}{'backward':>10}{'ratio':>8}")
    for order in ORDERS:
        first, *middle = costs(order, users)
        figures = "".join(f"{figure:>10.1f}" for figure in (first, *middle))
        print(f"{order or 'creation':20}{figures}{max(middle) / first:>8.1f}")


def costs(order: str, users: int) -> list[float]:
    """Of the first page, and of the pages from the middle forward and backward."""
    from tiled_scim.sql.pages import SORT_KEY, TIES, Cursor, page_beyond

    rows = list_of(order)
    row = rows[users // 2]
    position = [getattr(row, SORT_KEY, None), *(getattr(row, name) for name in TIES)]
    cursors = [
        Cursor("", COUNT, users, [], False),
        Cursor("", COUNT, users, position, False),
        Cursor("", COUNT, users, position, True),
    ]
    return [milliseconds(partial(page_beyond, rows, cursor, "")) for cursor in cursors]


def list_of(order: str) -> Any:
    """The query behind `GET /Users?sortBy=…`."""
    from django.http import QueryDict
    from tiled_scim.provisioning.endpoints import Endpoint

    from tiled_scim.api.filters import ScimFilterSet
    from tiled_scim.host import HostAdapter
    from tiled_scim.schemas import USER

    adapter = HostAdapter("")
    rows = Endpoint(USER, adapter).rows()
    data = QueryDict(f"sortBy={order}")
    return ScimFilterSet(data, rows, resource_type=USER, adapter=adapter).qs


def milliseconds(action: Callable[[], object]) -> float:
    """Of the fastest of a few runs."""
    return min(_milliseconds(action) for _ in range(RUNS))


def _milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1_000


if __name__ == "__main__":
    main()
