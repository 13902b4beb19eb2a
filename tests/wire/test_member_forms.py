"""The members that clients send in other forms than the RFC's, and the state after."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.simple_project.libraries.models import Library
from tiled_scim.models import ScimEvent

from .client import (
    ANN,
    BOB,
    CARL,
    NOBODY,
    Answer,
    Scim,
    add_members,
    group,
    patch_op,
    replace_members,
)
from .state import access, snapshot

MEMBERS = {"path": "members"}


@pytest.fixture
def bob(scim: Scim) -> str:
    return scim.add_user(BOB)


def changes_nothing(scim: Scim, method: str, path: str, body: object) -> Answer:
    """The answer to a request that is refused, and changes no row."""
    before = snapshot()
    answer = scim.send(method, path, body)
    assert answer.error == (400, "invalidValue"), answer.text
    assert snapshot() == before
    return answer


# What a client sends in place of a member's id, or of the array of members.
TEXTS: dict[str, Callable[[str], str]] = {
    "a userName": lambda key: ANN,
    "a word": lambda key: "x",
    "several ids": lambda key: f"{key},{NOBODY}",
    "JSON of a member": lambda key: json.dumps({"value": key}),
    "JSON of members": lambda key: json.dumps([{"value": key}]),
    "JSON of nobody": lambda key: "[]",
    "nothing": lambda key: "",
}


class TestTexts:
    """A text stands for a member only if it is an id."""

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    @pytest.mark.parametrize("op", ["add", "replace"])
    def test_a_text_that_is_no_id_is_refused(
        self, scim: Scim, sales: str, ann: str, op: str, text: Callable[[str], str]
    ) -> None:
        sent = text(ann)
        for value in (sent, [sent], [{"value": ann}, sent]):
            body = patch_op({"op": op, **MEMBERS, "value": value})
            answer = changes_nothing(scim, "PATCH", f"/Groups/{sales}", body)
            assert "members" in answer.json["detail"]
        assert access() == {"Sales": {ANN}}

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_also_without_a_path_and_by_put(
        self, scim: Scim, sales: str, ann: str, text: Callable[[str], str]
    ) -> None:
        members = [text(ann)]
        patch = patch_op({"op": "replace", "value": {"members": members}})

        changes_nothing(scim, "PATCH", f"/Groups/{sales}", patch)
        changes_nothing(scim, "PUT", f"/Groups/{sales}", {**group("Sales"), "members": members})

    def test_a_text_that_is_an_id_is_a_member(self, scim: Scim, sales: str, bob: str) -> None:
        for value in (bob, [bob], [bob.upper()]):
            operation = {"op": "replace", **MEMBERS, "value": value}
            assert scim.patch(f"/Groups/{sales}", operation).status == 204
            assert access() == {"Sales": {BOB}}


class TestNobodyWhoIsKnown:
    """A list with only unknown members takes no access away."""

    @pytest.mark.parametrize("unknown", [NOBODY, "no-uuid"])
    def test_replacing_by_it_is_refused(self, scim: Scim, sales: str, unknown: str) -> None:
        for body in (
            patch_op(replace_members(unknown)),
            patch_op({"op": "replace", "value": {"members": [{"value": unknown}]}}),
        ):
            answer = changes_nothing(scim, "PATCH", f"/Groups/{sales}", body)
            assert answer.json["detail"] == (
                f"members: there is no user with the id “{unknown}”. "
                "Nobody in the list is known. Assign these people first."
            )
        changes_nothing(scim, "PUT", f"/Groups/{sales}", group("Ops", unknown, unknown))
        assert access() == {"Sales": {ANN}}

    def test_also_if_others_are_added_by_the_same_request(
        self, scim: Scim, sales: str, bob: str
    ) -> None:
        add = {"op": "add", **MEMBERS, "value": [{"value": bob}]}

        changes_nothing(scim, "PATCH", f"/Groups/{sales}", patch_op(replace_members(NOBODY), add))

    def test_somebody_who_was_deleted_is_not_known(self, scim: Scim, sales: str, bob: str) -> None:
        scim.delete(f"/Users/{bob}")

        changes_nothing(scim, "PATCH", f"/Groups/{sales}", patch_op(replace_members(bob)))

    def test_a_group_of_a_group_is_not_known(self, scim: Scim, sales: str) -> None:
        nested = scim.add_group("Nested")

        changes_nothing(scim, "PUT", f"/Groups/{sales}", group("Sales", nested))

    def test_one_ghost_among_others_is_skipped(self, scim: Scim, sales: str, bob: str) -> None:
        assert scim.patch(f"/Groups/{sales}", replace_members(NOBODY, bob)).status == 204
        assert access() == {"Sales": {BOB}}

        assert scim.put(f"/Groups/{sales}", group("Sales", bob, NOBODY)).status == 200
        assert access() == {"Sales": {BOB}}

    def test_an_empty_list_still_empties(self, scim: Scim, sales: str, bob: str) -> None:
        assert scim.patch(f"/Groups/{sales}", replace_members()).status == 204
        assert access() == {"Sales": set()}

        add = {"op": "add", **MEMBERS, "value": [{"value": bob}]}
        assert scim.patch(f"/Groups/{sales}", add).status == 204
        assert scim.put(f"/Groups/{sales}", group("Sales")).status == 200
        assert access() == {"Sales": set()}

    def test_adding_them_to_an_emptied_group_is_no_overwriting(
        self, scim: Scim, sales: str
    ) -> None:
        add = {"op": "add", **MEMBERS, "value": [{"value": NOBODY}]}

        assert scim.patch(f"/Groups/{sales}", replace_members(), add).status == 204
        assert access() == {"Sales": set()}

    def test_a_new_group_takes_access_from_nobody(self, scim: Scim, sales: str, bob: str) -> None:
        assert scim.post("/Groups", group("Ops", NOBODY)).status == 201
        assert access() == {"Sales": {ANN}, "Ops": set()}

    def test_a_restored_group_has_the_members_that_it_is_posted_with(
        self, scim: Scim, sales: str, bob: str
    ) -> None:
        scim.delete(f"/Groups/{sales}")
        carl = scim.add_user(CARL)

        assert scim.post("/Groups", group("Sales", bob, NOBODY, carl)).json["id"] == sales
        assert access() == {"Sales": {BOB, CARL}}
        assert scim.members(sales) == sorted([bob, carl])
        assert "attributes" not in ScimEvent.objects.latest("pk").changes

    def test_a_group_with_a_new_library_has_the_members_that_it_is_posted_with(
        self, scim: Scim, sales: str, bob: str
    ) -> None:
        Library.objects.get().delete()

        assert scim.post("/Groups", group("Sales", bob)).json["id"] == sales
        assert access() == {"Sales": {BOB}}
        assert scim.members(sales) == [bob]


@pytest.mark.parametrize(
    "filter_",
    [f'display eq "{ANN}"', f'type eq "user" and display sw "ann" and display ne "{BOB}"'],
)
def test_members_are_found_by_what_is_shown_of_them(
    scim: Scim, sales: str, bob: str, filter_: str
) -> None:
    scim.patch(f"/Groups/{sales}", add_members(bob))

    scim.patch(f"/Groups/{sales}", {"op": "remove", "path": f"members[{filter_}]"})

    assert scim.members(sales) == [bob]


def test_a_display_name_is_that_of_one_group(scim: Scim, sales: str, ann: str) -> None:
    ops = scim.add_group("Ops", ann)

    member = {"value": ann, "display": "Ann from Sales"}
    scim.patch(f"/Groups/{sales}", {"op": "add", **MEMBERS, "value": [member]})

    shown = [scim.get(f"/Groups/{key}").json["members"][0]["display"] for key in (sales, ops)]
    assert shown == ["Ann from Sales", ANN]


def test_somebody_who_is_called_like_an_old_name_stays_so(
    scim: Scim, sales: str, ann: str, bob: str
) -> None:
    """A new userName is shown in place of the old one, but only of the same person."""
    member = {"value": bob, "display": ANN}
    scim.patch(f"/Groups/{sales}", {"op": "add", **MEMBERS, "value": [member]})

    scim.patch(f"/Users/{ann}", {"op": "replace", "path": "userName", "value": CARL})

    members = scim.get(f"/Groups/{sales}").json["members"]
    assert {each["value"]: each["display"] for each in members} == {ann: CARL, bob: ANN}
