"""The host of docs/extensions.md: readers, whose model has fields for what the extension says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client

from tests.documented.pages import ROOT, code_blocks
from tiled_scim.connections import Actor, Connection

Reader: Any = apps.get_app_config("library_card").get_model("Reader")

URN = "urn:ietf:params:scim:schemas:extension:library:2.0:User"
ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def okta(db: None) -> Client:
    token = Connection().generate(Actor("Test")).plaintext
    return Client(headers={"Authorization": f"Bearer {token}"})


def send(okta: Client, method: str, path: str, user_name: str, **attributes: object) -> Any:
    """Send a person with attributes of the extension."""
    body = json.dumps({"userName": user_name, URN: attributes})
    return okta.generic(method, f"/scim/v2{path}", body, content_type="application/scim+json")


def numbers() -> dict[str, str | None]:
    return dict(Reader.objects.values_list("username", "card_number"))


def test_the_checks_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


def test_a_field_has_the_value_and_shows_what_people_make_of_it(okta: Client) -> None:
    key = send(okta, "POST", "/Users", ANN, cardNumber="A-7").json()["id"]
    assert numbers() == {ANN: "A-7"}

    Reader.objects.update(card_number="A-8")

    assert okta.get(f"/scim/v2/Users/{key}").json()[URN]["cardNumber"] == "A-8"


@pytest.mark.parametrize("sent", [{"cardNumber": "A-8"}, {"cardNumber": "a-7"}, {"loans": 3}])
def test_a_card_keeps_its_number(okta: Client, sent: dict[str, object]) -> None:
    key = send(okta, "POST", "/Users", ANN, cardNumber="A-7").json()["id"]

    response = send(okta, "PUT", f"/Users/{key}", ANN, **sent)

    [documented] = code_blocks(ROOT / "docs" / "extensions.md", "json")
    assert response.status_code == 400
    assert response.json() == json.loads(documented)
    assert numbers() == {ANN: "A-7"}


def test_a_number_is_on_one_card_only(okta: Client) -> None:
    send(okta, "POST", "/Users", ANN, cardNumber="A-7")
    key = send(okta, "POST", "/Users", BOB).json()["id"]

    for method, path, user_name in (
        ("PUT", f"/Users/{key}", BOB),
        ("POST", "/Users", "carl@example.com"),
    ):
        response = send(okta, method, path, user_name, cardNumber="A-7")

        assert (response.status_code, response.json()["scimType"]) == (409, "uniqueness")
        assert numbers() == {ANN: "A-7", BOB: None}


def test_when_a_reader_joined_is_for_the_host_to_say(okta: Client) -> None:
    key = send(okta, "POST", "/Users", ANN, joined="2001-01-01T00:00:00Z").json()["id"]
    joined = Reader.objects.get().date_joined

    response = send(okta, "PUT", f"/Users/{key}", ANN, joined="2001-01-01T00:00:00Z")

    assert datetime.fromisoformat(response.json()[URN]["joined"]) == joined
    assert Reader.objects.get().date_joined == joined
