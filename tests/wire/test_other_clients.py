"""OneLogin, JumpCloud, authentik and Keycloak: what they send otherwise, and the state after."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from .client import ANN, BOB, CARL, CORE_GROUP, CORE_USER, ENTERPRISE_USER, PATCH_SCHEMA, Scim, user
from .state import access, people

JSON = "application/json"


class TestOneLogin:
    @pytest.fixture
    def onelogin(self, token: str) -> Scim:
        return Scim(f"Bearer {token}", {"Accept": JSON, "User-Agent": "OneLogin"}, JSON)

    def test_connects_with_a_filter_for_an_unknown_user(self, onelogin: Scim) -> None:
        answer = onelogin.send("GET", "/Users?filter=userName+eq+%22onelogin-connection-test%22")

        assert (answer.status, answer.json["totalResults"]) == (200, 0)

    @pytest.mark.parametrize("active", ["true", "True", True])
    def test_creates_with_strings_for_booleans_and_nulls(
        self, onelogin: Scim, active: object
    ) -> None:
        body = user(
            ANN,
            id=None,
            externalId=None,
            meta=None,
            groups=None,
            password=None,
            active=active,
            emails=[{"value": ANN, "type": "work", "primary": "true"}],
        )

        answer = onelogin.post("/Users", body)

        assert answer.status == 201
        assert answer.json["id"]
        assert answer.json["active"] is True
        assert answer.json["emails"] == [{"value": ANN, "type": "work", "primary": True}]
        assert people() == {ANN: "active"}

    def test_suspends_with_a_string_by_put_and_by_patch(self, onelogin: Scim) -> None:
        key = onelogin.add_user(ANN)

        put = onelogin.put(f"/Users/{key}", user(ANN, id=None, active="false"))
        assert (put.status, put.json["active"]) == (200, False)
        assert people() == {ANN: "inactive"}

        operation = {"op": "replace", "path": "active", "value": "true"}
        assert onelogin.patch(f"/Users/{key}", operation).json["active"] is True
        assert people() == {ANN: "active"}

    def test_changes_members_by_patch_with_path_and_without(self, onelogin: Scim) -> None:
        ann, bob = onelogin.add_user(ANN), onelogin.add_user(BOB)
        key = onelogin.add_group("Sales")

        onelogin.patch(f"/Groups/{key}", {"op": "add", "value": {"members": [{"value": ann}]}})
        assert access() == {"Sales": {ANN}}

        operation = {"op": "add", "path": "members", "value": [{"value": bob}]}
        onelogin.patch(f"/Groups/{key}", operation)
        assert access() == {"Sales": {ANN, BOB}}

        operation = {"op": "replace", "path": "members", "value": [{"value": bob}]}
        onelogin.patch(f"/Groups/{key}", operation)
        assert access() == {"Sales": {BOB}}

    def test_deletes_people(self, onelogin: Scim) -> None:
        key = onelogin.add_user(ANN)

        assert onelogin.delete(f"/Users/{key}").status == 204

        assert people() == {ANN: "inactive"}


class TestJumpCloud:
    @pytest.fixture
    def jumpcloud(self, token: str) -> Scim:
        return Scim(f"Bearer {token}", {"Accept": "*/*", "User-Agent": "JumpCloud"}, JSON)

    def test_its_connection_test_makes_and_ends_a_person(self, jumpcloud: Scim) -> None:
        name = "jumpcloud-test@example.com"
        assert jumpcloud.found("/Users", f'userName eq "{name}"') == []
        key = jumpcloud.add_user(name)

        jumpcloud.put(f"/Users/{key}", user(name, name={"givenName": "J", "familyName": "C"}))
        assert User.objects.get().first_name == "J"
        operation = {"op": "replace", "path": "active", "value": False}
        assert jumpcloud.patch(f"/Users/{key}", operation).status == 200

        assert people() == {name: "inactive"}

    def test_adds_and_removes_members_by_value_arrays(self, jumpcloud: Scim) -> None:
        ann, bob, carl = (jumpcloud.add_user(name) for name in (ANN, BOB, CARL))
        key = jumpcloud.add_group("Sales", ann)

        add = {"op": "add", "path": "members", "value": [{"value": bob}, {"value": carl}]}
        assert jumpcloud.patch(f"/Groups/{key}", add).status == 204
        assert access() == {"Sales": {ANN, BOB, CARL}}

        remove = {"op": "remove", "path": "members", "value": [{"value": ann}, {"value": carl}]}
        assert jumpcloud.patch(f"/Groups/{key}", remove).status == 204
        assert access() == {"Sales": {BOB}}

    def test_removes_nobody_by_an_empty_array(self, jumpcloud: Scim) -> None:
        key = jumpcloud.add_group("Sales", jumpcloud.add_user(ANN))

        answer = jumpcloud.patch(f"/Groups/{key}", {"op": "remove", "path": "members", "value": []})

        assert answer.status == 204
        assert access() == {"Sales": {ANN}}


class TestAuthentik:
    @pytest.fixture
    def authentik(self, token: str) -> Scim:
        headers = {"Accept": "application/scim+json", "User-Agent": "goauthentik.io"}
        return Scim(f"Bearer {token}", headers, "application/scim+json")

    def test_reads_first_what_the_server_can_do(self, authentik: Scim) -> None:
        config = authentik.get("/ServiceProviderConfig").json

        assert config["patch"]["supported"] is True
        assert config["filter"]["supported"] is True
        assert isinstance(config["filter"]["maxResults"], int)
        assert isinstance(config["bulk"]["supported"], bool)

    def test_sends_all_of_a_person_and_updates_by_put(self, authentik: Scim) -> None:
        body = user(
            ANN,
            schemas=[CORE_USER, ENTERPRISE_USER],
            externalId="8c2f",
            name={"formatted": "Ann Angel", "givenName": "Ann", "familyName": "Angel"},
            photos=[],
            locale="en_US",
            emails=[{"value": ANN, "type": "other", "primary": True}],
        )
        created = authentik.post("/Users", body).json

        answer = authentik.put(f"/Users/{created['id']}", {**body, "active": False})

        assert answer.status == 200
        assert people() == {ANN: "inactive"}
        assert User.objects.get().email == ANN

    def test_patches_a_group_with_a_null_path_and_removes_by_value_array(
        self, authentik: Scim
    ) -> None:
        ann, bob = authentik.add_user(ANN), authentik.add_user(BOB)
        key = authentik.add_group("Sales", ann, bob)
        value = {"schemas": [CORE_GROUP], "id": key, "displayName": "Ops", "externalId": "5e9c"}
        body = {
            "schemas": [PATCH_SCHEMA],
            "Operations": [
                {"op": "replace", "path": None, "value": value},
                {"op": "remove", "path": "members", "value": [{"value": ann}]},
            ],
        }

        assert authentik.send("PATCH", f"/Groups/{key}", body).status == 204

        assert access() == {"Ops": {BOB}}
        assert authentik.get(f"/Groups/{key}").json["externalId"] == "5e9c"

    def test_deletes_people_and_groups(self, authentik: Scim) -> None:
        ann = authentik.add_user(ANN)
        key = authentik.add_group("Sales", ann)

        assert authentik.delete(f"/Groups/{key}").status == 204
        assert authentik.delete(f"/Users/{ann}").status == 204

        assert people() == {ANN: "inactive"}
        assert access() == {"Sales": set()}


class TestKeycloak:
    @pytest.fixture
    def keycloak(self, token: str) -> Scim:
        headers = {"Accept": "application/scim+json", "User-Agent": "Keycloak"}
        return Scim(f"Bearer {token}", headers, "application/scim+json")

    def test_puts_people(self, keycloak: Scim) -> None:
        body = {
            "schemas": [CORE_USER],
            "externalId": "f:1",
            "userName": ANN,
            "name": {"givenName": "Ann", "familyName": "Angel"},
            "emails": [{"value": ANN, "primary": True}],
            "active": True,
            "roles": [],
        }
        key = keycloak.post("/Users", body).json["id"]

        renamed = {"name": {"givenName": "Anna", "familyName": "Angel"}, "active": False}
        answer = keycloak.put(f"/Users/{key}", {**body, **renamed})

        assert answer.status == 200
        assert User.objects.get().first_name == "Anna"
        assert people() == {ANN: "inactive"}

    def test_puts_groups_with_all_members(self, keycloak: Scim) -> None:
        ann, bob = keycloak.add_user(ANN), keycloak.add_user(BOB)
        body = {
            "schemas": [CORE_GROUP],
            "externalId": "g:1",
            "displayName": "Sales",
            "members": [{"value": ann, "$ref": f"Users/{ann}"}],
        }
        key = keycloak.post("/Groups", body).json["id"]
        assert access() == {"Sales": {ANN}}

        members = [{"value": bob, "$ref": f"Users/{bob}", "type": "User"}]
        answer = keycloak.put(f"/Groups/{key}", {**body, "members": members})

        assert answer.status == 200
        assert access() == {"Sales": {BOB}}
        assert keycloak.found("/Groups", 'externalId eq "g:1"') == [key]
