"""Tests of `scim_resync`: its output, what it fixes and what it does not change."""

from __future__ import annotations

import getpass
from collections.abc import Collection
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone, translation
from pytest_django import Settings

from tests.drifting import (
    TwoAccounts,
    found,
    give,
    granted,
    group_link,
    hearing,
    link_in,
    shown_on_a_terminal,
    take_away,
    user_link,
)
from tests.factories import make_library, make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, CARL, Scim, add_members, remove_member
from tests.wire.state import access, snapshot
from tests.wire.test_query_counts import add_groups, add_people
from tiled_scim.errors import uniqueness
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimEvent,
    UserLink,
)

pytestmark = pytest.mark.django_db

LACKING = "The group “Sales” has members without access to its Library: ann@example.com."
ALL_FIXED = "Found and fixed 1 problem."


class UniqueNames(HostAdapter):
    """A host that names Libraries itself."""

    def create_library(self, name: str) -> models.Model:
        if Library.objects.filter(name=name).exists():
            raise uniqueness(f"There is a Library named “{name}” already.")
        return super().create_library(name)


class Broken(HostAdapter):
    """A host that fails to list the members of one of its Libraries."""

    def members(self, library: models.Model, users: Collection[Any]) -> set[Any]:
        if self.library_name(library) == "Sales":
            raise RuntimeError("the host's own fault")
        return super().members(library, users)


class Interrupted(HostAdapter):
    """A host that is interrupted by Ctrl-C while it fixes one of its Libraries."""

    def grant(self, library: models.Model, users: Collection[Any]) -> None:
        if Library.objects.filter(members__isnull=False).exists():
            raise KeyboardInterrupt
        super().grant(library, users)


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN)


@pytest.fixture
def sales(scim: Scim, ann: str) -> str:
    return scim.add_group("Sales", ann)


def resync(*arguments: str) -> list[str]:
    """Run the command, and return its output if the exit status is 0."""
    output = StringIO()
    call_command("scim_resync", *arguments, stdout=output)
    return output.getvalue().splitlines()


def failing(*arguments: str) -> tuple[list[str], str]:
    """Run the command, and return its output and error message if the exit status is 1."""
    output = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("scim_resync", *arguments, stdout=output)
    assert failure.value.returncode == 1
    return output.getvalue().splitlines(), str(failure.value)


class TestNoProblems:
    def test_are_reported(self, sales: str) -> None:
        before = snapshot(), ScimEvent.objects.count()

        assert resync() == ["No problems found. Checked 2 users and groups."]

        assert (snapshot(), ScimEvent.objects.count()) == before

    def test_are_not_reported_in_quiet_mode(self, sales: str) -> None:
        assert resync("--verbosity", "0") == []

    def test_are_success_in_a_dry_run(self, sales: str) -> None:
        assert resync("--dry-run") == ["No problems found. Checked 2 users and groups."]


class TestAccess:
    """A user was removed from a Library manually."""

    @pytest.fixture(autouse=True)
    def drift(self, scim: Scim, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user(BOB)))
        take_away("Sales", ANN)

    def test_is_given_again(self) -> None:
        assert resync() == [f"{LACKING} Fixed by giving them access.", ALL_FIXED]

        assert access() == {"Sales": {ANN, BOB}}
        assert granted("Sales") == {ANN: True, BOB: True}
        assert found() == []
        assert resync() == ["No problems found. Checked 3 users and groups."]

    def test_is_unchanged_for_okta(self, scim: Scim, ann: str, sales: str) -> None:
        before = scim.get(f"/Groups/{sales}").json

        resync()

        after = scim.get(f"/Groups/{sales}").json
        assert before.pop("meta").keys() == after.pop("meta").keys()
        assert after == before
        [group] = scim.get(f"/Users/{ann}").json["groups"]
        assert (group["value"], group["display"]) == (sales, "Sales")
        scim.patch(f"/Groups/{sales}", remove_member(ann))
        assert access() == {"Sales": {BOB}}

    def test_sends_a_signal(self) -> None:
        with hearing() as heard:
            resync()

        assert heard == [("granted", "Sales", {ANN})]

    def test_records_an_event(self, sales: str) -> None:
        before = ScimEvent.objects.count()

        resync()

        event = ScimEvent.objects.order_by("pk")[before]
        assert ScimEvent.objects.count() == before + 1
        assert (event.action, event.outcome, event.status) == (
            Action.ACCESS_REPAIRED,
            Outcome.DONE,
            None,
        )
        shell_user = getpass.getuser()
        assert event.actor == f"scim_resync (shell user {shell_user})"
        assert (event.method, event.account) == ("", "")
        assert (event.resource_type, str(event.resource_id)) == ("Group", sales)
        assert event.resource_name == "Sales"
        assert event.changes == {"added": {"number": 1, "names": [ANN]}}

    def test_is_only_reported_in_a_dry_run(self) -> None:
        before = snapshot(), ScimEvent.objects.count()

        with hearing() as heard:
            lines, end = failing("--dry-run")

        assert lines == [f"{LACKING} Would be fixed by giving them access."]
        assert end == "Found 1 problem. Nothing was changed."
        assert heard == []
        assert (snapshot(), ScimEvent.objects.count()) == before

    def test_is_fixed_in_quiet_mode(self) -> None:
        assert resync("--verbosity", "0") == []

        assert access() == {"Sales": {ANN, BOB}}

    def test_is_reported_in_english_in_every_language(self) -> None:
        with translation.override("de"):
            assert resync()[-1] == ALL_FIXED


