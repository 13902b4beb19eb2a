"""Tests of generating and revoking tokens: what is shown, stored, logged and refused."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core import serializers
from django.db.models.signals import post_save
from django.test import Client
from django.utils import timezone
from django.views.debug import ExceptionReporter

from tests.admin.browser import (
    GENERATE,
    NOT_AGAIN,
    OUTDATED,
    PAGE,
    PLAINTEXT,
    REVOKE,
    api_status,
    confirmed,
    form_fields,
    generated,
    shown_token,
)
from tests.tokens import new_token
from tiled_scim.models import ScimToken
from tiled_scim.secret import digest

pytestmark = pytest.mark.django_db


class TestGenerate:
    def test_the_token_is_shown_in_the_answer_works_and_is_kept_as_a_digest(
        self, page: Client, changer: User
    ) -> None:
        response = page.post(GENERATE, {"token": ""})

        assert response.status_code == 200
        plaintext = shown_token(response)
        assert NOT_AGAIN in response.text
        token = ScimToken.objects.get()
        assert token.digest == digest(plaintext)
        assert token.created_by == changer
        assert token.account == ""
        assert token.is_current
        assert api_status(plaintext) == 200

    def test_the_token_stands_in_a_labelled_field_that_cannot_be_written_to(
        self, page: Client
    ) -> None:
        response = page.post(GENERATE, {"token": ""})

        assert '<label for="new-token">API token</label>' in response.text
        (field,) = re.findall(r'<input type="text" id="new-token"[^>]*>', response.text)
        assert f'value="{shown_token(response)}"' in field
        assert "readonly" in field
        assert 'autocomplete="off"' in field

    def test_nothing_may_keep_the_answer(self, page: Client) -> None:
        response = page.post(GENERATE, {"token": ""})

        assert "no-store" in response["Cache-Control"]

    def test_the_page_does_not_show_it_again(self, page: Client) -> None:
        plaintext = generated(page)

        for response in (page.get(PAGE), page.get(GENERATE, follow=True), page.get("/admin/")):
            assert response.status_code == 200
            assert plaintext not in response.text
            assert NOT_AGAIN not in response.text

    def test_the_token_is_nowhere_but_in_the_answer(
        self, page: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        response = page.post(GENERATE, {"token": ""})

        plaintext = shown_token(response)
        assert plaintext not in str(response.headers) + str(response.cookies)
        assert plaintext not in str(page.cookies)
        assert plaintext not in json.dumps(dict(page.session))
        assert [str(message) for message in get_messages(response.wsgi_request)] == []
        assert plaintext not in caplog.text
        rows = [*ScimToken.objects.all(), *LogEntry.objects.all(), *User.objects.all()]
        assert plaintext not in serializers.serialize("json", rows)

    def test_replacing_needs_the_confirmation(self, page: Client) -> None:
        token, plaintext = new_token()

        response = page.post(GENERATE, {"token": token.pk})

        assert response.status_code == 400
        assert "Please confirm to continue." in response.text
        assert response.text.count('<details name="token-action"') == 2
        assert response.text.count('<details name="token-action" open>') == 1
        assert not PLAINTEXT.search(response.text)
        assert ScimToken.objects.get() == token
        assert api_status(plaintext) == 200

    def test_replacing_warns_and_ends_the_earlier_token_at_once(self, page: Client) -> None:
        earlier = generated(page)
        before = page.get(PAGE)
        assert "The current token stops working immediately" in before.text

        fields = form_fields(before.text, GENERATE)
        response = page.post(GENERATE, fields | {"confirm": "on"})

        plaintext = shown_token(response)
        assert f"The token ending in {earlier[-4:]} has stopped working" in response.text
        assert api_status(earlier) == 401
        assert api_status(plaintext) == 200
        assert ScimToken.objects.count() == 2
        assert ScimToken.objects.exclude(slot=None).count() == 1

    @pytest.mark.parametrize("is_confirmed", [False, True])
    def test_sending_the_form_again_generates_nothing(
        self, page: Client, is_confirmed: bool
    ) -> None:
        fields = {"token": ""} | ({"confirm": "on"} if is_confirmed else {})
        plaintext = shown_token(page.post(GENERATE, fields))

        response = page.post(GENERATE, fields)

        assert response.status_code == 409
        assert OUTDATED in response.text
        assert not PLAINTEXT.search(response.text)
        assert ScimToken.objects.count() == 1
        assert api_status(plaintext) == 200

    def test_sending_the_form_of_a_replacement_again_generates_nothing(self, page: Client) -> None:
        fields = confirmed(new_token()[0])
        plaintext = shown_token(page.post(GENERATE, fields))

        response = page.post(GENERATE, fields)

        assert response.status_code == 409
        assert OUTDATED in response.text
        assert not PLAINTEXT.search(response.text)
        assert ScimToken.objects.count() == 2
        assert api_status(plaintext) == 200

    @pytest.mark.parametrize("value", ["0", "no number", "1\x00", "9" * 5000])
    def test_any_other_value_is_outdated(self, page: Client, value: str) -> None:
        response = page.post(GENERATE, {"token": value, "confirm": "on"})

        assert response.status_code == 409
        assert not ScimToken.objects.exists()

    def test_an_outdated_page_can_be_sent_again_once_it_is_seen(self, page: Client) -> None:
        token, _ = new_token()

        outdated = page.post(GENERATE, confirmed(None))

        assert form_fields(outdated.text, GENERATE)["token"] == str(token.pk)
        assert form_fields(outdated.text, REVOKE)["token"] == str(token.pk)

    def test_the_address_alone_leads_to_the_page_and_generates_nothing(self, page: Client) -> None:
        for response in (page.get(GENERATE), page.head(GENERATE), page.put(GENERATE)):
            assert response.status_code == 302
            assert response["Location"] == PAGE
        assert not ScimToken.objects.exists()

    def test_the_lifetime_is_that_of_the_setting(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_TOKEN_LIFETIME = timedelta(days=30)

        generated(page)

        token = ScimToken.objects.get()
        assert token.expires_at is not None
        assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)


class TestRevoke:
    def test_the_token_stops_working_at_once_and_the_page_says_so(self, page: Client) -> None:
        token, plaintext = new_token()

        response = page.post(REVOKE, confirmed(token))

        assert response.status_code == 302
        assert response["Location"] == PAGE
        assert api_status(plaintext) == 401
        token.refresh_from_db()
        assert token.revoked_at is not None
        after = page.get(PAGE).text
        assert f"The token ending in {token.last_four} has been revoked." in after
        assert "No token" in after

    def test_revoking_needs_the_confirmation(self, page: Client) -> None:
        token, plaintext = new_token()

        response = page.post(REVOKE, {"token": token.pk})

        assert response.status_code == 400
        assert response.text.count('<details name="token-action" open>') == 1
        assert api_status(plaintext) == 200

    def test_a_token_that_the_person_has_not_seen_is_not_revoked(self, page: Client) -> None:
        seen, _ = new_token()
        _, plaintext = new_token()

        response = page.post(REVOKE, confirmed(seen))

        assert response.status_code == 409
        assert OUTDATED in response.text
        assert api_status(plaintext) == 200

    def test_without_a_token_there_is_nothing_to_revoke(self, page: Client) -> None:
        response = page.post(REVOKE, confirmed(None))

        assert response.status_code == 409
        assert OUTDATED in response.text

    def test_the_address_alone_leads_to_the_page_and_revokes_nothing(self, page: Client) -> None:
        _, plaintext = new_token()

        response = page.get(REVOKE)

        assert response.status_code == 302
        assert response["Location"] == PAGE
        assert api_status(plaintext) == 200


class TestLog:
    def test_the_admin_s_log_has_what_was_done_and_by_whom(
        self, page: Client, changer: User
    ) -> None:
        first = generated(page)
        second = shown_token(page.post(GENERATE, confirmed(ScimToken.objects.current().newest)))
        page.post(REVOKE, confirmed(ScimToken.objects.current().newest))

        entries = LogEntry.objects.order_by("pk")
        assert [
            (entry.action_flag, entry.object_repr, entry.get_change_message()) for entry in entries
        ] == [
            (ADDITION, f"…{first[-4:]}", "Generated."),
            (
                ADDITION,
                f"…{second[-4:]}",
                f"Generated. It replaces the token ending in {first[-4:]}.",
            ),
            (CHANGE, f"…{second[-4:]}", "Revoked."),
        ]
        assert {entry.user for entry in entries} == {changer}
        assert first not in serializers.serialize("json", entries)
        assert second not in serializers.serialize("json", entries)

    def test_what_is_refused_leaves_no_entry(self, page: Client) -> None:
        token, _ = new_token()

        page.post(GENERATE, {"token": token.pk})
        page.post(GENERATE, confirmed(None))
        page.post(REVOKE, {"token": token.pk})

        assert not LogEntry.objects.exists()

    def test_what_cannot_be_logged_is_not_done(self, page: Client) -> None:
        token, plaintext = new_token()

        with broken_log():
            for action in (GENERATE, REVOKE):
                with pytest.raises(RuntimeError):
                    page.post(action, confirmed(token))

        assert ScimToken.objects.get().is_current
        assert api_status(plaintext) == 200

    def test_a_report_of_an_error_does_not_have_the_token(self, page: Client) -> None:
        with broken_log(), pytest.raises(RuntimeError) as raised:
            page.post(GENERATE, {"token": ""})

        report = ExceptionReporter(None, raised.type, raised.value, raised.tb).get_traceback_html()
        assert "generate_view" in report
        assert not PLAINTEXT.search(report)


@contextmanager
def broken_log() -> Iterator[None]:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("the log is full")

    post_save.connect(fail, sender=LogEntry)
    try:
        yield
    finally:
        post_save.disconnect(fail, sender=LogEntry)
