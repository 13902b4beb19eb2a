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
    content,
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


class TestKeep:
    """The form can keep the token that is replaced, for a day or a week."""

    @pytest.mark.parametrize(("days", "ends"), [("1", timedelta(days=1)), ("7", timedelta(days=7))])
    def test_both_tokens_work_until_the_old_one_ends(
        self, page: Client, days: str, ends: timedelta
    ) -> None:
        token, earlier = new_token()

        response = page.post(GENERATE, {**confirmed(token), "keep": days})

        token.refresh_from_db()
        assert token.expires_at is not None
        assert abs(token.expires_at - timezone.now() - ends) < timedelta(minutes=5)
        assert f"The token ending in {token.last_four} works until " in content(response)
        assert "has stopped working" not in content(response)
        assert api_status(shown_token(response)) == api_status(earlier) == 200
        message = LogEntry.objects.get().get_change_message()
        assert message == (
            f"Generated. It replaces the token ending in {token.last_four}, which works until "
            f"{token.expires_at.isoformat(timespec='minutes')}."
        )

    def test_at_once_is_chosen_if_nothing_else_is(self, page: Client) -> None:
        new_token()

        html = page.get(PAGE).text

        chosen = re.findall(r'<input type="radio"[^>]*>', html)
        assert ['value="0"' in radio for radio in chosen] == [True, False, False]
        assert ["checked" in radio for radio in chosen] == [True, False, False]

    @pytest.mark.parametrize("keep", ["2", "8", "-1", "x", "1\x00"])
    def test_other_times_are_refused(self, page: Client, keep: str) -> None:
        token, plaintext = new_token()

        response = page.post(GENERATE, {**confirmed(token), "keep": keep})

        assert response.status_code == 400
        assert "Select a valid choice" in response.text
        assert ScimToken.objects.get() == token
        assert api_status(plaintext) == 200

    def test_a_form_without_the_confirmation_still_has_the_choice(self, page: Client) -> None:
        token, _ = new_token()

        response = page.post(GENERATE, {"token": token.pk, "keep": "7"})

        assert response.status_code == 400
        (checked,) = re.findall(r'<input type="radio"[^>]* checked[^>]*>', response.text)
        assert 'value="7"' in checked

    def test_the_page_says_what_ends_with_the_next_replacement(self, page: Client) -> None:
        earlier, plaintext = new_token()
        token, _ = new_token(keep=timedelta(days=1))
        will_end = f"The previous token, ending in {earlier.last_four}, stops working immediately"
        assert will_end in content(page.get(PAGE))

        response = page.post(GENERATE, {**confirmed(token), "keep": "7"})

        ended = f"The token ending in {earlier.last_four}, which was replaced before, has stopped"
        assert ended in content(response)
        assert api_status(plaintext) == 401
        assert ScimToken.objects.exclude(slot=None).count() == 2

    def test_the_previous_token_is_shown_with_its_last_use_and_its_end(self, page: Client) -> None:
        earlier, plaintext = new_token()
        api_status(plaintext)
        new_token(keep=timedelta(days=7))

        text = content(page.get(PAGE))

        assert "Previous token Still works No request has used the new token yet." in text
        _, _, previous = text.partition("Previous token Still works")
        assert f"ending in {earlier.last_four}" in previous
        assert "Stops working" in previous
        assert "(in 7 days)" in previous
        assert "from 127.0.0.1" in previous
        assert f"Okta still uses the previous token, ending in {earlier.last_four}." in text

    def test_the_page_says_whether_it_is_still_used(self, page: Client) -> None:
        earlier, _ = new_token()
        newest, _ = new_token(keep=timedelta(days=7))
        now = timezone.now()
        newest.mark_used(now - timedelta(hours=1), timedelta())
        done = "No request has used this token since the new one was first used, 1 hour ago."
        assert done in content(page.get(PAGE))

        earlier.mark_used(
            now - timedelta(minutes=5), timedelta(), address="192.0.2.7", client="Okta SCIM Client"
        )

        text = content(page.get(PAGE))
        assert (
            "This token was still used 5 minutes ago, from 192.0.2.7, by the client “Okta SCIM "
            "Client”. The new one was first used 1 hour ago."
        ) in text
        assert done not in text
        assert "Okta still uses the previous token" not in text

    def test_one_that_has_ended_by_itself_is_not_shown(self, page: Client) -> None:
        earlier, plaintext = new_token()
        new_token(keep=timedelta(days=1))
        ScimToken.objects.filter(pk=earlier.pk).update(expires_at=timezone.now())

        assert "Previous token" not in page.get(PAGE).text
        assert page.post(REVOKE, confirmed(earlier)).status_code == 409
        assert api_status(plaintext) == 401

    def test_each_of_the_two_is_revoked_alone(self, page: Client) -> None:
        for number in range(2):
            new_token()
            earlier = ScimToken.objects.current().newest
            newest, _ = new_token(keep=timedelta(days=1))
            revoked, other = (newest, earlier) if number else (earlier, newest)

            response = page.post(REVOKE, confirmed(revoked), follow=True)

            assert revoked is not None
            assert f"The token ending in {revoked.last_four} has been revoked." in response.text
            assert ScimToken.objects.current() == (other, None)

    def test_revoking_the_previous_one_needs_its_own_confirmation(self, page: Client) -> None:
        earlier, plaintext = new_token()
        new_token(keep=timedelta(days=1))

        response = page.post(REVOKE, {"token": earlier.pk})

        assert response.status_code == 400
        assert response.text.count('<details name="token-action"') == 3
        assert response.text.count('<details name="token-action" open>') == 1
        _, _, opened = response.text.partition('<details name="token-action" open>')
        assert "Revoke previous token" in opened
        assert "<title>Error:" in " ".join(response.text.split())
        assert api_status(plaintext) == 200

    def test_a_viewer_sees_both_and_changes_neither(self, viewer_page: Client) -> None:
        earlier, _ = new_token()
        newest, _ = new_token(keep=timedelta(days=1))

        text = viewer_page.get(PAGE).text

        assert earlier.last_four in text
        assert newest.last_four in text
        assert REVOKE not in text
        for token in (earlier, newest):
            assert viewer_page.post(REVOKE, confirmed(token)).status_code == 403
        forged = {**confirmed(newest), "keep": "7"}
        assert viewer_page.post(GENERATE, forged).status_code == 403
        assert ScimToken.objects.current() == (newest, earlier)


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
