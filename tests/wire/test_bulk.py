"""Many operations in one request: RFC 7644 section 3.7."""

from __future__ import annotations

from typing import Any

import pytest

from tiled_scim.api import bulk
from tiled_scim.models import UserLink
from tiled_scim.schemas import ENTERPRISE_USER

from .client import ANN, BOB, CARL, NOBODY, Answer, Scim, group, patch_op, user
from .state import access, people, refused

BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def send(scim: Scim, *operations: dict[str, Any], **more: object) -> Answer:
    return scim.post("/Bulk", {"schemas": [BULK_SCHEMA], "Operations": list(operations), **more})


def post(path: str, bulk_id: str, body: object) -> dict[str, Any]:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": body}


def patch(path: str, *changes: object) -> dict[str, Any]:
    return {"method": "PATCH", "path": path, "data": patch_op(*changes)}


def managed_by(name: str, manager: str, **attributes: object) -> dict[str, Any]:
    """A person whose manager the same request creates."""
    return user(
        name, **{ENTERPRISE_USER: {"manager": {"value": f"bulkId:{manager}"}}}, **attributes
    )


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.text
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    operations: list[dict[str, Any]] = answer.json["Operations"]
    return operations


def statuses(answer: Answer) -> list[str]:
    return [result["status"] for result in results(answer)]


def key_of(result: dict[str, Any]) -> str:
    return str(result["location"].rpartition("/")[2])


def test_every_method_does_what_it_does_alone(scim: Scim) -> None:
    ann, bob = scim.add_user(ANN), scim.add_user(BOB)
    sales = scim.add_group("Sales", ann)

    answer = send(
        scim,
        post("/Users", "carl", user(CARL)),
        {"method": "PUT", "path": f"/Users/{ann}", "data": user(ANN, active=False)},
        {
            "method": "patch",
            "path": f"/Groups/{sales}",
            "data": patch_op({"op": "add", "path": "members", "value": [{"value": bob}]}),
        },
        {"method": "DELETE", "path": f"/Users/{bob}"},
    )

    assert statuses(answer) == ["201", "200", "200", "204"]
    created = results(answer)[0]
    assert created["method"] == "POST"
    assert created["bulkId"] == "carl"
    assert created["version"] == scim.get(f"/Users/{key_of(created)}").json["meta"]["version"]
    assert [key_of(result) for result in results(answer)[1:]] == [ann, sales, bob]
    assert people() == {ANN: "inactive", BOB: "inactive", CARL: "active"}
    assert access() == {"Sales": {ANN}}


def test_a_group_refers_to_people_of_the_same_request(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Groups", "sales", group("Sales", "bulkId:ann", "bulkId:bob")),
        post("/Users", "ann", user(ANN)),
        post("/Users", "bob", user(BOB)),
    )

    assert statuses(answer) == ["201"] * 3
    assert [result["bulkId"] for result in results(answer)] == ["sales", "ann", "bob"]
    assert access() == {"Sales": {ANN, BOB}}


def test_a_path_refers_to_what_the_request_creates(scim: Scim) -> None:
    answer = send(
        scim,
        {
            "method": "PATCH",
            "path": "/Users/bulkId:ann",
            "data": patch_op({"op": "replace", "value": {"active": False}}),
        },
        post("/Users", "ann", user(ANN)),
    )

    assert statuses(answer) == ["200", "201"]
    assert people() == {ANN: "inactive"}


def test_two_people_are_managers_of_each_other(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Users", "ann", managed_by(ANN, "bob")),
        post("/Users", "bob", managed_by(BOB, "ann")),
    )

    assert statuses(answer) == ["201", "201"]
    ann, bob = map(key_of, results(answer))
    managers = {
        key: scim.get(f"/Users/{key}").json[ENTERPRISE_USER]["manager"]["value"]
        for key in (ann, bob)
    }
    assert managers == {ann: bob, bob: ann}
    assert results(answer)[0]["version"] == scim.get(f"/Users/{ann}").json["meta"]["version"]


def test_one_is_its_own_manager(scim: Scim) -> None:
    ann = user(ANN, **{ENTERPRISE_USER: {"manager": "bulkId:ann"}})

    answer = send(scim, post("/Users", "ann", ann))

    assert statuses(answer) == ["201"]
    created = scim.get(f"/Users/{key_of(results(answer)[0])}").json
    assert created[ENTERPRISE_USER]["manager"] == {"value": created["id"]}