class TestAccessByHand:
    def test_is_never_changed(self, scim: Scim, ann: str, sales: str) -> None:
        bob, carl = scim.add_user(BOB), scim.add_user(CARL)
        make_user("hope")
        give("Sales", "hope", BOB, CARL)
        scim.patch(f"/Groups/{sales}", add_members(bob))
        make_library("Handbook", User.objects.get(username=ANN))
        scim.delete(f"/Users/{carl}")
        take_away("Sales", ANN)

        resync()

        assert access() == {"Sales": {ANN, BOB, CARL, "hope"}, "Handbook": {ANN}}
        assert granted("Sales") == {ANN: True, BOB: False}
        scim.delete(f"/Groups/{sales}")
        assert access() == {"Sales": {BOB, CARL, "hope"}, "Handbook": {ANN}}

    def test_that_was_removed_is_restored_as_granted_by_scim(self, scim: Scim, ann: str) -> None:
        make_library("Sales", User.objects.get(username=ANN))
        library = Library.objects.get()
        for name in ("Sales", "Ops"):
            scim.add_group(name)
            LibraryGroupLink.objects.filter(display_name=name).update(library=library)
        Library.objects.exclude(pk=library.pk).delete()
        for link in LibraryGroupLink.objects.all():
            scim.patch(f"/Groups/{link.pk}", add_members(ann))
        assert granted("Sales") == granted("Ops") == {ANN: False}
        take_away("Sales", ANN)

        resync()

        # Both groups give the access now, and it ends with the last one.
        assert granted("Sales") == granted("Ops") == {ANN: True}
        scim.delete(f"/Groups/{group_link('Ops').pk}")
        assert access() == {"Sales": {ANN}}
        scim.delete(f"/Groups/{group_link('Sales').pk}")
        assert access() == {"Sales": set()}


