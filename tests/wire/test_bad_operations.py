"""PATCH with operations that are wrong: one of them refuses all, and nothing is written."""

from __future__ import annotations

import pytest

from tiled_scim.scim.budget import MAX_OPERATIONS
from tiled_scim.scim.cleaning import MAX_ELEMENTS

from .client import (
    ANN,
    BOB,
    CORE_USER,
    ENTERPRISE_USER,
    NOBODY,
    Scim,
    add_members,
    case_id,
    patch_op,
    user,
)
from .state import refused

GOOD = {"op": "replace", "path": "title", "value": "Boss"}

# Operations that follow a good one, the scimType of the answer and what the detail must name.
WRONG_OPERATIONS: list[tuple[object, str, str]] = [
    ("replace", "invalidSyntax", "object"),
    ({}, "invalidSyntax", "op"),
    ({"op": None, "path": "title", "value": "x"}, "invalidSyntax", "op"),
    ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax", "op"),
    ({"op": ["add"], "path": "title", "value": "x"}, "invalidSyntax", "op"),
    ({"op": "replace", "path": "title"}, "invalidValue", "value"),
    ({"op": "add"}, "invalidValue", "value"),
    ({"op": "add", "value": "x"}, "invalidValue", "object"),
    ({"op": "add", "value": [{"title": "x"}]}, "invalidValue", "object"),
    ({"op": "remove"}, "noTarget", "path"),
    ({"op": "remove", "path": ""}, "noTarget", "path"),
    ({"op": "add", "path": 5, "value": "x"}, "invalidPath", "path"),
    ({"op": "add", "path": "nothing", "value": "x"}, "invalidPath", "nothing"),
    ({"op": "add", "path": "name.nothing", "value": "x"}, "invalidPath", "name.nothing"),
    ({"op": "add", "path": "urn:nothing:title", "value": "x"}, "invalidPath", "urn:nothing"),
    ({"op": "add", "path": f"{ENTERPRISE_USER}:nothing", "value": "x"}, "invalidPath", "nothing"),
    ({"op": "add", "path": "emails[", "value": "x"}, "invalidFilter", "“emails[” is not a path."),
    ({"op": "add", "path": "emails[type eq]", "value": "x"}, "invalidFilter", ""),
    ({"op": "add", "path": 'emails[no eq "x"].value', "value": "x"}, "invalidFilter", "no"),
    ({"op": "add", "path": 'emails[type xx "x"].value', "value": "x"}, "invalidFilter", "xx"),
    ({"op": "add", "path": 'title[type eq "x"]', "value": "x"}, "invalidPath", "title"),
    ({"op": "replace", "path": 'emails[type sw "f"].value', "value": "x"}, "noTarget", "emails"),
    ({"op": "replace", "path": "id", "value": NOBODY}, "mutability", "id"),
    ({"op": "replace", "path": "meta.created", "value": "2020"}, "mutability", "meta.created"),
    ({"op": "add", "path": "groups", "value": [{"value": NOBODY}]}, "mutability", "groups"),
    ({"op": "remove", "path": "userName"}, "mutability", "userName"),
    ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue", "active"),
    ({"op": "replace", "path": "userName", "value": ""}, "invalidValue", "userName"),
    ({"op": "replace", "path": "userName", "value": "x" * 256}, "invalidValue", "userName"),
    ({"op": "replace", "path": "title", "value": 5}, "invalidValue", "title"),
    ({"op": "replace", "path": "title", "value": "a\x00"}, "invalidValue", "title"),
    ({"op": "replace", "path": "name.givenName", "value": "x" * 200}, "invalidValue", "givenName"),
    ({"op": "replace", "value": {"active": "maybe"}}, "invalidValue", "active"),
    ({"op": "replace", "path": "name", "value": "Ann"}, "invalidValue", "name"),
]

WRONG_GROUP_OPERATIONS: list[tuple[object, str, str]] = [
    ({"op": "remove", "path": "displayName"}, "mutability", "displayName"),
    ({"op": "replace", "path": "displayName", "value": ""}, "invalidValue", "displayName"),
    ({"op": "replace", "path": "displayName", "value": "x" * 201}, "invalidValue", "displayName"),
    ({"op": "add", "path": "members", "value": [{"display": ANN}]}, "invalidValue", "members"),
    ({"op": "add", "path": "members", "value": [5]}, "invalidValue", "members"),
    ({"op": "replace", "path": "members.value", "value": "x"}, "mutability", "members.value"),
    ({"op": "remove", "path": 'members[no eq "x"]'}, "invalidFilter", "no"),
    ({"op": "remove", "path": "members[value eq"}, "invalidFilter", "is not a path."),
    ({"op": "remove", "path": 'members[value pr] and a co "b"'}, "invalidFilter", "not a path."),
    ({"op": "remove", "path": "members", "value": [{"display": ANN}]}, "invalidValue", "members"),
    ({"op": "add", "path": "nothing", "value": "x"}, "invalidPath", "nothing"),
]