def test_what_changes_one_in_a_circle_is_kept(scim: Scim) -> None:
    change = {"op": "replace", "value": {"active": False, "title": "Boss"}}
    answer = send(
        scim,
        post("/Users", "ann", managed_by(ANN, "bob")),
        {"method": "PATCH", "path": "/Users/bulkId:ann", "data": patch_op(change)},
        post("/Users", "bob", managed_by(BOB, "ann")),
    )

    assert statuses(answer) == ["201", "200", "201"]
    ann = scim.get(f"/Users/{key_of(results(answer)[0])}").json
    assert (ann["active"], ann["title"]) == (False, "Boss")
    assert ann[ENTERPRISE_USER]["manager"]["value"] == key_of(results(answer)[2])


def test_who_is_added_to_a_group_in_a_circle_stays(scim: Scim) -> None:
    add_bob = {"op": "add", "path": "members", "value": [{"value": "bulkId:bob"}]}
    answer = send(
        scim,
        post("/Groups", "sales", group("Sales", "bulkId:ann")),
        post("/Users", "ann", user(ANN, roles=["bulkId:sales"])),
        post("/Users", "bob", user(BOB)),
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:sales",
            "data": patch_op(add_bob),
        },
    )

    assert statuses(answer) == ["201", "201", "201", "200"]
    sales, ann, bob = map(key_of, results(answer)[:3])
    assert scim.members(sales) == sorted([ann, bob])
    assert access() == {"Sales": {ANN, BOB}}


def test_those_in_a_circle_are_named_in_lists_too(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Users", "ann", user(ANN, roles=["bulkId:bob", "reader"])),
        post("/Users", "bob", user(BOB, roles=[{"value": "bulkId:ann"}])),
    )

    assert statuses(answer) == ["201", "201"]
    ann, bob = map(key_of, results(answer))
    roles = {key: scim.get(f"/Users/{key}").json["roles"] for key in (ann, bob)}
    assert roles == {ann: [{"value": bob}, {"value": "reader"}], bob: [{"value": ann}]}


@pytest.mark.parametrize("fail_on_errors", [0, 1])
def test_what_is_left_without_its_counterpart_is_there_and_said_to_lack_it(
    scim: Scim, fail_on_errors: int
) -> None:
    ann = user(ANN, **{ENTERPRISE_USER: {"manager": {"value": "bulkId:bob"}}})

    answer = send(
        scim,
        post("/Users", "ann", ann),
        post("/Users", "bob", {"title": "bulkId:ann"}),
        failOnErrors=fail_on_errors,
    )

    assert statuses(answer) == ["400", "400"]
    left, failed = results(answer)
    assert scim.found("/Users", f'userName eq "{ANN}"') == [key_of(left)]
    assert left["method"] == "POST"
    assert "bulkId bob" in left["response"]["detail"]
    assert "location" not in failed
    assert people() == {ANN: "active"}


