"""Requests that are made to be expensive: each is refused, or costs no more than it may."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

from tests.hostile.costs import bounded
from tests.hostile.large import PLURALS, SHAPES, groups, many_values, people
from tests.tokens import new_token
from tests.wire.client import (
    ANN,
    NOBODY,
    Answer,
    Scim,
    add_members,
    encode,
    patch_op,
    remove_member,
    user,
)
from tiled_scim.api.parsers import MAX_NAMES, MAX_VALUES
from tiled_scim.models import LibraryGroupMember, UserLink
from tiled_scim.scim import cleaning, member_changes
from tiled_scim.scim.budget import MAX_ADDED_MEMBERS, MAX_OPERATIONS
from tiled_scim.scim.selection import MAX_NAMES as MAX_SELECTED

TOO_MANY = (400, "tooMany")
TOO_LARGE = (413, None)
INVALID = (400, "invalidValue")

MEMBERS = 5_000

# Queries for a page of people that take the most time and memory.
PAGES: list[dict[str, str]] = [
    {},
    {"attributes": ",".join(f"{plural}.value" for plural in PLURALS)},
    {"excludedAttributes": ",".join(f"emails.n{n}" for n in range(MAX_SELECTED))},
    {"sortBy": "nickName"},
    {"sortBy": "emails.value", "sortOrder": "descending"},
    {"cursor": ""},
]


@pytest.fixture
def scim(db: None) -> Scim:
    """A client who has sent requests before: the first ones of a process are expensive."""
    logging.getLogger("tiled_scim").setLevel(logging.CRITICAL)
    scim = Scim(f"Bearer {new_token()[1]}")
    key = scim.add_user("first@example.com")
    scim.patch(f"/Users/{key}", {"op": "remove", "path": 'emails[type eq "x"]'})
    scim.get("/Users", filter='title co "x"', sortBy="title")
    scim.add_group("First", key)
    scim.get("/Groups")
    return scim


def any_of_them(number: int, comparison: str = 'value co "zz{}"') -> str:
    """A filter of so many comparisons, none of which is true."""
    return " or ".join(comparison.format(n) for n in range(number))


def removals(number: int, path: str) -> list[dict[str, object]]:
    return [{"op": "remove", "path": path.format(n)} for n in range(number)]


def bulk(*operations: object) -> dict[str, object]:
    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    return {"schemas": [urn], "Operations": list(operations)}


def statuses(answer: Answer) -> list[str]:
    return [operation["status"] for operation in answer.json["Operations"]]


class TestLargeValues:
    @pytest.mark.parametrize(
        "attributes",
        [
            {"entitlements": [{"value": "x" * 8000 + str(n)} for n in range(1000)]},
            {"nickName": "x" * 15_000_000},
            {"nickName": "\N{GRINNING FACE}" + "x" * 15_000_000},
            {"nickName": "x" * 30_000, "title": "x" * 30_000, "displayName": "x" * 30_000},
        ],
        ids=["8 MB of elements", "one text", "one wide text", "several texts"],
    )
    def test_are_not_stored(self, scim: Scim, attributes: dict[str, Any]) -> None:
        answer = bounded(lambda: scim.post("/Users", user(ANN, **attributes)))

        assert answer.error in (TOO_LARGE, INVALID)
        assert not UserLink.objects.filter(user_name=ANN)

    def test_no_name_is_normalized_that_is_too_long(self, scim: Scim) -> None:
        """U+FDFA is eighteen characters when it is normalized."""
        answer = bounded(lambda: scim.post("/Users", user("\ufdfa" * 1_000_000)))

        assert answer.error == INVALID
        long = "\ufdfa" * 9000
        filter_ = f'title eq "x" or userName eq "{long}"'
        assert bounded(lambda: scim.post("/Users/.search", {"filter": filter_})).status == 200

    @pytest.mark.parametrize("shape", SHAPES)
    def test_a_page_of_the_largest_people(self, scim: Scim, shape: str) -> None:
        people(100, SHAPES[shape]())

        for query in PAGES:
            answer = bounded(partial(scim.post, "/Users/.search", {"count": 100, **query}))

            assert answer.status == 200
            assert answer.json["itemsPerPage"] == 100

    def test_a_search_of_the_largest_people_is_stopped(self, scim: Scim) -> None:
        people(100, many_values())
        filter_ = any_of_them(99, 'entitlements co "zz{}"')

        answer = bounded(lambda: scim.post("/Users/.search", {"filter": filter_}))

        assert answer.status == 200 or answer.error == TOO_MANY
        assert scim.get("/Users", count=1).status == 200

    def test_they_are_answered_and_patched_alone(self, scim: Scim) -> None:
        key = people(1, many_values())[0]

        assert bounded(lambda: scim.get(f"/Users/{key}")).status == 200
        smaller = {"op": "replace", "path": "roles", "value": []}
        assert bounded(lambda: scim.patch(f"/Users/{key}", smaller)).status == 200

    def test_a_user_in_very_many_groups(self, scim: Scim) -> None:
        key = people(1)[0]
        groups(500, [key])

        assert len(bounded(lambda: scim.get(f"/Users/{key}")).json["groups"]) == 500
        rename = {"op": "replace", "path": "userName", "value": ANN}
        assert bounded(lambda: scim.patch(f"/Users/{key}", rename)).status == 200
        assert bounded(lambda: scim.delete(f"/Users/{key}")).status == 204


class TestManyOperations:
    @pytest.fixture
    def key(self, scim: Scim) -> str:
        """A person with as many values as there may be."""
        values = [{"value": f"e{n}", "display": "x" * 5} for n in range(cleaning.MAX_ELEMENTS)]
        return people(1, {"entitlements": values})[0]

    def test_value_filters_of_many_comparisons(self, scim: Scim, key: str) -> None:
        path = f"entitlements[{any_of_them(98)}]"

        answer = bounded(lambda: scim.patch(f"/Users/{key}", *removals(20, path)))

        assert answer.error == TOO_MANY
        few = removals(20, f"entitlements[{any_of_them(2)}]")
        assert bounded(lambda: scim.patch(f"/Users/{key}", *few)).status == 200

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "add", "path": "entitlements", "value": [{"value": "e5"}]},
            {"op": "remove", "path": "entitlements", "value": [{"value": "nothing"}]},
            {"op": "remove", "path": 'entitlements[value eq "nothing"]'},
            {"op": "replace", "path": "entitlements.type", "value": "x"},
        ],
        ids=["add", "remove by value", "remove by filter", "change all"],
    )
    def test_to_very_many_values(self, scim: Scim, key: str, operation: dict[str, Any]) -> None:
        path = f"/Users/{key}"

        assert bounded(lambda: scim.patch(path, *[operation] * 10_000)).error == TOO_MANY
        assert bounded(lambda: scim.patch(path, *[operation] * 50)).status == 200

    @pytest.mark.parametrize(
        "path",
        [
            f"members[{any_of_them(98)}]",
            f"groups[{any_of_them(98)}]",
            f"nothing[{any_of_them(98)}]",
            f"emails[{any_of_them(98)}].value",
        ],
    )
    @pytest.mark.parametrize("endpoint", ["Users", "Groups"])
    def test_with_long_paths(self, scim: Scim, key: str, path: str, endpoint: str) -> None:
        names: dict[str, object] = {path.replace("zz0", f"zz{n}x"): {} for n in range(5000)}
        group = groups(1, [key])[0]
        target = f"/{endpoint}/{key if endpoint == 'Users' else group}"

        for operations in (removals(5000, path), [{"op": "add", "value": names}]):
            bounded(partial(scim.patch, target, *operations))

    def test_removals_by_filter_from_a_large_group(self, scim: Scim) -> None:
        members = people(MEMBERS)
        path = f"/Groups/{groups(1, members)[0]}"
        most = member_changes.MAX_LOOKS // MEMBERS

        some = removals(most, 'members[display eq "nobody{}"]')
        assert bounded(lambda: scim.patch(path, *some)).status == 204
        many = removals(most + 1, 'members[display eq "nobody{}"]')
        assert bounded(lambda: scim.patch(path, *many)).error == TOO_MANY
        assert LibraryGroupMember.objects.count() == MEMBERS + 1

    def test_additions_and_removals_of_the_same_members(self, scim: Scim) -> None:
        members = people(MEMBERS)
        path = f"/Groups/{groups(1, [])[0]}"
        by_id = map(remove_member, members[:4000])

        answer = bounded(lambda: scim.patch(path, add_members(*members), *by_id))
        assert answer.status == 204
        assert len(scim.members(path.removeprefix("/Groups/"))) == MEMBERS - 4000
        by_filter = removals(1000, 'members[value sw "nobody{}"]')
        answer = bounded(lambda: scim.patch(path, add_members(*members), *by_filter))
        assert answer.error == TOO_MANY

    def test_as_many_new_members_as_a_request_may_add(self, scim: Scim) -> None:
        members = people(MAX_ADDED_MEMBERS)
        path = f"/Groups/{groups(1, [])[0]}"

        assert bounded(lambda: scim.patch(path, add_members(*members))).status == 204
        assert LibraryGroupMember.objects.count() == MAX_ADDED_MEMBERS + 1
        nobody = {"op": "replace", "path": "members", "value": []}
        assert bounded(lambda: scim.patch(path, nobody)).status == 204
        assert LibraryGroupMember.objects.count() == 1

    def test_more_members_than_a_request_may_name(self, scim: Scim) -> None:
        value = [{"value": NOBODY}] * 60_000
        many = {"op": "add", "path": "members", "value": value}

        answer = bounded(lambda: scim.patch(f"/Groups/{groups(1, [])[0]}", many, many))

        assert answer.error == TOO_LARGE


class TestBulk:
    def test_of_as_many_people_as_there_may_be(self, scim: Scim) -> None:
        most = scim.get("/ServiceProviderConfig").json["bulk"]["maxOperations"]
        posts = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(f"bulk{n}")}
            for n in range(most)
        ]

        answer = bounded(lambda: scim.post("/Bulk", bulk(*posts)))

        assert set(statuses(answer)) == {"201"}
        assert scim.post("/Bulk", bulk(*posts, posts[0])).error == TOO_LARGE

    def test_with_many_filters(self, scim: Scim) -> None:
        key = people(1, many_values())[0]
        operations = removals(90, f"entitlements[{any_of_them(5)}]")
        patch = {"method": "PATCH", "path": f"/Users/{key}", "data": patch_op(*operations)}

        answer = bounded(lambda: scim.post("/Bulk", bulk(*[patch] * 90)))

        assert set(statuses(answer)) <= {"200", "400", "413"}

    def test_of_the_largest_people(self, scim: Scim) -> None:
        keys = people(100)
        emails = [{"value": f"{n}@example.com"} for n in range(1000)]
        puts = [
            {"method": "PUT", "path": f"/Users/{key}", "data": user(f"large{n}", emails=emails)}
            for n, key in enumerate(keys)
        ]

        body = encode(bulk(*puts))
        answer = bounded(lambda: scim.post("/Bulk", body))

        assert {"200", "413"} == set(statuses(answer))

    def test_of_people_who_refer_to_each_other(self, scim: Scim) -> None:
        posts = [
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": f"b{n}",
                "data": {
                    "displayName": f"Circle {n}",
                    "members": [{"value": f"bulkId:b{(n + k) % 100}"} for k in range(50)],
                },
            }
            for n in range(100)
        ]

        assert bounded(lambda: scim.post("/Bulk", bulk(*posts))).status == 200

    @pytest.mark.parametrize("name", ["path", "bulkId", "version"])
    def test_with_long_texts(self, scim: Scim, name: str) -> None:
        key = scim.add_user(ANN)
        text = 'W/"x",' * 400_000
        operation = {"method": "DELETE", "path": f"/Users/{key}", name: text}

        answer = bounded(lambda: scim.post("/Bulk", bulk(operation)))

        assert answer.error == INVALID or statuses(answer) == ["400"]
        assert len(answer.text) < 10_000
        assert UserLink.objects.get(pk=key).is_live


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"userName":"x","a":[' + b"{}," * 5_000_000 + b"{}]}",
            b'{"userName":"x","a":[' + b"[]," * 5_000_000 + b"[]]}",
            b'{"userName":"x",' + b",".join(b'"%d":%d' % (n, n) for n in range(900_000)) + b"}",
            b'{"userName":"x","a":[' + b'"ab",' * 3_000_000 + b'"ab"]}',
        ],
        ids=["objects", "arrays", "names", "texts"],
    )
    def test_of_very_many_values(self, scim: Scim, body: bytes) -> None:
        assert bounded(lambda: scim.send("POST", "/Users", body)).error == TOO_LARGE

    def test_of_as_many_names_as_there_may_be(self, scim: Scim) -> None:
        names = {f"n{n}": n for n in range(MAX_NAMES)}
        number = MAX_VALUES // MAX_NAMES
        extensions = {f"urn:nothing:{n}": names for n in range(number)}

        body = encode(user(ANN, **extensions))
        answer = bounded(lambda: scim.post("/Users", body))
        assert answer.status == 201
        path = f"/Users/{answer.json['id']}"
        patch = encode(patch_op(*[{"op": "add", "value": names}] * number))
        assert bounded(lambda: scim.send("PATCH", path, patch)).error == TOO_LARGE
        some = {"op": "add", "value": {f"n{n}": n for n in range(MAX_OPERATIONS - 1)}}
        assert bounded(lambda: scim.patch(path, some)).status == 200

    @pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
    def test_with_very_many_versions(self, scim: Scim, header: str) -> None:
        key = scim.add_user(ANN)
        method = "GET" if header == "If-None-Match" else "DELETE"
        headers = {header: 'W/"x",' * 100_000}

        answer = bounded(lambda: scim.send(method, f"/Users/{key}", None, headers))

        assert answer.error == INVALID

    @pytest.mark.parametrize("name", ["attributes", "excludedAttributes"])
    @pytest.mark.parametrize("endpoint", ["/Users/.search", "/Groups/.search", "/.search"])
    def test_with_very_many_names_of_attributes(self, scim: Scim, name: str, endpoint: str) -> None:
        names = [f"n{n}" for n in range(100_000)]

        for sent in (names, ",".join(names)):
            query = {name: sent, "count": 100}
            assert bounded(partial(scim.post, endpoint, query)).error == INVALID
