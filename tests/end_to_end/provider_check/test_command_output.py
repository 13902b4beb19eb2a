"""Tests of the output of `scim_check`: progress on a terminal, durations, JSON."""

from __future__ import annotations

import _thread
import json
import os
import pty
import re
from contextlib import suppress
from datetime import datetime
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from tests.documented.reference import COMMANDS_PAGE
from tests.servers import HTML, Call, Forward, Reply, answering, faulty, speaking
from tiled_scim.provider_check import expectations, report
from tiled_scim.provider_check.client import CLIENTS
from tiled_scim.provider_check.okta.sequence import SEQUENCE
from tiled_scim.provider_check.session import Outcome, Result

from .checking import SECRET, Check, Terminal, failed_steps, step_of
from .faults import on


def read_all(terminal: int) -> str:
    """Read what was written to a closed terminal, and close the other end."""
    content = b""
    with suppress(OSError):  # raised at the end
        while part := os.read(terminal, 65536):
            content += part
    os.close(terminal)
    return content.decode()


class TestProgress:
    def test_a_terminal_shows_each_running_step_and_then_its_result(
        self, check: Check, scim_url: str
    ) -> None:
        assert check.run(scim_url, on_terminal=True), check.output

        for number, step in enumerate(SEQUENCE, start=1):
            assert re.search(
                rf"^{number:>3}  \.\.\. +{re.escape(step.title)}\r"
                rf"{number:>3}  passed +\d* +{re.escape(step.title)}$",
                check.output.replace("\r\n", "\n"),
                re.M,
            ), step.title
        assert check.output.count("#  result") == 1

    def test_the_lines_of_a_running_and_a_finished_step_have_the_same_length(self) -> None:
        for number, step in enumerate(SEQUENCE, start=1):
            waiting = report.pending(number, step)
            done = report.row(number, Result(step, Outcome.NOT_OFFERED, seconds=9999.999))

            assert len(waiting) == len(done) < 80

    def test_without_a_terminal_only_the_result_is_written(
        self, check: Check, scim_url: str
    ) -> None:
        assert check.run(scim_url)

        assert "\r" not in check.output
        assert "..." not in check.output
        for number, step in enumerate(SEQUENCE, start=1):
            assert re.search(
                rf"^{number:>3}  passed +\d* +{re.escape(step.title)}$", check.output, re.M
            )

    def test_the_progress_stays_on_one_line_when_another_command_shows_it(
        self, check: Check, scim_url: str
    ) -> None:
        terminal = Terminal()
        call_command("scim_check", url=scim_url, token=check.token, stdout=OutputWrapper(terminal))

        assert "Test API Credentials\r  2  passed" in terminal.getvalue()

    def test_a_real_terminal_is_detected(self, check_anything: Check) -> None:
        main, terminal = pty.openpty()
        with (
            answering(lambda call: HTML) as url,
            os.fdopen(terminal, "w") as stdout,
            pytest.raises(CommandError),
        ):
            call_command("scim_check", url=url, token=SECRET, stdout=stdout)
        said = read_all(main)

        assert "  2  ...                  Test API Credentials\r" in said

    @pytest.mark.parametrize("on_terminal", [True, False])
    def test_quiet_mode_writes_nothing_on_success(
        self, check: Check, scim_url: str, on_terminal: bool
    ) -> None:
        assert check.run(scim_url, verbosity=0, on_terminal=on_terminal)

        assert check.output + check.errors == ""

    def test_quiet_mode_writes_failures(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, on("DELETE", "/Groups/", Reply(405))) as url:
            assert not check.run(url, verbosity=0)

        assert check.output.startswith("\nFAILED: Unlink the group and delete it\n")
        assert "passed" not in check.output
        assert "requests in" not in check.output

    def test_each_request_is_shown_with_verbosity_2(self, check: Check, scim_url: str) -> None:
        assert check.run(scim_url, verbosity=2)

        lines = re.findall(r"^ {26}([A-Z]+) (/\S+)  (\d{3})  \d+ ms$", check.output, re.M)
        assert lines[:2] == [
            ("GET", "/Users?startIndex=1&count=2", "200"),
            ("GET", "/Groups?startIndex=1&count=100", "200"),
        ]
        assert f"Sent {len(lines)} requests in " in check.output
        assert {method for method, _, _ in lines} == {"GET", "POST", "PUT", "PATCH", "DELETE"}

    def test_a_request_without_a_response_is_shown(self, check_anything: Check) -> None:
        with speaking(b"") as url:
            check_anything.run(url, verbosity=2)

        assert "GET /Users?startIndex=1&count=2  no response  " in check_anything.output

    def test_a_wait_that_the_server_requests_is_shown(self, check_anything: Check) -> None:
        replies = iter((Reply(429, {"Retry-After": "0"}), HTML))
        with answering(lambda call: next(replies)) as url:
            check_anything.run(url, on_terminal=True)

        assert "\nWaiting 0 seconds, as the server requested.\n" in check_anything.output

    def test_a_closed_output_stream_does_not_prevent_the_clean_up(
        self, check: Check, scim_url: str
    ) -> None:
        class Gone(Terminal):
            def write(self, text: str) -> int:
                if "Push a group" in text:
                    raise BrokenPipeError
                return super().write(text)

        with pytest.raises(BrokenPipeError):
            call_command("scim_check", url=scim_url, token=check.token, stdout=Gone())

        assert not User.objects.get().is_active