class TestDeletedLibrary:
    @pytest.fixture(autouse=True)
    def drift(self, scim: Scim, ann: str, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user(BOB)))
        Library.objects.get().delete()

    def test_is_created_again(self, scim: Scim, ann: str, sales: str) -> None:
        assert scim.get(f"/Groups/{sales}").status == 404

        with hearing() as heard:
            assert resync()[-1] == ALL_FIXED

        assert access() == {"Sales": {ANN, BOB}}
        assert granted("Sales") == {ANN: True, BOB: True}
        assert scim.get(f"/Groups/{sales}").json["displayName"] == "Sales"
        assert sorted(scim.members(sales)) == scim.members(sales)
        assert len(scim.members(sales)) == 2
        assert [group["value"] for group in scim.get(f"/Users/{ann}").json["groups"]] == [sales]
        assert heard == [("granted", "Sales", {ANN, BOB})]
        event = ScimEvent.objects.latest("pk")
        assert event.action == Action.ACCESS_REPAIRED
        assert event.changes["attributes"] == {"library": [None, "Sales"]}
        assert event.changes["added"]["number"] == 2
        assert set(event.changes["added"]["names"]) == {ANN, BOB}

    def test_former_members_do_not_get_access(self, scim: Scim, ann: str, sales: str) -> None:
        scim.delete(f"/Users/{ann}")
        assert resync()[-1] == ALL_FIXED

        assert access() == {"Sales": {BOB}}

    def test_is_replaced_by_an_existing_library_if_adoption_is_allowed(
        self, scim: Scim, sales: str, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        make_library("Sales", User.objects.get(username=ANN))

        resync()

        assert access() == {"Sales": {ANN, BOB}}
        assert granted("Sales") == {ANN: False, BOB: True}
        scim.delete(f"/Groups/{sales}")
        assert access() == {"Sales": {ANN}}

    def test_is_not_created_if_its_name_is_used(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = UniqueNames
        make_library("Sales")
        ops = scim.add_group("Ops", str(user_link(ANN).pk))
        take_away("Ops", ANN)
        before = ScimEvent.objects.count()

        lines, end = failing()

        left = next(line for line in lines if "Sales" in line)
        assert left.startswith(
            "The Library of the group “Sales” was deleted. Not fixed: There is a "
            "Library named “Sales” already."
        )
        assert end == "Found 2 problems: 1 fixed, 1 remaining."
        assert access() == {"Sales": set(), "Ops": {ANN}}
        assert [str(event.resource_id) for event in ScimEvent.objects.order_by("pk")[before:]] == [
            ops
        ]
        assert failing("--verbosity", "0")[0] == [left]

    def test_is_not_created_if_another_group_has_its_name(self, scim: Scim, sales: str) -> None:
        ops = scim.add_group("Ops")
        scim.patch(f"/Groups/{ops}", {"op": "replace", "value": {"displayName": "Sales"}})

        lines, end = failing()

        assert f"displayName “Sales” is already used by another group; its id is {ops}." in lines[0]
        assert end == "Found 1 problem: 0 fixed, 1 remaining."
        assert not LibraryGroupLink.objects.get(pk=sales).is_live


class TestMisplacedMembers:
    def test_of_an_unlinked_group(self, scim: Scim, sales: str) -> None:
        make_user("hope")
        give("Sales", "hope")
        LibraryGroupLink.objects.update(unlinked_at=timezone.now())

        with hearing() as heard:
            assert resync()[0] == (
                "The group “Sales” is unlinked, but still has members: ann@example.com. "
                "Fixed by ending their memberships, and the access that they gave."
            )

        assert access() == {"Sales": {"hope"}}
        assert not LibraryGroupMember.objects.exists()
        assert heard == [("revoked", "Sales", {ANN})]
        event = ScimEvent.objects.latest("pk")
        assert event.changes == {"removed": {"number": 1, "names": [ANN]}}
        assert found() == []

    def test_of_an_unlinked_group_with_a_deleted_library(self, sales: str) -> None:
        Library.objects.all().delete()
        LibraryGroupLink.objects.update(unlinked_at=timezone.now())

        assert resync()[-1] == ALL_FIXED

        assert not LibraryGroupMember.objects.exists()
        assert found() == []

    def test_who_were_unlinked(self, scim: Scim, ann: str, sales: str) -> None:
        bob = scim.add_user(BOB)
        scim.patch(f"/Groups/{sales}", add_members(bob))
        UserLink.objects.filter(pk=ann).update(unlinked_at=timezone.now())

        resync()

        assert access() == {"Sales": {BOB}}
        assert scim.members(sales) == [bob]
        assert found() == []

    def test_of_another_account(self, scim: Scim, ann: str, sales: str) -> None:
        foreign = link_in("globex", ANN)
        LibraryGroupMember.objects.create(group=group_link("Sales"), user=foreign)

        resync()

        # She is a member through her link in this account.
        assert access() == {"Sales": {ANN}}
        assert scim.members(sales) == [ann]
        scim.patch(f"/Groups/{sales}", remove_member(ann))
        assert access() == {"Sales": set()}
        assert found() == []


class TestNames:
    @pytest.mark.parametrize("folded", ["ANN@example.com", None])
    def test_of_users_are_found_again(self, scim: Scim, ann: str, folded: str | None) -> None:
        UserLink.objects.update(user_name_canonical=folded)

        assert resync()[0] == (
            "“ann@example.com” cannot be found by its name in another letter case. "
            "Fixed by keeping the name in lower case again."
        )

        assert scim.found("/Users", f'userName eq "{ANN.upper()}"') == [ann]
        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.resource_type) == (Action.USER_UPDATED, "User")
        assert event.changes == {"attributes": {"userName": [folded, ANN]}}

    def test_of_groups_are_found_again(self, scim: Scim, sales: str) -> None:
        LibraryGroupLink.objects.update(display_name="Sales EU")

        resync()

        assert scim.found("/Groups", 'displayName eq "sales eu"') == [sales]
        assert ScimEvent.objects.latest("pk").action == Action.LIBRARY_UPDATED
        assert found() == []

    def test_of_an_unlinked_user_can_be_reused(self, scim: Scim, ann: str) -> None:
        scim.delete(f"/Users/{ann}")
        bob = scim.add_user(BOB)
        UserLink.objects.filter(pk=ann).update(user_name_canonical="wrong")
        UserLink.objects.filter(pk=bob).update(user_name=ANN, user_name_canonical=ANN)

        resync()

        assert UserLink.objects.get(pk=ann).user_name_canonical is None
        assert UserLink.objects.get(pk=bob).user_name_canonical == ANN
        assert found() == []

    def test_of_two_cannot_be_the_same(self, scim: Scim, ann: str) -> None:
        bob = scim.add_user(BOB)
        UserLink.objects.filter(pk=bob).update(user_name=ANN, user_name_canonical=None)

        lines, _ = failing()

        assert f"userName “{ANN}” is already used by another user; its id is {ann}." in lines[0]


class TestHost:
    def test_that_fails_does_not_prevent_other_fixes(
        self, scim: Scim, ann: str, sales: str, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        scim.add_group("Ops", ann)
        take_away("Ops", ANN)
        settings.TILED_SCIM_HOST_ADAPTER = Broken

        lines, end = failing()

        assert '“Sales” could not be checked: RuntimeError("the host\'s own fault").' in lines
        assert end == "Found 2 problems: 1 fixed, 1 remaining."
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}
        assert "the host's own fault" in caplog.text

    def test_ctrl_c_reports_what_was_done(
        self, scim: Scim, ann: str, sales: str, settings: Settings
    ) -> None:
        scim.add_group("Ops", ann)
        take_away("Ops", ANN)
        take_away("Sales", ANN)
        settings.TILED_SCIM_HOST_ADAPTER = Interrupted

        with pytest.raises(CommandError) as caught:
            resync()

        assert str(caught.value) == "Interrupted. Found 1 problem: 1 fixed, 0 remaining."
        assert caught.value.returncode == 130
        assert sorted(access().values(), key=len) == [set(), {ANN}]


class TestAccounts:
    @pytest.fixture(autouse=True)
    def groups(self, settings: Settings) -> None:
        """A group in each of two accounts, whose members were removed manually."""
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        for account, name in (("acme", ANN), ("globex", BOB)):
            okta = Scim(f"Bearer {new_token(account)[1]}")
            okta.add_group(f"Sales of {account}", okta.add_user(name))
            take_away(f"Sales of {account}", name)

    def test_one_is_fixed_and_named(self) -> None:
        lines = resync("--account", "acme")

        assert lines[0].startswith("acme: The group “Sales of acme” has members without")
        assert len(lines) == 2
        assert access() == {"Sales of acme": {ANN}, "Sales of globex": set()}
        assert ScimEvent.objects.latest("pk").account == "acme"

    def test_all_are(self) -> None:
        assert resync()[-1] == "Found and fixed 2 problems."

        assert access() == {"Sales of acme": {ANN}, "Sales of globex": {BOB}}

    def test_a_former_account_can_be_fixed(self, settings: Settings) -> None:
        del settings.TILED_SCIM_HOST_ADAPTER

        resync("--account", "globex")

        assert access() == {"Sales of acme": set(), "Sales of globex": {BOB}}

    def test_an_unknown_account_is_refused(self) -> None:
        with pytest.raises(CommandError, match="There is no account 'acne'"):
            resync("--account", "acne")

    def test_only_the_drift_of_a_user_in_both_is_fixed(self) -> None:
        group_link("Sales of globex").members.create(user=link_in("globex", ANN))
        resync("--account", "globex")

        assert access() == {"Sales of acme": set(), "Sales of globex": {ANN, BOB}}


class TestMany:
    def test_a_thousand_members_get_their_access_back(self) -> None:
        people = add_people(1001)
        add_groups(2, people)
        library = Library.objects.get(name="Library 0")
        library.members.clear()

        with hearing() as heard:
            assert resync()[-1] == ALL_FIXED

        assert library.members.count() == 1001
        assert [(what, name, len(users)) for what, name, users in heard] == [
            ("granted", "Library 0", 1001)
        ]
        assert ScimEvent.objects.latest("pk").changes["added"]["number"] == 1001


class TestProgress:
    def test_is_shown_on_a_terminal(self, sales: str) -> None:
        assert "/2 [" in shown_on_a_terminal(resync)

    def test_is_not_shown_where_it_is_to_be_quiet(self, sales: str) -> None:
        assert shown_on_a_terminal(lambda: resync("--verbosity", "0")) == ""

    def test_is_not_shown_elsewhere(self, sales: str, capsys: pytest.CaptureFixture[str]) -> None:
        resync()

        assert capsys.readouterr().err == ""
