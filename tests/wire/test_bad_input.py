"""Credentials, bodies and values that are wrong: what is refused, in which words, unwritten."""

from __future__ import annotations

import json
import logging
import sys
from uuid import UUID

import pytest
from pytest_django import Settings

from tiled_scim.api import parsers

from .client import (
    ANN,
    BOB,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    NOBODY,
    TILED_USER,
    Scim,
    add_members,
    case_id,
    group,
    patch_op,
    user,
)
from .state import refused


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
    def test_without_a_token_that_is_known_it_is_401(
        self, scim: Scim, authorization: str | None
    ) -> None:
        stranger = Scim(authorization)

        for method, path in (
            ("GET", "/Users"),
            ("POST", "/Users"),
            ("PATCH", f"/Groups/{NOBODY}"),
            ("GET", "/ServiceProviderConfig"),
            ("GET", "/Schemas"),
            ("GET", "/nothing"),
            ("GET", "/"),
        ):
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


# Names, each of which is there once.
MANY = ", ".join(f'"{number}": 1' for number in range(50_000)).encode()

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
    ("digits without end", b'{"userName": "x", "title": ' + b"9" * 5000 + b"}", "JSON"),
    ("no UTF-8", b'{"userName": "\xff"}', "JSON"),
    ("control character", b'{"userName": "a\x00b"}', "JSON"),
    ("name twice", b'{"userName": "x", "userName": "y"}', "userName"),
    ("name twice among many", b'{"last": 1, ' + MANY + b', "last": 1}', "last"),
    ("name twice inside", b'{"userName": "x", "name": {"a": 1, "a": 2}}', "a"),
    ("deep", b"[" * 100_000 + b"]" * 100_000, "deep"),
    ("deep object", b'{"userName": "x", "a": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, "deep"),
    ("deep for us alone", b"[" * 33 + b"]" * 33, "32"),
    ("array", [user(ANN)], "object"),
    ("string", "userName", "object"),
    ("number", 1, "object"),
    ("null", b"null", "object"),
]


