"""What breaks products in practice: twenty rules, one test each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from tests.rows import insert
from tiled_scim.models import UserLink

from .client import (
    ANN,
    BOB,
    CARL,
    CORE_USER,
    ENTERPRISE_USER,
    LIST_SCHEMA,
    TILED_USER,
    Scim,
    add_members,
    patch_op,
    remove_member,
    replace_members,
    user,
)
from .state import access, people


@pytest.fixture
def bob(scim: Scim) -> str:
    return scim.add_user(BOB)


@pytest.fixture
def sales(scim: Scim, ann: str, bob: str) -> str:
    """A group with the members Ann and Bob."""
    return scim.add_group("Sales", ann, bob)


def test_01_op_is_taken_in_any_letter_case(scim: Scim, ann: str) -> None:
    for op, title in {"replace": "a", "Replace": "b", "REPLACE": "c", "Add": "d"}.items():
        operation = {"op": op, "path": "title", "value": title}
        assert scim.patch(f"/Users/{ann}", operation).json["title"] == title

    answer = scim.patch(f"/Users/{ann}", {"op": "REMOVE", "path": "title"})

    assert "title" not in answer.json


@pytest.mark.usefixtures("administrator")
def test_02_booleans_may_be_strings_and_come_back_as_booleans(scim: Scim) -> None:
    for sent in ("True", "true", "TRUE", "False", "false"):
        expected = sent.lower() == "true"
        body = user(ANN, active=sent, **{TILED_USER: {"tiledAdmin": sent}})

        key = scim.post("/Users", body).json["id"]

        read = scim.get(f"/Users/{key}").json
        assert read["active"] is read[TILED_USER]["tiledAdmin"] is expected
        assert people() == {ANN: "active admin" if expected else "inactive"}
        scim.deactivate(key)


def test_03_active_may_be_replaced_without_a_path(scim: Scim, ann: str) -> None:
    scim.patch(f"/Users/{ann}", {"op": "replace", "value": {"active": False}})
    assert people() == {ANN: "inactive"}

    scim.patch(f"/Users/{ann}", {"op": "Replace", "value": {"active": "True"}})
    assert people() == {ANN: "active"}


def test_04_a_value_array_on_remove_does_not_empty_the_group(
    scim: Scim, sales: str, ann: str
) -> None:
    scim.patch(f"/Groups/{sales}", {"op": "remove", "path": "members", "value": [{"value": ann}]})

    assert access() == {"Sales": {BOB}}


def test_05_a_path_with_an_id_removes_one_member(scim: Scim, sales: str, bob: str) -> None:
    scim.patch(f"/Groups/{sales}", remove_member(bob))

    assert access() == {"Sales": {ANN}}


def test_06_add_members_is_a_union_and_may_be_repeated(scim: Scim, sales: str, bob: str) -> None:
    carl = scim.add_user(CARL)

    for _ in range(2):
        assert scim.patch(f"/Groups/{sales}", add_members(bob, carl, carl)).status == 204
        assert access() == {"Sales": {ANN, BOB, CARL}}
        assert len(scim.members(sales)) == 3


def test_07_replace_members_with_nobody_empties_the_group(scim: Scim, sales: str) -> None:
    scim.patch(f"/Groups/{sales}", replace_members())

    assert access() == {"Sales": set()}
    assert scim.members(sales) == []


def test_08_a_pathless_replace_without_members_leaves_them(scim: Scim, sales: str) -> None:
    scim.patch(f"/Groups/{sales}", {"op": "replace", "value": {"displayName": "Ops"}})

    assert access() == {"Ops": {ANN, BOB}}


def test_09_add_to_an_element_that_is_not_there_makes_it(scim: Scim, ann: str) -> None:
    operation = {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "1"}

    answer = scim.patch(f"/Users/{ann}", operation)

    assert answer.json["phoneNumbers"] == [{"type": "mobile", "value": "1"}]


def test_10_the_longest_known_urn_of_a_path_counts(scim: Scim, ann: str) -> None:
    values = {
        f"{ENTERPRISE_USER}:department": "Tours",
        f"{ENTERPRISE_USER}:manager.value": "42",
        f"{TILED_USER}:tiledAdmin": True,
        f"{CORE_USER}:name.familyName": "Married",
        f"{CORE_USER}:title": "Boss",
    }

    answer = scim.patch(
        f"/Users/{ann}",
        *({"op": "add", "path": path, "value": value} for path, value in values.items()),
    )

    assert answer.json[ENTERPRISE_USER] == {"department": "Tours", "manager": {"value": "42"}}
    assert answer.json["title"] == "Boss"
    assert User.objects.get().last_name == "Married"
    assert people() == {ANN: "active admin"}


def test_11_dotted_keys_expand(scim: Scim, ann: str) -> None:
    value = {"name.familyName": "Married", f"{ENTERPRISE_USER}:department": "Tours"}

    answer = scim.patch(f"/Users/{ann}", {"op": "replace", "value": value})

    assert answer.json["name"] == {"givenName": "Ann", "familyName": "Married"}
    assert answer.json[ENTERPRISE_USER] == {"department": "Tours"}
    assert User.objects.get().last_name == "Married"


def test_12_a_repeated_post_of_an_inactive_user_restores_it(
    scim: Scim, sales: str, ann: str
) -> None:
    scim.deactivate(ann)

    answer = scim.post("/Users", user(ANN))

    assert (answer.status, answer.json["id"], answer.json["active"]) == (201, ann, True)
    assert people() == {ANN: "active", BOB: "active"}
    assert access() == {"Sales": {ANN, BOB}}


def test_13_inactive_users_are_found(scim: Scim, ann: str) -> None:
    scim.deactivate(ann)

    assert scim.found("/Users", f'userName eq "{ANN}"') == [ann]
    assert scim.found("/Users", "active eq false") == [ann]
    assert scim.get("/Users").json["totalResults"] == 1


def test_14_nothing_found_is_200_and_an_empty_list(scim: Scim, ann: str) -> None:
    for path, name in {"/Users": "userName", "/Groups": "displayName"}.items():
        answer = scim.get(path, filter=f'{name} eq "nobody"')

        assert answer.status == 200
        assert answer.json == {
            "schemas": [LIST_SCHEMA],
            "totalResults": 0,
            "startIndex": 1,
            "itemsPerPage": 0,
            "Resources": [],
        }


@pytest.mark.parametrize(
    ("query", "start_index", "names"),
    [
        ("", 1, [ANN, BOB]),
        ("?startIndex=1", 1, [ANN, BOB]),
        ("?count=1", 1, [ANN]),
        ("?startIndex=0&count=0", 1, []),
        ("?startIndex=-5&count=-5", 1, []),
        ("?startIndex=2", 2, [BOB]),
        ("?startIndex=3", 3, []),
        (f"?startIndex={2**63 - 1}&count={2**63 - 1}", 2**63 - 1, []),
        ("?startIndex=&count=", 1, [ANN, BOB]),
    ],
)
def test_15_numbers_are_numbers_and_may_be_missing_zero_or_negative(
    scim: Scim, ann: str, bob: str, query: str, start_index: int, names: list[str]
) -> None:
    body = scim.send("GET", f"/Users{query}").json

    assert [resource["userName"] for resource in body["Resources"]] == names
    assert (body["totalResults"], body["startIndex"]) == (2, start_index)
    assert body["itemsPerPage"] == len(names)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        'application/scim+json;charset="UTF-8"',
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=iso-8859-1",
        "Application/JSON",
        "",
    ],
)
def test_16_content_types_with_or_without_charset(token: str, content_type: str) -> None:
    scim = Scim(token, content_type=content_type)

    key = scim.add_user(ANN)

    assert scim.put(f"/Users/{key}", user(ANN, title="Boss")).json["title"] == "Boss"
    answer = scim.patch(f"/Users/{key}", {"op": "remove", "path": "title"})
    assert "title" not in answer.json


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", ""])
def test_17_the_token_with_or_without_bearer(token: str, prefix: str) -> None:
    assert Scim(prefix + token).get("/Users").status == 200
    assert Scim(prefix + "x" + token).get("/Users").status == 401


def test_18_big_member_changes_take_bulk_queries_and_members_are_never_capped(
    scim: Scim, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    hosts = insert(User(username=f"person{number}") for number in range(1200))
    links = UserLink.objects.bulk_create(
        UserLink(user=host, user_name=host.username, user_name_canonical=host.username)
        for host in hosts
    )
    keys = [str(link.pk) for link in links]
    sales = scim.add_group("Sales")

    with django_assert_max_num_queries(40):
        assert scim.patch(f"/Groups/{sales}", add_members(*keys)).status == 204

    assert scim.members(sales) == sorted(keys)
    [listed] = scim.get("/Groups").json["Resources"]
    assert len(listed["members"]) == 1200
    assert len(access()["Sales"]) == 1200


@pytest.mark.parametrize(
    "shape",
    [
        lambda key: {"value": key},
        lambda key: {"value": key, "display": None, "$ref": None},
        lambda key: {"value": key, "type": "User", "userName": "unknown", "extra": {"a": [1]}},
        lambda key: {"value": key, "$ref": "https://elsewhere.example/Users/1", "display": "x"},
        lambda key: key,
    ],
)
def test_19_members_may_have_extra_or_missing_fields(
    scim: Scim, ann: str, shape: Callable[[str], object]
) -> None:
    sales = scim.add_group("Sales")

    answer = scim.patch(f"/Groups/{sales}", {"op": "add", "path": "members", "value": [shape(ann)]})

    assert answer.status == 204
    assert access() == {"Sales": {ANN}}


@pytest.mark.parametrize(
    "schemas",
    [
        [CORE_USER],
        [],
        None,
        ["urn:example:somebody:elses:2.0:User"],
        [CORE_USER.upper(), ENTERPRISE_USER],
        CORE_USER,
    ],
)
def test_20_schemas_may_be_unlisted(scim: Scim, schemas: object) -> None:
    body = user(ANN, schemas=schemas, **{ENTERPRISE_USER: {"department": "Tours"}})
    if schemas is None:
        del body["schemas"]

    answer = scim.post("/Users", body)

    assert answer.status == 201
    assert answer.json[ENTERPRISE_USER] == {"department": "Tours"}
    assert answer.json["schemas"] == [CORE_USER, ENTERPRISE_USER]
    operation = {"op": "replace", "value": {"active": False}}
    for patch in ({"Operations": [operation]}, patch_op(operation), {"operations": [operation]}):
        assert scim.send("PATCH", f"/Users/{answer.json['id']}", patch).status == 200
    assert people() == {ANN: "inactive"}
