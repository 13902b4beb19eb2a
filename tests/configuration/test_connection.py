"""Tests of the first page: the base URL, the token, health and failures."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from tests.admin.browser import (
    NOT_AGAIN,
    OUTDATED,
    PLAINTEXT,
    api_status,
    confirmed,
    form_fields,
    shown_token,
)
from tests.audit.test_dashboard import make_refusal
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim.connections import Connection
from tiled_scim.errors import Cause
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimEvent, ScimToken
from tiled_scim.secret import digest

from .customers import (
    ADMIN,
    EVENTS,
    GENERATE,
    OF_GLOBEX,
    OTHER_ADMIN,
    PAGE,
    REVOKE,
    browser,
    column,
    read,
)

pytestmark = pytest.mark.django_db


def events(account: str = "acme") -> list[tuple[str, str]]:
    """Return the action and actor of the account's events about its connection."""
    found = Connection(account).events().filter(resource_type="").order_by("pk")
    return [(event.action, event.actor) for event in found]


class TestToken:
    def test_is_generated_for_the_account_and_shown_once(self, admin: Client) -> None:
        assert "Generate a token, and follow the steps below." in read(admin.get(PAGE))

        response = admin.post(GENERATE, form_fields(admin.get(PAGE).text, GENERATE))

        assert response.status_code == 200
        plaintext = shown_token(response)
        assert NOT_AGAIN in response.text
        token = ScimToken.objects.get()
        assert (token.account, token.digest) == ("acme", digest(plaintext))
        assert token.created_by is not None
        assert token.created_by.username == ADMIN
        assert api_status(plaintext) == 200
        assert events() == [("token_generated", f"SCIM Configuration: {ADMIN}")]
        assert ScimEvent.objects.get().address == "127.0.0.1"
        again = admin.get(PAGE)
        assert not PLAINTEXT.search(again.text)
        assert f"ending in {plaintext[-4:]}" in read(again)
        assert not LogEntry.objects.exists()

    def test_is_replaced_after_a_confirmation(self, admin: Client) -> None:
        token, earlier = new_token("acme")
        fields = form_fields(admin.get(PAGE).text, GENERATE)

        refused = admin.post(GENERATE, fields)
        assert refused.status_code == 400
        assert "Please confirm to continue." in refused.text
        assert api_status(earlier) == 200
        plaintext = shown_token(admin.post(GENERATE, {**fields, "confirm": "on"}))

        assert api_status(earlier) == 401
        assert api_status(plaintext) == 200
        token.refresh_from_db()
        assert token.revoked_at is not None
        assert events()[0] == ("token_replaced", f"SCIM Configuration: {ADMIN}")

    def test_is_revoked_after_a_confirmation(self, admin: Client) -> None:
        token, plaintext = new_token("acme")
        fields = form_fields(admin.get(PAGE).text, REVOKE)

        assert admin.post(REVOKE, fields).status_code == 400
        assert api_status(plaintext) == 200
        response = admin.post(REVOKE, {**fields, "confirm": "on"}, follow=True)

        assert response.redirect_chain == [(PAGE, 302)]
        assert f"The token ending in {token.last_four} has been revoked." in read(response)
        assert api_status(plaintext) == 401
        assert events()[0] == ("token_revoked", f"SCIM Configuration: {ADMIN}")

    def test_is_replaced_and_works_for_another_day_until_it_is_revoked(self, admin: Client) -> None:
        token, earlier = new_token("acme")
        fields = form_fields(admin.get(PAGE).text, GENERATE)

        response = admin.post(GENERATE, {**fields, "confirm": "on", "keep": "1"})

        plaintext = shown_token(response)
        assert f"The token ending in {token.last_four} works until" in read(response)
        assert api_status(earlier) == api_status(plaintext) == 200
        assert "Previous token Still works" in read(admin.get(PAGE))
        response = admin.post(REVOKE, confirmed(token), follow=True)
        assert f"The token ending in {token.last_four} has been revoked." in read(response)
        assert [api_status(earlier), api_status(plaintext)] == [401, 200]
        assert events() == [
            ("token_replaced", f"SCIM Configuration: {ADMIN}"),
            ("token_revoked", f"SCIM Configuration: {ADMIN}"),
        ]

    def test_that_is_kept_belongs_to_its_account_alone(self, admin: Client) -> None:
        theirs, plaintext = new_token("globex")
        new_token("globex", keep=timedelta(days=1))

        assert admin.post(REVOKE, confirmed(theirs)).status_code == 409
        assert "Previous token" not in read(admin.get(PAGE))
        assert api_status(plaintext) == 200

    @pytest.mark.parametrize("form", [GENERATE, REVOKE])
    def test_a_form_that_was_sent_twice_has_no_effect(self, admin: Client, form: str) -> None:
        seen, _ = new_token("acme")
        _, plaintext = new_token("acme")

        response = admin.post(form, confirmed(seen))

        assert response.status_code == 409
        assert OUTDATED in read(response)
        assert not PLAINTEXT.search(response.text)
        assert ScimToken.objects.count() == 2
        assert api_status(plaintext) == 200

    def test_of_another_account_is_not_accepted_as_the_one_that_was_seen(
        self, admin: Client
    ) -> None:
        theirs, plaintext = new_token("globex")

        for form in (GENERATE, REVOKE):
            assert admin.post(form, confirmed(theirs)).status_code == 409
        assert ScimToken.objects.get() == theirs
        assert api_status(plaintext) == 200

    def test_is_nowhere_but_in_the_answer(self, admin: Client) -> None:
        response = admin.post(GENERATE, {"token": ""})

        plaintext = shown_token(response)
        assert plaintext not in str(response.headers) + str(response.cookies) + str(admin.cookies)
        assert plaintext not in str(dict(admin.session))
        assert not any(plaintext in str(event.__dict__) for event in ScimEvent.objects.all())


