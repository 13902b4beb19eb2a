"""Okta's requests, played against servers that are not right: what is found, and what is said."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from tiled_scim.conformance import report
from tiled_scim.conformance.client import OktaClient
from tiled_scim.conformance.conversation import Conversation, Outcome, Result
from tiled_scim.conformance.groups import GROUP_NAME
from tiled_scim.conformance.sequence import SEQUENCE
from tiled_scim.conformance.users import USER_NAME
from tiled_scim.models import ScimToken

from .checking import SECRET, Check, assert_only_the_deactivated_person_is_left
from .faults import FAULTS, gone_after_the_first_create, members_twice, on, patches_of_users_dropped
from .servers import HTML, Fault, Reply, answering, faulty, self_signed, speaking


@pytest.fixture
def scim_url(live_server: LiveServer) -> str:
    return f"{live_server.url}/scim/v2"


@pytest.fixture
def check(transactional_db: None) -> Check:
    return Check(ScimToken.objects.generate()[1])


@pytest.fixture
def check_anything() -> Check:
    """For servers that take any token; without the database, which the command does not need."""
    return Check(SECRET)


def play_to(title: str, client: OktaClient) -> Result:
    """Play the sequence as far as the step of this title; returns how that one went."""
    okta = Conversation(client)
    results = (okta.play(step) for step in SEQUENCE)
    return next(result for result in results if result.step.title == title)


class TestAgainstServersWithAFault:
    @pytest.mark.parametrize(("fault", "title", "finding"), FAULTS)
    def test_the_fault_is_found_and_explained(
        self, check: Check, scim_url: str, fault: Fault, title: str, finding: str
    ) -> None:
        with faulty(scim_url, fault) as url:
            result = play_to(title, OktaClient(url, check.token))

        explanation = report.failure(result)
        assert result.outcome is Outcome.FAILED
        assert finding in explanation
        assert f"  In Okta: {result.step.consequence}\n" in explanation
        assert re.search(r"^  > [A-Z]+ http://", explanation, re.M)
        assert re.search(r"^  < \d{3} ", explanation, re.M)

    def test_a_lost_write_is_shown_with_the_state_that_gives_it_away(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        explanation = check.output.split("\nFAILED: ")[1]
        requests = re.findall(r"^  ([<>]) ([A-Z]+|\d{3}) ", explanation, re.M)
        assert requests == [(">", "PATCH"), ("<", "204"), (">", "GET"), ("<", "200")]

    def test_what_could_not_be_cleaned_up_is_said_and_is_a_failure(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        assert "Cleaning up ... FAILED\n  active is True, not False.\n" in check.output
        assert f"Deactivate {USER_NAME} and delete the group {GROUP_NAME} by hand" in check.output
        assert User.objects.get().is_active

    def test_a_failure_in_the_middle_is_cleaned_up_behind(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, members_twice) as url:
            assert not check.run(url)

        assert "Cleaning up ... done" in check.output
        assert_only_the_deactivated_person_is_left()

    def test_a_server_that_goes_away_ends_the_run(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, gone_after_the_first_create()) as url:
            assert not check.run(url)

        assert "  Assign a person (create) ... FAILED\n  The rest is not tried" in check.output
        assert re.search(
            r"Cleaning up \.\.\. FAILED\n  GET http://.* closed the conn", check.output
        )
        assert User.objects.get().is_active

    def test_steps_that_need_what_could_not_be_made_are_skipped(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            assert not check.run(url)

        assert "  Rename the group ... skipped\n" in check.output
        assert "Not tried, since there is no test group." in check.output
        assert re.search(r": \d+ passed, \d+ failed, \d+ skipped\.$", check.refusal)


class TestAgainstServersThatAreNotScim:
    """Each ends the run at its first request, in a sentence that says what is the matter."""

    def assert_refused(self, check: Check, url: str, sentence: str, **options: object) -> None:
        assert not check.run(url, **options)
        assert "  Test API Credentials ... FAILED\n" in check.output
        assert sentence in check.output
        assert "Nothing was changed on the server." in check.output
        assert check.refusal == (
            f"The server is not ready for Okta: 1 passed, 1 failed, {len(SEQUENCE) - 2} not tried."
        )

    @pytest.mark.parametrize(
        ("reply", "sentence"),
        [
            (
                Reply(200, {"content-type": "text/html; charset=utf-8"}, b"<!doctype html>Hello"),
                "The answer is an HTML page: is this the SCIM base URL",
            ),
            (Reply(404, {}, b"  <html>Not found"), "The answer is an HTML page"),
            (
                Reply(401, {"content-type": "application/json"}, b"{}"),
                "The server refused the token: it is wrong, was replaced or revoked, or expired.",
            ),
            (
                Reply(301, {"location": "https://example.com/scim/v2/Users"}),
                "The server redirects to https://example.com/scim/v2/Users;",
            ),
            (
                Reply(
                    403, {"content-type": "application/json"}, b'{"detail": "Not in your plan."}'
                ),
                "The server says: Not in your plan.",
            ),
            (Reply(200, {}, b"{}"), "The content type is missing, not application/scim+json."),
            (
                Reply(200, {"content-type": "application/json"}, b"[1]"),
                "The body is not a JSON object.",
            ),
            (Reply(200, {"content-type": "application/json"}, b"{"), "The body is not a JSON"),
            (
                Reply(200, {"content-encoding": "gzip"}, b"not compressed"),
                "is not compressed as it says: Not a gzipped file",
            ),
        ],
    )
    def test_an_answer_that_is_not_scim(
        self, check_anything: Check, reply: Reply, sentence: str
    ) -> None:
        with answering(lambda call: reply) as url:
            self.assert_refused(check_anything, url, sentence)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"Resources": {}},
            {"Resources": None},
            {"Resources": [1]},
            {"Resources": [{}]},
            {"Resources": [{"id": 1, "schemas": "User", "meta": []}]},
            {"Resources": [], "totalResults": True, "startIndex": 1, "itemsPerPage": 0},
            {"Resources": [], "totalResults": 0, "startIndex": 1.0, "itemsPerPage": None},
        ],
    )
    def test_json_of_another_shape(self, check_anything: Check, body: object) -> None:
        reply = Reply(200, {"content-type": "application/scim+json"}).with_json(body)
        with answering(lambda call: reply) as url:
            self.assert_refused(check_anything, url, " is ")

    def test_nobody_listens(self, check_anything: Check) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            self.assert_refused(check_anything, url, "the connection was refused.")

    def test_there_is_no_such_host(self, check_anything: Check) -> None:
        self.assert_refused(check_anything, "http://scim.invalid", "There is no host of the name")

    def test_no_answer_comes(self, check_anything: Check) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.assert_refused(check_anything, url, "gave no answer within 0.1 s", timeout=0.1)

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            (b"", "closed the connection without an answer"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP, or broken"),
        ],
    )
    def test_what_answers_does_not_speak_http(
        self, check_anything: Check, said: bytes, sentence: str
    ) -> None:
        with speaking(said) as url:
            self.assert_refused(check_anything, url, sentence)

    def test_https_where_there_is_only_http(self, check_anything: Check) -> None:
        with answering(lambda call: HTML) as url:
            self.assert_refused(
                check_anything, url.replace("http:", "https:"), "Is it https that answers there?"
            )

    @pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
    def test_a_certificate_that_nobody_trusts(self, check_anything: Check, tmp_path: Path) -> None:
        with speaking(b"", self_signed(tmp_path)) as url:
            self.assert_refused(
                check_anything, url.replace("http:", "https:"), "is not trusted, and Okta would not"
            )
