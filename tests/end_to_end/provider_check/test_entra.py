"""Tests of the check that plays Entra: against the simple project, and against faulty servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.servers import HTML, Fault, Recorder, Reply, answering, faulty
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provider_check.client import EntraClient
from tiled_scim.provider_check.entra import groups, users
from tiled_scim.provider_check.entra.sequence import SEQUENCE
from tiled_scim.provider_check.expectations import USER_SCHEMA
from tiled_scim.provider_check.session import Outcome, Result, Session

from .checking import NAMES, SECRET, Check, failed_steps, step_of
from .choices import (
    bearer_only,
    no_groups,
    nobody_is_deleted,
    patches_without_a_body,
    plain_json,
)
from .entra_faults import ENTRA_FAULTS, without_attribute
from .faults import on

USERS = {NAMES.user, *NAMES.colleagues}


class EntraCheck(Check):
    """Run `scim_check --as entra`."""

    def run(self, url: str, **options: Any) -> bool:
        return super().run(url, provider="entra", **options)


@pytest.fixture
def check(transactional_db: None) -> EntraCheck:
    return EntraCheck(new_token()[1])


@pytest.fixture
def check_anything(db: None) -> EntraCheck:
    """A check of servers that accept any token."""
    return EntraCheck(SECRET)


def play_to(title: str, client: EntraClient) -> Result:
    """Perform the sequence up to the step with this title, and return its result."""
    entra = Session(client)
    results = (entra.play(step) for step in SEQUENCE)
    return next(result for result in results if result.step.title == title)


def assert_only_deactivated_people_are_left() -> None:
    left = User.objects.values_list("username", "is_active", "is_staff")
    assert set(left) == {(name, False, False) for name in USERS}
    assert not UserLink.objects.live("").exists()
    assert not LibraryGroupLink.objects.live("").exists()
    assert not Library.objects.exists()


class TestAgainstTheSimpleProject:
    def test_every_step_passes_without_a_note_and_the_users_are_deleted(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        assert check.run(scim_url), check.output

        assert check.output.startswith(f"\nSending Entra's requests to {scim_url}\n")
        assert f"The server is ready for Entra: {len(SEQUENCE)} passed." in check.output
        assert "The test users were deleted." in check.output
        assert "Note:" not in check.output
        assert_only_deactivated_people_are_left()

    def test_a_second_run_passes_too_and_so_does_okta_afterwards(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        for provider in (check, check, Check(check.token)):
            assert provider.run(scim_url), provider.output

        assert set(User.objects.values_list("username", flat=True)) == USERS

    @pytest.mark.parametrize(
        "last_step",
        [
            users.create,
            users.create_colleagues,
            users.change_without_path,
            groups.create,
            groups.add_members,
            users.disable,
        ],
    )
    def test_a_run_cleans_up_after_an_interrupted_one(
        self, check: EntraCheck, scim_url: str, last_step: Callable[[Session], None]
    ) -> None:
        interrupted = Session(EntraClient(scim_url, check.token))
        for step in SEQUENCE:
            interrupted.play(step)
            if step.run is last_step:
                break

        document = check.json(scim_url)

        assert step_of(document, "take_up")["outcome"] == "passed"
        assert step_of(document, "create")["outcome"] == "passed"
        assert document["not_cleaned_up"] == []
        assert_only_deactivated_people_are_left()

    def test_a_user_who_was_left_under_another_name_is_deleted(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        interrupted = Session(EntraClient(scim_url, check.token))
        for step in SEQUENCE[:12]:
            interrupted.play(step)
        interrupted.change(
            "/Users", interrupted.user_id, {"userName": NAMES.disabled_user, "active": False}
        )

        document = check.json(scim_url)

        assert step_of(document, "take_up")["outcome"] == "passed"
        assert step_of(document, "create")["outcome"] == "passed"
        assert not UserLink.objects.live("").exists()

    @pytest.mark.parametrize("name", sorted(USERS))
    def test_a_person_with_the_name_of_a_test_user_is_left_alone(
        self, check: EntraCheck, scim_url: str, name: str
    ) -> None:
        client = EntraClient(scim_url, check.token)
        ada = {"schemas": [USER_SCHEMA], "userName": name, "name": {"familyName": "Lovelace"}}
        assert client.send("POST", "/Users", ada).status == 201

        assert not check.run(scim_url)

        assert f"There is a person {name}, whom this check did not create." in check.output
        person = User.objects.get()
        assert (person.username, person.is_active, person.last_name) == (name, True, "Lovelace")

    def test_other_people_and_libraries_are_left_alone(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        ada = User.objects.create_user("ada@example.com")
        surfaces = Library.objects.create(name="Surfaces")
        surfaces.members.add(ada)

        check.run(scim_url)

        ada.refresh_from_db()
        assert ada.is_active
        assert list(surfaces.members.all()) == [ada]
        assert list(Library.objects.all()) == [surfaces]


class TestAgainstServersWithAFault:
    @pytest.mark.parametrize(("fault", "title", "finding"), ENTRA_FAULTS)
    def test_the_fault_is_found_and_explained(
        self, check: EntraCheck, scim_url: str, fault: Fault, title: str, finding: str
    ) -> None:
        with faulty(scim_url, fault) as url:
            result = play_to(title, EntraClient(url, check.token))

        assert result.outcome is Outcome.FAILED
        assert finding in " ".join(result.findings)
        assert result.diagnosis is not None
        assert result.diagnosis.explanation.startswith(result.step.consequence)
        assert result.diagnosis.advice.endswith((".", ")"))

    def test_a_failure_is_shown_as_entra_shows_it(self, check: EntraCheck, scim_url: str) -> None:
        with faulty(scim_url, on("POST", "/Groups$", HTML)) as url:
            check.run(url)

        assert (
            "  In Entra: The group is not created, and its members get no access. Entra shows in "
            "the provisioning logs: “StatusCode: Internal Server Error. Web Response: Invalid "
            "JSON …”\n"
            "  What to do: Find this request in the server's log: it is a bug in the server, not a "
            "mistake in Entra.\n"
        ) in check.output

    def test_an_attribute_that_cannot_be_mapped_is_noted(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        with faulty(scim_url, without_attribute("addresses")) as url:
            check.run(url)

        assert (
            'Note: /Schemas does not list addresses[type eq "work"].locality. Remove it from the '
            "mapping in Entra."
        ) in check.output

    def test_steps_that_need_the_schemas_are_skipped_without_them(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        with faulty(scim_url, on("GET", "/Schemas$", Reply(404))) as url:
            document = check.json(url)

        step = step_of(document, "change_strings")
        assert (step["outcome"], step["problem"]) == (
            "skipped",
            "Skipped because the attributes of the server are not known.",
        )
        assert_only_deactivated_people_are_left()

    @pytest.mark.parametrize(
        ("choice", "not_offered"),
        [
            (plain_json, set()),
            (bearer_only, set()),
            (patches_without_a_body, set()),
            (nobody_is_deleted, {"delete"}),
            (
                no_groups,
                {
                    "unknown_group",
                    "unknown_group_name",
                    "create",
                    "look_up",
                    "change_attributes",
                    "add_members",
                    "remove_members",
                    "read_pages",
                    "delete",
                },
            ),
        ],
    )
    def test_allowed_differences_between_servers_do_not_fail(
        self, check: EntraCheck, scim_url: str, choice: Fault, not_offered: set[str]
    ) -> None:
        with faulty(scim_url, choice) as url:
            steps = check.json(url)["steps"]

        by_outcome = {
            outcome: {step["name"] for step in steps if step["outcome"] == outcome}
            for outcome in ("failed", "skipped", "not_offered")
        }
        assert by_outcome == {"failed": set(), "skipped": set(), "not_offered": not_offered}

    def test_a_server_that_does_not_delete_can_be_checked_repeatedly(
        self, check: EntraCheck, scim_url: str
    ) -> None:
        with faulty(scim_url, nobody_is_deleted) as url:
            check.json(url)
            document = check.json(url)

        assert step_of(document, "create")["outcome"] == "not_offered"
        assert step_of(document, "create_colleagues")["outcome"] == "passed"
        assert failed_steps(document) == []
        assert set(User.objects.values_list("username", "is_active")) == {
            (name, False) for name in USERS
        }

    def test_requests_look_like_those_of_entra(self, check_anything: EntraCheck) -> None:
        recorder = Recorder(HTML)
        with answering(recorder) as url:
            check_anything.run(f"{url}/scim/v2/")

        [call] = recorder.calls
        assert call.method == "GET"
        assert re.fullmatch(
            r"/scim/v2/Users\?filter=userName%20eq%20%22[0-9a-f-]{36}%22", call.path
        )
        assert call.headers["authorization"] == f"Bearer {SECRET}"
        assert call.headers["accept"] == "application/scim+json"
        assert call.headers["user-agent"] == "Microsoft-Entra-Provisioning"
