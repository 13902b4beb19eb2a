"""An account with verified domains has nobody outside of them, whatever it sends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import make_user
from tiled_scim.errors import Cause
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimEvent

from .client import CORE_USER, Scim, patch_op, user
from .state import people, refused
from .test_access_rules import BULK_SCHEMA, email, error, wide

ANN, BOB = "ann@corp.example", "bob@corp.example"
OUTSIDE = "eve@evil.example"


class Verified(HostAdapter):
    """A host whose only customer has verified two domains."""

    def domains(self) -> Collection[str] | None:
        return {"Corp.example", "corp.test"}


class SignedInByAddress(Verified):
    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "username", "nickName": "email"}


class ToldByAddress(Verified):
    """A host that keeps the address in a column by which it finds nobody."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {"emails.value": "last_name", "active": "is_active"}


@pytest.fixture(autouse=True)
def _verified(settings: Settings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Verified


@pytest.fixture
def key(scim: Scim) -> str:
    return scim.add_user(ANN)


# Not one plain address within the domains.
BAD = [
    OUTSIDE,
    "ann",
    "corp.example",
    "@corp.example",
    "ann@sub.corp.example",
    "ann@corp.example.evil.example",
    "ann@evilcorp.example",
    "ann@corp.example.",
    "ann@evil.example@corp.example",
    "eve@evil.example,ann@corp.example",
    "eve@evil.example ann@corp.example",
    '"eve@evil.example"@corp.example',
    "<eve@evil.example>ann@corp.example",
    "eve\N{FULLWIDTH COMMERCIAL AT}evil.example@corp.example",
    "ann@corp\N{ONE DOT LEADER}example\N{ONE DOT LEADER}evil",
]


class TestNewUsers:
    @pytest.mark.parametrize("name", BAD)
    def test_outside_is_400(self, scim: Scim, name: str) -> None:
        answer = refused(scim, "POST", "/Users", user(name, **email(ANN)))

        assert answer.error == (400, "invalidValue")
        event = ScimEvent.objects.latest("pk")
        assert (event.status, event.cause) == (400, Cause.OUTSIDE_DOMAINS)

    @pytest.mark.parametrize("address", BAD)
    def test_email_outside_is_400(self, scim: Scim, address: str) -> None:
        assert refused(scim, "POST", "/Users", user(ANN, **email(address))).status == 400

    @pytest.mark.parametrize(
        "name", [ANN, "Ann@CORP.Example", wide("ann@corp.example"), "a.b+c@corp.test"]
    )
    def test_within_is_201(self, scim: Scim, name: str) -> None:
        assert scim.post("/Users", user(name, **email(ANN))).status == 201

    def test_email_may_be_lacking(self, scim: Scim) -> None:
        assert scim.post("/Users", {"userName": ANN}).status == 201

    def test_nobody_outside_is_adopted(self, scim: Scim) -> None:
        make_user(OUTSIDE)
        make_user("bob", email=OUTSIDE)

        for body in (user(OUTSIDE, **email(ANN)), user("bob", **email(ANN))):
            assert refused(scim, "POST", "/Users", body).error == (400, "invalidValue")

    def test_nobody_comes_back_with_an_address_outside(self, scim: Scim, key: str) -> None:
        scim.delete(f"/Users/{key}")

        assert refused(scim, "POST", "/Users", user(ANN, **email(OUTSIDE))).status == 400
        assert scim.add_user(ANN) == key

    def test_in_bulk(self, scim: Scim) -> None:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}
            for name in (ANN, OUTSIDE)
        ]
        answer = scim.post("/Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations})

        assert [each["status"] for each in answer.json["Operations"]] == ["201", "400"]
        assert people() == {ANN: "active"}

    def test_account_without_domains_has_nobody(self, scim: Scim, settings: Settings) -> None:
        class Unverified(HostAdapter):
            def domains(self) -> Collection[str] | None:
                return ()

        settings.TILED_SCIM_HOST_ADAPTER = Unverified

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (400, "invalidValue")
        assert "this connection may use: none." in answer.json["detail"]


def patched(*operations: dict[str, Any]) -> Any:
    return lambda key: ("PATCH", f"/Users/{key}", patch_op(*operations))


def replaced(**attributes: Any) -> Any:
    return lambda key: ("PUT", f"/Users/{key}", user(ANN) | attributes)


def one(path: str, value: Any, op: str = "replace") -> Any:
    return patched({"op": op, "path": path, "value": value})


HOME = {"value": OUTSIDE, "type": "home"}
CHANGES: dict[str, Callable[[str], tuple[str, str, Any]]] = {
    "PUT userName": replaced(userName=OUTSIDE),
    "PUT userName without a domain": replaced(userName="ann"),
    "PUT emails": replaced(**email(OUTSIDE)),
    "PUT without the primary address": replaced(emails=[HOME]),
    "PUT another primary address": replaced(
        emails=[{"value": ANN, "type": "work"}, {"value": OUTSIDE, "primary": True}]
    ),
    "no path, userName": patched({"op": "replace", "value": {"userName": OUTSIDE}}),
    "no path, emails": patched({"op": "replace", "value": email(OUTSIDE)}),
    "no path, dotted": patched({"op": "Add", "value": {'emails[type eq "work"].value': OUTSIDE}}),
    "userName": one("userName", OUTSIDE),
    "by its URN": one(f"{CORE_USER}:userName", OUTSIDE),
    "in capitals": one("USERNAME", OUTSIDE, "Replace"),
    "emails": one("emails", email(OUTSIDE)["emails"]),
    "added primary address": one("emails", [{"value": OUTSIDE, "primary": True}], "add"),
    "emails.value": one("emails.value", OUTSIDE),
    "value filter": one('emails[type eq "work"].value', OUTSIDE),
    "value filter, whole": one('emails[type eq "work"]', {"value": OUTSIDE, "type": "work"}),
    "primary filter": one("emails[primary eq true].value", OUTSIDE),
    "second operation": patched(
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "emails.value", "value": OUTSIDE},
    ),
    "removed primary address": patched(
        {"op": "add", "path": "emails", "value": [HOME]},
        {"op": "remove", "path": 'emails[type eq "work"]'},
    ),
}


