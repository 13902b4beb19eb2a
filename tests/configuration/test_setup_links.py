"""Tests of setup links: creating, opening, using and revoking them, and what they do not show."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.admin.browser import PLAINTEXT, api_status, form_fields, shown_token
from tests.audit.test_dashboard import make_refusal
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim.configuration.setup import COOKIE
from tiled_scim.models import ScimEvent, ScimToken, SetupLink, Slot

from .customers import (
    ADMIN,
    EVENTS,
    GROUPS,
    OF_GLOBEX,
    OPEN,
    OTHER_ADMIN,
    PAGE,
    SETUP,
    SETUP_LINKS,
    USERS,
    browser,
    read,
)

pytestmark = pytest.mark.django_db

SETUP_GENERATE = f"{SETUP}generate/"
LINK = re.compile(rf"http://testserver{OPEN}#(tscimsetup_[\w-]+:[\w-]+)")
DOES_NOT_WORK = "This link does not work."


def create(admin: Client, hours: int = 24) -> str:
    """Create a setup link, and return its code."""
    response = admin.post(SETUP_LINKS, {"hours": hours})
    assert response.status_code == 200
    (code,) = LINK.findall(response.text)
    return str(code)


def colleague(code: str) -> Client:
    """The browser of somebody without an account who has opened the link with this code."""
    client = Client()
    response = client.post(OPEN, {"code": code})
    assert (response.status_code, response["Location"]) == (302, SETUP)
    return client


def events() -> list[tuple[str, str]]:
    found = ScimEvent.objects.filter(account="acme").order_by("pk")
    return [(event.action, event.actor) for event in found]


class TestCreating:
    def test_shows_the_link_once_and_stores_its_digest(self, admin: Client) -> None:
        response = admin.post(SETUP_LINKS, {"hours": 24})

        (code,) = LINK.findall(response.text)
        assert "no-store" in response["Cache-Control"]
        link = SetupLink.objects.get()
        assert (link.account, link.created_by.username) == ("acme", ADMIN)
        assert timedelta(hours=23) < link.expires_at - timezone.now() <= timedelta(hours=24)
        assert not any(code.partition(":")[0] in str(value) for value in vars(link).values())
        assert events() == [("setup_link_created", f"SCIM Configuration: {ADMIN}")]
        assert "tscimsetup_" not in admin.get(SETUP_LINKS).text
        assert "tscimsetup_" not in str(response.cookies) + str(dict(admin.session))

    @pytest.mark.parametrize("hours", [1, 8, 24, 72])
    def test_offers_some_lifetimes(self, admin: Client, hours: int) -> None:
        create(admin, hours)

        left = SetupLink.objects.get().expires_at - timezone.now()
        assert timedelta() < timedelta(hours=hours) - left < timedelta(minutes=5)

    @pytest.mark.parametrize("hours", ["", "0", "9999", "x"])
    def test_offers_no_other(self, admin: Client, hours: str) -> None:
        response = admin.post(SETUP_LINKS, {"hours": hours})

        assert response.status_code == 400
        assert not SetupLink.objects.exists()

    def test_a_day_is_the_default(self, admin: Client) -> None:
        assert '<option value="24" selected>24 hours</option>' in admin.get(SETUP_LINKS).text

    def test_open_links_are_listed_with_who_made_them(self, admin: Client) -> None:
        colleague(create(admin))
        create(browser(OTHER_ADMIN))
        SetupLink.objects.filter(account="acme").update(created_at=timezone.now())
        expired = SetupLink.objects.get(pk=create(admin) and SetupLink.objects.latest("pk").pk)
        SetupLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

        text = read(admin.get(SETUP_LINKS))

        assert "Open setup links (1)" in text
        assert f"Created by {ADMIN}" in text
        assert "Opened once, just now" in text
        assert "globex" not in text


class TestOpening:
    def test_leads_to_the_page_by_a_cookie_for_its_path_alone(self, admin: Client) -> None:
        code = create(admin)
        client = Client()

        assert client.get(OPEN).status_code == 200
        assert not SetupLink.objects.get().uses
        response = client.post(OPEN, {"code": code}, secure=True)

        assert response["Location"] == SETUP
        cookie: Any = response.cookies[COOKIE]
        assert cookie["path"] == SETUP
        assert cookie["httponly"]
        assert cookie["secure"]
        assert cookie["samesite"] == "Lax"
        assert 0 < cookie["max-age"] <= 24 * 60 * 60
        assert code not in str(response.headers) + str(response.cookies)
        assert response["Referrer-Policy"] == "same-origin"

    def test_takes_the_whole_link_too(self, admin: Client) -> None:
        colleague(f" http://testserver{OPEN}#{create(admin)} ")

    def test_is_an_event_each_time(self, admin: Client) -> None:
        code = create(admin)

        colleague(code)
        colleague(code)

        link = SetupLink.objects.get()
        assert link.uses == 2
        assert link.last_used_at is not None
        assert events()[1:] == [("setup_link_used", f"Setup link {link.pk} of {ADMIN}")] * 2
        assert ScimEvent.objects.latest("pk").address == "127.0.0.1"

    @pytest.mark.parametrize("code", ["", "x", "tscimsetup_x:y", "\0", "a" * 501])
    def test_with_another_code_does_not_work(self, admin: Client, code: str) -> None:
        create(admin)

        response = Client().post(OPEN, {"code": code})

        assert response.status_code == 400
        assert COOKIE not in response.cookies
        assert not SetupLink.objects.get().uses

    def test_with_a_code_that_was_signed_by_another_key_does_not_work(
        self, admin: Client, settings: LazySettings
    ) -> None:
        code = create(admin)
        settings.SECRET_KEY = "another"

        assert DOES_NOT_WORK in read(Client().post(OPEN, {"code": code}))

    def test_after_it_has_expired_does_not_work(self, admin: Client) -> None:
        code = create(admin)
        SetupLink.objects.update(expires_at=timezone.now())

        assert DOES_NOT_WORK in read(Client().post(OPEN, {"code": code}))
        assert not SetupLink.objects.get().uses

    def test_after_its_end_tells_the_admins_of_its_account(self, admin: Client) -> None:
        code = create(admin)
        SetupLink.objects.update(revoked_at=timezone.now())

        for _ in range(3):
            assert DOES_NOT_WORK in read(Client().post(OPEN, {"code": code}))

        key = SetupLink.objects.get().pk
        assert "Setup link refused 410 3 times" in read(admin.get(PAGE))
        assert "Somebody opened a setup link that does not work" in read(admin.get(PAGE))
        shown = read(admin.get(EVENTS, {"cause": "setup_link_ended"}))
        assert "Setup link refused The link was revoked at" in shown
        assert f"setup link {key} Refused 3 times Setup link {key} of {ADMIN}" in shown
        assert f"setup link {key}" not in read(browser(OTHER_ADMIN).get(EVENTS))

    @pytest.mark.parametrize("how", ["deactivated", "deleted"])
    def test_after_its_creator_is_gone_does_not_work(self, admin: Client, how: str) -> None:
        code = create(admin)
        client = colleague(code)
        creator = User.objects.filter(username=ADMIN)
        if how == "deleted":
            creator.get().delete()
        else:
            creator.update(is_active=False)

        assert DOES_NOT_WORK in read(Client().post(OPEN, {"code": code}))
        assert client.get(SETUP)["Location"] == OPEN

    def test_the_code_is_in_no_log_and_no_event(
        self, admin: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        code = create(admin)
        client = colleague(code)
        client.get(SETUP)

        secret = code.partition(":")[0]
        assert secret not in caplog.text
        assert not any(secret in str(vars(event)) for event in ScimEvent.objects.all())
        assert secret not in client.get(OPEN).text


class TestUsing:
    def test_shows_what_is_needed_to_connect_and_no_people(
        self, okta: Scim, others: Scim, admin: Client
    ) -> None:
        make_refusal(account="acme", resource_name="wile@acme.example", detail="wile is taken")
        client = colleague(create(admin))

        response = client.get(SETUP)

        text = read(response)
        assert "Acme Inc." in text
        assert 'value="http://testserver/scim/v2" readonly' in response.text
        assert "Okta is connected" in text
        assert "Configure API Integration" in text
        assert "User refused" in text
        for name in ("wile", "tweety", "Roadrunners", ADMIN, PAGE + "events", "Revoke token"):
            assert name not in response.text
        assert not OF_GLOBEX.search(response.text)
        assert "no-store" in response["Cache-Control"]

    def test_generates_and_replaces_the_token_of_its_account(self, admin: Client) -> None:
        _, theirs = new_token("globex")
        client = colleague(create(admin))
        link = SetupLink.objects.get()

        first = shown_token(client.post(SETUP_GENERATE, {"token": ""}))
        fields = form_fields(client.get(SETUP).text, SETUP_GENERATE)
        assert client.post(SETUP_GENERATE, fields).status_code == 400
        second = shown_token(client.post(SETUP_GENERATE, {**fields, "confirm": "on"}))

        fields = form_fields(client.get(SETUP).text, SETUP_GENERATE)
        third = shown_token(client.post(SETUP_GENERATE, {**fields, "confirm": "on", "keep": "1"}))

        actor = f"Setup link {link.pk} of {ADMIN}"
        replaced = ("token_replaced", actor)
        assert events()[2:] == [("token_generated", actor), replaced, replaced]
        assert [api_status(each) for each in (first, second, third)] == [401, 200, 200]
        assert api_status(theirs) == 200
        page = client.get(SETUP).text
        assert "Previous token" in page
        assert "Revoke" not in page
        assert ScimToken.objects.get(account="acme", slot=Slot.NEWEST).created_by is None
        assert not PLAINTEXT.search(client.get(SETUP).text)

    def test_does_not_open_the_other_pages(self, okta: Scim, admin: Client) -> None:
        client = colleague(create(admin))
        token = ScimToken.objects.get()

        for page in (PAGE, EVENTS, USERS, GROUPS, SETUP_LINKS):
            assert client.get(page)["Location"].startswith("/accounts/login/")
        for form in (f"{PAGE}token/generate/", f"{PAGE}token/revoke/", SETUP_LINKS):
            client.post(form, {"token": token.pk, "confirm": "on", "hours": "24"})
        assert ScimToken.objects.get() == token
        assert SetupLink.objects.count() == 1

    def test_without_a_link_leads_to_where_one_is_opened(self, admin: Client) -> None:
        for client in (Client(), admin):
            for page in (SETUP, SETUP_GENERATE, f"{SETUP}leave/"):
                assert client.get(page)["Location"] == OPEN
                assert client.post(page, {"token": ""})["Location"] == OPEN
        assert not ScimToken.objects.exists()

    def test_with_a_forged_cookie_does_not_work(self, admin: Client) -> None:
        create(admin)
        client = Client()
        for value in (str(SetupLink.objects.get().pk), "1:x:y"):
            client.cookies[COOKIE] = value
            assert client.get(SETUP)["Location"] == OPEN
            assert client.post(SETUP_GENERATE, {"token": ""})["Location"] == OPEN
        assert not ScimToken.objects.exists()

    def test_needs_the_csrf_token(self, admin: Client) -> None:
        code = create(admin)
        strict = Client(enforce_csrf_checks=True)

        assert strict.post(OPEN, {"code": code}).status_code == 403
        fields = form_fields(strict.get(OPEN).text, OPEN)
        assert strict.post(OPEN, {**fields, "code": code}).status_code == 302
        assert strict.post(SETUP_GENERATE, {"token": ""}).status_code == 403
        fields = form_fields(strict.get(SETUP).text, SETUP_GENERATE)
        assert PLAINTEXT.search(strict.post(SETUP_GENERATE, fields).text)

    def test_ends_in_a_browser_that_is_left(self, admin: Client) -> None:
        code = create(admin)
        client = colleague(code)

        assert client.post(f"{SETUP}leave/")["Location"] == OPEN

        assert client.get(SETUP)["Location"] == OPEN
        colleague(code)

    def test_of_an_account_that_may_not_use_scim_changes_nothing(
        self, admin: Client, settings: LazySettings
    ) -> None:
        client = colleague(create(admin))
        settings.TILED_SCIM_ENABLED = False

        assert "Not enabled" in read(client.get(SETUP))
        assert client.post(SETUP_GENERATE, {"token": ""}).status_code == 403
        assert not ScimToken.objects.exists()


class TestRevoking:
    def test_ends_the_link_at_once_for_who_has_opened_it_too(self, admin: Client) -> None:
        code = create(admin)
        client = colleague(code)
        link = SetupLink.objects.get()

        response = admin.post(f"{SETUP_LINKS}{link.pk}/revoke/", follow=True)

        assert "The setup link has been revoked." in read(response)
        assert "There are no open setup links." in read(response)
        assert client.get(SETUP)["Location"] == OPEN
        assert client.post(SETUP_GENERATE, {"token": ""})["Location"] == OPEN
        assert DOES_NOT_WORK in read(client.post(OPEN, {"code": code}))
        assert not ScimToken.objects.exists()
        revoked, refused = events()[-2:]
        assert revoked == ("setup_link_revoked", f"SCIM Configuration: {ADMIN}")
        assert refused == ("", f"Setup link {link.pk} of {ADMIN}")

    def test_twice_is_one_event(self, admin: Client) -> None:
        create(admin)
        page = f"{SETUP_LINKS}{SetupLink.objects.get().pk}/revoke/"

        admin.post(page)
        response = admin.post(page, follow=True)

        assert "The setup link had ended already." in read(response)
        assert [action for action, _ in events()].count("setup_link_revoked") == 1

    def test_by_its_address_alone_does_nothing(self, admin: Client) -> None:
        create(admin)
        link = SetupLink.objects.get()

        assert admin.get(f"{SETUP_LINKS}{link.pk}/revoke/")["Location"] == SETUP_LINKS
        link.refresh_from_db()
        assert link.is_open

    def test_of_another_account_is_not_found(self, admin: Client) -> None:
        create(admin)
        link = SetupLink.objects.get()

        response = browser(OTHER_ADMIN).post(f"{SETUP_LINKS}{link.pk}/revoke/")

        assert response.status_code == 404
        link.refresh_from_db()
        assert link.is_open
