"""Users and Libraries of the host's own: what a push takes over, and what it leaves alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import Model, ProtectedError, RestrictedError
from pytest_django import Settings

from tests.drifting import give, take_away
from tests.factories import make_library, make_user
from tests.simple_project.libraries.models import Library
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorAccess, UserLink

from .client import ANN, BOB, TILED_USER, Scim, add_members, group, remove_member, user
from .state import Snapshot, access, people, snapshot


class TestAdoption:
    @pytest.mark.parametrize("user_name", [ANN, "Ann@Example.COM"])
    def test_a_push_of_the_username_links_the_host_user(self, scim: Scim, user_name: str) -> None:
        person = make_user(ANN)

        key = scim.add_user(user_name)

        adopted = User.objects.get()
        assert adopted.pk == person.pk
        assert UserLink.objects.get().user == adopted
        assert (adopted.first_name, adopted.last_name) == ("Ann", "Angel")
        assert scim.found("/Users", f'userName eq "{ANN}"') == [key]
        assert scim.get(f"/Users/{key}").json["userName"] == user_name

    @pytest.mark.parametrize("is_admin", [True, False])
    def test_a_push_with_tiled_admin_sets_it(self, scim: Scim, is_admin: bool) -> None:
        make_user(ANN)

        scim.add_user(ANN, **{TILED_USER: {"tiledAdmin": is_admin}})

        assert people() == {ANN: "active admin" if is_admin else "active"}

    def test_an_inactive_host_user_is_active_again(self, scim: Scim) -> None:
        make_user(ANN, is_active=False)

        scim.add_user(ANN)

        assert people() == {ANN: "active"}

    def test_so_is_one_of_whom_the_push_does_not_say_it(self, scim: Scim) -> None:
        make_user(ANN, is_active=False)

        assert scim.post("/Users", {"userName": ANN}).json["active"] is True

        assert people() == {ANN: "active"}

    def test_access_that_people_gave_before_is_kept(self, scim: Scim) -> None:
        person = make_user(ANN)
        make_library("Attic", person)

        key = scim.add_user(ANN)
        sales = scim.add_group("Sales", key)
        scim.delete(f"/Groups/{sales}")

        assert access() == {"Attic": {ANN}, "Sales": set()}

    def test_access_that_people_took_away_and_a_push_gave_again_ends(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        sales = scim.add_group("Sales")
        give("Sales", ANN)
        scim.patch(f"/Groups/{sales}", add_members(key))
        take_away("Sales", ANN)

        scim.patch(f"/Groups/{sales}", add_members(key))
        assert access() == {"Sales": {ANN}}
        scim.patch(f"/Groups/{sales}", remove_member(key))

        assert access() == {"Sales": set()}

    def test_by_email(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        person = make_user("ann", email="Ann@Example.com")
        make_user(ANN, email="else@example.com")

        scim.add_user(ANN)

        assert UserLink.objects.get().user == person
        assert people() == {"ann": "active", ANN: "active"}

    def test_people_who_were_adopted_by_email_keep_their_username(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        make_user("ann", email=ANN)
        key = scim.add_user(ANN)

        answer = scim.put(f"/Users/{key}", user(BOB))

        assert answer.json["userName"] == BOB
        assert people() == {"ann": "active"}
        assert User.objects.get().email == BOB

    def test_switched_off_a_taken_username_is_409(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_USERS = None
        make_user(ANN)
        before = snapshot()

        answer = scim.post("/Users", user(ANN))

        assert answer.error == (409, "uniqueness")
        assert snapshot() == before

    def test_two_host_users_who_fit_are_409(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        make_user("ann", email="Ann@example.com")
        make_user("anna", email="ann@Example.com")
        before = snapshot()

        answer = scim.post("/Users", user(ANN))

        assert answer.error == (409, "uniqueness")
        assert ANN in answer.json["detail"]
        assert snapshot() == before


class TestProtectedPeople:
    @pytest.fixture
    def before(self, db: None) -> Snapshot:
        make_user(ANN, is_superuser=True, is_staff=True)
        return snapshot()

    def test_a_superuser_is_not_adopted(self, scim: Scim, before: Snapshot) -> None:
        answer = scim.post("/Users", user(ANN))

        assert answer.error == (409, "uniqueness")
        assert "protected" in answer.json["detail"]
        assert snapshot() == before

    def test_lookup_finds_no_superuser(self, scim: Scim, before: Snapshot) -> None:
        assert scim.found("/Users", f'userName eq "{ANN}"') == []
        assert snapshot() == before

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_a_user_who_became_one_after_the_push_is_not_changed(
        self, scim: Scim, method: str
    ) -> None:
        key = scim.add_user(ANN)
        scim.add_group("Sales", key)
        User.objects.update(is_superuser=True)
        before = snapshot()

        answer = {
            "PUT": lambda: scim.put(f"/Users/{key}", user(ANN, active=False)),
            "PATCH": lambda: scim.patch(
                f"/Users/{key}", {"op": "replace", "value": {"active": False}}
            ),
            "DELETE": lambda: scim.delete(f"/Users/{key}"),
        }[method]()

        assert answer.error == (403, None)
        assert "protected" in answer.json["detail"]
        assert snapshot() == before
        assert scim.get(f"/Users/{key}").status == 200

    def test_nor_pushed_again_when_inactive(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.deactivate(key)
        User.objects.update(is_superuser=True)
        before = snapshot()

        assert scim.post("/Users", user(ANN)).error == (409, "uniqueness")
        assert snapshot() == before


class OfNobody(HostAdapter):
    """A host that says itself whose a Library is: not the account's any more."""

    def has_library(self, library: Model) -> bool:
        return False


