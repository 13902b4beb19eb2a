"""Links that people have made outdated: SCIM opens and changes nothing through them."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.projects.models import Project
from tests.hosts.company.test_company import (
    ACME,
    ADMIN,
    ANN,
    GLOBEX,
    client_of,
    member,
    push,
    push_group,
    set_value,
    shown,
)
from tests.hosts.messages import add_members, group, patch, person
from tests.wire.client import Scim
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    LibraryGroupMember,
    PriorAccess,
    ScimEvent,
    UserLink,
)
from tiled_scim.presentation.group_roles import GiveRole
from tiled_scim.presentation.interventions import read_link
from tiled_scim.presentation.links import (
    annotate_groups,
    annotate_users,
    attributes_of,
    groups_of,
)
from tiled_scim.provisioning import drift

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
BOB = "bob@example.com"
ANOTHER_NAME = patch({"op": "replace", "value": {"displayName": "Stolen"}})


@pytest.fixture(autouse=True)
def _accounts(db: None) -> None:
    Account.objects.create(pk=ACME, name="Acme Inc.")
    Account.objects.create(pk=GLOBEX, name="Globex Corporation")


@pytest.fixture
def acme() -> Scim:
    return client_of(ACME)


@pytest.fixture
def globex() -> Scim:
    return client_of(GLOBEX)


def projects() -> dict[tuple[Any, str], set[str]]:
    """The members of each project, by account and name."""
    return {
        (project.account.pk, project.name): {each.email for each in project.members.all()}
        for project in Project.objects.all()
    }


def has_password() -> bool:
    return Person.objects.get().check_password(PASSWORD)


class TestMovedPerson:
    """A person who was unlinked, and whom people moved to another account meanwhile."""

    def test_is_not_opened_by_the_old_link(self, acme: Scim) -> None:
        key = push(acme, **ADMIN)
        acme.delete(f"/Users/{key}")
        Membership.objects.update(account=GLOBEX, role="admin", is_active=True)
        Person.objects.update(email="ann@globex.example", is_active=True, first_name="Other")

        other = push(acme)

        assert other != key
        former = Person.objects.filter(email="ann@globex.example")
        assert list(former.values_list("first_name", "is_active")) == [("Other", True)]
        assert member(GLOBEX) == ("admin", True, "")
        assert Membership.objects.get(account=ACME).person.email == ANN

    def test_whose_name_somebody_else_has_now(self, acme: Scim) -> None:
        key = push(acme, **ADMIN)
        acme.delete(f"/Users/{key}")
        unlinked_at = UserLink.objects.get().unlinked_at
        Person.objects.update(email="former@example.com")
        new = Person.objects.create(email=ANN)

        other = push(acme)

        assert other != key
        assert UserLink.objects.get(pk=other).user_id == new.pk
        assert UserLink.objects.get(pk=key).unlinked_at == unlinked_at
        assert member(ACME, person__email="former@example.com") == ("member", False, "")

    def test_keeps_own_person_whose_name_is_only_the_accounts(
        self, acme: Scim, globex: Scim
    ) -> None:
        """The name is that of somebody else in the host, but Ann's in her account."""
        key = push(acme)
        push(globex)
        set_value(acme, key, "userName", BOB)
        push(globex, BOB)
        acme.delete(f"/Users/{key}")

        assert push(acme, BOB) == key

        assert UserLink.objects.get(pk=key).user_id == Person.objects.get(email=ANN).pk
        assert not Membership.objects.filter(account=ACME, person__email=BOB).exists()

    def test_is_no_member_any_more_who_lacks_access(self, acme: Scim) -> None:
        push_group(acme, "Surfaces", push(acme))
        Membership.objects.update(account=GLOBEX)
        Project.objects.get().members.clear()

        assert list(drift.find()) == []

    def test_does_not_stay_in_a_group_because_a_list_names_them(self, acme: Scim) -> None:
        ann = push(acme)
        key = push_group(acme, "Surfaces", ann)
        Membership.objects.update(account=GLOBEX)

        assert acme.put(f"/Groups/{key}", group("Surfaces", ann, push(acme, BOB))).status == 200

        assert LibraryGroupMember.objects.get().user.user_name == BOB
        assert projects() == {(ACME, "Surfaces"): {BOB}}

    def test_is_not_shown_on_pages(self, acme: Scim) -> None:
        push(acme)
        Membership.objects.update(account=GLOBEX)
        Person.objects.update(first_name="Secret")
        [link] = annotate_users(list(UserLink.objects.select_related("user")))

        shown = dict(attributes_of(link))

        assert link.state == "let_go"
        assert shown["userName"] == ANN
        assert "Secret" not in shown.values()
        assert "active" not in shown


