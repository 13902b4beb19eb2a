"""Tests of `scim_check`: against the simple project, its output and its arguments."""

from __future__ import annotations

import _thread
import gzip
import itertools
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.servers import HTML, Call, Forward, Recorder, Reply, answering, faulty
from tests.simple_project.libraries.models import Library
from tiled_scim.models import UserLink
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.okta import groups, users
from tiled_scim.provider_check.okta.sequence import SEQUENCE
from tiled_scim.provider_check.session import Outcome, Session

from .checking import (
    NAMES,
    SECRET,
    Check,
    assert_only_the_deactivated_person_is_left,
    failed_steps,
    step_of,
)
from .choices import nobody_is_created_again, nobody_is_deleted


class TestAgainstTheExampleProject:
    def test_every_step_passes_and_one_deactivated_person_is_left(
        self, check: Check, scim_url: str
    ) -> None:
        assert check.run(scim_url), check.output

        assert f"The server is ready for Okta: {len(SEQUENCE)} passed." in check.output
        assert f"Left on the server: the test user {NAMES.user}, deactivated" in check.output
        assert_only_the_deactivated_person_is_left()

    def test_a_server_that_supports_everything_gets_no_notes(
        self, check: Check, scim_url: str
    ) -> None:
        check.run(scim_url)

        assert "Note:" not in check.output

    def test_a_second_run_uses_the_test_user_of_the_first(
        self, check: Check, scim_url: str
    ) -> None:
        assert check.run(scim_url + "/")
        first = UserLink.objects.get()

        assert check.run(scim_url)

        assert UserLink.objects.get().pk == first.pk
        assert_only_the_deactivated_person_is_left()

    @pytest.mark.parametrize(
        "last_step",
        [users.assign, users.unassign, groups.push_group, groups.rename_group, groups.put_group],
    )
    def test_a_run_cleans_up_after_an_interrupted_one(
        self, check: Check, scim_url: str, last_step: Callable[[Session], None]
    ) -> None:
        interrupted = Session(OktaClient(scim_url, check.token))
        for step in SEQUENCE:
            assert interrupted.play(step).outcome is Outcome.PASSED
            if step.run is last_step:
                break

        assert check.run(scim_url), check.output

        assert UserLink.objects.get().pk.hex == (interrupted.user_id or "").replace("-", "")
        assert_only_the_deactivated_person_is_left()

    def test_an_admin_left_by_an_interrupted_run_loses_the_role(
        self, check: Check, scim_url: str
    ) -> None:
        assert check.run(scim_url)
        User.objects.update(is_active=True, is_staff=True)
        another_admin = User.objects.create_superuser("root")

        assert check.run(scim_url), check.output

        another_admin.delete()
        assert_only_the_deactivated_person_is_left()

    def test_other_people_and_libraries_are_left_alone(self, check: Check, scim_url: str) -> None:
        ada = User.objects.create_user("ada@example.com")
        surfaces = Library.objects.create(name="Surfaces")
        surfaces.members.add(ada)

        assert check.run(scim_url), check.output

        ada.refresh_from_db()
        assert ada.is_active
        assert list(surfaces.members.all()) == [ada]

    def test_ctrl_c_cleans_up(self, check: Check, scim_url: str) -> None:
        def interrupt(call: Call, forward: Forward) -> Reply:
            reply = forward(call)
            if call.method == "POST" and call.path.endswith("/Groups"):
                _thread.interrupt_main()
            return reply

        with faulty(scim_url, interrupt) as url:
            assert not check.run(url)

        assert (check.error_message, check.code) == ("Interrupted.", 130)
        assert re.search(
            r"^ 22  passed +\d+  Look up a group that does not exist$", check.output, re.M
        )
        assert "Push a group\n" not in check.output  # it was in the middle of that
        assert_only_the_deactivated_person_is_left()

    def test_ctrl_c_during_the_clean_up_shows_what_is_left(
        self, check: Check, scim_url: str
    ) -> None:
        is_cleaning_up = False

        def interrupt_twice(call: Call, forward: Forward) -> Reply:
            nonlocal is_cleaning_up
            reply = forward(call)
            if is_cleaning_up or (call.method == "POST" and call.path.endswith("/Groups")):
                is_cleaning_up = True
                _thread.interrupt_main()
            return reply

        with faulty(scim_url, interrupt_twice) as url:
            assert not check.run(url)

        assert check.code == 130
        assert "FAILED: Cleaning up\n  Interrupted.\n" in check.output
        assert f"Deactivate {NAMES.user} and delete the group" in check.output

    def test_a_throttled_request_is_retried(self, check: Check, scim_url: str) -> None:
        turns = itertools.cycle((Reply(429, {"Retry-After": "0"}), None))

        def refuse_every_other(call: Call, forward: Forward) -> Reply:
            return next(turns) or forward(call)

        with faulty(scim_url, refuse_every_other) as url:
            assert check.run(url), check.output

    @pytest.mark.parametrize("retry_after", ["", "soon", "Mon, 05 Jan 2026 10:00:00 GMT", "3600"])
    def test_a_429_without_a_wait_that_okta_understands_is_a_failure(
        self, check_anything: Check, retry_after: str
    ) -> None:
        with answering(lambda call: Reply(429, {"Retry-After": retry_after})) as url:
            assert not check_anything.run(url)

        assert "The status is 429, not 200." in check_anything.output

    def test_the_number_of_retries_is_limited(self, check_anything: Check) -> None:
        recorder = Recorder(Reply(429, {"Retry-After": "0"}))
        with answering(recorder) as url:
            assert not check_anything.run(url)

        assert len(recorder.calls) == 4

    @pytest.mark.parametrize(
        ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
    )
    def test_compressed_responses_are_read(
        self, check: Check, scim_url: str, encoding: str, compress: Callable[[bytes], bytes]
    ) -> None:
        def compressed(call: Call, forward: Forward) -> Reply:
            assert call.headers["accept-encoding"] == "gzip,deflate"
            reply = forward(call)
            if not reply.body:
                return reply
            return replace(reply, body=compress(reply.body)).with_header(
                "Content-Encoding", encoding
            )

        with faulty(scim_url, compressed) as url:
            assert check.run(url), check.output

    def test_a_server_that_does_not_reactivate_can_be_checked_repeatedly(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, nobody_is_created_again) as url:
            first, second = check.json(url), check.json(url)

        assert failed_steps(first) == failed_steps(second) == ["reassign_by_post"]
        deleted = [request["method"] for request in step_of(second, "assign")["requests"]]
        assert deleted[:3] == ["POST", "DELETE", "POST"]

    def test_a_user_that_can_be_neither_created_again_nor_deleted_is_activated(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, nobody_is_deleted) as url:
            check.run(url)
            document = check.json(url)

        assign = step_of(document, "assign")
        assert assign["outcome"] == "not_offered"
        assert "can be neither created again nor deleted" in assign["problem"]
        assert failed_steps(document) == ["reassign_by_post"]
        assert document["totals"]["skipped"] == 0


