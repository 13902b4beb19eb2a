"""Feeding a group into another Library: who gains access, who loses it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, models
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.drifting import TwoAccounts, found, give, granted, group_link, hearing, take_away
from tests.factories import make_library, make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, CARL, Scim, add_members, remove_member
from tests.wire.state import access, snapshot
from tests.wire.test_query_counts import add_groups, add_people
from tiled_scim.audit.events import Change
from tiled_scim.errors import ScimError
from tiled_scim.host import HostAdapter, adapter_class
from tiled_scim.models import Action, LibraryGroupLink, Outcome, PriorAccess, ScimEvent
from tiled_scim.provisioning.moving import GroupMoving, Preview, move

pytestmark = pytest.mark.django_db

CLIENT = "Django admin: hope"


def unrecorded(change: Change) -> None:
    """Keep no event."""


class OnlyArchives(HostAdapter):
    def target_libraries(self) -> models.QuerySet[Library]:
        return Library.objects.filter(name__startswith="Archive")


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN)


@pytest.fixture
def bob(scim: Scim) -> str:
    return scim.add_user(BOB)


@pytest.fixture
def sales(scim: Scim, ann: str, bob: str) -> str:
    return scim.add_group("Sales", ann, bob)


def move_to(library: str, group: str = "Sales") -> Preview:
    """Move a group to the Library with this name. Return the preview."""
    link, target = group_link(group), Library.objects.get(name=library)
    before = snapshot()
    preview = GroupMoving(adapter_class()(link.account), unrecorded).preview(link.pk, target.pk)
    assert snapshot() == before
    change = move(link, target.pk, CLIENT)
    assert sorted(change.removed) == preview.losing
    assert sorted(change.added) == preview.gaining
    assert found() == []
    return preview


def refusal(group: str, library: object) -> str:
    """Why a group may not be moved there; the preview says so, too, and nothing is changed."""
    link = group_link(group)
    before = snapshot(), ScimEvent.objects.count()
    with pytest.raises(ScimError) as refused:
        move(link, library, CLIENT)
    with pytest.raises(ScimError) as told:
        GroupMoving(adapter_class()(link.account), unrecorded).preview(link.pk, library)
    assert (snapshot(), ScimEvent.objects.count()) == before
    assert refused.value.status == told.value.status == 409
    assert refused.value.detail == told.value.detail
    return refused.value.detail


class TestMove:
    def test_the_access_moves_and_the_libraries_stay(self, scim: Scim, sales: str) -> None:
        make_library("Handbook")

        assert move_to("Handbook") == Preview(losing=[ANN, BOB], gaining=[ANN, BOB])

        assert access() == {"Sales": set(), "Handbook": {ANN, BOB}}
        assert granted("Sales") == {ANN: True, BOB: True}

    def test_the_group_goes_on_as_before_for_okta(
        self, scim: Scim, ann: str, bob: str, sales: str
    ) -> None:
        carl = scim.add_user(CARL)
        make_library("Handbook")
        before = scim.get(f"/Groups/{sales}").json

        move_to("Handbook")

        after = scim.get(f"/Groups/{sales}").json
        assert {**after, "meta": {}} == {**before, "meta": {}}
        assert [group["display"] for group in scim.get(f"/Users/{ann}").json["groups"]] == ["Sales"]
        scim.patch(f"/Groups/{sales}", remove_member(bob), add_members(carl))
        assert access() == {"Sales": set(), "Handbook": {ANN, CARL}}
        scim.delete(f"/Groups/{sales}")
        assert access() == {"Sales": set(), "Handbook": set()}

    def test_and_back_again(self, sales: str) -> None:
        make_library("Handbook")

        move_to("Handbook")
        move_to("Sales")

        assert access() == {"Sales": {ANN, BOB}, "Handbook": set()}

    def test_inactive_people_move_along(self, scim: Scim, ann: str, sales: str) -> None:
        scim.deactivate(ann)
        make_library("Handbook")

        move_to("Handbook")

        assert access() == {"Sales": set(), "Handbook": {ANN, BOB}}

    def test_a_library_that_was_deleted_gets_another_in_its_place(
        self, scim: Scim, sales: str
    ) -> None:
        make_library("Handbook")
        Library.objects.get(name="Sales").delete()

        assert move_to("Handbook") == Preview(losing=[], gaining=[ANN, BOB])

        assert access() == {"Handbook": {ANN, BOB}}
        assert scim.get(f"/Groups/{sales}").json["displayName"] == "Sales"
        attributes = ScimEvent.objects.latest("pk").changes["attributes"]
        assert attributes == {"library": [None, "Handbook"]}

    def test_takes_as_many_queries_for_few_members_and_for_many(self) -> None:
        people = add_people(400)
        counts = set()
        for size in (2, 400):
            make_library("Handbook")
            add_groups(1, people[:size])
            link, target = LibraryGroupLink.objects.get(), Library.objects.get(name="Handbook")
            with CaptureQueriesContext(connection) as queries:
                move(link, target.pk, CLIENT)
            assert target.members.count() == size
            counts.add(len(queries))
            LibraryGroupLink.objects.all().delete()
            Library.objects.all().delete()

        assert len(counts) == 1

    def test_of_a_thousand_members(self) -> None:
        add_groups(1, add_people(1001))
        make_library("Handbook")

        preview = move_to("Handbook", "Library 0")

        assert len(preview.gaining) == len(preview.losing) == 1001
        assert len(access()["Handbook"]) == 1001
        assert access()["Library 0"] == set()


class TestWhoKeepsAccess:
    def test_to_the_old_library_by_hand(self, scim: Scim, ann: str, bob: str) -> None:
        sales = scim.add_group("Sales")
        make_user("hope")
        give("Sales", ANN, "hope")
        scim.patch(f"/Groups/{sales}", add_members(ann, bob))
        make_library("Handbook")

        assert move_to("Handbook") == Preview(losing=[BOB], gaining=[ANN, BOB])

        assert access() == {"Sales": {ANN, "hope"}, "Handbook": {ANN, BOB}}
        assert not PriorAccess.objects.exists()
        move_to("Sales")
        assert access() == {"Sales": {ANN, BOB, "hope"}, "Handbook": set()}
        assert granted("Sales") == {ANN: False, BOB: True}

    def test_to_the_new_library_by_hand(self, scim: Scim, sales: str) -> None:
        make_library("Handbook", User.objects.get(username=ANN))

        assert move_to("Handbook") == Preview(losing=[ANN, BOB], gaining=[BOB])

        assert granted("Sales") == {ANN: False, BOB: True}
        scim.delete(f"/Groups/{sales}")
        assert access() == {"Sales": set(), "Handbook": {ANN}}

    def test_through_another_group(self, scim: Scim, ann: str, bob: str, sales: str) -> None:
        carl = scim.add_user(CARL)
        scim.add_group("Ops", bob, carl)
        assert move_to("Sales", "Ops") == Preview(losing=[BOB, CARL], gaining=[CARL])
        assert access() == {"Sales": {ANN, BOB, CARL}, "Ops": set()}
        assert granted("Ops") == {BOB: True, CARL: True}
        make_library("Handbook")

        assert move_to("Handbook") == Preview(losing=[ANN], gaining=[ANN, BOB])

        assert access() == {"Sales": {BOB, CARL}, "Ops": set(), "Handbook": {ANN, BOB}}

    def test_until_the_last_of_two_groups_is_unlinked(
        self, scim: Scim, ann: str, bob: str, sales: str
    ) -> None:
        ops = scim.add_group("Ops", bob)
        move_to("Sales", "Ops")

        scim.patch(f"/Groups/{sales}", remove_member(bob))
        assert access()["Sales"] == {ANN, BOB}
        scim.patch(f"/Groups/{ops}", remove_member(bob))
        assert access()["Sales"] == {ANN}

    def test_not_through_a_group_of_another_library(self, scim: Scim, bob: str, sales: str) -> None:
        scim.add_group("Ops")
        move_to("Sales", "Ops")
        scim.add_group("Maps", bob)

        scim.patch(f"/Groups/{sales}", remove_member(bob))

        assert access() == {"Sales": {ANN}, "Ops": set(), "Maps": {BOB}}

    def test_of_whom_somebody_took_it_away_meanwhile(self, sales: str) -> None:
        make_library("Handbook")
        take_away("Sales", ANN)

        link, target = group_link("Sales"), Library.objects.get(name="Handbook")
        move(link, target.pk, CLIENT)

        assert access() == {"Sales": set(), "Handbook": {ANN, BOB}}


class TestTraces:
    def test_the_move_is_heard_of(self, sales: str) -> None:
        make_library("Handbook", User.objects.get(username=ANN))

        with hearing() as heard:
            move_to("Handbook")

        assert heard == [("revoked", "Sales", {ANN, BOB}), ("granted", "Handbook", {BOB})]

    def test_it_leaves_an_event(self, sales: str) -> None:
        make_library("Handbook", User.objects.get(username=ANN))
        before = ScimEvent.objects.count()

        move_to("Handbook")

        event = ScimEvent.objects.latest("pk")
        assert ScimEvent.objects.count() == before + 1
        assert (event.action, event.outcome) == (Action.LIBRARY_MOVED, Outcome.DONE)
        assert (event.actor, event.method, event.status) == (CLIENT, "", None)
        assert (event.resource_name, str(event.resource_id)) == ("Sales", sales)
        assert event.changes["attributes"] == {"library": ["Sales", "Handbook"]}
        assert event.changes["removed"]["number"] == 2
        assert event.changes["added"] == {"number": 1, "names": [BOB]}


class TestNames:
    def rename(self, scim: Scim, key: str, name: str) -> None:
        answer = scim.patch(f"/Groups/{key}", {"op": "replace", "value": {"displayName": name}})
        assert answer.status == 204, answer.text

    def test_the_library_keeps_the_one_that_people_gave(self, scim: Scim, sales: str) -> None:
        make_library("Handbook")
        move_to("Handbook")

        self.rename(scim, sales, "Field")

        assert access().keys() == {"Sales", "Handbook"}
        assert scim.get(f"/Groups/{sales}").json["displayName"] == "Field"

    def test_the_library_keeps_it_when_the_group_comes_back(self, scim: Scim, sales: str) -> None:
        make_library("Handbook")
        move_to("Handbook")
        scim.delete(f"/Groups/{sales}")

        assert scim.add_group("SALES") == sales

        assert access().keys() == {"Sales", "Handbook"}
        assert group_link("SALES").library == Library.objects.get(name="Handbook")

    def test_the_library_follows_one_that_it_shares(self, scim: Scim, sales: str) -> None:
        make_library("Handbook")
        move_to("Handbook")
        move_to("Sales")

        self.rename(scim, sales, "Field")

        assert access().keys() == {"Field", "Handbook"}

    def test_the_library_follows_but_for_letter_case(self, scim: Scim, sales: str) -> None:
        Library.objects.filter(name="Sales").update(name="SALES")

        self.rename(scim, sales, "Field")

        assert access().keys() == {"Field"}

    def test_the_group_takes_its_own_again(self, scim: Scim, sales: str) -> None:
        """It lost its Library, and gave up its name to another group meanwhile."""
        ops = scim.add_group("Ops")
        Library.objects.get(name="Sales").delete()
        make_library("Handbook")
        self.rename(scim, ops, "Sales")
        target = Library.objects.get(name="Handbook")
        with pytest.raises(ScimError) as refused:
            move(LibraryGroupLink.objects.get(pk=sales), target.pk, CLIENT)
        assert (refused.value.status, refused.value.scim_type) == (409, "uniqueness")

        self.rename(scim, ops, "Ops")
        move_to("Handbook")

        assert scim.found("/Groups", 'displayName eq "sales"') == [sales]

    def test_of_two_groups_only_the_one_with_the_librarys_name_is_followed(
        self, scim: Scim, sales: str
    ) -> None:
        ops = scim.add_group("Ops")
        move_to("Sales", "Ops")

        self.rename(scim, ops, "Operations")
        assert access().keys() == {"Sales", "Ops"}
        self.rename(scim, sales, "Field")
        assert access().keys() == {"Field", "Ops"}


class TestRefusals:
    def test_the_library_that_it_feeds_already(self, sales: str) -> None:
        library = Library.objects.get()

        assert (
            refusal("Sales", library.pk) == "The group “Sales” feeds the Library “Sales” already."
        )

    def test_a_library_that_is_gone(self, sales: str) -> None:
        assert refusal("Sales", 2**31 - 1) == "There is no such Library any more."

    def test_a_library_that_the_adapter_does_not_have(self, sales: str, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = OnlyArchives
        handbook, archive = make_library("Handbook"), make_library("Archive 1999")

        assert "This group may not be moved" in refusal("Sales", handbook.pk)
        move(group_link("Sales"), archive.pk, CLIENT)
        assert access()["Archive 1999"] == {ANN, BOB}

    def test_a_group_that_is_not_there(self, scim: Scim, sales: str) -> None:
        handbook = make_library("Handbook")
        link = group_link("Sales")
        scim.delete(f"/Groups/{sales}")

        for act in (
            partial(move, link, handbook.pk, CLIENT),
            partial(GroupMoving(HostAdapter(), unrecorded).preview, link.pk, handbook.pk),
        ):
            with pytest.raises(ScimError) as refused:
                act()
            assert refused.value.status == 404
            assert sales in refused.value.detail


class TestAccounts:
    @pytest.fixture(autouse=True)
    def groups(self, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        for account, name in (("acme", ANN), ("globex", BOB)):
            okta = Scim(f"Bearer {new_token(account)[1]}")
            okta.add_group(f"Sales of {account}", okta.add_user(name))
            okta.add_group(f"Ops of {account}")

    def test_the_librarys_of_ones_own_groups_can_be_fed(self) -> None:
        assert move_to("Ops of acme", "Sales of acme") == Preview([ANN], [ANN])

        assert access()["Ops of acme"] == {ANN}

    def test_a_library_that_no_group_has_fed_cannot(self) -> None:
        assert "This group may not be moved" in refusal(
            "Sales of acme", make_library("Handbook").pk
        )

    def test_another_accounts_cannot(self) -> None:
        theirs = Library.objects.get(name="Ops of globex")

        assert refusal("Sales of acme", theirs.pk) == (
            "The Library “Ops of globex” is fed by a group of another account."
        )

    def test_another_accounts_cannot_even_where_the_adapter_has_it(
        self, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Everything
        theirs = Library.objects.get(name="Ops of globex")
        LibraryGroupLink.objects.filter(library=theirs).update(unlinked_at="2020-01-01T00:00Z")

        assert "another account" in refusal("Sales of acme", theirs.pk)

    def test_another_accounts_group_is_not_there(self) -> None:
        link = group_link("Sales of globex")
        target = Library.objects.get(name="Ops of acme")

        with pytest.raises(ScimError) as refused:
            GroupMoving(TwoAccounts("acme"), unrecorded).move(link.pk, target.pk)

        assert refused.value.status == 404


class Everything(TwoAccounts):
    def target_libraries(self) -> models.QuerySet[Library]:
        return Library.objects.all()


class TestAtOnce:
    """Two groups feed one Library: who is in one of them has access, whatever the other does."""

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif(
        connection.vendor == "sqlite", reason="threads cannot share SQLite's database in memory"
    )
    def test_nobody_loses_access_that_another_group_gives_meanwhile(self) -> None:
        token = f"Bearer {new_token()[1]}"
        scim = Scim(token)
        people = [scim.add_user(f"person{number}@example.com") for number in range(8)]
        sales, ops = scim.add_group("Sales", *people), scim.add_group("Ops")
        move_to("Sales", "Ops")

        def send(request: Callable[[Scim], object]) -> None:
            try:
                request(Scim(token))
            finally:
                connections.close_all()

        requests = [
            request
            for person in people
            for request in (
                lambda okta, person=person: okta.patch(f"/Groups/{sales}", remove_member(person)),
                lambda okta, person=person: okta.patch(f"/Groups/{ops}", add_members(person)),
            )
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, requests))

        assert len(access()["Sales"]) == 8
        assert found() == []
        assert set(granted("Ops").values()) == {True}