class TestMovedLibrary:
    """A Library that people moved to another account."""

    @pytest.fixture
    def ann(self, acme: Scim) -> str:
        return push(acme)

    @pytest.fixture
    def surfaces(self, acme: Scim, ann: str) -> str:
        key = push_group(acme, "Surfaces", ann)
        Project.objects.update(account=GLOBEX)
        return key

    @pytest.mark.parametrize(
        ("method", "body"),
        [
            ("GET", None),
            ("PUT", group("Stolen")),
            ("PATCH", ANOTHER_NAME),
            ("PATCH", patch({"op": "remove", "path": "members"})),
            ("PATCH", patch({"op": "replace", "path": "members", "value": []})),
            ("DELETE", None),
        ],
    )
    def test_group_is_not_found(self, acme: Scim, surfaces: str, method: str, body: Any) -> None:
        before = LibraryGroupLink.objects.values().get()

        answer = acme.send(method, f"/Groups/{surfaces}", body)

        assert answer.error == (404, None)
        assert surfaces in answer.json["detail"]
        assert LibraryGroupLink.objects.values().get() == before
        assert projects() == {(GLOBEX, "Surfaces"): {ANN}}

    def test_nobody_is_added(self, acme: Scim, surfaces: str) -> None:
        bob = push(acme, BOB)

        assert acme.send("PATCH", f"/Groups/{surfaces}", add_members(bob)).status == 404

        assert projects() == {(GLOBEX, "Surfaces"): {ANN}}

    def test_group_is_not_shown(self, acme: Scim, ann: str, surfaces: str) -> None:
        assert acme.get("/Groups").json["totalResults"] == 0
        found = acme.get("/Groups", filter='displayName eq "Surfaces"').json
        assert found["totalResults"] == 0
        assert "groups" not in shown(acme, ann)
        assert acme.get("/Users", filter="groups pr").json["totalResults"] == 0
        assert Connection(str(ACME)).health().counts.libraries == 0

    @pytest.mark.parametrize("how", ["deactivate", "delete"])
    def test_access_is_not_revoked_when_a_member_leaves(
        self, acme: Scim, ann: str, surfaces: str, how: str
    ) -> None:
        if how == "delete":
            assert acme.delete(f"/Users/{ann}").status == 204
        else:
            set_value(acme, ann, "active", False)

        assert projects() == {(GLOBEX, "Surfaces"): {ANN}}

    def test_access_is_not_given_when_a_member_comes_back(self, acme: Scim, ann: str) -> None:
        push_group(acme, "Surfaces", ann)
        set_value(acme, ann, "active", False)
        Project.objects.update(account=GLOBEX)

        set_value(acme, ann, "active", True)

        assert projects() == {(GLOBEX, "Surfaces"): set()}

    def test_push_makes_another(self, acme: Scim, ann: str, surfaces: str) -> None:
        assert push_group(acme, "Surfaces", ann) == surfaces

        assert projects() == {(GLOBEX, "Surfaces"): {ANN}, (ACME, "Surfaces"): {ANN}}
        assert acme.get(f"/Groups/{surfaces}").json["members"][0]["value"] == ann
        assert not PriorAccess.objects.exists()

    def test_push_finds_another(self, acme: Scim, surfaces: str, settings: LazySettings) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        other = Project.objects.create(account_id=ACME, name="Surfaces")

        assert push_group(acme, "Surfaces") == surfaces

        assert LibraryGroupLink.objects.get().library_id == other.pk

    def test_push_of_a_group_that_was_unlinked_makes_another(self, acme: Scim, ann: str) -> None:
        key = push_group(acme, "Surfaces", ann)
        acme.delete(f"/Groups/{key}")
        Project.objects.update(account=GLOBEX)

        assert push_group(acme, "Surfaces", ann) == key

        assert projects() == {(GLOBEX, "Surfaces"): set(), (ACME, "Surfaces"): {ANN}}

    def test_its_new_account_may_push_a_group_for_it(
        self, globex: Scim, surfaces: str, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True

        push_group(globex, "Surfaces", push(globex, BOB))

        assert projects() == {(GLOBEX, "Surfaces"): {ANN, BOB}}

    def test_its_new_account_may_move_a_group_to_it(self, globex: Scim, surfaces: str) -> None:
        curves = push_group(globex, "Curves", push(globex, BOB))

        link = LibraryGroupLink.objects.get(pk=curves)
        Connection(str(GLOBEX)).move(link, Project.objects.get(name="Surfaces").pk, Actor("root"))

        assert projects() == {(GLOBEX, "Surfaces"): {ANN, BOB}, (GLOBEX, "Curves"): set()}

    def test_its_new_account_may_need_the_name_for_another_group(
        self, globex: Scim, surfaces: str, settings: LazySettings
    ) -> None:
        """The group of the old account does not keep the name."""
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        assert globex.delete(f"/Groups/{push_group(globex, 'Surfaces')}").status == 204
        curves = push_group(globex, "Curves")

        assert globex.put(f"/Groups/{curves}", group("Surfaces")).status == 200

        assert projects().keys() == {(GLOBEX, "Surfaces"), (GLOBEX, "Surfaces (unlinked)")}

    def test_keeps_its_name_where_another_group_needs_it(
        self, acme: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Project._meta.get_field("name"), "unique", True)
        key = push_group(acme, "Surfaces", ann)
        acme.delete(f"/Groups/{key}")
        Project.objects.update(account=GLOBEX)

        assert acme.post("/Groups", group("Surfaces")).status == 409

        assert projects() == {(GLOBEX, "Surfaces"): set()}

    def test_that_comes_back_is_the_groups_again(self, acme: Scim, ann: str, surfaces: str) -> None:
        Project.objects.update(account=ACME)

        assert acme.members(surfaces) == [ann]

    def test_is_drift_that_a_repair_ends(self, acme: Scim, surfaces: str) -> None:
        findings = list(drift.find())
        assert [finding.kind for finding in findings] == [drift.LIBRARY_MOVED]

        link = LibraryGroupLink.objects.get()
        Connection(str(ACME)).resync(link, Actor("root"))

        assert list(drift.find()) == []
        assert projects() == {(GLOBEX, "Surfaces"): {ANN}, (ACME, "Surfaces"): {ANN}}

    def test_people_may_unlink_the_group(self, acme: Scim, surfaces: str) -> None:
        link = LibraryGroupLink.objects.get()

        Connection(str(ACME)).unlink(link, Actor("root"))

        assert projects() == {(GLOBEX, "Surfaces"): {ANN}}

    def test_people_may_move_the_group(self, acme: Scim, surfaces: str) -> None:
        other = Project.objects.create(account_id=ACME, name="Curves")

        link = LibraryGroupLink.objects.get()
        Connection(str(ACME)).move(link, other.pk, Actor("root"))

        assert projects() == {(GLOBEX, "Surfaces"): {ANN}, (ACME, "Curves"): {ANN}}

    def test_pages_do_not_name_it(self, acme: Scim, surfaces: str) -> None:
        Project.objects.update(name="Secret")

        [link] = annotate_groups(list(LibraryGroupLink.objects.select_related("library")))

        assert (link.state, link.library_label) == ("library_moved", "")


class TestMovedLibraryOfGroupWithRole:
    """A Library that people moved to another account, and whose group goes on to give a role."""

    @pytest.fixture(autouse=True)
    def _offered(self, settings: LazySettings) -> None:
        offered = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role=member,admin,owner"}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = offered

    @pytest.fixture
    def ann(self, acme: Scim) -> str:
        return push(acme)

    @pytest.fixture
    def surfaces(self, acme: Scim, ann: str) -> str:
        key = push_group(acme, "Surfaces", ann)
        Connection(str(ACME)).give_role(LibraryGroupLink.objects.get(), "admin", Actor("root"))
        Project.objects.update(account=GLOBEX)
        return key

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_keeps_its_name(self, acme: Scim, ann: str, surfaces: str, method: str) -> None:
        body = group("Stolen", ann) if method == "PUT" else ANOTHER_NAME

        assert acme.send(method, f"/Groups/{surfaces}", body).status in (200, 204)

        assert LibraryGroupLink.objects.get().display_name == "Stolen"
        assert projects() == {(GLOBEX, "Surfaces"): {ANN}}

    def test_pages_do_not_name_it(self, ann: str, surfaces: str) -> None:
        Project.objects.update(name="Secret")
        link = read_link(LibraryGroupLink.objects.get())

        [shown] = groups_of(UserLink.objects.get())
        choice = GiveRole(link, Actor("root"), {"role": "owner"})

        assert (shown["library"], shown["library_key"], shown["role"]) == ("", None, "admin")
        assert choice.choices()["library_name"] == ""
        consequences = choice.consequences()
        assert "Secret" not in repr(consequences)
        assert [each.title for each in consequences.lists] == [
            "Who gains the role “owner”",
            "Who loses the role “admin”",
        ]


class TestReactivatedByHand:
    """A membership that SCIM deactivated, and people reactivated."""

    @pytest.fixture
    def ann(self, acme: Scim) -> str:
        key = push(acme)
        push_group(acme, "Surfaces", key)
        push_group(acme, "Curves", key)
        set_value(acme, key, "active", False)
        Membership.objects.update(is_active=True)
        return key

    def test_access_comes_back_with_the_next_push(self, acme: Scim, ann: str) -> None:
        assert set_value(acme, ann, "title", "Boss").status == 200

        assert projects() == {(ACME, "Surfaces"): {ANN}, (ACME, "Curves"): {ANN}}
        assert not UserLink.objects.get().suspended
        assert ScimEvent.objects.latest("pk").action == Action.USER_UPDATED

    def test_access_comes_back_with_a_push_that_changes_nothing_else(
        self, acme: Scim, ann: str
    ) -> None:
        assert set_value(acme, ann, "active", True).status == 200

        assert projects() == {(ACME, "Surfaces"): {ANN}, (ACME, "Curves"): {ANN}}
        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.outcome) == (Action.ACCESS_REPAIRED, "done")
        set_value(acme, ann, "active", True)
        assert ScimEvent.objects.latest("pk").outcome == "unchanged"

    def test_access_of_a_group_comes_back_with_its_push(self, acme: Scim, ann: str) -> None:
        curves = acme.found("/Groups", 'displayName eq "Curves"')[0]

        acme.send("PATCH", f"/Groups/{curves}", add_members(ann))

        assert projects() == {(ACME, "Surfaces"): set(), (ACME, "Curves"): {ANN}}

    def test_resync_finds_and_repairs_it(self, acme: Scim, ann: str) -> None:
        assert {finding.kind for finding in drift.find()} == {drift.ACCESS_LACKING}

        call_command("scim_resync", stdout=StringIO())

        assert projects() == {(ACME, "Surfaces"): {ANN}, (ACME, "Curves"): {ANN}}
        assert list(drift.find()) == []

    @pytest.mark.parametrize("is_repaired", [False, True])
    @pytest.mark.parametrize("is_pushed", [False, True])
    def test_access_is_scims_and_ends_with_the_next_deactivation(
        self, acme: Scim, ann: str, is_repaired: bool, is_pushed: bool
    ) -> None:
        if is_repaired:
            call_command("scim_resync", stdout=StringIO())
        if is_pushed:
            set_value(acme, ann, "title", "Boss")

        set_value(acme, ann, "active", False)

        assert projects() == {(ACME, "Surfaces"): set(), (ACME, "Curves"): set()}
        assert not PriorAccess.objects.exists()
        set_value(acme, ann, "active", True)
        assert projects() == {(ACME, "Surfaces"): {ANN}, (ACME, "Curves"): {ANN}}

    def test_who_remains_inactive_has_no_access(self, acme: Scim, ann: str) -> None:
        Membership.objects.update(is_active=False)

        set_value(acme, ann, "title", "Boss")

        assert projects() == {(ACME, "Surfaces"): set(), (ACME, "Curves"): set()}
        assert list(drift.find()) == []


