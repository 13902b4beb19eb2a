"""The host of docs/cookbook.md without accounts: profiles, django-allauth, and roles in rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.documented.pages import ROOT, adapter_of
from tiled_scim.connections import Actor, Connection

COOKBOOK = ROOT / "docs" / "cookbook.md"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ANN = "ann@example.com"

pytestmark = pytest.mark.django_db


@pytest.fixture
def recipe(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Use the adapter of a section of the cookbook."""
    settings.TILED_SCIM_HOST_ADAPTER = adapter_of(COOKBOOK, request.param)


@pytest.fixture
def okta(recipe: None) -> Client:
    token = Connection().generate(Actor("Test")).plaintext
    return Client(headers={"Authorization": f"Bearer {token}"})


def uses(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recipe", [section], indirect=True, ids=[section])


def send(okta: Client, method: str, path: str, expected: int, body: Mapping[str, object]) -> Any:
    response = okta.generic(
        method, f"/scim/v2{path}", json.dumps(body), content_type="application/scim+json"
    )
    assert response.status_code == expected, response.content
    return response.json()


def push(okta: Client, **attributes: object) -> str:
    body = {"userName": ANN, "emails": [{"value": ANN, "primary": True}], **attributes}
    return str(send(okta, "POST", "/Users", 201, body)["id"])


def replace(okta: Client, key: str, **attributes: object) -> None:
    body = {"userName": ANN, "emails": [{"value": ANN, "primary": True}], **attributes}
    send(okta, "PUT", f"/Users/{key}", 200, body)


@pytest.mark.parametrize(
    "recipe", ["Profiles", "Email addresses of django-allauth", "Roles"], indirect=True
)
def test_the_checks_find_nothing(recipe: None) -> None:
    call_command("check", fail_level="WARNING")


@uses("Profiles")
def test_profiles_are_written_read_and_searched(okta: Client) -> None:
    key = push(okta, title="Engineer", **{ENTERPRISE: {"department": "Sales"}})
    user: Any = User.objects.get()
    assert (user.profile.job_title, user.profile.department) == ("Engineer", "Sales")

    replace(okta, key, title="Adviser", **{ENTERPRISE: {"department": "Sales"}})

    found = okta.get("/scim/v2/Users", {"filter": 'title eq "adviser"'}).json()
    assert [each["id"] for each in found["Resources"]] == [key]
    assert found["Resources"][0][ENTERPRISE]["department"] == "Sales"


def addresses() -> list[tuple[str, str, bool, bool]]:
    rows = EmailAddress.objects.order_by("email")
    return list(rows.values_list("user__username", "email", "verified", "primary"))


@uses("Email addresses of django-allauth")
def test_a_pushed_person_has_one_address_at_allauth(okta: Client) -> None:
    key = push(okta)
    assert addresses() == [(ANN, ANN, True, True)]

    replace(okta, key, emails=[{"value": "Ann.Archer@example.com", "primary": True}])

    assert addresses() == [(ANN, "ann.archer@example.com", True, True)]


@uses("Email addresses of django-allauth")
def test_an_address_that_somebody_else_has_verified_is_a_conflict(okta: Client) -> None:
    boss = User.objects.create_user("boss", email="boss@example.com")
    EmailAddress.objects.create(user=boss, email=ANN, verified=True, primary=True)

    body = {"userName": ANN, "emails": [{"value": ANN, "primary": True}]}
    send(okta, "POST", "/Users", 409, body)

    assert addresses() == [("boss", ANN, True, True)]
    assert list(User.objects.all()) == [boss]


@uses("Roles")
def test_roles_are_rows(okta: Client) -> None:
    role_model: Any = apps.get_app_config("assignments").get_model("Role")
    for name in ("Auditor", "Editor"):
        role_model.objects.create(key=name.lower(), name=name)

    key = push(okta, roles=[{"value": "editor"}])
    user: Any = User.objects.get()
    assert [each.role.key for each in user.assignments.all()] == ["editor"]

    replace(okta, key, roles=[{"value": "auditor"}])

    assert [each.role.key for each in user.assignments.all()] == ["auditor"]
    offered = okta.get("/scim/v2/Roles").json()["Resources"]
    assert [each["displayName"] for each in offered] == ["Auditor", "Editor"]
