"""Pages: which rows are on them, how many there are in all, and what is read for that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import signing
from django.db import connection
from django.db.models import F
from django.db.models.expressions import Expression
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_user
from tiled_scim.database.expressions import JSONText
from tiled_scim.errors import ScimError
from tiled_scim.models import UserLink
from tiled_scim.sql import pages
from tiled_scim.sql.pages import SORT_KEY, TIES, Cursor, Page, index_page, paginate, sorted_terms

BEGIN = datetime(2024, 2, 29, tzinfo=UTC)
KEYS = ["b", None, "a", "b", None, "c", "a"]
NAMES = [f"person{number}" for number in range(len(KEYS))]
FEW = ["person1", "person5", "person6"]


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    """Seven people, two of whom were created at a time; and one of another account."""
    for number, (name, key) in enumerate(zip(NAMES, KEYS, strict=True)):
        link(
            name,
            number // 2,
            id=UUID(int=number),
            external_id=key,
            attributes={"title": key} if key else {},
        )
    link("stranger", 1, account="other")


def link(name: str, second: int, **columns: Any) -> None:
    created_at = BEGIN + timedelta(seconds=second)
    UserLink.objects.create(
        user=make_user(name),
        user_name=name,
        user_name_canonical=name,
        created_at=created_at,
        **columns,
    )


def links(by: F | Expression | None = None, *, is_descending: bool = False) -> Any:
    """The live links of the account, in an order."""
    rows: Any = UserLink.objects.live("")
    if by is None:
        return rows.order_by(*TIES)
    return rows.annotate(**{SORT_KEY: by}).order_by(*sorted_terms(is_descending), *TIES)


def names(rows: Any) -> list[str]:
    return [row.user_name for row in rows]


def page(rows: Any, first: int, count: int) -> Page[Any]:
    return index_page(rows, first, count, lambda found: found, len)


def by_cursor(rows: Any, cursor: str | None, fit: Any = len, **query: Any) -> Page[Any]:
    return paginate(rows, {"cursor": cursor or "", **query}, "", lambda found: found, fit)


ORDERS: dict[str, F | Expression | None] = {
    "creation": None,
    "a column that may be null": F("external_id"),
    "a column": F("user_name"),
    "a time": F("created_at"),
    "an expression": JSONText(F("attributes"), "title"),
}


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stretch", [None, 1, 2])
def test_pages_by_cursor_make_up_the_list(
    monkeypatch: pytest.MonkeyPatch, stretch: int | None, order: str, is_descending: bool
) -> None:
    if stretch:
        monkeypatch.setattr(pages, "STRETCHED", {connection.vendor})
        monkeypatch.setattr(pages, "STRETCH", stretch)
    rows = links(ORDERS[order], is_descending=is_descending)
    expected = names(rows)
    assert walk(rows.filter(user_name__in=FEW), 1) == [name for name in expected if name in FEW]

    for count in (1, 3, 6, 7, 8):
        assert walk(rows, count) == expected


def walk(rows: Any, count: int) -> list[str]:
    """The names on all pages by cursor, which are the same forward and backward."""
    found = by_cursor(rows, None, count=str(count))
    assert found.previous_cursor is None
    total, forward = found.total, names(found.rows)
    while found.next_cursor:
        found = by_cursor(rows, found.next_cursor, count=str(count))
        forward += names(found.rows)
        assert (found.total, found.start_index) == (total, None)
        assert len(forward) <= total
    backward = names(found.rows)
    while found.previous_cursor:
        found = by_cursor(rows, found.previous_cursor, count=str(count))
        backward = names(found.rows) + backward
        assert len(backward) <= total
    assert backward == forward
    assert total == len(forward)
    return forward


@pytest.mark.parametrize("order", ORDERS)
def test_pages_by_index_make_up_the_list(order: str) -> None:
    rows = links(ORDERS[order])
    expected = names(rows)

    for count in (1, 2, 7, 8):
        for first in range(1, 10):
            found = page(rows, first, count)
            assert names(found.rows) == expected[first - 1 :][:count]
            assert (found.total, found.start_index) == (7, first)
            assert (found.next_cursor, found.previous_cursor) == (None, None)


def test_an_index_may_be_very_large() -> None:
    found = page(links(), 2**60, 3)

    assert (found.rows, found.total, found.start_index) == ([], 7, 2**60)


def test_rows_that_do_not_fit_are_on_the_next_page() -> None:
    found = by_cursor(links(), None, lambda rows: 2, count="5")
    assert names(found.rows) == NAMES[:2]

    found = by_cursor(links(), found.next_cursor, count="5")
    assert names(found.rows) == NAMES[2:]
    found = by_cursor(links(), found.previous_cursor, lambda rows: 1, count="5")
    assert names(found.rows) == NAMES[1:2]
    assert found.previous_cursor
    assert names(index_page(links(), 2, 3, lambda rows: rows, lambda rows: 2).rows) == NAMES[1:3]


class TestWhatIsRead:
    @pytest.mark.parametrize(
        ("first", "count", "number"),
        [
            *((1, 8, 1), (1, 7, 1), (6, 2, 1), (7, 5, 1)),  # the page tells the total
            *((1, 6, 2), (2, 3, 2), (8, 1, 2), (9, 2, 2)),
            *((1, 0, 1), (3, 0, 1)),  # only the total is asked for
        ],
    )
    def test_the_total_is_counted_only_if_the_page_does_not_tell_it(
        self, django_assert_num_queries: DjangoAssertNumQueries, first: int, count: int, number: int
    ) -> None:
        with django_assert_num_queries(number):
            assert page(links(), first, count).total == 7

    @pytest.mark.parametrize("order", ["creation", "a column"])
    def test_what_is_before_a_page_is_not_counted_again_in_the_order_of_creation(
        self, order: str
    ) -> None:
        with CaptureQueriesContext(connection) as queries:
            page(links(ORDERS[order]), 3, 2)

        read, counted = (query["sql"].replace("`", '"') for query in queries)
        assert "LIMIT 3 OFFSET 2" in read
        # The ids come first. MariaDB and MySQL take a limit only in a query around that.
        assert read.count("SELECT") == (4 if connection.vendor == "mysql" else 3)
        assert ('"created_at" >' in counted) == (order == "creation")

    def test_nothing_is_counted_where_nobody_is(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        nobody = links().filter(user_name="nobody")

        with django_assert_num_queries(1):
            assert page(nobody, 1, 3).total == 0
        assert page(nobody, 2, 3).total == 0

    @pytest.mark.parametrize(("column", "has_nulls"), [("user_name", False), ("external_id", True)])
    def test_rows_without_a_key_are_looked_for_only_if_there_may_be_some(
        self, column: str, has_nulls: bool
    ) -> None:
        rows = links(F(column))
        cursor = by_cursor(rows, None, count="1").next_cursor
        with CaptureQueriesContext(connection) as queries:
            by_cursor(rows, cursor, count="1")

        [query] = queries
        # In their order, MariaDB and MySQL ask each column.
        where, _, _ = query["sql"].replace("`", '"').partition("ORDER BY")
        assert (f'{column}" IS NULL' in where) == has_nulls

    def test_no_stretch_is_read_after_a_full_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        some = links().filter(user_name__in=["person0", "person1", "person4", "person5"])
        cursor = by_cursor(some, None, count="1").next_cursor
        monkeypatch.setattr(pages, "STRETCHED", {connection.vendor})
        monkeypatch.setattr(pages, "STRETCH", 1)
        with CaptureQueriesContext(connection) as queries:
            found = by_cursor(some, cursor, count="1")

        assert names(found.rows) == ["person1"]
        assert offsets(queries) == [2, 2]

    def test_the_first_page_is_read_at_once(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            page(links(), 1, 7)

        [query] = queries
        assert query["sql"].endswith("LIMIT 8")
        assert query["sql"].count("SELECT") == 1

    @pytest.mark.parametrize("size", [2, 3])
    def test_stretches_become_longer(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        cursor = by_cursor(links(), None, count=str(size - 1)).next_cursor
        monkeypatch.setattr(pages, "STRETCHED", {connection.vendor})
        monkeypatch.setattr(pages, "STRETCH", 1)
        with CaptureQueriesContext(connection) as queries:
            by_cursor(links(), cursor, count=str(size - 1))
        assert offsets(queries) == [size]

        nobody = links().filter(user_name="nobody")
        monkeypatch.setattr(pages, "STRETCH", 2)
        with CaptureQueriesContext(connection) as queries:
            assert by_cursor(nobody, cursor, count=str(size - 1)).rows == []
        assert offsets(queries) == [2 * size, 4 * size][: 2 if size == 2 else 1]

    def test_only_the_order_of_creation_has_stretches(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cursor = by_cursor(links(F("user_name")), None, count="1").next_cursor
        monkeypatch.setattr(pages, "STRETCHED", {connection.vendor})
        with CaptureQueriesContext(connection) as queries:
            by_cursor(links(F("user_name")), cursor, count="1")
        assert offsets(queries) == []


def offsets(queries: CaptureQueriesContext) -> list[int]:
    found = re.findall(r"OFFSET (\d+)", "".join(query["sql"] for query in queries))
    return [int(offset) for offset in found]


class TestCursors:
    CURSOR = Cursor("query", 3, 7, ["key", "2024-02-29", "id"], True)

    def test_come_back_as_they_were(self) -> None:
        assert Cursor.decode(self.CURSOR.encode()) == self.CURSOR

    def test_of_long_values_are_short(self) -> None:
        cursor = Cursor("query", 3, 7, ["x" * 5000, "2024-02-29", "id"], True)

        assert len(cursor.encode()) < 200

    def test_are_signed_for_this_purpose(self) -> None:
        ours = signing.TimestampSigner(salt="tiled_scim.cursor", sep="~")
        assert ours.unsign_object(self.CURSOR.encode()) == vars(self.CURSOR)

        other = signing.TimestampSigner(sep="~").sign_object(vars(self.CURSOR))
        with pytest.raises(ScimError) as raised:
            Cursor.decode(other)
        assert (raised.value.status, raised.value.scim_type) == (400, "invalidCursor")

    def test_become_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cursor = self.CURSOR.encode()
        monkeypatch.setattr(pages, "CURSOR_TIMEOUT", -1)

        with pytest.raises(ScimError, match="older than") as raised:
            Cursor.decode(cursor)
        assert (raised.value.status, raised.value.scim_type) == (400, "expiredCursor")

    @pytest.mark.parametrize("name", ["filter", "sortBy", "sortOrder"])
    def test_belong_to_a_query(self, name: str) -> None:
        cursor = by_cursor(links(), None, count="2", **{name: "x"}).next_cursor
        assert names(by_cursor(links(), f" {cursor} ", count="2", **{name: "x"}).rows)

        for query in ({}, {name: "y"}):
            with pytest.raises(ScimError, match="none of this query") as raised:
                by_cursor(links(), cursor, count="2", **query)
            assert raised.value.scim_type == "invalidCursor"

    @pytest.mark.parametrize("name", ["filter", "sortBy", "sortOrder"])
    def test_do_not_tell_an_empty_parameter_from_none(self, name: str) -> None:
        cursor = by_cursor(links(), None, count="2").next_cursor

        assert names(by_cursor(links(), cursor, count="2", **{name: ""}).rows) == NAMES[2:4]

    def test_belong_to_an_account(self) -> None:
        cursor = by_cursor(links(), None, count="2").next_cursor

        with pytest.raises(ScimError, match="none of this query"):
            paginate(links(), {"cursor": cursor or "", "count": "2"}, "other", lambda r: r, len)

    def test_keep_the_size_of_the_page(self) -> None:
        cursor = by_cursor(links(), None, count="2").next_cursor

        with pytest.raises(ScimError, match="count must stay 2") as raised:
            by_cursor(links(), cursor, count="3")
        assert (raised.value.status, raised.value.scim_type) == (400, "invalidCount")

    def test_exclude_an_index(self) -> None:
        assert by_cursor(links(), None, startIndex=" ").total == 7

        with pytest.raises(ScimError, match="not both") as raised:
            by_cursor(links(), None, startIndex="1")
        assert raised.value.scim_type == "invalidValue"

    @pytest.mark.parametrize(
        ("count", "detail"),
        [
            ("-1", "between 0 and 5"),
            ("6", "between 0 and 5"),
            ("many", "count must be a whole number, and “many” is not"),
        ],
    )
    def test_have_a_stricter_count(self, settings: Any, count: str, detail: str) -> None:
        settings.TILED_SCIM_MAX_PAGE_SIZE = 5
        settings.TILED_SCIM_PAGE_SIZE = 4

        with pytest.raises(ScimError, match=detail) as raised:
            by_cursor(links(), None, count=count)
        assert (raised.value.status, raised.value.scim_type) == (400, "invalidCount")
        for given, number in ({"count": "0"}, 0), ({"count": "5"}, 5), ({}, 4):
            assert len(by_cursor(links(), None, **given).rows) == number


NUMBERS: dict[str, int | str] = {
    "": 4,
    " ": 4,
    "2": 2,
    " +2 ": 2,
    "0": 0,
    "-5": 0,
    "5": 5,
    "1000000": 5,
    "1" * 19: 5,
    "9" * 19: "at most 64 bits",
    "1" * 4001: f"“{'1' * 20}” is not",
    "1_0": "whole number",
    "1.0": "whole number",
    "٣": "whole number",
    "x" * 30: f"“{'x' * 20}” is not",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_count_is_a_whole_number_within_limits(settings: Any, text: str) -> None:
    settings.TILED_SCIM_MAX_PAGE_SIZE = 5
    settings.TILED_SCIM_PAGE_SIZE = 4
    expected = NUMBERS[text]

    if isinstance(expected, int):
        assert pages.page_size({"count": text}) == expected
        return
    with pytest.raises(ScimError, match=f"count must be .*{expected}") as raised:
        pages.page_size({"count": text})
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidValue")


@pytest.mark.parametrize(
    ("parameters", "first"),
    [({}, 1), ({"startIndex": "1"}, 1), ({"startIndex": "-3"}, 1), ({"startIndex": "2"}, 2)],
)
def test_an_index_is_at_least_one(parameters: Mapping[str, str], first: int) -> None:
    assert pages.start_index(parameters) == first


def test_without_a_cursor_a_page_is_one_by_index() -> None:
    found = paginate(links(), {"startIndex": "3", "count": "2"}, "", lambda rows: rows, len)

    assert (names(found.rows), found.total, found.start_index) == (NAMES[2:4], 7, 3)
