"""Okta's acceptance test plan for apps of its catalogue, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.factories import make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tiled_scim.models import ScimToken

from .client import (
    ANN,
    BOB,
    CARL,
    CORE_USER,
    ENTERPRISE_USER,
    TILED_USER,
    Scim,
    add_members,
    group,
    remove_member,
    replace_members,
    user,
)
from .state import access, people

EVERYTHING: dict[str, Any] = {
    "schemas": [CORE_USER, ENTERPRISE_USER, TILED_USER],
    "externalId": "00ujl29u0le5T6Aj10h7",
    "userName": ANN,
    "name": {
        "formatted": "Dr. Ann Mary Angel II",
        "familyName": "Angel",
        "givenName": "Ann",
        "middleName": "Mary",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "II",
    },
    "displayName": "Ann Angel",
    "nickName": "Annie",
    "profileUrl": "https://people.example/ann",
    "title": "Vice President",
    "userType": "Employee",
    "preferredLanguage": "en-GB",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "emails": [
        {"value": "ann@work.example", "type": "work", "primary": True},
        {"value": "ann@home.example", "type": "home", "display": "At home"},
    ],
    "phoneNumbers": [
        {"value": "+1 555 0100", "type": "work", "primary": True},
        {"value": "+1 555 0101", "type": "mobile"},
    ],
    "ims": [{"value": "ann.angel", "type": "skype"}],
    "photos": [{"value": "https://people.example/ann.jpg", "type": "photo"}],
    "addresses": [
        {
            "formatted": "1 Main St\nSpringfield",
            "streetAddress": "1 Main St",
            "locality": "Springfield",
            "region": "CA",
            "postalCode": "90001",
            "country": "US",
            "type": "work",
            "primary": True,
        }
    ],
    "entitlements": [{"value": "reports"}],
    "roles": [{"value": "editor", "display": "Editor", "type": "app", "primary": False}],
    "x509Certificates": [{"value": "TUlJQ2VydGlmaWNhdGU="}],
    ENTERPRISE_USER: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Okta Demo",
        "division": "Theme Park",
        "department": "Tours",
        "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d", "$ref": "../Users/26118915"},
    },
    TILED_USER: {"tiledAdmin": True},
}


class TestCredentials:
    def test_wrong_ones_give_an_error_and_new_ones_work(self, scim: Scim) -> None:
        assert Scim("Bearer wrong").get("/Users", startIndex=1, count=2).status == 401
        assert scim.get("/Users", startIndex=1, count=2).status == 200

        new = Scim(f"Bearer {new_token()[1]}")

        assert new.get("/Users", startIndex=1, count=2).status == 200
        assert scim.get("/Users", startIndex=1, count=2).status == 401

    def test_revoked_and_expired_ones_are_wrong_ones(self, scim: Scim) -> None:
        ScimToken.objects.update(expires_at=timezone.now())
        assert scim.get("/Users").status == 401
        ScimToken.objects.update(expires_at=None)
        assert scim.get("/Users").status == 200

        ScimToken.objects.get().revoke()

        assert scim.get("/Users").status == 401

    def test_what_was_pushed_with_the_old_ones_is_there_with_the_new(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        new = Scim(new_token()[1])

        assert new.found("/Users", f'userName eq "{ANN}"') == [key]


class TestPeople:
    def test_one_with_all_attributes_comes_back_as_sent(self, scim: Scim) -> None:
        answer = scim.post("/Users", EVERYTHING)

        assert answer.status == 201
        read = scim.get(f"/Users/{answer.json['id']}").json
        assert read == answer.json
        assert {name: read[name] for name in EVERYTHING} == EVERYTHING
        assert read.keys() - EVERYTHING.keys() == {"id", "meta"}
        person = User.objects.get(username=ANN)
        assert (person.first_name, person.last_name) == ("Ann", "Angel")
        assert person.email == "ann@work.example"
        assert people() == {ANN: "active admin"}

    def test_one_who_exists_in_the_app_is_linked_and_not_refused(self, scim: Scim) -> None:
        person = make_user(ANN)

        assert scim.found("/Users", f'userName eq "{ANN}"') == []
        key = scim.add_user(ANN)

        assert User.objects.get(username=ANN).pk == person.pk
        assert scim.found("/Users", f'userName eq "{ANN}"') == [key]

    @pytest.mark.parametrize("empty", ["", None])
    @pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH"])
    def test_empty_values_are_no_error_and_clear_the_profile(
        self, scim: Scim, verb: str, empty: str | None
    ) -> None:
        values: dict[str, object] = {
            "name": {"givenName": empty, "familyName": empty, "formatted": empty},
            "displayName": empty,
            "title": empty,
            "locale": empty,
            "phoneNumbers": [{"value": empty, "type": "work"}],
            "addresses": [],
            "nickName": empty,
            ENTERPRISE_USER: {"department": empty, "manager": {"value": empty}},
        }
        if verb == "POST":
            answer = scim.post("/Users", user(ANN, **values))
        else:
            path = f"/Users/{scim.post('/Users', EVERYTHING).json['id']}"
            if verb == "PUT":
                answer = scim.put(path, user(ANN, **values))
            else:
                answer = scim.patch(path, {"op": "replace", "value": values})

        assert answer.status == (201 if verb == "POST" else 200)
        person = User.objects.get(username=ANN)
        assert (person.first_name, person.last_name, person.is_active) == ("", "", True)

    @pytest.mark.parametrize("empty", ["", None])
    @pytest.mark.parametrize("name", sorted(EVERYTHING.keys() - {"schemas", "userName"}))
    def test_an_empty_value_of_any_attribute_is_no_error(
        self, scim: Scim, name: str, empty: str | None
    ) -> None:
        key = scim.post("/Users", EVERYTHING).json["id"]

        answer = scim.put(f"/Users/{key}", {**EVERYTHING, name: empty})

        assert answer.status == 200
        assert people() == {ANN: "active admin"}

    @pytest.mark.usefixtures("administrator")
    def test_deactivated_and_reactivated_with_the_same_id_and_attributes(self, scim: Scim) -> None:
        before = scim.post("/Users", EVERYTHING).json
        path = f"/Users/{before['id']}"

        scim.deactivate(before["id"])
        inactive = scim.get(path).json
        scim.patch(path, {"op": "replace", "value": {"active": True}})
        after = scim.get(path).json

        assert inactive == {**before, "active": False, "meta": inactive["meta"]}
        assert after == {**before, "meta": after["meta"]}


class TestGroups:
    def test_push_of_a_group(self, scim: Scim) -> None:
        scim.add_group("Sales", scim.add_user(ANN), scim.add_user(BOB))

        assert access() == {"Sales": {ANN, BOB}}

    def test_push_of_an_empty_group(self, scim: Scim) -> None:
        scim.add_group("Sales")

        assert access() == {"Sales": set()}

    @pytest.mark.parametrize("renames", [True, False])
    def test_link_to_a_group_that_is_there_with_a_rename_or_without(
        self, scim: Scim, renames: bool
    ) -> None:
        key = scim.add_group("sales-emea", scim.add_user(ANN))

        assert scim.found("/Groups", 'displayName eq "sales-emea"') == [key]
        if renames:
            value = {"id": key, "displayName": "Sales EMEA"}
            scim.patch(f"/Groups/{key}", {"op": "replace", "value": value})

        assert access() == {"Sales EMEA" if renames else "sales-emea": {ANN}}

    def test_a_linked_group_keeps_its_old_members(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)

        [found] = scim.found("/Groups", 'displayName eq "Sales"')
        scim.patch(f"/Groups/{found}", add_members(bob))

        assert found == key
        assert scim.members(key) == sorted([ann, bob])
        assert access() == {"Sales": {ANN, BOB}}

    def test_push_now_overwrites_all(self, scim: Scim) -> None:
        ann, bob, carl = (scim.add_user(name) for name in (ANN, BOB, CARL))
        key = scim.add_group("Sales", ann, bob)

        scim.patch(f"/Groups/{key}", replace_members(bob, carl))

        assert access() == {"Sales": {BOB, CARL}}

    def test_unlink_with_delete(self, scim: Scim) -> None:
        key = scim.add_group("Sales", scim.add_user(ANN))

        assert scim.delete(f"/Groups/{key}").status == 204

        assert scim.get("/Groups").json["totalResults"] == 0
        assert people() == {ANN: "active"}
        assert access() == {"Sales": set()}

    def test_the_push_is_deactivated_and_reactivated(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales", ann)
        # While the push is inactive Okta sends nothing; then it sends the group as it is now.
        value = {"id": key, "displayName": "Sales"}

        scim.patch(f"/Groups/{key}", {"op": "replace", "value": value}, replace_members(bob))

        assert access() == {"Sales": {BOB}}

    def test_members_are_added_and_removed(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        key = scim.add_group("Sales")

        steps = [
            (add_members(ann), {ANN}),
            (add_members(bob), {ANN, BOB}),
            (remove_member(ann), {BOB}),
            (remove_member(bob), set()),
        ]

        for operation, expected in steps:
            assert scim.patch(f"/Groups/{key}", operation).status == 204
            assert access() == {"Sales": expected}

    def test_a_group_that_was_deleted_is_pushed_again(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        scim.delete(f"/Groups/{scim.add_group('Sales', ann)}")
        library = Library.objects.get()

        answer = scim.post("/Groups", group("Sales", ann))

        assert answer.status == 201
        assert Library.objects.get().pk == library.pk
        assert access() == {"Sales": {ANN}}