class TestWhatIsShown:
    def test_a_token_that_the_server_echoes_is_masked(self, check_anything: Check) -> None:
        def echo(call: Call) -> Reply:
            reply = Reply(400, {"content-type": "application/json"})
            return reply.with_json({"detail": f"What is {call.headers['authorization']}?"})

        with answering(echo) as url:
            check_anything.run(url)

        assert "The server says: What is Bearer ********?" in check_anything.output

    def test_the_password_that_was_sent_is_masked(self, check: Check, scim_url: str) -> None:
        sent = []

        def keep_and_fail(call: Call, forward: Forward) -> Reply:
            if call.method != "POST":
                return forward(call)
            sent.append(call.json.get("password"))
            return HTML

        with faulty(scim_url, keep_and_fail) as url:
            check.run(url)

        assert '"password": "********"' in check.output
        assert sent[0]
        assert sent[0] not in check.output

    def test_control_characters_of_the_server_do_not_reach_the_terminal(
        self, check_anything: Check
    ) -> None:
        reply = Reply(500, {"content-type": "text/plain"}, b"\x1b]0;owned\x07 \x9b31m")
        with answering(lambda call: reply) as url:
            check_anything.run(url)

        assert "?]0;owned?" in check_anything.output
        assert "\x1b" not in check_anything.output

    @pytest.mark.parametrize(("body", "rest"), [(b"x" * 5000, 1000), (b"<html>" + b"x" * 994, 600)])
    def test_a_long_response_is_cut_off(
        self, check_anything: Check, body: bytes, rest: int
    ) -> None:
        with answering(lambda call: Reply(500, {}, body)) as url:
            check_anything.run(url)

        assert f"(and {rest} more characters)" in check_anything.output

    def test_requests_look_like_those_of_okta(self, check_anything: Check) -> None:
        recorder = Recorder(HTML)
        with answering(recorder) as url:
            check_anything.run(f"{url}/scim/v2/")

        call = recorder.calls[0]
        headers = call.headers
        assert (call.method, call.path) == ("GET", "/scim/v2/Users?startIndex=1&count=2")
        assert headers["authorization"] == f"Bearer {SECRET}"
        assert headers["accept"] == "application/scim+json"
        assert headers["accept-charset"] == "utf-8"
        assert headers["user-agent"] == "Okta SCIM Client 1.0.0"

    def test_an_underscore_in_the_base_url_is_a_failure(self, check_anything: Check) -> None:
        with answering(lambda call: HTML) as url:
            check_anything.run(f"{url}/scim_v2")

        assert "  1  FAILED               Okta accepts the base URL\n" in (check_anything.output)


