"""A replica that knows nothing of what was just written, or still has what was: nobody asks it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Model, QuerySet
from django.test import Client

from tests.admin.browser import GENERATE, api_status, confirmed, shown_token, signed_in
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim, add_members, patch_op, remove_member, user
from tests.wire.state import MODELS
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import ScimError
from tiled_scim.host import TILED_ADMIN, HostAdapter, objects
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    PriorRoles,
    ScimToken,
    Slot,
    UserLink,
)
from tiled_scim.provisioning import drift

PRIMARY, REPLICA = "default", "replica"

pytestmark = pytest.mark.django_db(databases=[PRIMARY, REPLICA])


def rows(model: type[Model]) -> list[Model]:
    return list(model._default_manager.using(PRIMARY).order_by("pk"))


def catch_up() -> None:
    """Let the replica have everything as it is now, and as it stays there."""
    models: list[type[Model]] = [*MODELS, ScimToken]
    for model in reversed(models):
        model._default_manager.using(REPLICA).all().delete()
    for model in models:
        model._default_manager.using(REPLICA).bulk_create(rows(model))


@pytest.fixture(params=["empty", "outdated"])
def scim(request: pytest.FixtureRequest) -> Scim:
    """Okta, whose people the replica does not know, or knows as they were."""
    scim = Scim(f"Bearer {new_token()[1]}")
    scim.add_group("Sales", scim.add_user(ANN), scim.add_user(BOB))
    if request.param == "outdated":
        catch_up()
    return scim


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.found("/Users", f'userName eq "{ANN}"')[0]


@pytest.fixture
def sales(scim: Scim) -> str:
    return scim.found("/Groups", 'displayName eq "Sales"')[0]


@pytest.mark.django_db(transaction=True, databases=[PRIMARY, REPLICA])
def test_the_sequence_of_okta_passes(scim_url: str) -> None:
    token = new_token()[1]

    call_command("scim_check", url=scim_url, token=token)


class TestReading:
    def test_a_get_after_a_post(self, scim: Scim) -> None:
        carl = scim.add_user("carl")

        assert scim.get(f"/Users/{carl}").json["userName"] == "carl"
        assert scim.found("/Users", 'userName eq "CARL"') == [carl]
        assert scim.get("/Users", count=100).json["totalResults"] == 3
        assert scim.get("/Users", sortBy="userName").json["Resources"][-1]["id"] == carl
        assert scim.get("/Users", cursor="").json["totalResults"] == 3

    def test_a_get_after_a_patch(self, scim: Scim, ann: str) -> None:
        before = scim.get(f"/Users/{ann}").headers["ETag"]
        changes = {"title": "Boss", "name.familyName": "Married", "active": False}

        answer = scim.patch(f"/Users/{ann}", {"op": "replace", "value": changes})

        read = scim.get(f"/Users/{ann}")
        assert read.json == answer.json
        assert (read.json["title"], read.json["active"]) == ("Boss", False)
        assert read.json["name"]["familyName"] == "Married"
        assert read.headers["ETag"] == answer.headers["ETag"] != before
        assert scim.found("/Users", 'name.familyName eq "Married" and active eq false') == [ann]
        assert scim.found("/Users", 'name.familyName eq "Angel" and title pr') == []

    def test_members(self, scim: Scim, sales: str, ann: str) -> None:
        carl = scim.add_user("carl")

        scim.patch(f"/Groups/{sales}", add_members(carl), remove_member(ann))

        assert carl in scim.members(sales)
        assert ann not in scim.members(sales)
        assert "groups" not in scim.get(f"/Users/{ann}").json
        assert scim.get(f"/Users/{carl}").json["groups"][0]["value"] == sales
        assert scim.found("/Groups", f'members.value eq "{carl}"') == [sales]
        assert scim.found("/Users", 'groups.display eq "Sales" and userName eq "carl"') == [carl]
        search = {"op": "remove", "path": f'members[display ne "{BOB}"]'}
        scim.patch(f"/Groups/{sales}", search)
        assert carl not in scim.members(sales)

    def test_changes_of_members(self, scim: Scim, sales: str, ann: str) -> None:
        """A new userName, and the end of a user in the host, are changes of the group."""
        versions = [scim.get(f"/Groups/{sales}").headers["ETag"]]

        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "userName", "value": "anna"})
        renamed = scim.get(f"/Groups/{sales}")
        assert {member["display"] for member in renamed.json["members"]} == {"anna", BOB}
        versions.append(renamed.headers["ETag"])
        User.objects.using(PRIMARY).get(username=BOB).delete()
        versions.append(scim.get(f"/Groups/{sales}").headers["ETag"])

        assert len(set(versions)) == 3

    def test_members_in_lists(self, scim: Scim, sales: str, ann: str) -> None:
        carl = scim.add_user("carl")
        support = scim.add_group("Support", carl)

        scim.patch(f"/Groups/{sales}", add_members(carl), remove_member(ann))

        groups = {each["id"]: each for each in scim.get("/Groups").json["Resources"]}
        assert carl in [member["value"] for member in groups[sales]["members"]]
        assert ann not in [member["value"] for member in groups[sales]["members"]]
        assert [member["value"] for member in groups[support]["members"]] == [carl]
        users = {each["id"]: each for each in scim.get("/Users").json["Resources"]}
        assert [group["value"] for group in users[carl]["groups"]] == [sales, support]
        assert "groups" not in users[ann]

    def test_a_delete(self, scim: Scim, ann: str, sales: str) -> None:
        assert scim.delete(f"/Users/{ann}").status == 204

        assert scim.get(f"/Users/{ann}").status == 404
        assert scim.found("/Users", f'userName eq "{ANN}"') == []
        assert ann not in scim.members(sales)
        library = Library.objects.using(PRIMARY).get()
        assert [each.username for each in library.members.using(PRIMARY)] == [BOB]


class TestWriting:
    def test_what_there_is_already_is_found(self, scim: Scim) -> None:
        assert scim.post("/Users", user(ANN.upper())).error == (409, "uniqueness")
        assert scim.post("/Groups", {"displayName": "SALES"}).error == (409, "uniqueness")

    def test_a_user_of_the_host_is_adopted(self, scim: Scim) -> None:
        carl = User.objects.create_user("carl")

        scim.add_user("carl")

        assert UserLink.objects.using(PRIMARY).get(user_name="carl").user_id == carl.pk

    def test_a_version_is_compared_with_what_was_written(self, scim: Scim, ann: str) -> None:
        outdated = {"If-Match": scim.get(f"/Users/{ann}").headers["ETag"]}
        change = {"op": "replace", "path": "title", "value": "Boss"}
        scim.patch(f"/Users/{ann}", change)
        current = {"If-Match": scim.get(f"/Users/{ann}").headers["ETag"]}

        answers = [
            scim.send("PATCH", f"/Users/{ann}", patch_op({**change, "value": "Chief"}), headers)
            for headers in (outdated, current)
        ]

        assert [answer.status for answer in answers] == [412, 200]

    def test_access_is_given_and_taken(self, scim: Scim, sales: str, ann: str) -> None:
        scim.patch(f"/Groups/{sales}", remove_member(ann))
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user("carl")))

        library = Library.objects.using(PRIMARY).get()
        names = library.members.using(PRIMARY).values_list("username", flat=True)
        assert sorted(names) == [BOB, "carl"]

    def test_access_that_people_gave_stays(self, scim: Scim, sales: str) -> None:
        carl = scim.add_user("carl")
        library = Library.objects.using(PRIMARY).get()
        library.members.add(User.objects.using(PRIMARY).get(username="carl"))
        scim.patch(f"/Groups/{sales}", add_members(carl))

        assert scim.delete(f"/Users/{carl}").status == 204

        names = library.members.using(PRIMARY).values_list("username", flat=True)
        assert sorted(names) == [ANN, BOB, "carl"]

    def test_drift_is_found_and_mended(self, scim: Scim) -> None:
        call_command("scim_resync", dry_run=True, verbosity=0)
        Library.objects.using(PRIMARY).get().members.clear()

        call_command("scim_resync", verbosity=0)

        library = Library.objects.using(PRIMARY).get()
        assert library.members.using(PRIMARY).count() == 2


class Together(HostAdapter):
    """Two accounts that have the same people, and may give them a role.

    It saves users itself, so that SCIM reads what it has saved.
    """

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": "Globex Corporation"}

    def adoptable_users(self) -> QuerySet[Any]:
        return objects(User)

    def adoptable_libraries(self) -> QuerySet[Any]:
        return objects(Library)

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, values)

    def roles(self) -> Mapping[str, str]:
        return {"editor": "Editor"}

    def roles_of(self, users: Collection[Any], *, lock: bool = False) -> Mapping[Any, list[str]]:
        return {user.pk: ["editor"] for user in self._editors().filter(pk__in=users)}

    def set_roles(self, roles: Mapping[Any, Collection[str]]) -> None:
        group, _ = Group.objects.using(PRIMARY).get_or_create(name=self.account)
        for key, names in roles.items():
            user = User.objects.using(PRIMARY).get(pk=key)
            (user.groups.add if names else user.groups.remove)(group)

    def _editors(self) -> QuerySet[User]:
        return User.objects.using(PRIMARY).filter(groups__name=self.account)


class WithAdmins(Together):
    """Two accounts, with Tiled Admin in a field of the person."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, TILED_ADMIN: "is_staff"}