class TestSessions:
    @pytest.fixture
    def browser(self, acme: Scim) -> Client:
        """That of Ann, who has a password."""
        push(acme)
        ann: Any = Person.objects.get()
        ann.set_password(PASSWORD)
        ann.save()
        browser = Client()
        browser.force_login(ann)
        return browser

    @staticmethod
    def is_in(browser: Client) -> bool:
        return bool(browser.get("/admin/login/").wsgi_request.user.is_authenticated)

    @pytest.mark.parametrize("how", ["deactivate", "delete"])
    def test_end_with_the_last_account(
        self, acme: Scim, globex: Scim, browser: Client, how: str
    ) -> None:
        push(globex)
        links = UserLink.objects.all()
        keys = {account: str(links.get(account=str(account)).pk) for account in (ACME, GLOBEX)}
        self.leave(acme, keys[ACME], how)
        assert self.is_in(browser)
        assert has_password()

        self.leave(globex, keys[GLOBEX], how)
        Person.objects.update(is_active=True)  # SCIM might do so

        assert not self.is_in(browser)
        assert not has_password()

    def test_stay_where_people_stay_users_of_the_host(
        self, acme: Scim, browser: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_DEACTIVATE_HOST_USERS = False
        key = str(UserLink.objects.get().pk)

        set_value(acme, key, "active", False)

        assert self.is_in(browser)
        assert has_password()

    def test_end_when_an_unlinked_user_comes_back(
        self, acme: Scim, browser: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_DEACTIVATE_HOST_USERS = False
        key = str(UserLink.objects.get().pk)
        acme.delete(f"/Users/{key}")
        assert self.is_in(browser)

        assert push(acme) == key

        assert not self.is_in(browser)
        assert not has_password()

    def test_end_for_another_person_under_the_name(self, acme: Scim, browser: Client) -> None:
        key = str(UserLink.objects.get().pk)
        UserLink.objects.update(external_id="1")
        Membership.objects.update(is_active=False)  # by hand: the person is active in the host

        acme.put(f"/Users/{key}", person(ANN, externalId="2"))

        assert member(ACME) == ("member", True, "")
        assert not self.is_in(browser)
        assert not has_password()

    @staticmethod
    def leave(scim: Scim, key: str, how: str) -> None:
        if how == "delete":
            assert scim.delete(f"/Users/{key}").status == 204
        else:
            assert set_value(scim, key, "active", False).status == 200


class TestAnotherPerson:
    def test_inherits_nothing_of_the_account(self, acme: Scim, globex: Scim) -> None:
        key = push(acme, externalId="1", **ADMIN)
        push(globex, externalId="7", **ADMIN)
        push_group(acme, "Surfaces", key)
        push_group(globex, "Curves", str(UserLink.objects.get(account=str(GLOBEX)).pk))
        set_value(acme, key, "active", False)

        answer = acme.put(f"/Users/{key}", person(ANN, externalId="2"))

        assert answer.status == 200
        assert member(ACME) == ("member", True, "")
        assert member(GLOBEX) == ("admin", True, "")
        assert projects() == {(ACME, "Surfaces"): set(), (GLOBEX, "Curves"): {ANN}}
