"""The configuration pages where everybody must sign in, in German, and where times are local."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.hosts.overridden.customers.models import Person
from tiled_scim.models import ScimEvent, ScimToken, SetupLink
from tiled_scim.provider_check.client import OktaClient

from .test_overridden import add_group, add_person

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PAGE = "/settings/scim/"
TOKEN = re.compile(r"tscim_[\w-]{43}")


def browser(email: str, **fields: Any) -> Client:
    """The browser of a person who works at acme."""
    person: Any = Person.objects.create(customer_id="acme", email=email, **fields)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def curator() -> Client:
    return browser("curator@acme.example", is_curator=True)


def test_a_token_is_generated_for_the_customer(curator: Client) -> None:
    assert "Token erzeugen" in curator.get(PAGE).text

    response = curator.post(f"{PAGE}token/generate/", {"token": ""})

    assert TOKEN.search(response.text)
    assert "no-store" in response["Cache-Control"]
    token: Any = ScimToken.objects.get()
    assert (token.account, token.created_by) == ("acme", Person.objects.get())


def test_all_pages_are_shown(curator: Client, okta: Callable[[str], OktaClient]) -> None:
    acme = okta("acme")
    group = add_group(acme, "Surfaces", user := add_person(acme, "ada@acme.example"))
    event = ScimEvent.objects.latest("pk")

    for page, name in (
        ("events/", "Surfaces"),
        ("events/?first_day=2020-01-01&last_day=2999-12-31&created_at__gte=2020-01-01", "Surfaces"),
        (f"events/{event.pk}/", "Surfaces"),
        ("users/", "ada@acme.example"),
        (f"users/{user}/", "Surfaces"),
        (f"users/{user}/unlink/", "ada@acme.example"),
        ("groups/", "Surfaces"),
        (f"groups/{group}/", "ada@acme.example"),
        (f"groups/{group}/resync/", "Surfaces"),
    ):
        response = curator.get(PAGE + page)
        assert response.status_code == 200, page
        assert name in response.text, page


def test_a_setup_link_works_for_people_who_cannot_sign_in(curator: Client) -> None:
    response = curator.post(f"{PAGE}setup-links/", {"hours": "1"})
    assert "1 Stunde" in response.text
    (code,) = re.findall(r"/product/settings/scim/setup/open/#(tscimsetup_[\w:-]+)", response.text)
    stranger = Client()

    assert stranger.get(f"{PAGE}setup/open/").status_code == 200
    opened = stranger.post(f"{PAGE}setup/open/", {"code": code})
    assert opened["Location"] == "/product/settings/scim/setup/"
    assert opened.cookies["tiled_scim_setup"]["path"] == "/product/settings/scim/setup/"
    assert "Acme Inc." in stranger.get(f"{PAGE}setup/").text
    assert TOKEN.search(stranger.post(f"{PAGE}setup/generate/", {"token": ""}).text)

    curator.post(f"{PAGE}setup-links/{SetupLink.objects.get().pk}/revoke/")
    assert stranger.get(f"{PAGE}setup/")["Location"] == "/product/settings/scim/setup/open/"


def test_others_get_nothing() -> None:
    assert Client().get(PAGE).status_code == 302
    assert browser("reader@acme.example").get(PAGE).status_code == 404
    assert not ScimToken.objects.exists()
