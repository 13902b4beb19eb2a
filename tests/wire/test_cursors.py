"""Pages by cursor: RFC 9865."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Case, DateField, DecimalField, Field, Value, When
from django.test.utils import CaptureQueriesContext

from tests.population import EXTENSION, TOYS, populate
from tests.population import names as attribute_names
from tests.tokens import new_token
from tiled_scim.models import UserLink
from tiled_scim.schemas import USER
from tiled_scim.sql import pages

from .client import Answer, Scim, user

TITLES = ["b", None, "a", "b", None, "c", "a", "É", "b", "é", "d"]


@pytest.fixture
def names(scim: Scim) -> list[str]:
    """Eleven people, with titles that are missing or the same."""
    names = [f"person{number:02}" for number in range(len(TITLES))]
    for name, title in zip(names, TITLES, strict=True):
        scim.add_user(name, title=title)
    return names


def page_names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    assert "startIndex" not in answer.json
    assert answer.json["itemsPerPage"] == len(answer.json["Resources"])
    return [resource["userName"] for resource in answer.json["Resources"]]


def walk(scim: Scim, **query: object) -> tuple[list[str], list[str]]:
    """All names forward, page by page, and all names backward from the last page."""
    forward: list[str] = []
    answer = scim.get("/Users", cursor="", **query)
    assert "previousCursor" not in answer.json
    forward += page_names(answer)
    while cursor := answer.json.get("nextCursor"):
        answer = scim.get("/Users", cursor=cursor, **query)
        forward += page_names(answer)
    backward = page_names(answer)
    while cursor := answer.json.get("previousCursor"):
        answer = scim.get("/Users", cursor=cursor, **query)
        backward = page_names(answer) + backward
    return forward, backward


@pytest.mark.parametrize("count", [1, 3, 4, 11, 100])
def test_a_walk_sees_everybody_once(scim: Scim, names: list[str], count: int) -> None:
    assert walk(scim, count=count) == (names, names)


@pytest.mark.parametrize("sort_order", ["ascending", "descending"])
@pytest.mark.parametrize("sort_by", ["title", "userName", "meta.created", "active", "emails"])
def test_a_sorted_walk_sees_everybody_once_in_order(
    scim: Scim, names: list[str], sort_by: str, sort_order: str
) -> None:
    query = {"sortBy": sort_by, "sortOrder": sort_order}
    whole = scim.get("/Users", count=100, **query).json["Resources"]
    in_order = [resource["userName"] for resource in whole]

    assert sorted(in_order) == names
    assert walk(scim, count=3, **query) == (in_order, in_order)


class TestEveryOrder:
    """Users with all attributes, many of which were created at the same time."""

    @pytest.fixture(autouse=True)
    def population(self, scim: Scim, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
        settings.TILED_SCIM_HOST_ADAPTER = "tests.population.Adapter"
        populate()

    def test_a_walk_is_that_of_one_large_page(self, scim: Scim) -> None:
        walked = set()
        with_extension = [*attribute_names(USER)]
        assert any(name.startswith(TOYS) for name, _ in with_extension)
        for name in {name for name, _ in with_extension}:
            for sort_order in ("ascending", "descending"):
                query = {"sortBy": name, "sortOrder": sort_order}
                whole = scim.get("/Users", count=100, **query)
                if whole.status == 400:
                    assert scim.get("/Users", cursor="", **query).json == whole.json
                    continue
                in_order = [resource["userName"] for resource in whole.json["Resources"]]
                assert walk(scim, count=3, **query) == (in_order, in_order), query
                walked.add(name)

        assert walked >= {"id", "active", "roles.primary", "meta.created", f"{TOYS}:since"}
        assert walked >= {f"{TOYS}:age", f"{TOYS}:height", f"{TOYS}:fun", f"{TOYS}:levels"}


@pytest.mark.parametrize(
    ("field", "keys"),
    [
        (DecimalField(max_digits=6, decimal_places=3), [Decimal("0.1"), Decimal("10.125")]),
        (DateField(), [date(2024, 2, 29), date(2024, 3, 1)]),
    ],
)
def test_a_host_may_have_fields_of_other_types(
    scim: Scim, names: list[str], field: Field[Any, Any], keys: list[object]
) -> None:
    key = Case(
        *(When(user_name__endswith=at, then=Value(key, field)) for at, key in enumerate(keys)),
        output_field=field,
    )
    rows = UserLink.objects.annotate(**{pages.SORT_KEY: key})
    rows = rows.order_by(*pages.sorted_terms(False), *pages.TIES)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = pages.paginate(rows, {"cursor": cursor, "count": "1"}, "", lambda links: links, len)
        found += [row.user_name for row in page.rows]
        cursor = page.next_cursor

    assert found == ["person00", "person10", "person01", *names[2:10]]


def test_a_walk_keeps_to_its_filter(scim: Scim, names: list[str]) -> None:
    found, _ = walk(scim, count=2, filter='title eq "b"')

    assert found == ["person00", "person03", "person08"]


def test_people_who_come_meanwhile_move_nobody(scim: Scim, names: list[str]) -> None:
    first = scim.get("/Users", cursor="", count=4)
    scim.add_user("newcomer")
    rest = scim.get("/Users", cursor=first.json["nextCursor"], count=4)

    assert page_names(rest) == names[4:8]


@pytest.mark.in_process
def test_a_deep_page_takes_no_more_queries_than_the_first(scim: Scim, names: list[str]) -> None:
    with CaptureQueriesContext(connection) as first_queries:
        answer = scim.get("/Users", cursor="", count=3)
    with CaptureQueriesContext(connection) as later_queries:
        scim.get("/Users", cursor=answer.json["nextCursor"], count=3)

    assert len(later_queries) <= len(first_queries)
    # Offsets are those of the ends of stretches, which are as far away on each page.
    offsets = re.findall(r"OFFSET (\d+)", "".join(query["sql"] for query in later_queries))
    is_stretched = connection.vendor in pages.STRETCHED
    assert offsets == ([str(pages.STRETCH * 4)] if is_stretched else [])


@pytest.mark.in_process
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by what is in the table")
@pytest.mark.parametrize("link", ["nextCursor", "previousCursor"])
def test_a_deep_page_begins_in_the_index(scim: Scim, names: list[str], link: str) -> None:
    answer = scim.get("/Users", cursor="", count=3)
    answer = scim.get("/Users", cursor=answer.json["nextCursor"], count=3)

    with CaptureQueriesContext(connection) as queries:
        scim.get("/Users", cursor=answer.json[link], count=3)

    [sql] = [query["sql"] for query in queries if "LIMIT 4" in query["sql"]]
    with connection.cursor() as cursor:
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
    way = "<" if link == "previousCursor" else ">"
    assert f"tiled_scim_user_order (account=? AND created_at{way}?)" in plan
    assert "TEMP B-TREE" not in plan


def test_the_total_is_that_of_the_first_page(scim: Scim, names: list[str]) -> None:
    answer = scim.get("/Users", cursor="", count=3)
    assert answer.json["totalResults"] == len(names)

    assert scim.get("/Users", cursor=answer.json["nextCursor"], count=3).json["totalResults"] == 11


def test_a_cursor_has_characters_that_need_no_escape(scim: Scim, names: list[str]) -> None:
    cursor = scim.get("/Users", cursor="", count=3).json["nextCursor"]

    assert all(letter.isascii() and (letter.isalnum() or letter in "-._~") for letter in cursor)


class TestRefusals:
    @pytest.fixture
    def cursor(self, scim: Scim, names: list[str]) -> str:
        return str(scim.get("/Users", cursor="", count=3).json["nextCursor"])

    @pytest.mark.parametrize(
        ("change", "scim_type"),
        [
            ({"cursor": "made-up"}, "invalidCursor"),
            ({"filter": 'title eq "b"'}, "invalidCursor"),
            ({"sortBy": "title"}, "invalidCursor"),
            ({"count": 4}, "invalidCount"),
            ({"cursor": "", "count": -1}, "invalidCount"),
            ({"cursor": "", "count": 101}, "invalidCount"),
            ({"cursor": "", "count": "many"}, "invalidCount"),
            ({"startIndex": 1}, "invalidValue"),
        ],
    )
    def test_of_what_is_none_of_the_query(
        self, scim: Scim, cursor: str, change: dict[str, object], scim_type: str
    ) -> None:
        answer = scim.get("/Users", **{"cursor": cursor, "count": 3, **change})

        assert answer.error == (400, scim_type)

    def test_of_one_that_was_tampered_with(self, scim: Scim, cursor: str) -> None:
        assert scim.get("/Users", cursor=f"A{cursor[1:]}x", count=3).error == (400, "invalidCursor")

    def test_of_one_of_another_endpoint(self, scim: Scim, cursor: str) -> None:
        assert scim.get("/Groups", cursor=cursor, count=3).error == (400, "invalidCursor")

    def test_of_one_of_another_account(self, cursor: str) -> None:
        other = Scim(f"Bearer {new_token('other')[1]}")

        assert other.get("/Users", cursor=cursor, count=3).error == (400, "invalidCursor")

    def test_of_one_that_was_signed_with_another_key(
        self, scim: Scim, cursor: str, settings: Any
    ) -> None:
        settings.SECRET_KEY = "another"

        assert scim.get("/Users", cursor=cursor, count=3).error == (400, "invalidCursor")

    def test_but_not_of_one_that_was_signed_with_the_key_before(
        self, scim: Scim, cursor: str, settings: Any
    ) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another"

        assert scim.get("/Users", cursor=cursor, count=3).status == 200

    def test_of_one_that_is_too_old(
        self, scim: Scim, cursor: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "CURSOR_TIMEOUT", -1)

        assert scim.get("/Users", cursor=cursor, count=3).error == (400, "expiredCursor")


def test_a_body_may_ask_for_a_cursor(scim: Scim, names: list[str]) -> None:
    first = scim.post("/Users/.search", {"cursor": "", "count": 6, "attributes": ["userName"]})
    rest = scim.post(
        "/Users/.search",
        {"cursor": first.json["nextCursor"], "count": 6, "attributes": ["userName"]},
    )

    assert page_names(first) + page_names(rest) == names
    assert "nextCursor" not in rest.json


def test_an_empty_directory_is_one_page(scim: Scim) -> None:
    answer = scim.get("/Users", cursor="")

    assert page_names(answer) == []
    assert answer.json["totalResults"] == 0
    assert answer.json.keys().isdisjoint({"nextCursor", "previousCursor"})


def test_it_is_advertised(scim: Scim) -> None:
    assert scim.get("/ServiceProviderConfig").json["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 100,
        "cursorTimeout": 3600,
    }


def test_no_user_is_left_without_a_place(scim: Scim) -> None:
    assert scim.post("/Users", user("only")).status == 201

    assert walk(scim) == (["only"], ["only"])
