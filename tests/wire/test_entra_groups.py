"""What Microsoft Entra ID sends of groups, and the state after."""

from __future__ import annotations

from typing import Any

import pytest

from .client import ANN, BOB, CARL, CORE_GROUP, Scim
from .state import access, people

ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def operation(op: str, path: str, value: Any) -> dict[str, object]:
    return {"op": op, "path": path, "value": value}


class TestGroups:
    @pytest.fixture
    def keys(self, entra: Scim) -> dict[str, str]:
        return {name: entra.add_user(name) for name in (ANN, BOB, CARL)}

    def test_is_posted_with_a_schema_of_microsofts(self, entra: Scim) -> None:
        body = {
            "schemas": [CORE_GROUP, ENTRA_GROUP],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
            "displayName": "Sales",
            "meta": {"resourceType": "Group"},
        }

        answer = entra.post("/Groups", body)

        assert answer.status == 201
        assert answer.json["schemas"] == [CORE_GROUP]
        assert answer.json["externalId"] == body["externalId"]
        assert access() == {"Sales": set()}

    def test_is_read_without_members(self, entra: Scim, keys: dict[str, str]) -> None:
        key = entra.add_group("Sales", keys[ANN])

        one = entra.get(f"/Groups/{key}", excludedAttributes="members")
        found = entra.get(
            "/Groups", excludedAttributes="members", filter='displayName eq "Sales"'
        ).json["Resources"]

        assert "members" not in one.json
        assert one.json["displayName"] == "Sales"
        assert found == [one.json]

    @pytest.mark.parametrize(
        "filter_", ['displayName eq "Sales"', 'externalId eq "8aa1"', 'displayName eq "SALES"']
    )
    def test_is_looked_up(self, entra: Scim, filter_: str) -> None:
        entra.add_group("Ops")
        key = entra.post("/Groups", {"displayName": "Sales", "externalId": "8aa1"}).json["id"]

        assert entra.found("/Groups", filter_) == [key]

    def test_member_is_looked_up(self, entra: Scim, keys: dict[str, str]) -> None:
        key = entra.add_group("Sales", keys[ANN])
        filter_ = f'id eq "{key}" and members eq "{{}}"'

        assert entra.found("/Groups", filter_.format(keys[ANN])) == [key]
        assert entra.found("/Groups", filter_.format(keys[BOB])) == []

    @pytest.mark.parametrize("op", ["Add", "add"])
    def test_members_are_added(self, entra: Scim, keys: dict[str, str], op: str) -> None:
        key = entra.add_group("Sales", keys[ANN])
        value = [{"$ref": None, "value": keys[name]} for name in (BOB, CARL)]

        answer = entra.patch(f"/Groups/{key}", operation(op, "members", value))

        assert answer.status == 204
        assert access() == {"Sales": {ANN, BOB, CARL}}

    @pytest.mark.parametrize(
        "removal",
        [
            lambda key: operation("Remove", "members", [{"$ref": None, "value": key}]),
            lambda key: operation("Remove", "members", [{"value": key}]),
            lambda key: operation("remove", "members", {"value": key}),
            lambda key: {"op": "remove", "path": f'members[value eq "{key}"]'},
        ],
    )
    def test_only_the_named_member_is_removed(
        self, entra: Scim, keys: dict[str, str], removal: Any
    ) -> None:
        key = entra.add_group("Sales", *keys.values())

        answer = entra.patch(f"/Groups/{key}", removal(keys[BOB]))

        assert answer.status == 204
        assert entra.members(key) == sorted([keys[ANN], keys[CARL]])
        assert access() == {"Sales": {ANN, CARL}}

    @pytest.mark.parametrize("op", ["Replace", "replace"])
    def test_is_renamed(self, entra: Scim, keys: dict[str, str], op: str) -> None:
        key = entra.add_group("Sales", keys[ANN])

        answer = entra.patch(f"/Groups/{key}", operation(op, "displayName", "Ops"))

        assert answer.status == 204
        assert access() == {"Ops": {ANN}}

    def test_is_deleted(self, entra: Scim, keys: dict[str, str]) -> None:
        key = entra.add_group("Sales", keys[ANN])

        assert entra.delete(f"/Groups/{key}").status == 204

        assert access() == {"Sales": set()}
        assert people()[ANN] == "active"