class TestLibraries:
    def test_one_that_people_made_is_not_taken_over(self, scim: Scim) -> None:
        make_library("Sales", make_user("hope"))

        key = scim.add_group("Sales", scim.add_user(ANN))
        scim.patch(f"/Groups/{key}", {"op": "replace", "value": {"displayName": "Ops"}})

        assert access() == {"Sales": {"hope"}, "Ops": {ANN}}

    def test_it_is_where_the_host_says_so(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        make_library("Sales", make_user("hope"))

        key = scim.add_group("Sales", scim.add_user(ANN))
        assert access() == {"Sales": {"hope", ANN}}
        scim.patch(f"/Groups/{key}", {"op": "replace", "path": "members", "value": []})

        assert access() == {"Sales": {"hope"}}

    def test_group_of_one_that_is_another_accounts_now_is_not_found(
        self, scim: Scim, sales: str, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = OfNobody

        answer = scim.delete(f"/Groups/{sales}")

        assert answer.status == 404
        assert sales in answer.json["detail"]
        assert access() == {"Sales": {ANN}}

    def test_people_in_the_host_are_no_members(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        make_library("Sales", make_user("hope"))

        answer = scim.post("/Groups", group("Sales"))

        assert answer.json.get("members", []) == []


class TestAccessOfSeveralGroups:
    """A host may let several groups feed one Library."""

    @pytest.fixture
    def groups(self, scim: Scim) -> list[str]:
        keys = [scim.add_group("Sales"), scim.add_group("Ops")]
        library = Library.objects.get(name="Sales")
        LibraryGroupLink.objects.filter(pk=keys[1]).update(library=library)
        Library.objects.filter(name="Ops").delete()
        return keys

    @pytest.mark.parametrize("first", [0, 1])
    @pytest.mark.parametrize("ending", ["leaves", "is deleted"])
    def test_access_ends_with_the_last_group_that_gives_it(
        self, scim: Scim, groups: list[str], first: int, ending: str
    ) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB)
        for key in groups:
            scim.patch(f"/Groups/{key}", add_members(ann, bob))

        scim.patch(f"/Groups/{groups[first]}", remove_member(ann))
        assert access() == {"Sales": {ANN, BOB}}

        if ending == "leaves":
            scim.patch(f"/Groups/{groups[1 - first]}", remove_member(ann))
        else:
            scim.delete(f"/Users/{ann}")
        assert access() == {"Sales": {BOB}}

    def test_what_people_gave_by_hand_outlives_both(self, scim: Scim, groups: list[str]) -> None:
        ann = scim.add_user(ANN)
        Library.objects.get().members.add(User.objects.get(username=ANN))
        for key in groups:
            scim.patch(f"/Groups/{key}", add_members(ann))

        scim.delete(f"/Groups/{groups[0]}")
        assert PriorAccess.objects.exists()
        scim.delete(f"/Groups/{groups[1]}")

        assert access() == {"Sales": {ANN}}
        assert not PriorAccess.objects.exists()


class TestDeletion:
    @pytest.fixture
    def key(self, scim: Scim) -> str:
        return scim.add_user(ANN)

    @pytest.mark.parametrize("error", [ProtectedError, RestrictedError])
    def test_who_may_not_be_deleted_is_unlinked(
        self,
        scim: Scim,
        key: str,
        settings: Settings,
        caplog: pytest.LogCaptureFixture,
        error: type[Exception],
    ) -> None:
        class Referring(HostAdapter):
            """A host that refers to its users, so that they cannot be deleted."""

            def delete_user(self, user: AbstractBaseUser) -> None:
                raise error("Invoices refer to this user.", set())

        settings.TILED_SCIM_USER_DELETE = "delete"
        settings.TILED_SCIM_HOST_ADAPTER = Referring
        sales = scim.add_group("Sales", key)

        assert scim.delete(f"/Users/{key}").status == 204

        assert scim.get(f"/Users/{key}").status == 404
        assert people() == {ANN: "inactive"}
        assert access() == {"Sales": set()}
        assert scim.members(sales) == []
        assert f"The host protects the user of {key} from being deleted" in caplog.text

    def test_nobody_stays_in_a_group_whose_library_was_deleted(self, scim: Scim, key: str) -> None:
        scim.add_group("Sales", key)
        Library.objects.all().delete()

        assert scim.delete(f"/Users/{key}").status == 204

        assert not LibraryGroupMember.objects.exists()
        assert scim.add_user(ANN) == key
        call_command("scim_resync", verbosity=0)
        assert access() == {"Sales": set()}
