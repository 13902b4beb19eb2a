"""Okta's requests, played against servers that are not right: what is found, and what is said."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from tests.checking import SECRET, Check, assert_only_the_deactivated_person_is_left
from tests.choices import CHOICES, LAPSES
from tests.faults import (
    FAULTS,
    filters_ignored,
    gone_after_the_first_create,
    members_twice,
    on,
    patches_of_users_dropped,
)
from tests.servers import HTML, Call, Fault, Forward, Reply, faulty
from tiled_scim.models import LibraryGroupLink, ScimToken
from tiled_scim.okta_check.client import OktaClient
from tiled_scim.okta_check.conversation import Conversation, Outcome, Result
from tiled_scim.okta_check.expectations import GROUP_SCHEMA, USER_SCHEMA
from tiled_scim.okta_check.groups import GROUP_NAME, RENAMED_GROUP_NAME
from tiled_scim.okta_check.sequence import SEQUENCE
from tiled_scim.okta_check.users import USER_NAME


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

        assert result.outcome is Outcome.FAILED
        assert finding in " ".join(result.findings)
        assert result.diagnosis is not None
        assert result.diagnosis.explanation.startswith(result.step.consequence)
        assert result.diagnosis.advice.endswith((".", ")"))

    @pytest.mark.parametrize(("lapse", "title", "note"), LAPSES)
    def test_what_okta_does_without_is_noted_and_no_failure(
        self, check: Check, scim_url: str, lapse: Fault, title: str, note: str
    ) -> None:
        with faulty(scim_url, lapse) as url:
            result = play_to(title, OktaClient(url, check.token))

        assert result.outcome is Outcome.PASSED, result.findings
        assert note in " ".join(result.notes)

    def test_a_note_is_made_once(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, LAPSES[0][0]) as url:
            assert check.run(url), check.output
            assert check.output.count("Note: A 401 has no WWW-Authenticate header") == 1

    @pytest.mark.parametrize(("choice", "left_out"), CHOICES)
    def test_what_a_server_may_do_otherwise_is_no_failure(
        self, check: Check, scim_url: str, choice: Fault, left_out: set[str]
    ) -> None:
        with faulty(scim_url, choice) as url:
            steps = check.record(url)["steps"]

        by_outcome = {
            outcome: {step["name"] for step in steps if step["outcome"] == outcome}
            for outcome in ("failed", "skipped", "not_offered")
        }
        assert by_outcome == {"failed": set(), "skipped": set(), "not_offered": left_out}
        assert check.code == 0

    def test_what_is_not_offered_is_told_with_a_reason(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, on("GET", "/ServiceProviderConfig$", Reply(404))) as url:
            assert check.run(url), check.output

        assert re.search(r"^  3  not offered +\d+  What the server says", check.output, re.M)
        assert "There is no /ServiceProviderConfig or no /ResourceTypes" in check.output
        assert check.output.endswith("ready for Okta: 31 passed, 1 not offered.\n")

    def test_a_failure_is_shown_with_what_was_sent_and_what_came_back(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            check.run(url)

        failure = check.output.split("\nFAILED: ")[1]
        assert failure.startswith(
            "Push a group\n"
            "  The status is 500, not 201.\n"
            "  The answer is an HTML page.\n"
            "  In Okta: The push fails, and the group is marked with an error in Okta. Its admin "
            "reads, on the tab Push Groups: “Internal Server Error. Errors reported by remote "
            "server: Invalid JSON …”\n"
            "  What to do: Find this request in the server's log: it is a bug there, which Okta's "
            "admin cannot mend.\n"
            "\n"
            f"  > POST {url}/Groups\n"
            "  > Authorization: ********\n"
        )
        assert "\n  < 500 text/html\n  < <html>Oh no</html>\n" in failure

    def test_a_lost_write_is_shown_with_the_state_that_gives_it_away(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        explanation = check.output.split("\nFAILED: ")[1]
        requests = re.findall(r"^  ([<>]) ([A-Z]+|\d{3}) ", explanation, re.M)
        assert requests == [(">", "PATCH"), ("<", "204"), (">", "GET"), ("<", "200")]
        assert "Okta may show no error, since the status says that all is well." in explanation
        assert "What to do: Take a replace without a path, and let" in explanation

    def test_what_could_not_be_cleaned_up_is_said_and_is_a_failure(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, patches_of_users_dropped) as url:
            check.run(url)

        assert "\nFAILED: Cleaning up\n  active is True, not False.\n" in check.output
        assert f"Deactivate {USER_NAME} and delete the group {GROUP_NAME} by hand" in check.output
        assert "Left on the server" not in check.output
        assert User.objects.get().is_active

    def test_a_failure_in_the_middle_is_cleaned_up_behind(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, members_twice) as url:
            assert not check.run(url)

        assert "FAILED: Cleaning up" not in check.output
        assert_only_the_deactivated_person_is_left()

    def test_a_server_that_goes_away_ends_the_run(self, check: Check, scim_url: str) -> None:
        with faulty(scim_url, gone_after_the_first_create()) as url:
            assert not check.run(url)

        assert re.search(r"^ 10  FAILED +\d+  Assign a person \(create\)$", check.output, re.M)
        assert "The rest was not tried: it would fail in the same way." in check.output
        assert re.search(
            r"FAILED: Cleaning up\n  GET http://.* closed the connection", check.output
        )
        assert User.objects.get().is_active

    def test_steps_that_need_what_could_not_be_made_are_skipped(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            assert not check.run(url)

        assert re.search(r"^ 25  skipped +Rename the group$", check.output, re.M)
        assert "Not tried, since there is no test group." in check.output
        assert re.search(r": \d+ passed, \d+ failed, \d+ skipped\.$", check.refusal)

    def test_a_server_that_heeds_no_filter_loses_nobody_and_nothing(
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

    def test_a_create_that_answers_with_others_changes_nothing_of_theirs(
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
            document = check.record(url)

        problems = {step["name"]: step["problem"] for step in document["steps"]}
        assert problems["assign"] == "The answer is another user: ada@example.com."
        assert problems["push_group"] == "The answer is another group: Surfaces."
        assert User.objects.get(username="ada@example.com").is_active
        assert [link.display_name for link in LibraryGroupLink.objects.live("")] == ["Surfaces"]

    def test_groups_that_failed_runs_left_are_all_deleted(
        self, check: Check, scim_url: str
    ) -> None:
        okta = OktaClient(scim_url, check.token)
        for name in (GROUP_NAME, RENAMED_GROUP_NAME):
            okta.send("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": name})

        assert check.run(scim_url), check.output

        assert not LibraryGroupLink.objects.live("").exists()

    def test_what_follows_from_a_failure_is_none_of_its_own(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("DELETE", "/Groups/", Reply(405))) as url:
            assert not check.run(url)

        assert re.search(r"^ 31  skipped +Push the group again", check.output, re.M)
        assert "Not tried, since the test group is there already." in check.output
