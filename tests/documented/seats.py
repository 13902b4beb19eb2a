"""The host of docs/cookbook.md whose accounts have seats."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client

from tiled_scim.connections import Actor, Connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Any:
    model: Any = apps.get_app_config("seats").get_model("Account")
    return model.objects.create(name="Acme", seats=1)


@pytest.fixture
def okta(account: Any) -> Client:
    token = Connection(str(account.pk)).generate(Actor("Test")).plaintext
    return Client(headers={"Authorization": f"Bearer {token}"})


def send(okta: Client, method: str, path: str, **body: object) -> Any:
    return okta.generic(
        method, f"/scim/v2{path}", json.dumps(body), content_type="application/scim+json"
    )


def seats(account: Any) -> dict[str, bool]:
    return dict(account.memberships.values_list("user__username", "is_active"))


def test_the_checks_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


def test_a_seat_is_taken_once(okta: Client, account: Any) -> None:
    ann = send(okta, "POST", "/Users", userName="ann@example.com")

    refused = send(okta, "POST", "/Users", userName="bob@example.com")

    assert (ann.status_code, refused.status_code) == (201, 403)
    assert refused.json()["detail"].startswith("All 1 seats are taken.")
    assert seats(account) == {"ann@example.com": True}


def test_who_leaves_makes_room_and_comes_back_only_if_there_is_some(
    okta: Client, account: Any
) -> None:
    ann = send(okta, "POST", "/Users", userName="ann@example.com").json()["id"]
    left = send(okta, "PUT", f"/Users/{ann}", userName="ann@example.com", active=False)
    bob = send(okta, "POST", "/Users", userName="bob@example.com")

    back = send(okta, "PUT", f"/Users/{ann}", userName="ann@example.com", active=True)

    assert (left.status_code, bob.status_code, back.status_code) == (200, 201, 403)
    assert seats(account) == {"ann@example.com": False, "bob@example.com": True}


def test_people_leave_an_account_that_has_too_few_seats(okta: Client, account: Any) -> None:
    ann = send(okta, "POST", "/Users", userName="ann@example.com").json()["id"]
    type(account).objects.update(seats=0)

    renamed = send(okta, "PUT", f"/Users/{ann}", userName="ann.archer@example.com")
    left = send(okta, "PUT", f"/Users/{ann}", userName="ann.archer@example.com", active=False)

    assert (renamed.status_code, left.status_code) == (200, 200)
    assert seats(account) == {"ann.archer@example.com": False}