class TestArguments:
    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("example.com/scim/v2", "must look like https://example.com/scim/v2"),
            ("ftp://example.com", "must look like"),
            ("file:///etc/passwd", "must look like"),
            ("https://", "must look like"),
            ("https://example.com:0", "must look like"),
            ("https://example.com:99999", "The URL is invalid"),
            ("https://[::1", "The URL is invalid"),
            (
                "https://me:secret@example.com",
                "must not contain a user name, a query or a fragment",
            ),
            (
                "https://example.com/scim/v2?a=b",
                "must not contain a user name, a query or a fragment",
            ),
            (
                "https://example.com/scim/v2#top",
                "must not contain a user name, a query or a fragment",
            ),
            ("https://example.com/s cim", "a space or an invalid character"),
            ("https://exämple.com", "a space or an invalid character"),
        ],
    )
    def test_an_invalid_url_is_refused(
        self, check_anything: Check, url: str, sentence: str
    ) -> None:
        assert not check_anything.run(url)
        assert sentence in check_anything.error_message
        assert not check_anything.output

    @pytest.mark.parametrize(
        ("token", "sentence"),
        [
            (" ", "The token is empty."),
            ("tscim_one\r\nCookie: x", "contains an invalid character"),
            ("tscim_ö", "contains an invalid character"),
        ],
    )
    def test_an_invalid_token_is_refused_without_showing_it(
        self, token: str, sentence: str
    ) -> None:
        with pytest.raises(CommandError, match=sentence) as error:
            call_command("scim_check", url="https://example.com", token=token)

        assert token == " " or token not in str(error.value)

    @pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "3601"])
    def test_an_invalid_timeout_is_refused(self, check_anything: Check, timeout: str) -> None:
        assert not check_anything.run("https://example.com", timeout=float(timeout))
        assert check_anything.error_message == (
            "The timeout must be above 0 and at most 3600 seconds."
        )

    def test_the_token_may_come_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, db: None
    ) -> None:
        monkeypatch.setenv("SCIM_TOKEN", SECRET)
        recorder = Recorder(HTML)

        with answering(recorder) as url, pytest.raises(CommandError):
            call_command("scim_check", url=url, stdout=StringIO())

        assert recorder.calls[0].headers["authorization"] == f"Bearer {SECRET}"
