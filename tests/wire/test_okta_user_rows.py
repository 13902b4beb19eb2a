"""Users as Okta sends them, rows 3 to 6 of its requests: responses, and the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.simple_project.libraries.models import Library
from tiled_scim.models import UserLink

from .client import (
    ANN,
    BOB,
    CORE_USER,
    OKTA_CONTENT_TYPE,
    SCIM_JSON,
    TILED_USER,
    Answer,
    Scim,
    user,
)
from .state import access, people

Change = Callable[[Scim, str, bool], Answer]


def patch_active(scim: Scim, key: str, active: bool) -> Answer:
    """A catalogue app's way."""
    return scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": active}})


def put_active(scim: Scim, key: str, active: bool) -> Answer:
    """A wizard app's way."""
    return scim.put(f"/Users/{key}", {**scim.get(f"/Users/{key}").json, "active": active})


def post_again(scim: Scim, key: str, active: bool) -> Answer:
    """What Okta does when it has forgotten that the person was assigned once."""
    user_name = scim.get(f"/Users/{key}").json["userName"]
    return scim.post("/Users", user(user_name, active=active))


class TestRow3Assign:
    BODY: dict[str, Any] = {
        "schemas": [CORE_USER],
        "userName": ANN,
        "name": {"givenName": "Ann", "familyName": "d'Ängel"},
        "emails": [{"primary": True, "value": "ann@work.example", "type": "work"}],
        "displayName": "Ann d'Ängel",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }

    @pytest.mark.parametrize(
        "content_type",
        [OKTA_CONTENT_TYPE, SCIM_JSON, "application/json", "application/json; charset=UTF-8"],
    )
    def test_a_host_user_is_made(self, token: str, content_type: str) -> None:
        scim = Scim(f"Bearer {token}", content_type=content_type)

        answer = scim.post("/Users", self.BODY)

        assert answer.status == 201
        person = User.objects.get()
        assert (person.username, person.email) == (ANN, "ann@work.example")
        assert (person.first_name, person.last_name) == ("Ann", "d'Ängel")
        assert (person.is_active, person.is_staff, person.is_superuser) == (True, False, False)
        assert not person.has_usable_password()

    def test_the_answer_is_what_was_sent_and_what_a_later_get_says(self, scim: Scim) -> None:
        created = scim.post("/Users", self.BODY).json
        meta = created["meta"]

        kept = self.BODY.keys() - {"groups", "password"}
        assert created == {
            **{name: self.BODY[name] for name in kept},
            "id": created["id"],
            "meta": meta,
        }
        assert meta["resourceType"] == "User"
        assert meta["location"] == f"http://testserver/scim/v2/Users/{created['id']}"
        assert meta["created"] == meta["lastModified"]
        assert scim.get(f"/Users/{created['id']}").json == created

    def test_the_password_is_kept_nowhere(self, scim: Scim) -> None:
        answer = scim.post("/Users", self.BODY)

        assert "password" not in answer.json
        assert self.BODY["password"] not in answer.text
        kept = [*UserLink.objects.values(), *User.objects.values()]
        assert self.BODY["password"] not in str(kept)

    def test_an_active_person_is_409_with_a_detail_that_names_them(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        answer = scim.post("/Users", user(ANN.upper(), displayName="Somebody Else"))

        assert answer.error == (409, "uniqueness")
        assert ANN in answer.json["detail"]
        assert key in answer.json["detail"]
        assert people() == {ANN: "active"}
        assert scim.get(f"/Users/{key}").json["displayName"] == "Ann Angel"

    def test_active_false_makes_a_person_without_access(self, scim: Scim) -> None:
        scim.add_user(ANN, active=False)

        assert people() == {ANN: "inactive"}

    def test_without_active_the_person_is_active(self, scim: Scim) -> None:
        answer = scim.post("/Users", {"userName": ANN})

        assert answer.status == 201
        assert answer.json["active"] is True
        assert people() == {ANN: "active"}

    @pytest.mark.parametrize("schemas", [[CORE_USER], [CORE_USER, TILED_USER], []])
    def test_tiled_admin_is_a_custom_attribute_whether_listed_or_not(
        self, scim: Scim, schemas: list[str]
    ) -> None:
        key = scim.add_user(ANN, schemas=schemas, **{TILED_USER: {"tiledAdmin": True}})

        assert people() == {ANN: "active admin"}
        body = scim.get(f"/Users/{key}").json
        assert body[TILED_USER] == {"tiledAdmin": True}
        assert body["schemas"] == [CORE_USER, TILED_USER]

    def test_oktas_schema_import_finds_the_custom_attribute(self, scim: Scim) -> None:
        resource_type = scim.get("/ResourceTypes/User").json
        schema = scim.get(f"/Schemas/{TILED_USER}").json

        assert {"schema": TILED_USER, "required": False} in resource_type["schemaExtensions"]
        assert [attribute["name"] for attribute in schema["attributes"]] == ["tiledAdmin"]


class TestRow4ProfileChange:
    @pytest.mark.parametrize(
        "echo",
        [
            {},
            {"password": "1mz050nq"},
            {"groups": [{"value": "not-a-group", "display": "Sales"}]},
            {"groups": None, "id": None},
            {"id": "somebody-else"},
            {"meta": {"created": 1634774400000, "lastModified": "Thu Oct 21 2021 00:00:00 GMT"}},
        ],
    )
    def test_the_body_that_okta_got_comes_back_with_the_changes(
        self, scim: Scim, echo: dict[str, object]
    ) -> None:
        key = scim.add_user(ANN, externalId="00u1", **{TILED_USER: {"tiledAdmin": True}})
        scim.add_group("Sales", key)
        got = scim.get(f"/Users/{key}").json
        changes = {"name": {"givenName": "Anna", "familyName": "Angel"}, "displayName": "Anna"}

        answer = scim.put(f"/Users/{key}", {**got, **changes, **echo})

        assert answer.status == 200
        expected = {**got, **changes, "meta": answer.json["meta"]}
        assert answer.json == expected
        assert scim.get(f"/Users/{key}").json == expected
        assert User.objects.get().first_name == "Anna"
        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}

    def test_a_changed_user_name_renames_the_host_user(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        answer = scim.put(f"/Users/{key}", {**scim.get(f"/Users/{key}").json, "userName": BOB})

        assert (answer.status, answer.json["userName"]) == (200, BOB)
        assert people() == {BOB: "active"}
        assert scim.found("/Users", f'userName eq "{ANN}"') == []

    def test_a_user_name_of_somebody_else_is_409(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.add_user(BOB)

        answer = scim.put(f"/Users/{key}", user(BOB))

        assert answer.error == (409, "uniqueness")
        assert people() == {ANN: "active", BOB: "active"}

    @pytest.mark.usefixtures("administrator")
    def test_what_is_absent_is_cleared_but_for_access(self, scim: Scim) -> None:
        key = scim.add_user(ANN, title="Engineer", **{TILED_USER: {"tiledAdmin": True}})
        scim.deactivate(key)

        answer = scim.put(f"/Users/{key}", {"schemas": [CORE_USER], "userName": ANN})

        assert answer.json.keys() == {"schemas", "id", "userName", "active", "meta", TILED_USER}
        assert people() == {ANN: "inactive admin"}
        person = User.objects.get(username=ANN)
        assert (person.first_name, person.last_name, person.email) == ("", "", "")

    @pytest.mark.parametrize(
        "silent",
        [
            {"active": None},
            {TILED_USER: None},
            {TILED_USER: {}},
            {TILED_USER: {"tiledAdmin": None}},
            {TILED_USER: {"tiledAdmin": ""}},
        ],
    )
    @pytest.mark.parametrize("active", [True, False])
    def test_null_says_nothing_of_access(
        self, scim: Scim, silent: dict[str, object], active: bool
    ) -> None:
        key = scim.add_user(ANN, active=active, **{TILED_USER: {"tiledAdmin": True}})
        body = scim.get(f"/Users/{key}").json

        put = scim.put(f"/Users/{key}", {**body, **silent})
        patch = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"title": "x", **silent}})

        assert (put.status, patch.status) == (200, 200)
        assert people() == {ANN: "active admin" if active else "inactive admin"}

    def test_the_address_that_the_host_has_is_the_primary_one(self, scim: Scim) -> None:
        home = {"value": "ann@home.example", "type": "home"}
        work = {"value": "ann@work.example", "type": "work", "primary": True}

        key = scim.add_user(ANN, emails=[home, work])
        assert User.objects.get().email == "ann@work.example"

        answer = scim.put(f"/Users/{key}", user(ANN, emails=[home]))
        assert answer.json["emails"] == [home]
        assert User.objects.get().email == "ann@home.example"

        answer = scim.put(f"/Users/{key}", user(ANN, emails=[]))
        assert "emails" not in answer.json
        assert User.objects.get().email == ""

    def test_an_edit_in_the_host_shows_at_once(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        before = scim.get(f"/Users/{key}").json
        User.objects.update(first_name="Hanna", email="hanna@host.example")

        after = scim.get(f"/Users/{key}").json

        assert after["name"]["givenName"] == "Hanna"
        assert after["emails"][0]["value"] == "hanna@host.example"
        assert after["meta"]["version"] != before["meta"]["version"]


class TestRow5Unassign:
    @pytest.mark.parametrize("change", [patch_active, put_active])
    def test_the_person_is_inactive_and_stays_readable(self, scim: Scim, change: Change) -> None:
        key = scim.add_user(ANN)

        answer = change(scim, key, False)

        assert (answer.status, answer.json["active"]) == (200, False)
        assert people() == {ANN: "inactive"}
        assert scim.get(f"/Users/{key}").json == answer.json

    @pytest.mark.parametrize("change", [patch_active, put_active])
    def test_the_next_request_of_their_session_is_refused(self, scim: Scim, change: Change) -> None:
        key = scim.add_user(ANN)
        scim.add_group("Sales", key)
        browser = Client()
        browser.force_login(User.objects.get())
        page = reverse("libraries:detail", args=[Library.objects.get().pk])
        assert browser.get(page).status_code == 200

        change(scim, key, False)

        assert browser.get(page).status_code == 302

    @pytest.mark.parametrize("change", [patch_active, put_active])
    def test_they_keep_their_groups_which_give_no_access_meanwhile(
        self, scim: Scim, change: Change
    ) -> None:
        key = scim.add_user(ANN)
        sales = scim.add_group("Sales", key)

        change(scim, key, False)

        assert scim.members(sales) == [key]
        assert access() == {"Sales": {ANN}}
        assert people() == {ANN: "inactive"}


class TestRow6Reassign:
    @pytest.mark.parametrize("change", [patch_active, put_active, post_again])
    @pytest.mark.usefixtures("administrator")
    def test_the_same_person_is_active_again_under_the_same_id(
        self, scim: Scim, change: Change
    ) -> None:
        key = scim.add_user(ANN, externalId="00u1", **{TILED_USER: {"tiledAdmin": True}})
        scim.add_group("Sales", key)
        host_key = User.objects.get(username=ANN).pk
        scim.deactivate(key)
        assert scim.found("/Users", f'userName eq "{ANN}"') == [key]

        answer = change(scim, key, True)

        assert answer.status == (201 if change is post_again else 200)
        assert (answer.json["id"], answer.json["active"]) == (key, True)
        assert User.objects.get(username=ANN).pk == host_key
        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}

    def test_a_post_for_the_inactive_person_updates_the_profile(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.deactivate(key)

        again = scim.add_user(ANN, name={"givenName": "Anna", "familyName": "Married"})

        assert again == key
        person = User.objects.get()
        assert (person.first_name, person.last_name) == ("Anna", "Married")
