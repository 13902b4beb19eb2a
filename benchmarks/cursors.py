"""Pages by cursor in a long list: what one in the middle costs, as against the first.

    DATABASE_URL=mysql://root@127.0.0.1/cursors python -m benchmarks.cursors [users]

Makes a test database of its own with 200,000 users, or as many as it is told to, and drops it in
the end. The total, which the first page of a cursor counts, is measured apart.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import people

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tiled_scim.sql.pages import Columns

USERS = 200_000
COUNT = 100
RUNS = 3
# In the order of creation first, then by a column, by the JSON and by a field of the host.
ORDERS = (
    *("", "userName", "externalId", "meta.created", "meta.lastModified"),
    *("displayName", "title", "name.familyName"),
)


def main() -> None:
    users = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    with people.databases("cursors") as use:
        use("cursors")
        people.push(users)
        report(users)


def report(users: int) -> None:
    """Print what pages cost in each order."""
    from django.db import connection

    total = milliseconds(list_of("")[0].count)
    print(f"{users:,} users in {connection.display_name}; their total takes {total:.1f} ms")
    print(f"{'ms of a page, by':20}{'first':>10}{'forward':>10}{'backward':>10}{'ratio':>8}")
    for order in ORDERS:
        first, *middle = costs(order, users)
        figures = "".join(f"{figure:>10.1f}" for figure in (first, *middle))
        print(f"{order or 'creation':20}{figures}{max(middle) / first:>8.1f}")


def costs(order: str, users: int) -> list[float]:
    """Of the first page, and of the pages from the middle forward and backward."""
    from tiled_scim.sql.pages import SORT_KEY, TIES, Cursor, page_beyond

    links, columns = list_of(order)
    row = columns(links)[users // 2]
    position = [getattr(row, SORT_KEY, None), *(getattr(row, name) for name in TIES)]
    cursors = [
        Cursor("", COUNT, users, [], False),
        Cursor("", COUNT, users, position, False),
        Cursor("", COUNT, users, position, True),
    ]
    return [milliseconds(partial(page_beyond, links, cursor, "", columns)) for cursor in cursors]


def list_of(order: str) -> tuple[QuerySet[Any], Columns]:
    """Return the links of `GET /Users?sortBy=…`, and what is read of them."""
    from django.http import QueryDict

    from tiled_scim.api.filters import ScimFilterSet
    from tiled_scim.host import HostAdapter
    from tiled_scim.provisioning.reading import Reader
    from tiled_scim.schemas import USER

    adapter = HostAdapter("")
    reader = Reader(USER, adapter)
    data = QueryDict(f"sortBy={order}")
    filters = ScimFilterSet(data, reader.links(), resource_type=USER, adapter=adapter)
    return filters.qs, reader.columns


def milliseconds(action: Callable[[], object]) -> float:
    """Of the fastest of a few runs."""
    return min(_milliseconds(action) for _ in range(RUNS))


def _milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1_000


if __name__ == "__main__":
    main()