class TestTime:
    def test_the_table_shows_the_duration_of_each_step_that_sent_requests(
        self, check: Check, scim_url: str
    ) -> None:
        check.run(scim_url)

        times = re.findall(r"^ *(\d+)  passed +(\d*)  [A-Z]", check.output, re.M)
        assert [number for number, milliseconds in times if not milliseconds] == ["1"]

    def test_the_slowest_request_is_named(self, check_anything: Check) -> None:
        with answering(lambda call: HTML) as url:
            check_anything.run(url)

        assert re.search(
            r"^Sent 1 request in \d+\.\d seconds\. "
            r"The slowest took \d+ ms: GET /Users\?startIndex=1&count=2$",
            check_anything.output,
            re.M,
        )

    def test_a_slow_request_is_noted(
        self, check: Check, scim_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(expectations, "_SLOW_SECONDS", 0)

        assert check.run(scim_url)

        assert re.search(r"Note: POST /Users took \d+\.\d seconds\. That is slow", check.output)

    def test_a_request_that_exceeds_the_timeout_of_okta_is_a_failure(
        self, check: Check, scim_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(expectations, "TIMEOUT_SECONDS", 0)

        assert not check.run(scim_url)

        assert "GET /Users?startIndex=1&count=2 took" in check.output
        assert "changes in a request and gives up after 60 seconds." in check.output


NAMES = [
    "base_url",
    "credentials",
    "discovery",
    "bare_token",
    "wrong_token",
    "unknown_users",
    "unknown_group",
    "unknown_user_name",
    "take_up",
    "assign",
    "assign_twice",
    "look_up_in_capitals",
    "import_pages",
    "update_profile",
    "push_empty_values",
    "unassign",
    "reassign",
    "unassign_by_put",
    "tiled_admin",
    "reassign_by_post",
    "reassign_by_put",
    "unknown_group_name",
    "push_group",
    "add_member",
    "rename_group",
    "mix_changes",
    "remove_member",
    "push_now",
    "put_group",
    "delete_group",
    "push_group_again",
    "leave_deactivated",
]
KEYS = {
    "base_url": str,
    "provider": str,
    "started": str,
    "seconds": float,
    "verdict": str,
    "error": type(None),
    "totals": dict,
    "slowest": dict,
    "load": type(None),
    "not_cleaned_up": list,
    "steps": list,
}
STEP_KEYS = {
    "number",
    "name",
    "title",
    "outcome",
    "seconds",
    "requests",
    "problem",
    "explanation",
    "advice",
    "notes",
}
LOAD_KEYS = {
    "rate",
    "seconds",
    "sent",
    "p50_milliseconds",
    "p95_milliseconds",
    "refusals",
    "failures",
}
REQUEST_KEYS = {"method", "path", "status", "milliseconds"}


class TestJson:
    """Programs read this output, so the keys, names and values must not change."""

    def test_a_server_that_is_ready(self, check: Check, scim_url: str) -> None:
        document = check.json(scim_url)

        assert (check.code, check.errors) == (0, "")
        assert {name: type(value) for name, value in document.items()} == KEYS
        assert (document["base_url"], document["provider"]) == (scim_url, "okta")
        assert datetime.fromisoformat(document["started"]).tzinfo is not None
        assert document["verdict"] == "ready"
        assert document["totals"] == {
            "passed": len(NAMES),
            "failed": 0,
            "skipped": 0,
            "not_offered": 0,
            "not_tried": 0,
        }
        assert document["slowest"].keys() == REQUEST_KEYS
        assert document["not_cleaned_up"] == []

    def test_its_steps(self, check: Check, scim_url: str) -> None:
        steps = check.json(scim_url)["steps"]

        assert [step["name"] for step in steps] == NAMES
        assert [step["number"] for step in steps] == list(range(1, len(NAMES) + 1))
        assert [step["title"] for step in steps] == [step.title for step in SEQUENCE]
        for step in steps:
            assert step.keys() == STEP_KEYS
            assert (step["outcome"], step["notes"]) == ("passed", [])
            assert step["problem"] is step["explanation"] is step["advice"] is None
            assert isinstance(step["seconds"], float)
            for request in step["requests"]:
                assert request.keys() == REQUEST_KEYS
                assert request["path"].startswith(("/Users", "/Groups", "/Service", "/Resource"))
                assert type(request["milliseconds"]) is int
        assert step_of({"steps": steps}, "wrong_token")["requests"][0]["status"] == 401

    def test_a_server_that_is_not_ready(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, on("DELETE", "/Groups/", Reply(405))) as url:
            document = check.json(url)

        assert (document["verdict"], check.code) == ("not_ready", 1)
        assert failed_steps(document) == ["delete_group"]
        assert step_of(document, "push_group_again")["outcome"] == "skipped"
        step = step_of(document, "delete_group")
        assert step["problem"] == "The status is 405, not 204."
        assert "“Method Not Allowed. Errors reported by remote" in step["explanation"]
        assert "check whether a proxy or firewall blocks" in step["advice"]
        assert document["not_cleaned_up"] == ["The status is 405, not 204."]

    def test_a_server_that_does_not_respond(self, check_anything: Check) -> None:
        with speaking(b"") as url:
            document = check_anything.json(url)

        assert document["totals"]["not_tried"] == len(SEQUENCE) - 2
        step = step_of(document, "credentials")
        [request] = step["requests"]
        assert (request["status"], request["path"]) == (None, "/Users?startIndex=1&count=2")
        assert "closed the connection without a response" in step["problem"]
        assert step["explanation"].startswith("Test API Credentials fails in Okta")
        assert step["advice"].startswith("Look for the cause in the logs of the server")

    def test_a_run_that_cannot_start(self, check_anything: Check) -> None:
        document = check_anything.json("https://me:secret@example.com")

        assert document.keys() == KEYS.keys()
        assert (document["verdict"], check_anything.code) == ("not_run", 1)
        assert document["error"] == check_anything.error_message
        assert "must not contain a user name" in document["error"]
        assert "secret" not in check_anything.output
        assert document["totals"] == {
            "passed": 0,
            "failed": 0,
            "skipped": 0,
            "not_offered": 0,
            "not_tried": len(SEQUENCE),
        }

    def test_a_run_that_is_interrupted(self, check: Check, scim_url: str) -> None:
        def interrupt(call: Call, forward: Forward) -> Reply:
            if call.path.endswith("/ResourceTypes"):
                _thread.interrupt_main()
            return forward(call)

        with faulty(scim_url, interrupt) as url:
            document = check.json(url)

        assert (document["verdict"], check.code) == ("interrupted", 130)
        assert [step["name"] for step in document["steps"]] == ["base_url", "credentials"]

    def test_a_token_that_the_server_echoes_is_masked(self, check_anything: Check) -> None:
        def echo(call: Call) -> Reply:
            reply = Reply(400, {"content-type": "application/json"})
            return reply.with_json({"detail": f"What is {call.headers['authorization']}?"})

        with answering(echo) as url:
            document = check_anything.json(url)

        step = step_of(document, "credentials")
        assert "The server says: What is Bearer ********?" in step["problem"]
        assert "What is Bearer ********?" in step["explanation"]

    def test_it_contains_no_request_or_response_bodies(self, check: Check, scim_url: str) -> None:
        check.json(scim_url)

        assert "password" not in check.output
        assert "givenName" not in check.output
        assert "Bearer " not in check.output

    def test_progress_is_written_to_standard_error(self, check: Check, scim_url: str) -> None:
        assert check.json(scim_url, on_terminal=True)["verdict"] == "ready"

        assert "Test API Credentials\r  2  passed" in check.errors

    def test_the_documentation_has_every_key_and_value(self) -> None:
        passage = COMMANDS_PAGE.read_text().partition("With `--json`")[2].partition("\n\n")[0]
        documented = set(re.findall(r"`(\w+)`", passage))

        outcomes = {"passed", "failed", "skipped", "not_offered"}
        verdicts = {"ready", "not_ready", "interrupted", "not_run"}
        keys = KEYS.keys() | STEP_KEYS | LOAD_KEYS | REQUEST_KEYS
        assert documented == keys | outcomes | verdicts | CLIENTS.keys()

    def test_options_may_be_given_by_their_names(self, check: Check, scim_url: str) -> None:
        stdout = StringIO()
        call_command(
            "scim_check", "--json", "--url", scim_url, "--token", check.token, stdout=stdout
        )

        assert json.loads(stdout.getvalue())["verdict"] == "ready"