CODECS = [
    *("base64", "hex", "rot13", "zlib", "bz2", "quopri", "uu"),
    *("idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"),
]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "named"), [pytest.param(body, named, id=name) for name, body, named in BODIES]
    )
    def test_what_is_no_scim_message_is_400(
        self, scim: Scim, ann: str, sales: str, body: object, named: str
    ) -> None:
        for method, path in (
            ("POST", "/Users"),
            ("PUT", f"/Users/{ann}"),
            ("PATCH", f"/Users/{ann}"),
            ("POST", "/Groups"),
            ("PUT", f"/Groups/{sales}"),
            ("PATCH", f"/Groups/{sales}"),
        ):
            answer = refused(scim, method, path, body)

            assert answer.error == (400, "invalidSyntax")
            assert named in answer.json["detail"] or method == "PATCH"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_no_body_at_all_is_400(self, scim: Scim, ann: str, method: str) -> None:
        path = "/Users" if method == "POST" else f"/Users/{ann}"

        answer = refused(scim, method, path)

        assert answer.status == 400
        assert ("Operations" if method == "PATCH" else "userName") in answer.json["detail"]

    def test_a_body_without_limits_is_413(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parsers, "MAX_BODY_BYTES", 1000)

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
            ("application/scim+json", "deflate"),
            ("application/scim+json", "identity, br"),
            # Codecs of Python's that are no charsets.
            *((f"application/scim+json; charset={codec}", "") for codec in CODECS),
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

    def test_a_body_as_deep_as_a_message_may_be_is_read(self, scim: Scim) -> None:
        deep: object = "x"
        for _ in range(parsers.MAX_DEPTH - 2):
            deep = {"a": deep}

        assert scim.post("/Users", {**user(ANN), "unknown": deep}).status == 201

    def test_deep_json_in_a_bulk_request_overruns_no_stack(self, scim: Scim) -> None:
        deep = b'{"a": ' * 600 + b"1" + b"}" * 600
        operation = b'{"method": "POST", "path": "/Users", "bulkId": "a", "data": ' + deep + b"}"

        answer = refused(scim, "POST", "/Bulk", b'{"Operations": [' + operation + b"]}")

        assert answer.error == (400, "invalidSyntax")

    @pytest.mark.parametrize("charset", ["utf-16", "utf-32", "iso-8859-1", "cp037", "UTF8"])
    def test_the_charset_of_a_body_is_not_that_of_the_query(self, scim: Scim, charset: str) -> None:
        headers = {"Content-Type": f"application/scim+json; charset={charset}"}
        body = json.dumps(user(ANN)).encode(charset)

        answer = scim.send("POST", "/Users?attributes=userName", body, headers)

        assert answer.status == 201
        assert answer.json["userName"] == ANN
        assert "emails" not in answer.json

    @pytest.mark.in_process  # nginx adds the length
    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/Users/.search"), ("POST", "/Users"), ("DELETE", "/Users/x")]
    )
    def test_a_body_in_chunks_is_411_and_never_passed_over(
        self, scim: Scim, ann: str, method: str, path: str
    ) -> None:
        answer = refused(scim, method, path, **{"Transfer-Encoding": "chunked"})

        assert answer.error == (411, None)
        assert "Content-Length" in answer.json["detail"]

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

    def test_names_that_differ_in_letter_case_are_one_name_twice(
        self, scim: Scim, ann: str
    ) -> None:
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann}")):
            answer = refused(scim, method, path, {"userName": "x", "username": "y"})

            assert answer.error == (400, "invalidSyntax")
            assert "username" in answer.json["detail"]

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

    def test_the_user_name_of_a_person_let_go_is_409_while_the_host_has_it(
        self, scim: Scim, ann: str
    ) -> None:
        bob = scim.add_user(BOB)
        scim.delete(f"/Users/{ann}")

        answer = refused(scim, "PUT", f"/Users/{bob}", user(ANN))

        assert answer.error == (409, "uniqueness")


class TestValuesOfGroups:
    @pytest.mark.parametrize(
        ("attributes", "named"),
        [
            ({"displayName": None}, "displayName"),
            ({"displayName": ""}, "displayName"),
            ({"displayName": " "}, "displayName"),
            ({"displayName": 5}, "displayName"),
            ({"displayName": "x" * 201}, "displayName"),  # Library.name has 200
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

    def test_are_named_in_the_error_but_for_those_after_ten(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_UNKNOWN_MEMBERS = "reject"
        unknown = [f"nobody {number:02}" for number in range(12)]

        answer = refused(scim, "POST", "/Groups", group("Ops", *reversed(unknown)))

        named = ", ".join(f"“{key}”" for key in unknown[:10])
        assert answer.json["detail"] == (
            f"members: there is no user with the id {named}. Assign these people first."
        )

    def test_may_always_be_removed(self, scim: Scim, sales: str, settings: Settings) -> None:
        settings.TILED_SCIM_UNKNOWN_MEMBERS = "reject"
        operation = {"op": "remove", "path": f'members[value eq "{NOBODY}"]'}

        assert scim.patch(f"/Groups/{sales}", operation).status == 204

    def test_may_all_have_one_hash(self, scim: Scim, ann: str, sales: str) -> None:
        """What takes one look each must not take as many as there are others: it would never end.

        Python's hash of a whole number, and so of a UUID, is its rest by this modulus.
        """
        colliding = [str(UUID(int=n * sys.hash_info.modulus)) for n in range(1, 20_000)]

        for op in ("add", "remove"):
            members = [{"value": key, "display": "x"} for key in colliding]
            operation = {"op": op, "path": "members", "value": members}
            assert scim.patch(f"/Groups/{sales}", operation).status == 204
        assert scim.put(f"/Groups/{sales}", group("Sales", *colliding, ann)).status == 200
        assert scim.members(sales) == [ann]