class TestAccounts:
    @pytest.fixture(autouse=True)
    def _together(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together

    @pytest.fixture
    def acme(self) -> Scim:
        return Scim(f"Bearer {new_token('acme')[1]}")

    @pytest.fixture
    def globex(self) -> Scim:
        return Scim(f"Bearer {new_token('globex')[1]}")

    def test_what_one_says_changes_nothing_for_the_other(self, acme: Scim, globex: Scim) -> None:
        keys = {acme: acme.add_user(ANN), globex: globex.add_user(ANN)}
        for scim, key in keys.items():
            scim.add_group(f"Group of {key}", key)

        acme.deactivate(keys[acme])
        assert User.objects.using(PRIMARY).get().is_active
        globex.deactivate(keys[globex])
        assert not User.objects.using(PRIMARY).get().is_active
        acme.patch(f"/Users/{keys[acme]}", {"op": "replace", "value": {"active": True}})

        shown = [scim.get(f"/Users/{key}").json["active"] for scim, key in keys.items()]
        assert shown == [True, False]
        access = Library.members.through.objects.using(PRIMARY).select_related("library")
        assert [row.library.name for row in access] == [f"Group of {keys[acme]}"]

    def test_access_that_the_other_gives_stays(
        self, acme: Scim, globex: Scim, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        keys = {acme: acme.add_user(ANN), globex: globex.add_user(ANN)}
        for scim, key in keys.items():
            scim.add_group("Sales", key)

        assert acme.delete(f"/Users/{keys[acme]}").status == 204

        assert Library.objects.using(PRIMARY).get().members.using(PRIMARY).count() == 1

    def test_roles_are_given_and_taken(self, acme: Scim) -> None:
        ann, bob = acme.add_user(ANN), acme.add_user(BOB, roles=[{"value": "editor"}])
        group = acme.add_group("Editors", ann)
        link = LibraryGroupLink.objects.using(PRIMARY).get()
        Connection("acme").give_role(link, "editor", Actor("root"))
        assert self._editors() == [ANN, BOB]
        assert Connection("acme").preview_role(link, "").losing == [ANN]
        Group.objects.using(PRIMARY).get().user_set.clear()
        assert [finding.link.name for finding in drift.find("acme")] == [BOB, "Editors"]
        call_command("scim_resync", verbosity=0)
        assert self._editors() == [ANN, BOB]

        acme.patch(f"/Groups/{group}", add_members(bob), remove_member(ann))
        assert self._editors() == [BOB]
        acme.patch(f"/Users/{bob}", {"op": "remove", "path": "roles"})
        assert self._editors() == [BOB]
        acme.delete(f"/Groups/{group}")
        assert self._editors() == []
        assert not PriorRoles.objects.using(PRIMARY).exists()

    def test_tiled_admin_is_given(self, acme: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins
        acme.add_group("Admins", acme.add_user(ANN))
        link = LibraryGroupLink.objects.using(PRIMARY).get()

        Connection("acme").give_role(link, TILED_ADMIN, Actor("root"))

        assert User.objects.using(PRIMARY).get().is_staff

    def test_a_library_of_another_account_is_none_to_move_to(
        self, acme: Scim, globex: Scim
    ) -> None:
        sales, ops = acme.add_group("Sales"), globex.add_group("Ops")
        links = LibraryGroupLink.objects.using(PRIMARY)
        theirs = links.get(pk=ops).library_id

        with pytest.raises(ScimError, match="is fed by a group of another account"):
            Connection("acme").move(links.get(pk=sales), theirs, Actor("root"))

        assert links.get(pk=sales).library_id != theirs

    def _editors(self) -> list[str]:
        users = User.objects.using(PRIMARY).filter(groups__name="acme").order_by("username")
        return list(users.values_list("username", flat=True))


class TestTokens:
    def test_a_new_one_opens_and_the_old_one_does_not(self, scim: Scim) -> None:
        old = scim.headers["Authorization"].removeprefix("Bearer ")

        _, new = new_token()

        assert (api_status(old), api_status(new)) == (401, 200)

    def test_the_command_ends_the_one_that_is_current(self, scim: Scim) -> None:
        _, new = new_token()

        call_command("scim_token", "revoke", stdout=StringIO())

        assert api_status(new) == 401

    def test_the_command_tells_of_it(self, scim: Scim) -> None:
        token, _ = new_token()
        output = StringIO()

        call_command("scim_token", "list", stdout=output)

        line = next(line for line in output.getvalue().splitlines() if token.last_four in line)
        assert line.split()[-1] == "current"


class TestAdmin:
    """Who works with it is known to the replica, and what they do is not."""

    @pytest.fixture
    def browser(self, scim: Scim) -> Client:
        admin = User.objects.create_superuser("root")
        admin.save(using=REPLICA)
        return signed_in(admin)

    def test_a_token_is_replaced(self, browser: Client) -> None:
        for _ in range(2):
            current = ScimToken.objects.using(PRIMARY).get(account="", slot=Slot.NEWEST)
            answer = browser.post(GENERATE, confirmed(current))
            assert api_status(shown_token(answer)) == 200

        assert ScimToken.objects.using(PRIMARY).filter(account="", slot=Slot.NEWEST).count() == 1

    def test_a_group_is_let_go_of_as_it_is(self, browser: Client, scim: Scim, sales: str) -> None:
        catch_up()
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user("carl")))
        address = f"/admin/tiled_scim/librarygrouplink/{sales}/let-go/"

        page = browser.get(address)
        version = page.context["version"]
        answer = browser.post(address, {"version": version})

        assert "carl" in page.text
        assert answer.status_code == 302
        assert not LibraryGroupMember.objects.using(PRIMARY).exists()
        assert not Library.objects.using(PRIMARY).get().members.using(PRIMARY).exists()

    def test_a_group_is_moved_to_a_library_that_is_new(
        self, browser: Client, scim: Scim, sales: str
    ) -> None:
        catch_up()
        new = Library.objects.create(name="New")
        scim.patch(f"/Groups/{sales}", add_members(scim.add_user("carl")))
        address = f"/admin/tiled_scim/librarygrouplink/{sales}/move/?library={new.pk}"

        page = browser.get(address)
        answer = browser.post(address, {"version": page.context["version"]})

        assert "carl" in page.text
        assert answer.status_code == 302
        members = {
            library.name: sorted(library.members.using(PRIMARY).values_list("username", flat=True))
            for library in Library.objects.using(PRIMARY)
        }
        assert members == {"Sales": [], "New": [ANN, BOB, "carl"]}

    def test_a_group_is_mended_as_it_is(self, browser: Client, sales: str) -> None:
        catch_up()
        library = Library.objects.using(PRIMARY).get()
        library.members.remove(User.objects.using(PRIMARY).get(username=ANN))
        address = f"/admin/tiled_scim/librarygrouplink/{sales}/resync/"

        page = browser.get(address)
        browser.post(address, {"version": page.context["version"]})

        assert ANN in page.text
        assert library.members.using(PRIMARY).filter(username=ANN).exists()

    def test_what_was_let_go_of_meanwhile_is_left_alone(
        self, browser: Client, scim: Scim, sales: str
    ) -> None:
        catch_up()
        scim.delete(f"/Groups/{sales}")

        page = browser.get(f"/admin/tiled_scim/librarygrouplink/{sales}/let-go/", follow=True)

        assert "SCIM no longer manages “Sales”." in page.text
