"""Paths, methods and queries that are wrong, too many of them, and faults of our own."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from pytest_django import Settings

from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.provisioning.users import UserService

from .client import ANN, BOB, CORE_USER, MOUNT, NOBODY, Scim, checked, encode, patch_op, user
from .state import refused

# nginx refuses these requests itself.
refused_by_proxies = pytest.mark.in_process
NULL = pytest.param("%00", marks=refused_by_proxies)


class TestPaths:
    @pytest.mark.parametrize("key", [NOBODY, "1", "x", "0" * 500, NULL, "%F0%9F%98%80", "%22"])
    @pytest.mark.parametrize("collection", ["Users", "Groups"])
    def test_an_unknown_id_is_404(self, scim: Scim, sales: str, collection: str, key: str) -> None:
        for method, body in (
            ("GET", None),
            ("PUT", {**user(BOB), "displayName": "Ops"}),
            ("PATCH", patch_op({"op": "replace", "value": {"displayName": "Ops"}})),
            ("DELETE", None),
        ):
            answer = refused(scim, method, f"/{collection}/{key}", body)

            assert answer.error == (404, None)
            assert f"with the id {unquote(key)}" in answer.json["detail"]

    @pytest.mark.parametrize(("collection", "other"), [("Users", "sales"), ("Groups", "ann")])
    def test_the_id_of_another_kind_is_404(
        self, scim: Scim, ann: str, sales: str, collection: str, other: str
    ) -> None:
        key = {"ann": ann, "sales": sales}[other]

        assert refused(scim, "DELETE", f"/{collection}/{key}").status == 404

    @pytest.mark.parametrize(
        "path",
        [
            "/nothing",
            "/user",
            f"/Users/{NOBODY}/name",
            "/Groups/a/b/c",
            "/Schemas/a/b",
            pytest.param("/%00", marks=refused_by_proxies),
            "//nothing",
            "/USERS/a/b",
            "/Users.json",
        ],
    )
    def test_an_unknown_path_is_404(self, scim: Scim, path: str) -> None:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
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
            pytest.param("TRACE", "/Users", "GET, POST", marks=refused_by_proxies),
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
    @pytest.mark.parametrize(
        "value", ["x", "1.5", "1e3", "one", "0x10", "1;2", "9" * 5000, "%00", "1_0", "%D9%A3"]
    )
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
            ('userName\u00a0eq "ann"', ""),
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
            ("(" * 5000 + "id" + ")" * 4000, "20"),
            pytest.param("x" * 100_000, "10000", marks=refused_by_proxies),
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

    @pytest.mark.parametrize("name", ["attributes", "excludedAttributes"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
    def test_a_selection_given_twice_is_400(
        self, scim: Scim, ann: str, method: str, name: str
    ) -> None:
        path = "/Users" if method == "POST" else f"/Users/{ann}"
        body = {"GET": None, "PATCH": patch_op({"op": "add", "path": "title", "value": "Boss"})}

        answer = refused(
            scim,
            method,
            f"{path}?{name}=userName&{name}=displayName",
            body.get(method, user(BOB if method == "POST" else ANN, title="Boss")),
        )

        assert answer.error == (400, "invalidValue")
        assert answer.json["detail"] == f"{name} is given more than once."

    @pytest.mark.parametrize("path", ["/", "/Users", "/Groups", "/Groups/{group}"])
    def test_also_where_several_are_asked_for(self, scim: Scim, path: str) -> None:
        query = "attributes=userName&attributes=displayName"

        answer = scim.send("GET", f"{path.format(group=scim.add_group('Sales'))}?{query}")

        assert answer.error == (400, "invalidValue")

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_more_parameters_than_the_host_takes_are_400(self, scim: Scim, method: str) -> None:
        # With a charset, Django itself fails before it asks anybody.
        headers = {"Content-Type": "application/scim+json"}

        answer = refused(scim, method, "/Users?" + "a=1&" * 1001, user(ANN), **headers)

        assert answer.error == (400, "invalidValue")
        assert "parameters" in answer.json["detail"]

    @pytest.mark.parametrize("query", ["sortBy=nothing", "sortBy=emails[type", "sortOrder=up"])
    def test_an_order_that_is_not_understood_is_400(self, scim: Scim, query: str) -> None:
        answer = refused(scim, "GET", f"/Users?{query}")

        assert answer.error == (400, "invalidValue")

    def test_other_parameters_are_passed_over(self, scim: Scim, ann: str) -> None:
        answer = scim.send("GET", "/Users?format=html&page=7&search=x&nothing=1&userName=bob")

        assert [resource["id"] for resource in answer.json["Resources"]] == [ann]


def test_a_name_that_is_not_the_hosts_is_400(scim: Scim, settings: Settings) -> None:
    settings.MIDDLEWARE = []  # Django's own would refuse it earlier, and not in SCIM's words

    answer = refused(scim, "GET", "/Users", Host="evil.example")

    assert answer.error == (400, None)
    assert "evil" not in answer.text


class TestTooManyRequests:
    def test_okta_gets_whole_seconds_in_retry_after(
        self, scim: Scim, settings: Settings, empty_cache: None
    ) -> None:
        settings.TILED_SCIM_THROTTLE = "1/day"
        assert scim.get("/Users").status == 200

        answer = scim.get("/Users")

        assert answer.status == 429
        assert answer.headers["Retry-After"].isdigit()


class Broken(BytesIO):
    """A body of which the server gets the beginning, before the client's machine is gone."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError("Connection reset by peer")


@pytest.mark.in_process
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Bulk", "/Users/.search"])
def test_a_body_that_breaks_off_is_no_failure_of_the_server(scim: Scim, path: str) -> None:
    broken: dict[str, Any] = {"wsgi.input": Broken(), "CONTENT_LENGTH": "100"}
    answer = scim.client.post(
        MOUNT + path, content_type=scim.content_type, headers=scim.headers, **broken
    )

    assert checked(answer.status_code, answer.headers, answer.text).error == (400, "invalidSyntax")
    assert not ScimEvent.objects.filter(outcome=Outcome.FAILED).exists()


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

        monkeypatch.setattr(UserService, "_apply", fail)

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (500, None)
        assert "secret" not in answer.text
        assert "Zero" not in answer.text
        assert "a secret of the server's" in caplog.text

    def test_the_next_request_works(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(UserService, "_result", lambda *args: 1 / 0)
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
