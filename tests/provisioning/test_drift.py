"""What is drift, and what is not: the invariants of links, members, host users and access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.drifting import (
    TwoAccounts,
    found,
    give,
    granted,
    group_link,
    link_in,
    take_away,
    user_link,
)
from tests.factories import make_library, make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, CARL, Scim, add_members, group, remove_member
from tests.wire.state import access
from tests.wire.test_query_counts import add_groups, add_people
from tiled_scim.errors import ScimError
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.repair import repair

pytestmark = pytest.mark.django_db


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN)


@pytest.fixture
def sales(scim: Scim, ann: str) -> str:
    return scim.add_group("Sales", ann)


class TestNoDrift:
    def test_where_there_is_nothing(self) -> None:
        assert found() == []

    def test_whatever_scim_does(self, scim: Scim, ann: str, sales: str) -> None:
        bob = scim.add_user(BOB)
        ops = scim.add_group("Ops", ann, bob)
        scim.patch(f"/Groups/{sales}", add_members(bob), remove_member(ann))
        scim.patch(f"/Users/{bob}", {"op": "replace", "value": {"userName": "ROBERT"}})
        scim.patch(f"/Groups/{ops}", {"op": "replace", "value": {"displayName": "Straße ΑΣ"}})
        assert found() == []
        scim.delete(f"/Groups/{sales}")
        scim.delete(f"/Users/{ann}")
        assert found() == []
        scim.add_group("SALES", scim.add_user(ANN))
        assert found() == []

    def test_deactivated_people_who_keep_what_they_have(
        self, scim: Scim, ann: str, sales: str
    ) -> None:
        scim.deactivate(ann)

        assert Library.objects.get().members.get().username == ANN
        assert found() == []

    def test_people_who_are_reactivated_by_hand(self, scim: Scim, ann: str) -> None:
        scim.delete(f"/Users/{ann}")

        User.objects.filter(username=ANN).update(is_active=True)

        assert found() == []

    def test_access_by_hand(self, scim: Scim, ann: str, sales: str) -> None:
        bob = scim.add_user(BOB)
        make_user("hope")
        give("Sales", BOB, "hope")
        make_library("Handbook", User.objects.get(username=ANN))
        scim.patch(f"/Groups/{sales}", add_members(bob))

        assert found() == []

    def test_a_library_that_people_renamed(self, sales: str) -> None:
        Library.objects.update(name="Field")

        assert found() == []

    def test_a_name_that_was_given_up(
        self, scim: Scim, ann: str, sales: str, settings: Settings
    ) -> None:
        scim.delete(f"/Users/{ann}")
        settings.TILED_SCIM_ADOPT_USERS = "email"
        User.objects.filter(username=ANN).update(username="ann")
        make_user("bob", email=BOB)
        bob = scim.add_user(BOB)
        scim.patch(f"/Users/{bob}", {"op": "replace", "value": {"userName": ANN}})
        scim.delete(f"/Groups/{sales}")
        ops = scim.add_group("Ops")
        scim.patch(f"/Groups/{ops}", {"op": "replace", "value": {"displayName": "Sales"}})

        assert UserLink.objects.get(pk=ann).user_name_canonical is None
        assert LibraryGroupLink.objects.get(pk=sales).display_name_canonical is None
        assert found() == []

    def test_a_name_that_was_taken_back(self, scim: Scim, ann: str, settings: Settings) -> None:
        scim.delete(f"/Users/{ann}")
        settings.TILED_SCIM_ADOPT_USERS = "email"
        User.objects.filter(username=ANN).update(username="ann")
        make_user("bob", email=BOB)
        bob = scim.add_user(BOB)
        for name in (ANN, BOB):
            scim.patch(f"/Users/{bob}", {"op": "replace", "value": {"userName": name}})

        assert scim.add_user(ANN) == ann

        assert scim.found("/Users", f'userName eq "{ANN}"') == [ann]
        assert found() == []

    def test_a_user_whom_the_host_deleted(self, scim: Scim, ann: str, sales: str) -> None:
        User.objects.get(username=ANN).delete()

        assert found() == []

    def test_the_library_of_a_group_that_was_let_go_of(self, scim: Scim, sales: str) -> None:
        scim.delete(f"/Groups/{sales}")

        Library.objects.all().delete()

        assert found() == []


class TestDrift:
    def test_a_member_whose_access_was_taken_away(self, scim: Scim, ann: str, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user(BOB), scim.add_user(CARL)))

        take_away("Sales", ANN, CARL)

        assert found() == [(drift.ACCESS_LACKING, "Sales", [ANN, CARL])]

    def test_a_deactivated_member_whose_access_was_taken_away(
        self, scim: Scim, ann: str, sales: str
    ) -> None:
        scim.deactivate(ann)

        take_away("Sales", ANN)

        assert found() == [(drift.ACCESS_LACKING, "Sales", [ANN])]

    def test_a_library_that_was_deleted(self, sales: str) -> None:
        Library.objects.all().delete()

        assert found() == [(drift.LIBRARY_DELETED, "Sales", [])]

    def test_members_of_a_group_that_was_let_go_of(self, sales: str) -> None:
        LibraryGroupLink.objects.update(unlinked_at=timezone.now())

        assert found() == [(drift.GROUP_UNLINKED, "Sales", [ANN])]

    def test_members_who_were_let_go_of(self, scim: Scim, ann: str, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user(BOB)))
        UserLink.objects.filter(pk=ann).update(unlinked_at=timezone.now())

        assert found() == [(drift.USER_UNLINKED, "Sales", [ANN])]

    def test_members_of_another_account(self, ann: str, sales: str) -> None:
        LibraryGroupMember.objects.create(group=group_link("Sales"), user=link_in("globex", ANN))

        assert found() == [(drift.FOREIGN_USER, "Sales", [ANN])]

    def test_of_whom_a_repair_keeps_that_people_gave_them_access(
        self, scim: Scim, ann: str, sales: str
    ) -> None:
        scim.patch(f"/Groups/{sales}", remove_member(ann))
        give("Sales", ANN)
        scim.patch(f"/Groups/{sales}", add_members(ann))
        LibraryGroupMember.objects.create(group=group_link("Sales"), user=link_in("globex", ANN))

        repair(group_link("Sales"), "root")

        assert granted("Sales") == {ANN: False}
        scim.patch(f"/Groups/{sales}", remove_member(ann))
        assert access() == {"Sales": {ANN}}

    @pytest.mark.parametrize("folded", ["ANN@example.com", "", None])
    def test_a_user_name_that_is_not_found(self, ann: str, folded: str | None) -> None:
        UserLink.objects.update(user_name_canonical=folded)

        assert found() == [(drift.NAME, ANN, [])]

    def test_a_display_name_that_is_not_found(self, sales: str) -> None:
        LibraryGroupLink.objects.update(display_name="Sales EU")

        assert found() == [(drift.NAME, "Sales EU", [])]

    def test_a_wrong_name_that_was_let_go_of(self, scim: Scim, ann: str) -> None:
        scim.delete(f"/Users/{ann}")
        UserLink.objects.update(user_name_canonical="bob")

        assert found() == [(drift.NAME, ANN, [])]

    @pytest.mark.parametrize("change", ["unlinked", "of another account"])
    def test_members_are_not_kept_by_a_list_that_names_them(
        self, scim: Scim, ann: str, sales: str, change: str
    ) -> None:
        bob = scim.add_user(BOB)
        if change == "unlinked":
            UserLink.objects.filter(pk=ann).update(unlinked_at=timezone.now())
        else:
            UserLink.objects.filter(pk=ann).update(account="globex")

        assert scim.put(f"/Groups/{sales}", group("Sales", ann, bob)).status == 200

        assert scim.members(sales) == [bob]
        assert access() == {"Sales": {BOB}}

    @pytest.mark.parametrize("change", [{"unlinked_at": timezone.now()}, {"account": "globex"}])
    def test_of_a_group_that_is_not_the_accounts_is_left_as_it_is(
        self, scim: Scim, ann: str, sales: str, change: dict[str, Any]
    ) -> None:
        LibraryGroupLink.objects.update(**change)

        assert scim.delete(f"/Users/{ann}").status == 204

        assert LibraryGroupMember.objects.count() == 1
        assert access() == {"Sales": {ANN}}

    def test_of_what_the_host_deleted_meanwhile_is_not_found(self, ann: str, sales: str) -> None:
        links = group_link("Sales"), user_link(ANN)
        LibraryGroupLink.objects.all().delete()
        User.objects.all().delete()

        for link in links:
            with pytest.raises(ScimError, match=f"no .* with the id {link.pk}") as error:
                repair(link, "root")
            assert error.value.status == 404

    def test_several_kinds_in_one_group(self, scim: Scim, ann: str, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user(BOB)))
        take_away("Sales", BOB)
        LibraryGroupLink.objects.update(display_name_canonical=None)
        UserLink.objects.filter(pk=ann).update(unlinked_at=timezone.now())

        assert found() == [
            (drift.NAME, "Sales", []),
            (drift.USER_UNLINKED, "Sales", [ANN]),
            (drift.ACCESS_LACKING, "Sales", [BOB]),
        ]


class TestSentences:
    def test_name_the_group_and_the_members(self, sales: str) -> None:
        take_away("Sales", ANN)

        [finding] = drift.find()
        assert str(finding) == (
            "The group “Sales” has members without access to its Library: ann@example.com."
        )
        assert str(finding.kind.repair) == "giving them access"

    @pytest.mark.parametrize(("number", "more"), [(10, ""), (11, ", … (+1)")])
    def test_name_the_first_ten(self, number: int, more: str) -> None:
        add_groups(1, add_people(number))
        Library.members.through.objects.all().delete()

        [finding] = drift.find()
        assert len(finding.people) == number
        assert str(finding).count("person") == 10
        assert str(finding).endswith(f"{more}.")
        assert ("…" in str(finding)) == bool(more)

    def test_take_percent_signs_as_they_are(self, scim: Scim) -> None:
        scim.add_group("100 %s")
        Library.objects.all().delete()

        [finding] = drift.find()
        assert str(finding) == "The Library of the group “100 %s” was deleted."


class TestAccounts:
    @pytest.fixture(autouse=True)
    def groups(self, settings: Settings) -> None:
        """A group in each of two accounts, whose members were removed manually."""
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        for account, name in (("acme", ANN), ("globex", BOB)):
            okta = Scim(f"Bearer {new_token(account)[1]}")
            okta.add_group(f"Sales of {account}", okta.add_user(name))
            take_away(f"Sales of {account}", name)

    def test_one_is_looked_at(self) -> None:
        assert found("acme") == [(drift.ACCESS_LACKING, "Sales of acme", [ANN])]
        assert drift.count("acme") == 2
        UserLink.objects.update(user_name_canonical=None)
        assert (drift.NAME, ANN, []) in found("acme")
        assert len(found("acme")) == 2

    def test_all_are(self) -> None:
        assert {name for _, name, _ in found()} == {"Sales of acme", "Sales of globex"}
        assert drift.count() == 4

    def test_one_that_the_host_does_not_have_any_more_is_looked_at(
        self, settings: Settings
    ) -> None:
        del settings.TILED_SCIM_HOST_ADAPTER

        assert len(found()) == 2

    def test_one_person_in_two(self) -> None:
        group_link("Sales of globex").members.create(user=link_in("globex", ANN))

        assert (drift.ACCESS_LACKING, "Sales of globex", [ANN, BOB]) in found()

    def test_a_repair_links_a_new_library_before_it_gives_access(self, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = AsksForLinks
        Library.objects.get(name="Sales of acme").delete()

        repair(group_link("Sales of acme"), "root")

        assert access()["Sales of acme"] == {ANN}


class AsksForLinks(TwoAccounts):
    """A host whose accounts have the Libraries that their groups are linked to."""

    def has_library(self, library: models.Model) -> bool:
        return self.target_libraries().filter(pk=library.pk).exists()


class TestCost:
    def queries(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            found()
        return len(queries)

    def test_is_the_same_for_few_members_and_for_many(self) -> None:
        people = add_people(400)
        counts = set()
        for size in (1, 20, 400):
            add_groups(1, people[:size])
            counts.add(self.queries())
            LibraryGroupLink.objects.all().delete()

        assert len(counts) == 1

    def test_is_two_queries_a_group(self) -> None:
        people = add_people(20)
        add_groups(3, people)
        few = self.queries()
        add_groups(10, people)

        assert self.queries() == few + 10 * 2

    def test_of_a_group_that_is_read_in_parts(self) -> None:
        add_groups(1, add_people(1001))
        Library.members.through.objects.filter(user__username__in=["person0", "person777"]).delete()
        late = UserLink.objects.get(user_name="person1000")
        UserLink.objects.filter(pk=late.pk).update(unlinked_at=timezone.now())

        assert found() == [
            (drift.USER_UNLINKED, "Library 0", ["person1000"]),
            (drift.ACCESS_LACKING, "Library 0", ["person0", "person777"]),
        ]

    def test_of_more_links_than_are_read_at_once(self) -> None:
        add_people(501)
        last = UserLink.objects.order_by("pk").last()
        assert last is not None
        UserLink.objects.filter(pk=last.pk).update(
            user_name_canonical=None, created_at=timezone.now() - timedelta(days=1)
        )

        assert found() == [(drift.NAME, last.user_name, [])]
        assert user_link(last.user_name).user_name_canonical is None