class TestPage:
    def test_has_the_base_url_and_the_account(self, admin: Client) -> None:
        response = admin.get(PAGE, headers={"host": "localhost"})

        assert 'value="http://localhost/scim/v2" readonly' in response.text
        assert "Acme Inc." in read(response)

    def test_has_the_steps_of_okta_and_entra(self, admin: Client) -> None:
        text = read(admin.get(PAGE))

        assert "Configure API Integration" in text
        assert "Tenant URL" in text

    def test_shows_health_and_numbers_of_the_account_alone(
        self, okta: Scim, others: Scim, admin: Client
    ) -> None:
        text = read(admin.get(PAGE))

        assert "Okta is connected" in text
        assert "2 active users" in text
        assert "1 Library linked" in text
        assert not OF_GLOBEX.search(text)

    def test_shows_failures_with_what_to_do_and_leads_to_their_events(self, admin: Client) -> None:
        refused: dict[str, Any] = {"account": "acme", "cause": Cause.USERNAME_IN_USE}
        make_refusal(detail="ann is taken", times=2, **refused)
        make_refusal(account="globex", detail="hank is taken")
        make_refusal(account=None, detail="who is that?")

        response = admin.get(PAGE)

        text = read(response)
        assert "User refused 409 uniqueness 2 times" in text
        assert "A user here whom Okta does not manage has this username" in text
        assert not OF_GLOBEX.search(text)
        assert "who is that?" not in text
        (link,) = re.findall(rf'href="({EVENTS}\?[^"]+)"', response.text)
        assert column(admin.get(unescape(link)), 1) == ["Refused: PATCH User ann is taken"]

    def test_of_a_host_without_accounts_shows_unknown_callers_too(
        self, admin: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = HostAdapter
        settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = lambda request: ""
        make_refusal(account=None, status=401, scim_type="", resource_type="", detail="Who?")

        text = read(admin.get(PAGE))

        assert "Unknown caller refused" in text
        assert column(admin.get(EVENTS), 1) == ["Refused: PATCH Who?"]

    def test_of_each_admin_is_about_their_own_account(self, okta: Scim, others: Scim) -> None:
        assert "Globex Corporation" in read(browser(OTHER_ADMIN).get(PAGE))
        assert "Acme" not in read(browser(OTHER_ADMIN).get(PAGE))

    def test_shows_nothing_of_markup_that_was_sent(self, admin: Client) -> None:
        make_refusal(account="acme", resource_name="<script>alert(1)</script>")

        assert "<script>alert" not in admin.get(PAGE).text

    def test_says_when_the_token_expires(self, admin: Client) -> None:
        new_token("acme", lifetime=timedelta(days=3))
        Connection("acme").tokens().update(last_used_at=timezone.now())

        assert "The token expires in 3 days." in read(admin.get(PAGE))


class TestMarkup:
    @pytest.fixture(params=["no token", "new token", "connected", "kept", "not confirmed"])
    def response(self, request: pytest.FixtureRequest, admin: Client) -> Any:
        if request.param == "no token":
            return admin.get(PAGE)
        if request.param == "new token":
            return admin.post(GENERATE, {"token": ""})
        token, plaintext = new_token("acme")
        api_status(plaintext)
        make_refusal(account="acme")
        if request.param == "kept":
            new_token("acme", keep=timedelta(days=1))
            return admin.get(PAGE)
        return (
            admin.get(PAGE)
            if request.param == "connected"
            else admin.post(REVOKE, {"token": token.pk})
        )

    def test_needs_nothing_inline(self, response: Any) -> None:
        text = response.text

        assert not re.search(r"<script(?![^>]* src=)", text)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)

    def test_ids_are_unique_and_every_reference_has_its_element(self, response: Any) -> None:
        ids = re.findall(r'\sid="([^"]+)"', response.text)
        references = re.findall(
            r'\s(?:for|aria-labelledby|aria-describedby|data-copies|data-outcome)="([^"]+)"',
            response.text,
        )

        assert len(ids) == len(set(ids))
        assert {name for reference in references for name in reference.split()} <= set(ids)