class TestPatches:
    @pytest.mark.parametrize(("operation", "scim_type", "named"), WRONG_OPERATIONS, ids=case_id)
    def test_one_wrong_operation_refuses_all_of_a_user(
        self, scim: Scim, ann: str, operation: object, scim_type: str, named: str
    ) -> None:
        for operations in ([GOOD, operation], [operation, GOOD]):
            answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(*operations))

            assert answer.error == (400, scim_type)
            assert named in answer.json["detail"]

    @pytest.mark.parametrize(
        ("operation", "scim_type", "named"), WRONG_GROUP_OPERATIONS, ids=case_id
    )
    def test_one_wrong_operation_refuses_all_of_a_group(
        self, scim: Scim, sales: str, operation: object, scim_type: str, named: str
    ) -> None:
        bob = scim.add_user(BOB)
        rename = {"op": "replace", "value": {"displayName": "Ops"}}

        answer = refused(
            scim, "PATCH", f"/Groups/{sales}", patch_op(rename, add_members(bob), operation)
        )

        assert answer.error == (400, scim_type)
        assert named in answer.json["detail"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"Operations": []},
            {"Operations": None},
            {"Operations": GOOD},
            {"schemas": [CORE_USER], "Operations": [GOOD]},
            {"active": False},
        ],
        ids=case_id,
    )
    def test_a_body_that_is_no_patch_is_400(self, scim: Scim, ann: str, body: object) -> None:
        assert refused(scim, "PATCH", f"/Users/{ann}", body).error == (400, "invalidSyntax")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/Users/.search", {"filter": 'userName eq "\ud800"'}),
        ("/Users/.search", {"filter": "\ud800 pr"}),
        ("/Users/.search", {"sortBy": "\ud800"}),
        ("/Users", {"userName": "\ud800"}),
        ("/Users", {"userName": "x", "\ud800": 1, "\ud800X": 2, "\ud800x": 3}),
    ],
)
def test_half_a_character_is_quoted_in_a_way_that_can_be_sent(
    scim: Scim, path: str, body: dict[str, object]
) -> None:
    assert refused(scim, "POST", path, body).status == 400


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "\ud800", "value": "x"},
        {"op": "\ud800", "value": {}},
        {"op": "remove", "path": f"{ENTERPRISE_USER}:"},
    ],
)
def test_a_path_that_is_none_removes_nothing(scim: Scim, operation: dict[str, object]) -> None:
    key = scim.add_user(ANN, **{ENTERPRISE_USER: {"department": "Tours"}})

    answer = refused(scim, "PATCH", f"/Users/{key}", {"Operations": [operation]})

    assert answer.status == 400


def test_more_operations_than_a_request_may_carry_are_413(scim: Scim, ann: str) -> None:
    answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(*[GOOD] * (MAX_OPERATIONS + 1)))

    assert answer.error == (413, None)
    assert str(MAX_OPERATIONS) in answer.json["detail"]


class TestTooManyValues:
    """No attribute grows without end, in one request or in many."""

    def test_of_one_attribute_in_a_body(self, scim: Scim, ann: str) -> None:
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann}")):
            answer = refused(scim, method, path, user(BOB, emails=emails(MAX_ELEMENTS + 1)))

            assert answer.error == (400, "invalidValue")
            assert str(MAX_ELEMENTS) in answer.json["detail"]

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "add", "path": "emails", "value": [{"value": "new@example.com"}]},
            {"op": "add", "value": {"emails": [{"value": "new@example.com"}]}},
            {"op": "add", "path": 'emails[type eq "fax"].value', "value": "new@example.com"},
            {"op": "replace", "value": {'emails[type eq "fax"].value': "new@example.com"}},
        ],
        ids=case_id,
    )
    def test_added_to_as_many_as_there_may_be(
        self, scim: Scim, operation: dict[str, object]
    ) -> None:
        key = scim.add_user(ANN, emails=emails(MAX_ELEMENTS))

        answer = refused(scim, "PATCH", f"/Users/{key}", patch_op(operation))

        assert answer.error == (400, "invalidValue")
        assert "emails" in answer.json["detail"]


def emails(number: int) -> list[dict[str, object]]:
    return [{"value": f"{n}@example.com", "type": "other"} for n in range(number)]
