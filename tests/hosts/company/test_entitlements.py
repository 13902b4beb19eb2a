"""Okta entitlements: the order of calls and the documents of Okta's guide for such servers.

https://developer.okta.com/docs/guides/scim-with-entitlements/main/
"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Account
from tests.hosts.company.test_company import ACME, ANN, client_of, push
from tests.hosts.company.test_roles import BOB, role_of, roles
from tests.hosts.messages import person
from tests.wire.client import LIST_SCHEMA, Scim
from tiled_scim.provider_check.expectations import TILED_SCHEMA

ROLE = "urn:okta:scim:schemas:core:1.0:Role"
KEYS = ["member", "admin", "owner"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _offered(db: None, settings: LazySettings) -> None:
    offered = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role"}
    settings.TILED_SCIM_MEMBERSHIP_FIELDS = offered
    Account.objects.create(pk=ACME, name="Acme Inc.")


@pytest.fixture
def okta() -> Scim:
    return client_of(ACME)


def by_id(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {resource["id"]: resource for resource in resources}


class TestDiscovery:
    """The calls that Okta makes when provisioning is enabled, in its order."""

    def test_sequence(self, okta: Scim) -> None:
        types = okta.get("/ResourceTypes").json
        assert types["schemas"] == [LIST_SCHEMA]
        role = by_id(types["Resources"])["Role"]
        assert (role["name"], role["endpoint"], role["schema"]) == ("Role", "/Roles", ROLE)
        assert role["description"]
        assert role["meta"]["resourceType"] == "ResourceType"
        assert role["meta"]["location"].endswith("/ResourceTypes/Role")
        assert okta.get("/ResourceTypes/Role").json == role

        schemas = by_id(okta.get("/Schemas").json["Resources"])
        named = {each["schema"] for each in types["Resources"]}
        named |= {
            extension["schema"]
            for each in types["Resources"]
            for extension in each["schemaExtensions"]
        }
        assert named == set(schemas)
        assert okta.get(f"/Schemas/{ROLE}").json == schemas[ROLE]
        (attribute,) = schemas[ROLE]["attributes"]
        assert (attribute["name"], attribute["mutability"]) == ("displayName", "readOnly")

        answer = okta.get(role["endpoint"], startIndex=1, count=100)
        assert answer.json["schemas"] == [LIST_SCHEMA]
        assert (answer.json["totalResults"], answer.json["itemsPerPage"]) == (3, 3)
        for resource in answer.json["Resources"]:
            assert resource["schemas"] == [ROLE]
            assert resource["displayName"] == resource["id"]  # the labels of this host
            assert resource["meta"]["resourceType"] == "Role"
        assert list(by_id(answer.json["Resources"])) == KEYS

    def test_imported_users_show_their_roles(self, okta: Scim) -> None:
        push(okta, roles=roles("admin"))
        push(okta, BOB)

        users = okta.get("/Users", startIndex=1, count=100).json["Resources"]

        assert [user.get("roles") for user in users] == [roles("admin"), None]

    def test_assign_change_and_take_away(self, okta: Scim) -> None:
        """Users with roles: created, changed by PUT, and deactivated."""
        push(okta, BOB, **{TILED_SCHEMA: {"tiledAdmin": True}})
        sent = [{"value": "admin", "display": "admin", "type": "Role"}]
        created = okta.post("/Users", person(ANN, roles=sent))
        assert (created.status, created.json["roles"], role_of()) == (201, sent, "admin")

        path = f"/Users/{created.json['id']}"
        owner = [{"value": "owner", "display": "owner"}]
        for changed, role in ((owner, "owner"), ([], "member"), (sent, "admin")):
            body = okta.get(path).json
            answer = okta.put(path, {**body, "roles": changed})
            assert answer.json.get("roles", []) == changed
            assert role_of() == role
        operation = {"op": "replace", "value": {"active": False}}
        assert okta.patch(path, operation).json["roles"] == sent
        assert role_of() == "member"

    def test_filter_by_role(self, okta: Scim) -> None:
        key = push(okta, roles=roles("admin"))
        push(okta, BOB)

        found = okta.get("/Users", filter='roles.value eq "admin"').json["Resources"]

        assert [user["id"] for user in found] == [key]


class TestRoles:
    def test_one(self, okta: Scim) -> None:
        answer = okta.get("/Roles/admin")

        assert answer.json["id"] == "admin"
        assert answer.json["meta"]["location"].endswith("/scim/v2/Roles/admin")
        etag = answer.headers["ETag"]
        assert etag == answer.json["meta"]["version"]
        unchanged = okta.send("GET", "/Roles/admin", headers={"If-None-Match": etag})
        assert unchanged.status == 304
        assert okta.get("/Roles/Admin").status == 404
        assert okta.get("/Roles/boss").error == (404, None)

    @pytest.mark.parametrize(
        ("query", "total", "keys"),
        [
            ({"startIndex": 2, "count": 1}, 3, ["admin"]),
            ({"startIndex": 4}, 3, []),
            ({"count": 0}, 3, []),
            ({"filter": 'displayName eq "ADMIN"'}, 1, ["admin"]),
            ({"filter": 'id eq "owner"'}, 1, ["owner"]),
            ({"filter": 'id eq "Owner"'}, 0, []),
            ({"filter": f'{ROLE}:displayName co "m"', "count": 1}, 2, ["member"]),
            ({"filter": 'not (displayName sw "o") and displayName pr'}, 2, ["member", "admin"]),
            ({"sortBy": "displayName"}, 3, ["admin", "member", "owner"]),
            ({"sortBy": "id", "sortOrder": "descending"}, 3, ["owner", "member", "admin"]),
        ],
    )
    def test_pages(self, okta: Scim, query: dict[str, Any], total: int, keys: list[str]) -> None:
        searched = okta.post("/Roles/.search", query)
        for answer in (okta.get("/Roles", **query), searched):
            assert answer.json["totalResults"] == total
            assert [role["id"] for role in answer.json["Resources"]] == keys
            assert answer.json["startIndex"] == query.get("startIndex", 1)
            assert answer.json["itemsPerPage"] == len(keys)

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ({"filter": 'rank eq "1"'}, (400, "invalidFilter")),
            ({"filter": " "}, (400, "invalidFilter")),
            ({"filter": "displayName eq"}, (400, "invalidFilter")),
            ({"sortBy": "rank"}, (400, "invalidValue")),
            ({"sortBy": "id", "sortOrder": "up"}, (400, "invalidValue")),
            ({"cursor": ""}, (400, "invalidValue")),
            ({"count": "x"}, (400, "invalidValue")),
        ],
    )
    def test_invalid(self, okta: Scim, query: dict[str, Any], error: tuple[int, str]) -> None:
        assert okta.get("/Roles", **query).error == error

    def test_selection(self, okta: Scim) -> None:
        chosen = okta.get("/Roles/admin", attributes="displayName").json

        assert chosen == {"schemas": [ROLE], "id": "admin", "displayName": "admin"}
        assert "meta" not in okta.get("/Roles", excludedAttributes="meta").json["Resources"][0]

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("path", ["/Roles", "/Roles/admin"])
    def test_read_only(self, okta: Scim, method: str, path: str) -> None:
        assert okta.send(method, path, {"displayName": "Boss"}).status == 405

    def test_needs_a_token(self) -> None:
        assert Scim("Bearer nonsense").get("/Roles").status == 401

    def test_host_without_roles(self, okta: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS

        for method in ("GET", "POST", "PUT", "DELETE"):
            for path in ("/Roles", "/Roles/admin", "/Roles/.search"):
                assert okta.send(method, path, None).status == 404
        assert set(by_id(okta.get("/ResourceTypes").json["Resources"])) == {"User", "Group"}
        assert ROLE not in by_id(okta.get("/Schemas").json["Resources"])
        assert okta.get("/ResourceTypes/Role").status == 404
