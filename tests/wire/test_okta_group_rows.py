"""Groups as Okta sends them, rows 8 to 15 of its requests: responses, and the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from tests.factories import make_library, make_user
from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupMember, UserLink

from .client import ANN, BOB, CARL, Scim, add_members, group, remove_member, replace_members
from .state import access, people


class TestRow8GroupLookup:
    @pytest.mark.parametrize(
        "filter_",
        ["displayName%20eq%20%22Sales%20%26%20Ops%22", "displayName+eq+%22Sales+%26+Ops%22"],
    )
    def test_the_name_is_matched_exactly(self, scim: Scim, filter_: str) -> None:
        key = scim.add_group("Sales & Ops")
        for other in ("Sales", "Sales & Ops EMEA", "Sales &amp; Ops"):
            scim.add_group(other)

        answer = scim.send("GET", f"/Groups?filter={filter_}&startIndex=1&count=100")

        assert answer.status == 200
        assert [resource["id"] for resource in answer.json["Resources"]] == [key]

    def test_a_library_that_people_made_is_no_group(self, scim: Scim) -> None:
        make_library("Sales")

        assert scim.found("/Groups", 'displayName eq "Sales"') == []


class TestRow9PushGroup:
    def test_an_empty_group_becomes_an_empty_library(self, scim: Scim) -> None:
        answer = scim.post("/Groups", group("Sales & Ops"))

        assert answer.status == 201
        assert answer.json["displayName"] == "Sales & Ops"
        assert answer.json["meta"]["resourceType"] == "Group"
        assert scim.get(f"/Groups/{answer.json['id']}").json == answer.json
        assert access() == {"Sales & Ops": set()}

    @pytest.mark.parametrize(
        "shape",
        [
            lambda key: {"value": key, "display": ANN},
            lambda key: {"value": key, "display": None},
            lambda key: {"value": key},
            lambda key: {"value": key, "display": "", "type": "User", "$ref": "wrong"},
        ],
    )
    def test_members_get_access(
        self, scim: Scim, shape: Callable[[str], dict[str, object]]
    ) -> None:
        key = scim.add_user(ANN)
        scim.add_user(BOB)

        answer = scim.post("/Groups", {"displayName": "Sales", "members": [shape(key)]})

        assert answer.status == 201
        assert answer.json["members"] == [
            {
                "value": key,
                "$ref": f"http://testserver/scim/v2/Users/{key}",
                "type": "User",
                "display": ANN,
            }
        ]
        assert access() == {"Sales": {ANN}}
        [shown] = scim.get(f"/Users/{key}").json["groups"]
        assert (shown["value"], shown["display"]) == (answer.json["id"], "Sales")

    def test_a_members_display_comes_back_as_it_was_sent(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        group_key = scim.add_group("Sales")
        member = {"op": "add", "path": "members", "value": [{"value": key, "display": "Ann A."}]}

        scim.patch(f"/Groups/{group_key}", member)
        scim.patch(f"/Users/{key}", {"op": "replace", "path": "userName", "value": BOB})

        [shown] = scim.get(f"/Groups/{group_key}").json["members"]
        assert (shown["value"], shown["display"]) == (key, "Ann A.")
        assert scim.found("/Groups", 'members.display sw "ann"') == [group_key]

    def test_a_name_that_is_pushed_already_is_409(self, scim: Scim) -> None:
        key = scim.add_group("Sales")

        answer = scim.post("/Groups", group("sales"))

        assert answer.error == (409, "uniqueness")
        assert key in answer.json["detail"]
        assert access() == {"Sales": set()}


class TestRow10Rename:
    def test_the_library_is_renamed_and_the_id_inside_ignored(self, scim: Scim) -> None:
        key = scim.add_group("Sales", scim.add_user(ANN))
        library = Library.objects.get()
        value = {"id": "00g-of-okta", "displayName": "Sales & Ops"}

        answer = scim.patch(f"/Groups/{key}", {"op": "replace", "value": value})

        assert answer.status == 204
        body = scim.get(f"/Groups/{key}").json
        assert (body["id"], body["displayName"]) == (key, "Sales & Ops")
        assert access() == {"Sales & Ops": {ANN}}
        assert Library.objects.get().pk == library.pk

    def test_the_same_name_again_changes_nothing(self, scim: Scim) -> None:
        key = scim.add_group("Sales", scim.add_user(ANN))
        before = scim.get(f"/Groups/{key}").json

        answer = scim.patch(
            f"/Groups/{key}", {"op": "replace", "value": {"id": key, "displayName": "Sales"}}
        )

        assert answer.status == 204
        assert scim.get(f"/Groups/{key}").json == before

    def test_the_name_comes_with_a_change_of_members(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)

        answer = scim.patch(
            f"/Groups/{key}",
            {"op": "replace", "value": {"id": key, "displayName": "Ops"}},
            remove_member(ann),
            add_members(bob),
        )

        assert answer.status == 204
        assert access() == {"Ops": {BOB}}

    def test_the_name_of_another_group_is_409_and_the_members_stay(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        key = scim.add_group("Sales")
        scim.add_group("Ops")

        answer = scim.patch(
            f"/Groups/{key}", add_members(ann), {"op": "replace", "value": {"displayName": "OPS"}}
        )

        assert answer.error == (409, "uniqueness")
        assert access() == {"Sales": set(), "Ops": set()}


class TestRow11Membership:
    def test_one_request_mixes_removals_and_additions(self, scim: Scim) -> None:
        ann, bob, carl = (scim.add_user(name) for name in (ANN, BOB, CARL))
        key = scim.add_group("Sales", ann, bob)

        answer = scim.patch(
            f"/Groups/{key}", remove_member(ann), remove_member(bob), add_members(carl, bob)
        )

        assert answer.status == 204
        assert scim.members(key) == sorted([bob, carl])
        assert access() == {"Sales": {BOB, CARL}}

    def test_a_thousand_changes_in_one_request(self, scim: Scim) -> None:
        hosts = insert(User(username=f"person{n}") for n in range(1000))
        links = UserLink.objects.bulk_create(
            UserLink(user=host, user_name=host.username, user_name_canonical=host.username)
            for host in hosts
        )
        keys = [str(link.pk) for link in links]
        key = scim.add_group("Everyone", *keys[:500])

        answer = scim.patch(
            f"/Groups/{key}", *map(remove_member, keys[:500]), add_members(*keys[500:])
        )

        assert answer.status == 204
        assert scim.members(key) == sorted(keys[500:])
        assert access() == {"Everyone": {host.username for host in hosts[500:]}}

    def test_who_lost_access_by_hand_gets_it_again_when_pushed(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann, bob)
        Library.objects.get().members.clear()

        scim.patch(f"/Groups/{key}", add_members(ann))
        assert access() == {"Sales": {ANN}}

        scim.patch(f"/Groups/{key}", replace_members(ann, bob))
        assert access() == {"Sales": {ANN, BOB}}

    def test_an_inactive_person_who_is_added_gets_access_when_reactivated(self, scim: Scim) -> None:
        ann = scim.add_user(ANN, active=False)
        key = scim.add_group("Sales")

        scim.patch(f"/Groups/{key}", add_members(ann))
        scim.patch(f"/Users/{ann}", {"op": "replace", "value": {"active": True}})

        assert people() == {ANN: "active"}
        assert access() == {"Sales": {ANN}}


class TestRow12PushNow:
    @pytest.mark.parametrize("pathless", [False, True])
    @pytest.mark.parametrize("wanted", [(), (BOB,), (BOB, CARL)])
    def test_the_membership_is_exactly_that(
        self, scim: Scim, pathless: bool, wanted: tuple[str, ...]
    ) -> None:
        keys = {name: scim.add_user(name) for name in (ANN, BOB, CARL)}
        key = scim.add_group("Sales", keys[ANN], keys[BOB])
        operation = replace_members(*(keys[name] for name in wanted))
        if pathless:
            value = {"members": operation["value"], "id": key, "displayName": "Sales"}
            operation = {"op": "replace", "value": value}

        answer = scim.patch(f"/Groups/{key}", operation)

        assert answer.status == 204
        assert scim.members(key) == sorted(keys[name] for name in wanted)
        assert access() == {"Sales": set(wanted)}


class TestRow13WizardApps:
    def test_a_put_of_what_was_got_with_other_members(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)
        got = scim.get(f"/Groups/{key}").json
        members = [{"value": bob, "display": BOB}]

        answer = scim.put(f"/Groups/{key}", {**got, "displayName": "Ops", "members": members})

        assert answer.status == 200
        assert answer.json == scim.get(f"/Groups/{key}").json
        assert scim.members(key) == [bob]
        assert access() == {"Ops": {BOB}}

    @pytest.mark.parametrize(
        ("members", "left"), [({"members": []}, set()), ({}, {ANN}), ({"members": None}, {ANN})]
    )
    def test_an_empty_list_empties_the_group_and_absence_leaves_it(
        self, scim: Scim, members: dict[str, object], left: set[str]
    ) -> None:
        key = scim.add_group("Sales", scim.add_user(ANN))

        answer = scim.put(f"/Groups/{key}", {"displayName": "Sales", **members})

        assert answer.status == 200
        assert access() == {"Sales": left}


class TestRow14UnlinkAndDelete:
    def test_accounts_and_library_survive_without_the_access(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        key = scim.add_group("Sales", ann)
        library = Library.objects.get()

        assert scim.delete(f"/Groups/{key}").status == 204

        assert scim.get(f"/Groups/{key}").status == 404
        assert scim.found("/Groups", 'displayName eq "Sales"') == []
        assert "groups" not in scim.get(f"/Users/{ann}").json
        assert people() == {ANN: "active"}
        assert access() == {"Sales": set()}
        assert Library.objects.get().pk == library.pk

    def test_access_that_people_gave_by_hand_stays(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales")
        Library.objects.get().members.add(User.objects.get(username=ANN), make_user("h"))
        scim.patch(f"/Groups/{key}", add_members(ann, bob))
        assert access() == {"Sales": {ANN, BOB, "h"}}

        scim.delete(f"/Groups/{key}")

        assert access() == {"Sales": {ANN, "h"}}

    def test_a_second_push_of_the_name_takes_up_the_same_library(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)
        library = Library.objects.get()
        scim.delete(f"/Groups/{key}")

        again = scim.add_group("sales", bob)

        assert again == key
        assert Library.objects.get().pk == library.pk
        assert access() == {"sales": {BOB}}
        assert scim.members(key) == [bob]

    def test_deleting_twice_is_404(self, scim: Scim) -> None:
        key = scim.add_group("Sales")
        scim.delete(f"/Groups/{key}")

        assert scim.delete(f"/Groups/{key}").error == (404, None)

    def test_a_group_without_its_library_is_404_and_can_be_pushed_again(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        key = scim.add_group("Sales", ann)
        Library.objects.get().delete()

        assert scim.get(f"/Groups/{key}").status == 404
        assert "groups" not in scim.get(f"/Users/{ann}").json
        scim.add_group("Sales", ann)

        assert access() == {"Sales": {ANN}}
        assert LibraryGroupMember.objects.count() == 1


class TestRow15UnlinkAndLeave:
    def test_okta_sends_nothing_and_a_push_later_finds_group_and_members(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)

        assert scim.found("/Groups", 'displayName eq "Sales"') == [key]
        scim.patch(f"/Groups/{key}", add_members(bob))

        assert access() == {"Sales": {ANN, BOB}}
