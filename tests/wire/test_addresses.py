"""Paths in other letter case and with other slashes; where they lead, and the state after."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from .client import ANN, BOB, CORE_USER, MOUNT, NOBODY, Scim, group, patch_op, user
from .state import access, people

USERS = ["/users", "/USERS", "//Users", "/Users//", "///users/", "/uSERS/"]


@pytest.mark.parametrize("path", USERS)
class TestUsers:
    def test_get(self, scim: Scim, ann: str, path: str) -> None:
        for query in ("", f'?filter=userName eq "{ANN}"', "?count=1&sortBy=userName"):
            assert scim.send("GET", path + query).json == scim.send("GET", "/Users" + query).json
        one = scim.get(f"{path}/{ann}")
        assert one.json == scim.get(f"/Users/{ann}").json
        assert one.json["meta"]["location"].endswith(f"{MOUNT}/Users/{ann}")

    def test_every_write(self, scim: Scim, path: str) -> None:
        created = scim.post(path, user(ANN))
        key = created.json["id"]
        assert created.status == 201
        assert created.headers["Location"].endswith(f"{MOUNT}/Users/{key}")
        assert people() == {ANN: "active"}

        assert scim.put(f"{path}/{key}", user(BOB)).status == 200
        body = patch_op({"op": "replace", "value": {"active": False}})
        assert scim.send("PATCH", f"{path}//{key}/", body).status == 200
        assert people() == {BOB: "inactive"}

        assert scim.delete(f"{path}/{key}").status == 204
        assert scim.get(f"/Users/{key}").status == 404

    def test_search(self, scim: Scim, ann: str, path: str) -> None:
        found = scim.post(f"{path}/.SEARCH", {"filter": f'userName eq "{ANN}"'})

        assert [each["id"] for each in found.json["Resources"]] == [ann]

    def test_who_has_no_token_sees_nothing(self, ann: str, path: str) -> None:
        for method in ("GET", "POST"):
            assert Scim(None).send(method, path, user(BOB)).status == 401
        assert User.objects.count() == 1


def test_groups(scim: Scim, ann: str) -> None:
    created = scim.post("/GROUPS", group("Sales", ann))

    assert created.status == 201
    assert access() == {"Sales": {ANN}}
    assert scim.get(f"//groups/{created.json['id']}").json == created.json


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/serviceproviderconfig", "/ServiceProviderConfig"),
        ("//ServiceProviderConfigs/", "/ServiceProviderConfig"),
        ("/resourcetypes//user", "/ResourceTypes/User"),
        ("/SCHEMAS", "/Schemas"),
        (f"//Schemas/{CORE_USER.upper()}", f"/Schemas/{CORE_USER}"),
        ("//", "/"),
        ("///", "/"),
    ],
)
def test_what_may_be_read(scim: Scim, ann: str, path: str, canonical: str) -> None:
    answer = scim.get(path)

    assert answer.status == 200
    assert answer.json == scim.get(canonical).json


def test_what_may_be_posted(scim: Scim, ann: str) -> None:
    operation = {"method": "POST", "path": "/users", "bulkId": "x", "data": user(BOB)}

    assert scim.post("//.Search", {}).json["totalResults"] == 1
    assert scim.post("//bulk", {"Operations": [operation]}).status == 200
    assert people() == {ANN: "active", BOB: "active"}


@pytest.mark.in_process
def test_the_base_url_without_its_last_slash_leads_to_it(scim: Scim, ann: str) -> None:
    """As Django's `APPEND_SLASH` does with every address."""
    headers = {"Authorization": scim.headers["Authorization"]}

    answer = scim.client.get(MOUNT, headers=headers, follow=True)

    assert answer.status_code == 200
    assert answer.json() == scim.get("/").json


@pytest.mark.parametrize("path", ["/me", "//ME"])
def test_me_is_not_offered_by_any_name(scim: Scim, path: str) -> None:
    assert scim.get(path).status == 501


@pytest.mark.parametrize(
    "path", ["//nothing", "/user", f"/users/{NOBODY}/name", "/bulk/x", "/search", "/Users.JSON"]
)
def test_nothing_else_is_found(scim: Scim, path: str) -> None:
    for method in ("GET", "POST"):
        assert scim.send(method, path, {}).error == (404, None)


def test_a_method_that_the_path_does_not_have_is_405(scim: Scim) -> None:
    answer = scim.send("DELETE", "//users")

    assert answer.error == (405, None)
    assert answer.headers["Allow"].startswith("GET, POST")
