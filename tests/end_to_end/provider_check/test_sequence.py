"""Tests of the check against faulty servers: the findings, the explanations and the clean-up."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User

from tests.servers import HTML, Call, Fault, Forward, Reply, faulty
from tiled_scim.models import LibraryGroupLink
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, USER_SCHEMA
from tiled_scim.provider_check.okta.sequence import SEQUENCE
from tiled_scim.provider_check.session import Outcome, Result, Session

from .checking import (
    NAMES,
    Check,
    assert_only_the_deactivated_person_is_left,
)
from .choices import CHOICES, VIOLATIONS
from .faults import (
    FAULTS,
    filters_ignored,
    gone_after_the_first_create,
    members_twice,
    on,
    patches_of_users_dropped,
)


def play_to(title: str, client: OktaClient) -> Result:
    """Perform the sequence up to the step with this title, and return its result."""
    okta = Session(client)
    results = (okta.play(step) for step in SEQUENCE)
    return next(result for result in results if result.step.title == title)


class TestAgainstServersWithAFault:
    @pytest.mark.parametrize(("fault", "title", "finding"), FAULTS)
    def test_the_fault_is_found_and_explained(
        self, check: Check, scim_url: str, fault: Fault, title: str, finding: str
    ) -> None:
        with faulty(scim_url, fault) as url:
            result = play_to(title, OktaClient(url, check.token))

        assert result.outcome is Outcome.FAILED
        assert finding in " ".join(result.findings)
        assert result.diagnosis is not None
        assert result.diagnosis.explanation.startswith(result.step.consequence)
        assert result.diagnosis.advice.endswith((".", ")"))

    @pytest.mark.parametrize(("violation", "title", "note"), VIOLATIONS)
    def test_a_violation_that_does_not_affect_okta_is_noted(
        self, check: Check, scim_url: str, violation: Fault, title: str, note: str
    ) -> None:
        with faulty(scim_url, violation) as url:
            result = play_to(title, OktaClient(url, check.token))

        assert result.outcome is Outcome.PASSED, result.findings
        assert note in " ".join(result.notes)

    def test_a_note_is_shown_once(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, VIOLATIONS[0][0]) as url:
            assert check.run(url), check.output
            assert check.output.count("Note: A 401 has no WWW-Authenticate header") == 1

    @pytest.mark.parametrize(("choice", "not_offered"), CHOICES)
    def test_allowed_differences_between_servers_do_not_fail(
        self, check: Check, scim_url: str, choice: Fault, not_offered: set[str]
    ) -> None:
        with faulty(scim_url, choice) as url:
            steps = check.json(url)["steps"]

        by_outcome = {
            outcome: {step["name"] for step in steps if step["outcome"] == outcome}
            for outcome in ("failed", "skipped", "not_offered")
        }
        assert by_outcome == {"failed": set(), "skipped": set(), "not_offered": not_offered}
        assert check.code == 0

    def test_an_unsupported_feature_is_shown_with_the_reason(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("GET", "/ServiceProviderConfig$", Reply(404))) as url:
            assert check.run(url), check.output

        assert re.search(r"^  3  not offered +\d+  Read the features", check.output, re.M)
        assert "The server has no /ServiceProviderConfig or no /ResourceTypes" in check.output
        assert check.output.endswith("ready for Okta: 31 passed, 1 not offered.\n")

    def test_a_failure_is_shown_with_the_request_and_the_response(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            check.run(url)

        failure = check.output.split("\nFAILED: ")[1]
        assert failure.startswith(
            "Push a group\n"
            "  The status is 500, not 201.\n"
            "  The response is an HTML page.\n"
            "  In Okta: The push fails, and the group is marked with an error in Okta. Okta shows "
            "on the tab Push Groups: “Internal Server Error. Errors reported by remote server: "
            "Invalid JSON …”\n"
            "  What to do: Find this request in the server's log: it is a bug in the server, not a "
            "mistake in Okta.\n"
            "\n"
            f"  > POST {url}/Groups\n"
            "  > Authorization: ********\n"
        )
        assert "\n  < 500 text/html\n  < <html>Oh no</html>\n" in failure

    def test_a_lost_write_is_shown_with_the_resulting_state(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        explanation = check.output.split("\nFAILED: ")[1]
        requests = re.findall(r"^  ([<>]) ([A-Z]+|\d{3}) ", explanation, re.M)
        assert requests == [(">", "PATCH"), ("<", "204"), (">", "GET"), ("<", "200")]
        assert "Okta may show no error, because the status indicates success." in explanation
        assert "What to do: Accept a replace without a path, and keep" in explanation

    def test_an_incomplete_clean_up_is_a_failure(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        assert "\nFAILED: Cleaning up\n  active is True, not False.\n" in check.output
        assert (
            f"Deactivate {NAMES.user} and delete the group {NAMES.group} manually" in check.output
        )
        assert "Left on the server" not in check.output
        assert User.objects.get().is_active

    def test_the_check_cleans_up_after_a_failed_step(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, members_twice) as url:
            assert not check.run(url)

        assert "FAILED: Cleaning up" not in check.output
        assert_only_the_deactivated_person_is_left()

    def test_a_lost_connection_ends_the_run(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, gone_after_the_first_create()) as url:
            assert not check.run(url)

        assert re.search(r"^ 10  FAILED +\d+  Assign a user \(create\)$", check.output, re.M)
        assert "The remaining steps were skipped: they would fail in the same way." in check.output
        assert re.search(
            r"FAILED: Cleaning up\n  GET http://.* closed the connection", check.output
        )
        assert User.objects.get().is_active

    def test_steps_that_depend_on_a_failed_step_are_skipped(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            assert not check.run(url)

        assert re.search(r"^ 25  skipped +Rename the group$", check.output, re.M)
        assert "Skipped because the test group does not exist." in check.output
        assert re.search(r": \d+ passed, \d+ failed, \d+ skipped\.$", check.error_message)

    def test_other_users_and_groups_are_safe_on_a_server_that_ignores_filters(
        self, check: Check, scim_url: str
    ) -> None:
        okta = OktaClient(scim_url, check.token)
        ada = {"schemas": [USER_SCHEMA], "userName": "ada@example.com", "active": True}
        okta.send("POST", "/Users", ada)
        okta.send("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": "Surfaces"})

        with faulty(scim_url, filters_ignored) as url:
            assert not check.run(url)

        assert User.objects.get(username="ada@example.com").is_active
        assert [link.display_name for link in LibraryGroupLink.objects.live("")] == ["Surfaces"]

    def test_other_users_and_groups_are_safe_when_a_create_returns_them(
        self, check: Check, scim_url: str
    ) -> None:
        okta = OktaClient(scim_url, check.token)
        ada = {"schemas": [USER_SCHEMA], "userName": "ada@example.com", "active": True}
        others = {
            "/Users": okta.send("POST", "/Users", ada),
            "/Groups": okta.send(
                "POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": "Surfaces"}
            ),
        }

        def answer_with_others(call: Call, forward: Forward) -> Reply:
            reply = forward(call)
            return reply.with_json(others[call.path[8:]].json) if call.method == "POST" else reply

        with faulty(scim_url, answer_with_others) as url:
            document = check.json(url)

        problems = {step["name"]: step["problem"] for step in document["steps"]}
        assert problems["assign"] == "The response is another user: ada@example.com."
        assert problems["push_group"] == "The response is another group: Surfaces."
        assert User.objects.get(username="ada@example.com").is_active
        assert [link.display_name for link in LibraryGroupLink.objects.live("")] == ["Surfaces"]

    def test_groups_left_by_failed_runs_are_deleted(self, check: Check, scim_url: str) -> None:
        okta = OktaClient(scim_url, check.token)
        for name in NAMES.groups:
            okta.send("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": name})

        assert check.run(scim_url), check.output

        assert not LibraryGroupLink.objects.live("").exists()

    def test_a_consequence_of_a_failure_is_skipped_and_not_failed(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("DELETE", "/Groups/", Reply(405))) as url:
            assert not check.run(url)

        assert re.search(r"^ 31  skipped +Push the group again", check.output, re.M)
        assert "Skipped because the test group already exists." in check.output
