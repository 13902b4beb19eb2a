"""The host of docs/accounts.md, played by the identity providers of two accounts."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from tiled_scim.connections import Actor, Connection
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.schemas import TILED_USER

desk = apps.get_app_config("desk")
Account: Any = desk.get_model("Account")
Membership: Any = desk.get_model("Membership")
Project: Any = desk.get_model("Project")
User: Any = desk.get_model("User")

ANN = "ann@example.com"
TEST = Actor("Test")


@pytest.fixture
def url(live_server: LiveServer) -> str:
    return f"{live_server.url}/scim/v2"


@pytest.fixture
def tokens(transactional_db: None) -> list[str]:
    """The tokens of two accounts."""
    accounts = [Account.objects.create(name=name) for name in ("Acme Inc.", "Globex")]
    return [Connection(str(account.pk)).generate(TEST).plaintext for account in accounts]


def push_ann(client: OktaClient, **attributes: Any) -> str:
    body = {"userName": ANN, "emails": [{"value": ANN, "primary": True}], **attributes}
    answer = client.send("POST", "/Users", body)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def test_checks(db: None) -> None:
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True)


def test_okta_check_of_each_account(url: str, tokens: list[str]) -> None:
    for token in tokens:
        call_command("scim_check", url=url, token=token)


def test_person_in_two_accounts(url: str, tokens: list[str]) -> None:
    acme, globex = (OktaClient(url, token) for token in tokens)
    push_ann(acme, title="Engineer", **{TILED_USER: {"tiledAdmin": True}})
    key = push_ann(globex, title="Adviser")
    members = [{"value": key}]
    globex.send("POST", "/Groups", {"displayName": "Doomsday", "members": members})

    rows = Membership.objects.order_by("account").values_list("role", "is_active", "job_title")
    assert list(rows) == [("admin", True, "Engineer"), ("member", True, "Adviser")]
    assert [each.email for each in User.objects.all()] == [ANN]
    project = Project.objects.get()
    assert (project.name, project.account.name) == ("Doomsday", "Globex")
    assert [each.email for each in project.members.all()] == [ANN]
