"""The values that clients send in other forms than the RFC's, and the state after."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tiled_scim.models import UserLink

from .client import (
    ANN,
    BOB,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    NOBODY,
    TILED_USER,
    Scim,
    user,
)
from .state import access, people, refused, snapshot

WORK = {"primary": True, "value": ANN, "type": "work"}
EMPLOYED = {"employeeNumber": "7", "department": "Tours", "manager": {"value": "42"}}


def operation(op: str, path: str, value: Any) -> dict[str, object]:
    return {"op": op, "path": path, "value": value}


@pytest.fixture
def ann(scim: Scim) -> str:
    """The id of a person with attributes of the enterprise extension."""
    extensions = {ENTERPRISE_USER: EMPLOYED, TILED_USER: {"tiledAdmin": True}}
    return scim.add_user(ANN, title="Guide", **extensions)


def employed(scim: Scim, key: str) -> Any:
    """The enterprise extension that a GET shows; None without it."""
    return scim.get(f"/Users/{key}").json.get(ENTERPRISE_USER)


def in_2018(value: object) -> list[object]:
    """A value as Entra ID sent it until 2018."""
    return [{"$ref": None, "value": value}]


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("op", ["Add", "replace"])
class TestArrayOfOne:
    """SAP, and Microsoft's example for the manager."""

    @pytest.mark.parametrize(
        ("path", "value", "name", "expected"),
        [
            ("title", ["Boss"], "title", "Boss"),
            ("title", in_2018("Boss"), "title", "Boss"),
            ("title", [{"value": "Boss"}], "title", "Boss"),
            ("title", [], "title", None),
            ("title", [None], "title", None),
            ("title", in_2018(None), "title", None),
            ("active", ["False"], "active", False),
            ("active", in_2018("False"), "active", False),
            ("name", [{"givenName": "Anna"}], "name", {"givenName": "Anna", "familyName": "Angel"}),
            (
                "name.givenName",
                in_2018("Anna"),
                "name",
                {"givenName": "Anna", "familyName": "Angel"},
            ),
            (
                'emails[type eq "work"].value',
                in_2018("new@example.com"),
                "emails",
                [{**WORK, "value": "new@example.com"}],
            ),
            (
                'emails[type eq "work"]',
                [{"value": "new@example.com"}],
                "emails",
                [{**WORK, "value": "new@example.com"}],
            ),
            ("emails", {"emails": [{"value": "a@b.c"}]}, "emails", None),
            (
                f"{ENTERPRISE_USER}:manager",
                [{"$ref": f"Users/{NOBODY}", "value": NOBODY}],
                ENTERPRISE_USER,
                {**EMPLOYED, "manager": {"$ref": f"Users/{NOBODY}", "value": NOBODY}},
            ),
            (
                f"{ENTERPRISE_USER}:manager",
                ["43"],
                ENTERPRISE_USER,
                {**EMPLOYED, "manager": {"value": "43"}},
            ),
            (
                f"{ENTERPRISE_USER}:manager",
                [],
                ENTERPRISE_USER,
                {"employeeNumber": "7", "department": "Tours"},
            ),
            (
                f"{ENTERPRISE_USER}:manager",
                [{"value": ""}],
                ENTERPRISE_USER,
                {**EMPLOYED, "manager": {"value": ""}},
            ),
        ],
    )
    def test_is_its_element(
        self,
        scim: Scim,
        ann: str,
        op: str,
        path: str,
        value: object,
        name: str,
        expected: object,
    ) -> None:
        if name == "emails" and expected is None:
            expected = [{"value": "a@b.c"}] if op == "replace" else [WORK, {"value": "a@b.c"}]

        answer = scim.patch(f"/Users/{ann}", operation(op, path, value))

        assert answer.status == 200
        assert answer.json.get(name) == expected
        read = scim.get(f"/Users/{ann}").json
        assert read == answer.json
        host = User.objects.get(username=ANN)
        assert host.first_name == read["name"]["givenName"]
        assert host.is_active is read["active"]
        assert host.is_staff

    def test_also_without_a_path(self, scim: Scim, ann: str, op: str) -> None:
        value = {
            "title": ["Boss"],
            "active": [],
            TILED_USER: {"tiledAdmin": []},
            f"{ENTERPRISE_USER}:manager": [],
            ENTERPRISE_USER: {"department": in_2018("Sales")},
        }

        answer = scim.patch(f"/Users/{ann}", {"op": op, "value": value})

        assert answer.json["title"] == "Boss"
        assert employed(scim, ann) == {"employeeNumber": "7", "department": "Sales"}
        assert people() == {ANN: "active admin"}

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("title", ["a", "b"]),
            ("title", [["a"]]),
            ("title", [{"value": "a", "type": "b"}]),
            ("title", {"value": "a"}),
            ("userName", []),
            (f"{ENTERPRISE_USER}:manager", ["1", "2"]),
            ('emails[type eq "work"]', [{"value": "a"}, {"value": "b"}]),
        ],
    )
    def test_nothing_else_is_one_value(
        self, scim: Scim, ann: str, op: str, path: str, value: object
    ) -> None:
        before = snapshot()

        answer = scim.patch(f"/Users/{ann}", operation(op, path, value))

        assert answer.status == 400
        assert answer.json["scimType"] in {"invalidValue", "mutability"}
        assert snapshot() == before


