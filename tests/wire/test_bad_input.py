"""Requests that are wrong: the status, the scimType, what the detail names, and nothing written."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tiled_scim import media
from tiled_scim.provisioning import UserProvisioning

from .client import (
    ANN,
    BOB,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    MOUNT,
    TILED_USER,
    Answer,
    Scim,
    add_members,
    checked,
    encode,
    group,
    patch_op,
    user,
)
from .state import snapshot

# An id that nobody has.
NOBODY = "7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN)


@pytest.fixture
def sales(scim: Scim, ann: str) -> str:
    return scim.add_group("Sales", ann)


def refused(scim: Scim, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """The answer to a request that must not have written anything."""
    before = snapshot()
    answer = scim.send(method, path, body, headers)
    assert snapshot() == before
    return answer


class TestCredentials:
    @pytest.mark.parametrize(
        "authorization",
        [
            None,
            "",
            " ",
            "Bearer",
            "Bearer ",
            "wrong",
            "Bearer wrong",
            "Basic YW5uOmFubg==",
            "Bearer tscim_" + "x" * 43,
            "Bearer " + "x" * 5000,
            "Bearer \u00fcn\u00efc\u00f6de",
        ],
    )
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/Users"),
            ("POST", "/Users"),
            ("PATCH", f"/Groups/{NOBODY}"),
            ("GET", "/ServiceProviderConfig"),
            ("GET", "/Schemas"),
            ("GET", "/nothing"),
            ("GET", "/"),
        ],
    )
    def test_without_a_token_that_is_known_it_is_401(
        self, scim: Scim, authorization: str | None, method: str, path: str
    ) -> None:
        stranger = Scim(authorization)

        answer = refused(stranger, method, path, user(ANN) if method != "GET" else None)

        assert answer.error == (401, None)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_the_token_is_in_no_answer_and_no_log(
        self, token: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        answer = Scim(f"Bearer {token}x").get("/Users")

        assert token not in answer.text
        assert token not in caplog.text

    def test_an_account_without_the_premium_feature_is_403(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ENABLED = False

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (403, None)
        assert "plan" in answer.json["detail"]


BODIES: list[tuple[str, object, str]] = [
    # What is wrong, the body, and what the detail must name.
    ("no JSON", b"{", "JSON"),
    ("white space", b"  ", "JSON"),
    ("XML", b"<user/>", "JSON"),
    ("form", b"userName=ann", "JSON"),
    ("two values", b"{} {}", "JSON"),
    ("trailing comma", b'{"userName": "x",}', "JSON"),
    ("NaN", b'{"userName": "x", "title": NaN}', "NaN"),
    ("Infinity", b'{"userName": "x", "title": -Infinity}', "Infinity"),
    ("no UTF-8", b'{"userName": "\xff"}', "JSON"),
    ("control character", b'{"userName": "a\x00b"}', "JSON"),
    ("name twice", b'{"userName": "x", "userName": "y"}', "userName"),
    ("name twice inside", b'{"userName": "x", "name": {"a": 1, "a": 2}}', "a"),
    ("names that differ in letter case", {"userName": "x", "username": "y"}, "username"),
    ("deep", b"[" * 100_000 + b"]" * 100_000, "deep"),
    ("deep object", b'{"userName": "x", "a": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, "deep"),
    ("array", [user(ANN)], "object"),
    ("string", "userName", "object"),
    ("number", 1, "object"),
    ("null", b"null", "object"),
]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "named"), [pytest.param(body, named, id=name) for name, body, named in BODIES]
    )
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    @pytest.mark.parametrize("collection", ["Users", "Groups"])
    def test_what_is_no_scim_message_is_400(
        self,
        scim: Scim,
        ann: str,
        sales: str,
        collection: str,
        method: str,
        body: object,
        named: str,
    ) -> None:
        key = {"Users": ann, "Groups": sales}[collection]
        path = f"/{collection}" if method == "POST" else f"/{collection}/{key}"

        answer = refused(scim, method, path, body)

        assert answer.error == (400, "invalidSyntax")
        assert named in answer.json["detail"] or method == "PATCH" or collection == "Groups"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_no_body_at_all_is_400(self, scim: Scim, ann: str, method: str) -> None:
        path = "/Users" if method == "POST" else f"/Users/{ann}"

        answer = refused(scim, method, path)

        assert answer.status == 400
        assert ("Operations" if method == "PATCH" else "userName") in answer.json["detail"]

    def test_a_body_without_limits_is_413(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(media, "MAX_BODY_BYTES", 1000)

        assert refused(scim, "POST", "/Users", user(ANN, title="x" * 1000)).status == 413
        assert scim.post("/Users", user(ANN, title="x" * 500)).status == 201

    def test_a_body_larger_than_the_hosts_forms_may_be_is_read(
        self, scim: Scim, ann: str, settings: Settings
    ) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

        assert scim.post("/Groups", group("Sales", ann)).status == 201

    @pytest.mark.parametrize(
        ("content_type", "encoding"),
        [
            ("text/plain", ""),
            ("text/html; charset=utf-8", ""),
            ("application/xml", ""),
            ("application/x-www-form-urlencoded", ""),
            ("multipart/form-data; boundary=x", ""),
            ("application/scim+json; charset=klingon", ""),
            ("application/scim+json", "gzip"),
        ],
    )
    def test_another_content_type_charset_or_encoding_is_415(
        self, scim: Scim, content_type: str, encoding: str
    ) -> None:
        headers = {"Content-Type": content_type}
        if encoding:
            headers["Content-Encoding"] = encoding

        answer = refused(scim, "POST", "/Users", user(ANN), **headers)

        assert answer.error == (415, None)

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", "", "x"])
    def test_accept_is_never_a_reason_to_refuse(self, scim: Scim, accept: str) -> None:
        assert scim.send("GET", "/Users", headers={"Accept": accept}).status == 200
        assert scim.send("GET", "/Users/x", headers={"Accept": accept}).status == 404


# The attributes of a person, what they are replaced by, and what the detail must name.
WRONG_VALUES: list[tuple[dict[str, object], str]] = [
    ({"userName": None}, "userName"),
    ({"userName": ""}, "userName"),
    ({"userName": "  "}, "userName"),
    ({"userName": 5}, "userName"),
    ({"userName": ["x"]}, "userName"),
    ({"userName": {"value": "x"}}, "userName"),
    ({"userName": "x" * 256}, "userName"),
    ({"userName": "a\x00b"}, "userName"),
    ({"userName": "a\ud800b"}, "userName"),
    ({"title": "a\x00b"}, "title"),
    ({"title": "a\ud800b"}, "title"),
    ({"title": True}, "title"),
    ({"externalId": 5}, "externalId"),
    ({"externalId": "x" * 256}, "externalId"),
    ({"active": "yes"}, "active"),
    ({"active": 1}, "active"),
    ({"active": []}, "active"),
    ({"name": "Ann Angel"}, "name"),
    ({"name": {"givenName": 5}}, "name.givenName"),
    ({"name": {"givenName": "x" * 200}}, "name.givenName"),
    ({"name": {"familyName": "x\x00"}}, "name.familyName"),
    ({"emails": "ann@example.com"}, "emails"),
    ({"emails": {"value": "ann@example.com"}}, "emails"),
    ({"emails": [5]}, "emails"),
    ({"emails": [{"value": 5}]}, "emails.value"),
    ({"emails": [{"value": "a@b.example", "primary": "maybe"}]}, "emails.primary"),
    ({"emails": [{"value": f"{'x' * 300}@b.example"}]}, "emails"),
    (
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        "emails",
    ),
    ({"x509Certificates": [{"value": "no base64!"}]}, "x509Certificates.value"),
    ({ENTERPRISE_USER: "Tours"}, ENTERPRISE_USER),
    ({ENTERPRISE_USER: {"department": 5}}, f"{ENTERPRISE_USER}:department"),
    ({ENTERPRISE_USER: {"manager": 5}}, f"{ENTERPRISE_USER}:manager"),
    ({TILED_USER: {"tiledAdmin": "maybe"}}, "tiledAdmin"),
    ({TILED_USER: []}, TILED_USER),
]


def case_id(value: object) -> str | None:
    return json.dumps(value)[:40] if isinstance(value, dict) else None


class TestValuesOfPeople:
    @pytest.mark.parametrize(("attributes", "named"), WRONG_VALUES, ids=case_id)
    def test_a_post_is_400_and_names_the_attribute(
        self, scim: Scim, ann: str, attributes: dict[str, object], named: str
    ) -> None:
        answer = refused(scim, "POST", "/Users", {**user(BOB), **attributes})

        assert answer.error == (400, "invalidValue")
        assert named in answer.json["detail"]

    @pytest.mark.parametrize(("attributes", "named"), WRONG_VALUES, ids=case_id)
    def test_a_put_is_400_and_names_the_attribute(
        self, scim: Scim, ann: str, attributes: dict[str, object], named: str
    ) -> None:
        answer = refused(scim, "PUT", f"/Users/{ann}", {**user(BOB), **attributes})

        assert answer.error == (400, "invalidValue")
        assert named in answer.json["detail"]

    def test_without_user_name_it_is_400(self, scim: Scim, ann: str) -> None:
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann}")):
            answer = refused(scim, method, path, {"schemas": [CORE_USER]})

            assert answer.error == (400, "invalidValue")
            assert "userName" in answer.json["detail"]

    def test_the_user_name_of_somebody_else_is_409(self, scim: Scim, ann: str) -> None:
        bob = scim.add_user(BOB)
        replace = {"op": "replace", "path": "userName", "value": ANN.upper()}

        for method, path, body in (
            ("POST", "/Users", user(ANN.upper())),
            ("PUT", f"/Users/{bob}", user(ANN.upper())),
            ("PATCH", f"/Users/{bob}", patch_op(replace)),
        ):
            answer = refused(scim, method, path, body)

            assert answer.error == (409, "uniqueness")
            assert ANN in answer.json["detail"]


class TestValuesOfGroups:
    @pytest.mark.parametrize(
        ("attributes", "named"),
        [
            ({"displayName": None}, "displayName"),
            ({"displayName": ""}, "displayName"),
            ({"displayName": " "}, "displayName"),
            ({"displayName": 5}, "displayName"),
            ({"displayName": "x" * 201}, "displayName"),  # the example's Library.name has 200
            ({"displayName": "x" * 256}, "displayName"),
            ({"displayName": "a\x00b"}, "displayName"),
            ({"displayName": "a\udfffb"}, "displayName"),
            ({"members": "x"}, "members"),
            ({"members": {"value": NOBODY}}, "members"),
            ({"members": [5]}, "members"),
            ({"members": [{}]}, "members"),
            ({"members": [{"display": ANN}]}, "members"),
            ({"members": [{"value": None}]}, "members"),
            ({"members": [{"value": 5}]}, "members"),
            ({"members": [None]}, "members"),
        ],
        ids=case_id,
    )
    def test_post_and_put_are_400_and_name_the_attribute(
        self, scim: Scim, sales: str, attributes: dict[str, object], named: str
    ) -> None:
        for method, path in (("POST", "/Groups"), ("PUT", f"/Groups/{sales}")):
            answer = refused(scim, method, path, {**group("Ops"), **attributes})

            assert answer.error == (400, "invalidValue")
            assert named in answer.json["detail"]

    def test_without_display_name_it_is_400(self, scim: Scim, sales: str) -> None:
        for method, path in (("POST", "/Groups"), ("PUT", f"/Groups/{sales}")):
            answer = refused(scim, method, path, {"schemas": [CORE_GROUP], "members": []})

            assert answer.error == (400, "invalidValue")
            assert "displayName" in answer.json["detail"]

    def test_the_name_of_another_group_is_409(self, scim: Scim, sales: str) -> None:
        ops = scim.add_group("Ops")
        replace = {"op": "replace", "value": {"displayName": "SALES"}}

        for method, path, body in (
            ("POST", "/Groups", group("SALES")),
            ("PUT", f"/Groups/{ops}", group("SALES")),
            ("PATCH", f"/Groups/{ops}", patch_op(replace)),
        ):
            answer = refused(scim, method, path, body)

            assert answer.error == (409, "uniqueness")
            assert "Sales" in answer.json["detail"]


class TestUnknownMembers:
    @pytest.mark.parametrize("unknown", [NOBODY, "no-uuid", "x" * 1000, "a\u00e9"])
    def test_are_skipped_and_hold_up_nobody(
        self, scim: Scim, ann: str, sales: str, unknown: str
    ) -> None:
        bob = scim.add_user(BOB)

        assert scim.patch(f"/Groups/{sales}", add_members(unknown, bob)).status == 204
        assert scim.members(sales) == sorted([ann, bob])
        assert scim.put(f"/Groups/{sales}", group("Sales", unknown, bob)).status == 200
        assert scim.members(sales) == [bob]

    def test_are_400_where_the_host_wants_it(
        self, scim: Scim, ann: str, sales: str, settings: Settings
    ) -> None:
        settings.TILED_SCIM_UNKNOWN_MEMBERS = "reject"
        bob = scim.add_user(BOB)

        for method, path, body in (
            ("POST", "/Groups", group("Ops", bob, NOBODY)),
            ("PUT", f"/Groups/{sales}", group("Sales", bob, NOBODY)),
            ("PATCH", f"/Groups/{sales}", patch_op(add_members(bob, NOBODY))),
        ):
            answer = refused(scim, method, path, body)

            assert answer.error == (400, "invalidValue")
            assert NOBODY in answer.json["detail"]

    def test_may_always_be_removed(self, scim: Scim, sales: str, settings: Settings) -> None:
        settings.TILED_SCIM_UNKNOWN_MEMBERS = "reject"
        operation = {"op": "remove", "path": f'members[value eq "{NOBODY}"]'}

        assert scim.patch(f"/Groups/{sales}", operation).status == 204


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
    ({"op": "add", "path": "emails[", "value": "x"}, "invalidFilter", ""),
    ({"op": "add", "path": "emails[type eq]", "value": "x"}, "invalidFilter", ""),
    ({"op": "add", "path": 'emails[no eq "x"].value', "value": "x"}, "invalidFilter", "no"),
    ({"op": "add", "path": 'emails[type xx "x"].value', "value": "x"}, "invalidFilter", "xx"),
    ({"op": "add", "path": 'title[type eq "x"]', "value": "x"}, "invalidPath", "title"),
    ({"op": "replace", "path": 'emails[type eq "fax"].value', "value": "x"}, "noTarget", "emails"),
    ({"op": "replace", "path": "id", "value": NOBODY}, "mutability", "id"),
    ({"op": "replace", "path": "meta.created", "value": "2020"}, "mutability", "meta.created"),
    ({"op": "add", "path": "groups", "value": [{"value": NOBODY}]}, "mutability", "groups"),
    ({"op": "remove", "path": "userName"}, "mutability", "userName"),
    ({"op": "remove", "path": "active"}, "invalidValue", "active"),
    ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue", "active"),
    ({"op": "replace", "path": "active", "value": None}, "invalidValue", "active"),
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
    ({"op": "remove", "path": "members[value eq"}, "invalidFilter", ""),
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


class TestPaths:
    @pytest.mark.parametrize("key", [NOBODY, "1", "x", "0" * 500, "%00", "%F0%9F%98%80", "%22"])
    @pytest.mark.parametrize("collection", ["Users", "Groups"])
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_an_unknown_id_is_404(
        self, scim: Scim, sales: str, method: str, collection: str, key: str
    ) -> None:
        bodies = {
            "PUT": {**user(BOB), "displayName": "Ops"},
            "PATCH": patch_op({"op": "replace", "value": {"displayName": "Ops"}}),
        }

        answer = refused(scim, method, f"/{collection}/{key}", bodies.get(method))

        assert answer.error == (404, None)

    @pytest.mark.parametrize(("collection", "other"), [("Users", "sales"), ("Groups", "ann")])
    def test_the_id_of_another_kind_is_404(
        self, scim: Scim, ann: str, sales: str, collection: str, other: str
    ) -> None:
        key = {"ann": ann, "sales": sales}[other]

        assert refused(scim, "DELETE", f"/{collection}/{key}").status == 404

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize(
        "path",
        [
            "/nothing",
            "/users",
            f"/Users/{NOBODY}/name",
            "/Groups/a/b/c",
            "/Schemas/a/b",
            "/%00",
            "//Users",
            "/Users.json",
        ],
    )
    def test_an_unknown_path_is_404(self, scim: Scim, method: str, path: str) -> None:
        answer = refused(scim, method, path, user(ANN) if method == "POST" else None)

        assert answer.error == (404, None)

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", "/Users", "GET, POST"),
            ("PATCH", "/Users", "GET, POST"),
            ("DELETE", "/Users", "GET, POST"),
            ("PUT", "/Groups", "GET, POST"),
            ("POST", f"/Users/{NOBODY}", "GET, PUT, PATCH, DELETE"),
            ("POST", f"/Groups/{NOBODY}", "GET, PUT, PATCH, DELETE"),
            ("POST", "/ServiceProviderConfig", "GET"),
            ("DELETE", "/Schemas", "GET"),
            ("PUT", f"/Schemas/{CORE_USER}", "GET"),
            ("PATCH", "/ResourceTypes", "GET"),
            ("POST", "/ResourceTypes/User", "GET"),
            ("OPTIONS", "/Users", "GET, POST"),
            ("TRACE", "/Users", "GET, POST"),
            ("BREW", "/Users", "GET, POST"),
        ],
    )
    def test_a_method_that_the_path_does_not_have_is_405(
        self, scim: Scim, method: str, path: str, allowed: str
    ) -> None:
        answer = refused(scim, method, path, user(ANN) if method in ("POST", "PUT") else None)

        assert answer.error == (405, None)
        assert answer.headers["Allow"].startswith(allowed)

    def test_one_slash_at_the_end_is_tolerated(self, scim: Scim, ann: str, sales: str) -> None:
        for path in ("/Users", f"/Users/{ann}", "/Groups", f"/Groups/{sales}", "/Schemas"):
            assert scim.get(f"{path}/").json == scim.get(path).json

    @pytest.mark.parametrize("path", ["/Schemas/urn:nothing", "/ResourceTypes/Device"])
    def test_an_unknown_schema_or_resource_type_is_404(self, scim: Scim, path: str) -> None:
        assert refused(scim, "GET", path).error == (404, None)

    @pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes"])
    def test_discovery_cannot_be_filtered(self, scim: Scim, path: str) -> None:
        assert refused(scim, "GET", f"{path}?filter=id+pr").error == (403, None)


class TestQueries:
    @pytest.mark.parametrize("name", ["startIndex", "count"])
    @pytest.mark.parametrize("value", ["x", "1.5", "1e3", "one", "0x10", "1;2", "9" * 5000, "%00"])
    def test_what_is_no_whole_number_is_400(self, scim: Scim, name: str, value: str) -> None:
        answer = refused(scim, "GET", f"/Users?{name}={value}")

        assert answer.error == (400, "invalidValue")
        assert name in answer.json["detail"]

    @pytest.mark.parametrize(
        ("filter_", "named"),
        [
            ("", "filter"),
            ("   ", "filter"),
            ("userName", ""),
            ("userName eq", ""),
            ("userName eq ann", "ann"),
            ("userName eq 'ann'", "'ann'"),
            ('userName eq "ann', '"ann'),
            ('userName is "ann"', "is"),
            ('userName eq "ann" and', ""),
            ('userName eq "ann" foo', "foo"),
            ('(userName eq "ann"', ""),
            ('userName eq "ann")', ")"),
            ('eq "ann"', ""),
            ('nothing eq "ann"', "nothing"),
            ('name.nothing eq "ann"', "name.nothing"),
            ('urn:nothing:userName eq "ann"', "urn:nothing"),
            ('userName eq "ann" or nothing pr', "nothing"),
            ('not (nothing eq "ann")', "nothing"),
            ('emails[nothing eq "x"]', "nothing"),
            ('userName[type eq "x"]', "userName"),
            ('name eq "Ann"', "name"),
            ('password eq "x"', "password"),
            ("password pr", "password"),
            ("userName eq 5", "userName"),
            ("userName eq true", "userName"),
            ('active eq "maybe"', "active"),
            ("active gt true", "active"),
            ("active co true", "active"),
            ('meta.created gt "yesterday"', "meta.created"),
            ('meta.created co "2020"', "meta.created"),
            ("userName gt null", "null"),
            (" and ".join(['title eq "x"'] * 101), "100"),
            ("(" * 500 + "userName pr" + ")" * 500, ""),
            ('title eq "' + "x" * 10_001 + '"', "10"),
        ],
        ids=lambda value: value[:30],
    )
    def test_a_filter_that_is_not_understood_is_400_and_never_wider(
        self, scim: Scim, ann: str, filter_: str, named: str
    ) -> None:
        answer = scim.get("/Users", filter=filter_)

        assert answer.error == (400, "invalidFilter")
        assert named in answer.json["detail"]

    @pytest.mark.parametrize("filter_", ['userName eq "ann"', "active eq true", "name pr"])
    def test_a_group_has_no_attributes_of_a_user(self, scim: Scim, filter_: str) -> None:
        answer = scim.get("/Groups", filter=filter_)

        assert answer.error == (400, "invalidFilter")

    @pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
    def test_what_cannot_be_stored_cannot_be_found(self, scim: Scim, ann: str, text: str) -> None:
        for filter_ in (f'userName eq "{json.dumps(text)[1:-1]}"', f"title co {json.dumps(text)}"):
            answer = scim.get("/Users", filter=filter_)

            assert answer.status == 200 or answer.error == (400, "invalidFilter")
            assert answer.status == 400 or answer.json["totalResults"] == 0

    def test_a_parameter_given_twice_is_400(self, scim: Scim, ann: str) -> None:
        answer = scim.send("GET", "/Users?filter=active+eq+true&filter=active+eq+false")

        assert answer.error == (400, "invalidFilter")

    @pytest.mark.parametrize("query", ["sortBy=nothing", "sortBy=emails[type", "sortOrder=up"])
    def test_an_order_that_is_not_understood_is_400(self, scim: Scim, query: str) -> None:
        answer = refused(scim, "GET", f"/Users?{query}")

        assert answer.error == (400, "invalidValue")

    def test_other_parameters_are_passed_over(self, scim: Scim, ann: str) -> None:
        answer = scim.send("GET", "/Users?format=html&page=7&search=x&nothing=1&userName=bob")

        assert [resource["id"] for resource in answer.json["Resources"]] == [ann]


class TestOurOwnFaults:
    def test_a_bug_is_500_without_a_trace_of_the_inside(
        self,
        scim: Scim,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        settings: Settings,
    ) -> None:
        settings.DEBUG = True

        def fail(*args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("a secret of the server's")

        monkeypatch.setattr(UserProvisioning, "_write", fail)

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (500, None)
        assert "secret" not in answer.text
        assert "Zero" not in answer.text
        assert "a secret of the server's" in caplog.text

    def test_the_next_request_works(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(UserProvisioning, "_reread", lambda *args: 1 / 0)
            assert refused(scim, "POST", "/Users", user(ANN)).status == 500

        assert scim.post("/Users", user(ANN)).status == 201


def test_a_browsers_session_and_csrf_open_nothing(token: str, admin_client: Client) -> None:
    """The host's own sign-in is none here; and a token needs no CSRF cookie."""
    response = admin_client.get(f"{MOUNT}/Users")
    assert checked(response.status_code, response.headers, response.text).status == 401

    strict = Client(enforce_csrf_checks=True)
    response = strict.post(
        f"{MOUNT}/Users",
        encode(user(ANN)),
        content_type="application/scim+json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert checked(response.status_code, response.headers, response.text).status == 201