def in_bulk(request: tuple[str, str, Any]) -> tuple[str, str, Any]:
    method, path, body = request
    operation = {"method": method, "path": path, "data": body}
    return "POST", "/Bulk", {"schemas": [BULK_SCHEMA], "Operations": [operation]}


class TestChanges:
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_to_outside_is_400(
        self, scim: Scim, key: str, change: Callable[[str], tuple[str, str, Any]]
    ) -> None:
        for request in (change(key), in_bulk(change(key))):
            answer = refused(scim, *request)
            assert error(answer) == (400, "invalidValue")
            assert "corp.test" in answer.text

    @pytest.mark.parametrize("change", [replaced(userName=BOB), one("userName", BOB)])
    def test_within_is_200(
        self, scim: Scim, key: str, change: Callable[[str], tuple[str, str, Any]]
    ) -> None:
        assert scim.send(*change(key)).status == 200
        assert people() == {BOB: "active"}

    def test_address_that_the_host_does_not_get_may_be_outside(self, scim: Scim, key: str) -> None:
        answer = scim.patch(f"/Users/{key}", {"op": "add", "path": "emails", "value": [HOME]})

        assert answer.status == 200
        assert User.objects.get().email == ANN

    @pytest.mark.parametrize(
        ("adapter", "name", "attributes"),
        [
            (SignedInByAddress, "nickName", {"nickName": OUTSIDE}),
            (SignedInByAddress, "emails", email(OUTSIDE)),
            (ToldByAddress, "emails", email(OUTSIDE)),
        ],
    )
    def test_whatever_becomes_a_username_or_an_address(
        self,
        scim: Scim,
        settings: Settings,
        adapter: type[HostAdapter],
        name: str,
        attributes: Mapping[str, Any],
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = adapter
        key = scim.add_user(ANN)

        answer = refused(scim, "PUT", f"/Users/{key}", {**user(ANN), **attributes})

        assert answer.error == (400, "invalidValue")
        assert answer.json["detail"].startswith(f"{name} “{OUTSIDE}” is not an email address")


class TestUsersOutside:
    """They were there before the domains were, and can leave."""

    @pytest.fixture
    def eve(self, scim: Scim, settings: Settings) -> str:
        settings.TILED_SCIM_HOST_ADAPTER = None
        key = scim.add_user(OUTSIDE)
        settings.TILED_SCIM_HOST_ADAPTER = Verified
        return key

    def test_are_changed_and_deactivated(self, scim: Scim, eve: str) -> None:
        assert scim.put(f"/Users/{eve}", user(OUTSIDE, title="Boss")).status == 200
        scim.deactivate(eve)
        assert scim.put(f"/Users/{eve}", user(OUTSIDE, active=False)).status == 200

        assert people() == {OUTSIDE: "inactive"}
        assert scim.delete(f"/Users/{eve}").status == 204

    def test_may_come_inside(self, scim: Scim, eve: str) -> None:
        assert scim.put(f"/Users/{eve}", user(ANN)).status == 200

    def test_are_not_pushed_again(self, scim: Scim, eve: str) -> None:
        scim.deactivate(eve)

        assert refused(scim, "POST", "/Users", user(OUTSIDE)).error == (400, "invalidValue")