class TestMembersInAnObject:
    """`{"members": […]}` as the value of the path `members`."""

    @pytest.fixture
    def bob(self, scim: Scim) -> str:
        return scim.add_user(BOB)

    @pytest.mark.parametrize("name", ["members", "MEMBERS"])
    def test_is_the_array(self, scim: Scim, ann: str, bob: str, name: str) -> None:
        sales = scim.add_group("Sales", ann)
        for op, expected in (("add", {ANN, BOB}), ("remove", {ANN}), ("replace", {BOB})):
            value = {name: [{"value": bob}]}

            assert scim.patch(f"/Groups/{sales}", operation(op, "members", value)).status == 204

            assert access() == {"Sales": expected}

    def test_an_empty_one_removes_nobody(self, scim: Scim, ann: str) -> None:
        sales = scim.add_group("Sales", ann)

        answer = scim.patch(f"/Groups/{sales}", operation("remove", "members", {"members": []}))

        assert answer.status == 204
        assert access() == {"Sales": {ANN}}

    @pytest.mark.parametrize("value", [{"members": None}, {"members": "x"}, {"users": []}])
    @pytest.mark.parametrize("op", ["add", "remove", "replace"])
    def test_no_other_object_is(self, scim: Scim, ann: str, op: str, value: object) -> None:
        sales = scim.add_group("Sales", ann)

        answer = scim.patch(f"/Groups/{sales}", operation(op, "members", value))

        assert answer.error == (400, "invalidValue")
        assert access() == {"Sales": {ANN}}


@pytest.mark.parametrize(
    ("path", "value", "name", "expected"),
    [
        (f"{CORE_USER}.title", "Boss", "title", "Boss"),
        (f"{ENTERPRISE_USER}.department", "Sales", "department", "Sales"),
        (f"{ENTERPRISE_USER}.manager", "43", "manager", {"value": "43"}),
        (f"{ENTERPRISE_USER}.manager.value", "43", "manager", {"value": "43"}),
        (f"{ENTERPRISE_USER.upper()}.DEPARTMENT", "Sales", "department", "Sales"),
    ],
)
def test_a_dot_may_stand_after_a_urn(
    scim: Scim, ann: str, path: str, value: str, name: str, expected: object
) -> None:
    for change in (operation("replace", path, value), {"op": "add", "value": {path: value}}):
        answer = scim.patch(f"/Users/{ann}", change).json

        assert {**answer, **answer[ENTERPRISE_USER]}[name] == expected
    assert scim.found("/Users", f'{path} eq "{value}"') == [ann]
    selected = scim.get(f"/Users/{ann}", attributes=path).json
    assert {**selected, **selected.get(ENTERPRISE_USER, {})}[name] == expected


def test_core_attributes_may_be_in_an_object_under_their_urn(scim: Scim, ann: str) -> None:
    sales = scim.add_group("Sales")
    person = {CORE_USER: {"active": "False", "title": "Boss"}, "nickName": "Annie"}
    team = {CORE_GROUP.upper(): {"displayName": "Ops", "members": [{"value": ann}]}}

    answer = scim.patch(f"/Users/{ann}", {"op": "replace", "value": person})
    scim.patch(f"/Groups/{sales}", {"op": "add", "value": team})

    assert {**answer.json, "active": False, "title": "Boss", "nickName": "Annie"} == answer.json
    assert people() == {ANN: "inactive admin"}
    assert scim.get(f"/Groups/{sales}").json["displayName"] == "Ops"
    assert scim.members(sales) == [ann]