class TestOrder:
    """Operations keep the order of the request. Only a POST comes before those that refer to it."""

    @pytest.fixture
    def deactivated(self, ann: str) -> dict[str, Any]:
        return patch(
            f"/Users/{ann}", {"op": "replace", "value": {"active": False, "title": "Left"}}
        )

    def test_a_change_after_one_that_waits_is_kept(
        self, scim: Scim, ann: str, deactivated: dict[str, Any]
    ) -> None:
        answer = send(
            scim,
            {"method": "PUT", "path": f"/Users/{ann}", "data": managed_by(ANN, "bob")},
            deactivated,
            post("/Users", "bob", user(BOB)),
        )

        assert statuses(answer) == ["200", "200", "201"]
        assert people() == {ANN: "inactive", BOB: "active"}
        found = scim.get(f"/Users/{ann}").json
        assert found[ENTERPRISE_USER]["manager"]["value"] == key_of(results(answer)[2])
        assert found["meta"]["version"] == results(answer)[1]["version"]

    def test_a_change_after_one_that_begins_a_circle_is_kept(
        self, scim: Scim, ann: str, deactivated: dict[str, Any]
    ) -> None:
        scim.deactivate(ann)

        answer = send(
            scim,
            post("/Users", "ann", managed_by(ANN, "bob")),  # brings her back
            deactivated,
            post("/Users", "bob", managed_by(BOB, "ann")),
        )

        assert statuses(answer) == ["201", "200", "201"]
        assert people() == {ANN: "inactive", BOB: "active"}
        found = scim.get(f"/Users/{ann}").json
        assert found["title"] == "Left"
        assert found[ENTERPRISE_USER]["manager"]["value"] == key_of(results(answer)[2])

    @pytest.mark.parametrize("removed", ['members[value eq "{}"]', "members"])
    def test_who_is_removed_after_a_waiting_push_stays_away(
        self, scim: Scim, ann: str, sales: str, removed: str
    ) -> None:
        pushed = group("Sales", ann, "bulkId:bob")

        answer = send(
            scim,
            {"method": "PUT", "path": f"/Groups/{sales}", "data": pushed},
            patch(f"/Groups/{sales}", {"op": "remove", "path": removed.format(ann)}),
            post("/Users", "bob", user(BOB)),
        )

        assert statuses(answer) == ["200", "200", "201"]
        assert access() == {"Sales": {BOB} if ann in removed.format(ann) else set()}

    def test_what_is_deleted_later_is_there_for_one_that_waits(self, scim: Scim, ann: str) -> None:
        version = scim.get(f"/Users/{ann}").json["meta"]["version"]
        pushed = managed_by(ANN, "bob", title="Boss")

        answer = send(
            scim,
            {"method": "PUT", "path": f"/Users/{ann}", "version": version, "data": pushed},
            {"method": "DELETE", "path": f"/Users/{ann}"},
            post("/Users", "bob", user(BOB)),
        )

        assert statuses(answer) == ["200", "204", "201"]
        assert UserLink.objects.get(user_name=ANN).attributes["title"] == "Boss"

    def test_none_is_tried_after_one_that_waits_and_fails(self, scim: Scim, ann: str) -> None:
        answer = send(
            scim,
            patch(f"/Users/{NOBODY}", {"op": "add", "path": "title", "value": "bulkId:bob"}),
            {"method": "DELETE", "path": f"/Users/{ann}"},
            post("/Users", "bob", user(BOB)),
            failOnErrors=1,
        )

        assert statuses(answer) == ["404", "201"]
        assert people() == {ANN: "active", BOB: "active"}

    def test_a_circle_is_closed_before_what_comes_after_its_first(self, scim: Scim) -> None:
        answer = send(
            scim,
            post("/Users", "ann", managed_by(ANN, "bob")),
            {"method": "DELETE", "path": f"/Users/{NOBODY}"},
            post("/Users", "carl", managed_by(CARL, "ann")),
            post("/Users", "bob", managed_by(BOB, "carl")),
            failOnErrors=1,
        )

        assert statuses(answer) == ["201", "404", "201", "201"]
        keys = [key_of(result) for result in results(answer) if result["method"] == "POST"]
        managers = [
            scim.get(f"/Users/{key}").json[ENTERPRISE_USER]["manager"]["value"] for key in keys
        ]
        assert managers == [keys[2], keys[0], keys[1]]

    def test_what_comes_after_a_failure_is_not_tried(self, scim: Scim) -> None:
        answer = send(
            scim,
            {"method": "DELETE", "path": f"/Users/{NOBODY}"},
            post("/Users", "ann", managed_by(ANN, "bob")),
            post("/Users", "bob", managed_by(BOB, "ann")),
            failOnErrors=1,
        )

        assert statuses(answer) == ["404"]
        assert people() == {}


def test_a_filter_in_a_path_refers_to_what_the_request_creates(scim: Scim, sales: str) -> None:
    add_bob = {"op": "add", "path": "members", "value": [{"value": "bulkId:bob"}]}

    answer = send(
        scim,
        patch(f"/Groups/{sales}", add_bob),
        patch(f"/Groups/{sales}", {"op": "remove", "path": 'members[value eq "bulkId:bob"]'}),
        patch(f"/Groups/{sales}", {"op": "remove", "path": 'members[value eq "BULKID:carl"]'}),
        post("/Users", "bob", user(BOB)),
    )

    assert statuses(answer) == ["200", "200", "400", "201"]
    assert "bulkId carl" in results(answer)[2]["response"]["detail"]
    assert access() == {"Sales": {ANN}}


def test_a_path_with_a_query_is_refused_as_such(scim: Scim, ann: str) -> None:
    answer = send(
        scim,
        patch(f"/Users/{ann}?attributes=id", {"op": "replace", "value": {"active": False}}),
        {"method": "DELETE", "path": f"/Users/{ann}#all"},
    )

    assert statuses(answer) == ["400", "400"]
    for result in results(answer):
        assert "without a query" in result["response"]["detail"]
    assert people() == {ANN: "active"}


def test_one_that_fails_takes_none_with_it(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Users", "ann", user(ANN)),
        post("/Users", "again", user(ANN)),
        post("/Users", "nameless", {"displayName": "x"}),
        {"method": "DELETE", "path": f"/Groups/{NOBODY}"},
        post("/Users", "bob", user(BOB)),
    )

    assert statuses(answer) == ["201", "409", "400", "404", "201"]
    conflict, nameless = results(answer)[1:3]
    assert conflict["response"]["scimType"] == "uniqueness"
    assert "userName" in nameless["response"]["detail"]
    assert "location" not in nameless
    assert results(answer)[3]["location"].endswith(f"/Groups/{NOBODY}")
    assert people() == {ANN: "active", BOB: "active"}


