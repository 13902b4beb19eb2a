"""Pages by cursor in a long list, where each is to cost what the first one costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.rows import insert
from tiled_scim.models import UserLink
from tiled_scim.sql import pages

from .client import Answer, Scim
from .test_cursors import page_names, walk

BEGIN = datetime(2024, 2, 29, tzinfo=UTC)


def add_people(number: int, of_a_moment: int) -> None:
    """Push people, so many at a time; every seventh is gone again."""
    hosts = insert(User(username=f"person{index}") for index in range(number))
    UserLink.objects.bulk_create(
        UserLink(
            user=host,
            user_name=host.username,
            user_name_canonical=host.username,
            created_at=BEGIN + timedelta(seconds=index // of_a_moment),
            unlinked_at=BEGIN if index % 7 == 0 else None,
        )
        for index, host in enumerate(hosts)
    )


@pytest.mark.parametrize("of_a_moment", [1, 4, 60])
@pytest.mark.parametrize("stretch", [1, 2, 10])
@pytest.mark.parametrize("query", [{"count": 3}, {"count": 2, "filter": 'userName ew "5"'}])
def test_stretches_make_up_the_list(
    scim: Scim,
    monkeypatch: pytest.MonkeyPatch,
    of_a_moment: int,
    stretch: int,
    query: dict[str, Any],
) -> None:
    monkeypatch.setattr(pages, "STRETCHED", {connection.vendor})
    monkeypatch.setattr(pages, "STRETCH", stretch)
    add_people(60, of_a_moment)
    names = page_names(scim.get("/Users", **{**query, "cursor": "", "count": 100}))

    assert len(names) in {51, 5}
    assert walk(scim, **query) == (names, names)


QUERIES: list[dict[str, Any]] = [{}, {"filter": "active eq true"}]
if connection.vendor == "postgresql":  # which others sort by
    QUERIES += [{"sortBy": "meta.created"}, {"sortBy": "meta.created", "sortOrder": "descending"}]


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite tells what it plans: see test_cursors"
)
@pytest.mark.in_process
@pytest.mark.django_db(transaction=True)  # MariaDB misjudges new rows more often once committed
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("is_backward", [False, True])
def test_a_page_in_the_middle_reads_no_row_before_it(
    scim: Scim, query: dict[str, Any], is_backward: bool
) -> None:
    add_people(2_000, of_a_moment=3)
    if connection.vendor == "postgresql":
        execute("ANALYZE")
    query = {"count": 9, **query}
    second = scim.get("/Users", cursor="", **query).json["nextCursor"]
    middle = moved_to(1_000, second, is_backward)

    with CaptureQueriesContext(connection) as queries:
        answer = scim.get("/Users", cursor=middle, **query)

    assert len(page_names(answer)) == 9
    reads = sum(READS[connection.vendor](sql) for sql in of_links(queries))
    # Ten rows and their host users, and a stretch of the index. It would be over 1,000.
    assert 20 <= reads < 200


@pytest.mark.parametrize("count", [1, 3, 40, 100])
@pytest.mark.parametrize(
    "query",
    [{}, {"filter": 'userName ew "5"'}, {"sortBy": "userName", "sortOrder": "descending"}],
)
@pytest.mark.parametrize("of_a_moment", [1, 60])
def test_pages_by_index_make_up_the_list(
    scim: Scim, query: dict[str, Any], count: int, of_a_moment: int
) -> None:
    add_people(60, of_a_moment)
    names = names_on(scim.get("/Users", count=100, **query))
    assert len(names) in {51, 5}

    for first in (*range(1, len(names) + 3, count), len(names), len(names) + 1):
        answer = scim.get("/Users", startIndex=first, count=count, **query)

        assert names_on(answer) == names[first - 1 :][:count]
        assert answer.json["totalResults"] == len(names)


def test_pages_of_groups_by_index_make_up_the_list(scim: Scim) -> None:
    keys = [scim.add_group(f"Group {number}") for number in range(5)]
    scim.delete(f"/Groups/{keys.pop(1)}")

    for first in range(1, 7):
        answer = scim.get("/Groups", startIndex=first, count=2)

        assert [group["id"] for group in answer.json["Resources"]] == keys[first - 1 :][:2]
        assert answer.json["totalResults"] == 4


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite does not tell what it reads")
@pytest.mark.in_process
@pytest.mark.django_db(transaction=True)
def test_a_page_by_index_passes_over_entries_of_the_index_only(scim: Scim) -> None:
    add_people(2_000, of_a_moment=3)
    with planned_as_if_large(), CaptureQueriesContext(connection) as queries:
        answer = scim.get("/Users", startIndex=1_600, count=9)
        reads = [READS[connection.vendor](sql) for sql in of_links(queries)]

    assert len(names_on(answer)) == 9
    assert answer.json["totalResults"] == 1_714
    # Each of the 1,866 entries before the page once, ten rows and their host users; and the total
    # is a matter of the 134 entries beyond. It would be over 3,700, and over 2,000.
    assert len(reads) == 2
    assert reads[0] < 2_000
    assert reads[1] < 400


@contextmanager
def planned_as_if_large() -> Iterator[None]:
    """Have PostgreSQL use indexes of small tables, which it could as well read whole.

    Only outside a transaction: for an index to be enough, the table must have been vacuumed.
    """
    if connection.vendor != "postgresql":
        yield
        return
    # The tests before have left indexes that are mostly empty, and so seem costly.
    execute(f"REINDEX TABLE {UserLink._meta.db_table}")
    execute("VACUUM ANALYZE")
    plans = ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
    for plan in plans:
        execute(f"SET enable_{plan} = off")
    yield
    for plan in plans:
        execute(f"RESET enable_{plan}")


def names_on(answer: Answer) -> list[str]:
    """Return the userNames on a page by index."""
    assert answer.status == 200, answer.text
    return [resource["userName"] for resource in answer.json["Resources"]]


def moved_to(place: int, cursor: str, is_backward: bool) -> str:
    """The cursor of a page that begins, or ends, somewhere else."""
    link = UserLink.objects.order_by(*pages.TIES)[place]
    decoded = pages.Cursor.decode(cursor)
    moment = str(link.created_at)
    position = [decoded.position[0] and moment, moment, str(link.pk)]
    return replace(decoded, position=position, is_backward=is_backward).encode()


def of_links(queries: CaptureQueriesContext) -> list[str]:
    """Those that read users' links, as SQL."""
    table = connection.ops.quote_name(UserLink._meta.db_table)
    return [query["sql"] for query in queries if f"FROM {table}" in query["sql"]]


def execute(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def handler_reads(sql: str) -> int:
    """What MariaDB or MySQL reads for a query: entries of indexes, and rows."""
    before = _reads_so_far()
    execute(sql)
    return _reads_so_far() - before


def _reads_so_far() -> int:
    """Of the session; what the storage engine passes over by itself is an attempt of its own."""
    status = dict(execute("SHOW SESSION STATUS LIKE 'Handler_%'"))
    return sum(int(status[name]) for name in status if name.startswith(HANDLERS))


def plan_rows(sql: str) -> int:
    """What PostgreSQL reads for a query: the rows of each step, and those that it put aside."""
    [([explained],)] = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    return _step_rows(explained["Plan"])


def _step_rows(step: dict[str, Any]) -> int:
    rows = sum(step[name] for name in step if name.startswith(("Actual Rows", "Rows Removed")))
    below = sum(_step_rows(part) for part in step.get("Plans", []))
    return below + int(rows * step["Actual Loops"])


HANDLERS = ("Handler_read_", "Handler_icp_attempts")
READS = {"mysql": handler_reads, "postgresql": plan_rows}