@pytest.mark.parametrize(
    "attributes",
    [
        {f"{CORE_USER}:active": False, f"{CORE_USER}:title": "Boss"},
        {CORE_USER: {"active": False, "title": "Boss"}},
    ],
    ids=["names", "an object"],
)
def test_a_body_may_have_urns_too(scim: Scim, ann: str, attributes: dict[str, Any]) -> None:
    sent = {**attributes, f"{ENTERPRISE_USER}:department": "Sales"}

    replaced = scim.put(f"/Users/{ann}", {"userName": ANN, **sent})
    created = scim.post("/Users", {f"{CORE_USER}:userName": BOB, **sent})

    assert (replaced.status, created.status) == (200, 201)
    assert people() == {ANN: "inactive admin", BOB: "inactive"}
    for answer in (replaced, created):
        assert (answer.json["active"], answer.json["title"]) == (False, "Boss")
        assert answer.json[ENTERPRISE_USER] == {"department": "Sales"}
        assert scim.get(f"/Users/{answer.json['id']}").json == answer.json


def test_a_name_with_and_without_its_urn_is_refused(scim: Scim, ann: str) -> None:
    sent = {"userName": ANN, "active": True, f"{CORE_USER}:active": False}

    for method, path in (("PUT", f"/Users/{ann}"), ("POST", "/Users")):
        answer = refused(scim, method, path, sent)

        assert answer.error == (400, "invalidSyntax")
        assert "active" in answer.json["detail"]


class TestSchemasAndId:
    """What the resource has anyway may be said, and changes nothing."""

    @pytest.mark.parametrize("op", ["add", "Replace"])
    @pytest.mark.parametrize(
        "urns",
        [
            [CORE_USER],
            [CORE_USER, ENTERPRISE_USER],
            [ENTERPRISE_USER.upper()],
            ENTERPRISE_USER,
            [CORE_USER, TILED_USER],
        ],
    )
    def test_schemas_that_it_has_or_may_have(self, scim: Scim, op: str, urns: object) -> None:
        key = scim.add_user(ANN)
        before = snapshot()

        answer = scim.patch(
            f"/Users/{key}", operation(op, "schemas", urns), operation(op, "id", key)
        )

        assert answer.status == 200
        assert answer.json["schemas"] == [CORE_USER]
        assert snapshot() == before

    def test_beside_a_change(self, scim: Scim, ann: str) -> None:
        sales = scim.add_group("Sales", ann)

        answer = scim.patch(
            f"/Groups/{sales}",
            operation("replace", "schemas", [CORE_GROUP]),
            operation("replace", "id", sales.upper()),
            operation("replace", "displayName", "Ops"),
        )

        assert answer.status == 204
        assert access() == {"Ops": {ANN}}

    @pytest.mark.parametrize(
        "change",
        [
            operation("add", "schemas", ["urn:nothing"]),
            operation("add", "schemas", [CORE_USER, CORE_GROUP]),
            operation("replace", "schemas", []),
            operation("replace", "schemas", [5]),
            operation("remove", "schemas", [ENTERPRISE_USER]),
            {"op": "remove", "path": "schemas"},
            operation("replace", "id", NOBODY),
            operation("replace", "id", None),
            {"op": "remove", "path": "id"},
            operation("replace", "meta", {"resourceType": "User"}),
        ],
    )
    def test_anything_else_is_refused(
        self, scim: Scim, ann: str, change: dict[str, object]
    ) -> None:
        before = snapshot()

        assert scim.patch(f"/Users/{ann}", change).error == (400, "mutability")

        assert snapshot() == before


class TestExtensionWithoutValues:
    @pytest.mark.parametrize("value", [None, {}, ""])
    def test_is_unassigned_with_a_path_and_without(
        self, scim: Scim, ann: str, value: object
    ) -> None:
        for change in (
            {"op": "replace", "value": {ENTERPRISE_USER: value}},
            operation("replace", ENTERPRISE_USER, value),
        ):
            scim.put(f"/Users/{ann}", user(ANN, **{ENTERPRISE_USER: EMPLOYED}))

            answer = scim.patch(f"/Users/{ann}", change)

            assert answer.status == 200
            assert answer.json["schemas"] == [CORE_USER, TILED_USER]
            assert ENTERPRISE_USER not in answer.json
            assert ENTERPRISE_USER not in UserLink.objects.get().attributes

    def test_access_stays_unless_the_path_names_it(self, scim: Scim, ann: str) -> None:
        scim.patch(f"/Users/{ann}", {"op": "replace", "value": {TILED_USER: None}})
        scim.patch(f"/Users/{ann}", {"op": "replace", "value": {TILED_USER: {}}})
        assert people() == {ANN: "active admin"}

        User.objects.create_superuser("root")
        scim.patch(f"/Users/{ann}", operation("replace", TILED_USER, None))
        assert people() == {ANN: "active"}