def test_what_refers_to_one_that_failed_fails(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Users", "nameless", {}),
        post("/Groups", "sales", group("Sales", "bulkId:nameless")),
    )

    assert statuses(answer) == ["400", "400"]
    assert "nameless" in results(answer)[1]["response"]["detail"]
    assert access() == {}


def test_fail_on_errors_ends_the_request(scim: Scim) -> None:
    answer = send(
        scim,
        post("/Users", "a", {}),
        post("/Users", "ann", user(ANN)),
        post("/Users", "b", {}),
        post("/Users", "bob", user(BOB)),
        failOnErrors=2,
    )

    assert statuses(answer) == ["400", "201", "400"]
    assert people() == {ANN: "active"}


def test_a_version_is_a_precondition(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    tag = scim.get(f"/Users/{ann}").json["meta"]["version"]
    change = {"method": "PUT", "path": f"/Users/{ann}", "data": user(ANN, active=False)}

    for other in ('W/"stale"', "", 5):
        assert statuses(send(scim, {**change, "version": other})) == ["412"]
    assert people() == {ANN: "active"}
    assert statuses(send(scim, {**change, "version": tag})) == ["200"]
    assert people() == {ANN: "inactive"}


def test_a_fault_of_ours_is_one_operations_500(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("tiled_scim.provisioning.users.UserService.create", fail)

    answer = send(scim, post("/Users", "ann", user(ANN)), post("/Groups", "ops", group("Ops")))

    assert statuses(answer) == ["500", "201"]
    assert "secret" not in answer.text
    assert access() == {"Ops": set()}


CREATION = post("/Users", "ann", user(ANN))
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no operations": ({"Operations": []}, "invalidSyntax"),
    "operations that are no list": ({"Operations": {}}, "invalidSyntax"),
    "an operation that is no object": ({"Operations": [CREATION, 5]}, "invalidSyntax"),
    "a bulkId twice": ({"Operations": [CREATION, CREATION]}, "invalidValue"),
    "failOnErrors that is no number": (
        {"Operations": [CREATION], "failOnErrors": "two"},
        "invalidValue",
    ),
}


@pytest.mark.parametrize(("body", "scim_type"), WRONG.values(), ids=WRONG)
def test_a_message_that_is_none_is_refused_whole(
    scim: Scim, body: dict[str, Any], scim_type: str
) -> None:
    answer = refused(scim, "POST", "/Bulk", {"schemas": [BULK_SCHEMA], **body})

    assert answer.error == (400, scim_type)


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "a path elsewhere": {"method": "DELETE", "path": "/Schemas/x"},
    "a path that is no text": {"method": "DELETE", "path": 5},
    "no path": {"method": "DELETE"},
    "a method that writes nothing": {"method": "GET", "path": f"/Users/{NOBODY}"},
    "no method": {"path": "/Users", "bulkId": "x"},
    "POST without a bulkId": {"method": "POST", "path": "/Users", "data": user(BOB)},
    "a bulkId that is no text": {**post("/Users", "x", user(BOB)), "bulkId": 5},
    "a bulkId that cannot be sent back": post("/Users", "\ud800", user(BOB)),
    "a path that cannot be sent back": {"method": "DELETE", "path": "/Users/\ud800"},
    "a method that cannot be sent back": {"method": "\ud800", "path": "/Users"},
    "POST with an id": post(f"/Users/{NOBODY}", "x", user(BOB)),
    "DELETE without an id": {"method": "DELETE", "path": "/Users"},
    "a bulkId that nothing has": post("/Groups", "x", group("Sales", "bulkId:nobody")),
    "a bulkId in the path that nothing has": {"method": "DELETE", "path": "/Users/bulkId:nobody"},
    "a bulkId of what creates nothing": {
        "method": "PATCH",
        "path": "/Users/bulkId:same",
        "bulkId": "same",
        "data": patch_op({"op": "replace", "value": {"active": False}}),
    },
}


@pytest.mark.parametrize("operation", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_operation_that_is_none_fails_alone(scim: Scim, operation: dict[str, Any]) -> None:
    answer = send(scim, operation, CREATION)

    assert statuses(answer) == ["400", "201"]
    assert results(answer)[0]["response"]["scimType"] == "invalidValue"
    assert people() == {ANN: "active"}
    assert access() == {}


def test_limits_are_advertised_and_kept(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    advertised = scim.get("/ServiceProviderConfig").json["bulk"]
    assert advertised == {
        "supported": True,
        "maxOperations": bulk.MAX_OPERATIONS,
        "maxPayloadSize": bulk.MAX_PAYLOAD_BYTES,
    }
    monkeypatch.setattr(bulk, "MAX_OPERATIONS", 1)

    assert send(scim, post("/Users", "a", user(ANN)), post("/Users", "b", user(BOB))).status == 413
    assert UserLink.objects.count() == 0
