"""The same person in two accounts: what one says of them changes nothing for the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts import ACME, GLOBEX, Together, WithAdmins, client_of
from tests.drifting import found, give, granted
from tests.evaluation import in_order, is_chosen
from tests.factories import make_user
from tests.population import EXTENSION, populate
from tests.roles import WithRoles, roles_of
from tests.simple_project.libraries.models import Library
from tests.wire.client import (
    ANN,
    BOB,
    NOBODY,
    TILED_USER,
    Scim,
    add_members,
    group,
    patch_op,
    remove_member,
    replace_members,
    user,
)
from tests.wire.state import access, people
from tiled_scim.connections import Actor, Connection
from tiled_scim.host import objects
from tiled_scim.models import Action, LibraryGroupLink, Outcome, PriorRoles, ScimEvent, UserLink
from tiled_scim.schemas import TILED_ADMIN, USER
from tiled_scim.scim.grammar import parse

ADMIN = {TILED_USER: {"tiledAdmin": True}}
NO_ADMIN = {TILED_USER: {"tiledAdmin": False}}
PASSWORD = "correct horse battery staple"
SWITCH = {"op": "replace", "path": "active"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _together(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together


@dataclass
class Account:
    """An account that has Ann, in a group of its own."""

    scim: Scim
    ann: str
    group: str

    def shows_active(self) -> bool:
        resource = self.scim.get(f"/Users/{self.ann}").json
        for active, keys in ((resource["active"], [self.ann]), (not resource["active"], [])):
            assert self.scim.found("/Users", f"active eq {str(active).lower()}") == keys
        assert self.scim.members(self.group) == [self.ann]
        return bool(resource["active"])

    def deactivate(self) -> None:
        self.scim.deactivate(self.ann)

    def reactivate(self) -> None:
        answer = self.scim.patch(f"/Users/{self.ann}", {**SWITCH, "value": True})
        assert answer.status == 200, answer.text


def account_of(name: str, group_name: str) -> Account:
    scim = client_of(name)
    ann = scim.add_user(ANN)
    return Account(scim, ann, scim.add_group(group_name, ann))


@pytest.fixture
def acme(_together: None) -> Iterator[Account]:
    """One account. Nothing that is done with it ends in drift."""
    yield account_of(ACME, "Sales")
    assert found() == []


@pytest.fixture
def globex(acme: Account) -> Account:
    return account_of(GLOBEX, "Ops")


DEACTIVATIONS: dict[str, tuple[str, str, object]] = {
    "patch": ("PATCH", "/Users/{}", patch_op({**SWITCH, "value": "False"})),
    "put": ("PUT", "/Users/{}", user(ANN, active=False)),
    "bulk": (
        "POST",
        "/Bulk",
        {"Operations": [{"method": "PUT", "path": "/Users/{}", "data": user(ANN, active=False)}]},
    ),
}


class TestDeactivation:
    @pytest.mark.parametrize("request_", DEACTIVATIONS.values(), ids=DEACTIVATIONS)
    def test_in_one_account_ends_nothing_in_the_other(
        self, acme: Account, globex: Account, request_: tuple[str, str, Any]
    ) -> None:
        method, path, body = request_
        if path == "/Bulk":
            body["Operations"][0]["path"] = f"/Users/{acme.ann}"
        before = globex.scim.get(f"/Users/{globex.ann}")

        answer = acme.scim.send(method, path.format(acme.ann), body)

        assert answer.status == 200, answer.text
        assert (acme.shows_active(), globex.shows_active()) == (False, True)
        assert people() == {ANN: "active"}
        assert access() == {"Sales": set(), "Ops": {ANN}}
        after = globex.scim.get(f"/Users/{globex.ann}")
        assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])

    def test_a_session_goes_on_until_the_last_one_ends_it(
        self, acme: Account, globex: Account
    ) -> None:
        browser = Client()
        browser.force_login(User.objects.get())

        acme.deactivate()
        assert browser.get("/").status_code == 200
        globex.deactivate()

        assert browser.get("/").status_code == 302
        assert people() == {ANN: "inactive"}
        assert (acme.shows_active(), globex.shows_active()) == (False, False)

    def test_what_people_gave_by_hand_stays(self, acme: Account, globex: Account) -> None:
        attic = acme.scim.add_group("Attic")
        give("Attic", ANN)
        acme.scim.patch(f"/Groups/{attic}", add_members(acme.ann))

        acme.deactivate()
        assert access() == {"Sales": set(), "Attic": {ANN}, "Ops": {ANN}}
        give("Sales", ANN)
        acme.reactivate()
        acme.scim.delete(f"/Users/{acme.ann}")

        assert access() == {"Sales": {ANN}, "Attic": {ANN}, "Ops": {ANN}}

    def test_it_is_an_event_of_one_account(self, acme: Account, globex: Account) -> None:
        ScimEvent.objects.all().delete()

        acme.deactivate()
        acme.reactivate()

        assert list(ScimEvent.objects.order_by("pk").values_list("account", "action")) == [
            (ACME, Action.USER_DEACTIVATED),
            (ACME, Action.USER_REACTIVATED),
        ]

    def test_an_account_of_its_own_decides_alone(self, acme: Account) -> None:
        acme.deactivate()
        assert (people(), access()) == ({ANN: "inactive"}, {"Sales": {ANN}})

        User.objects.update(is_active=True)

        assert acme.shows_active()

    def test_one_who_was_let_go_of_there_does_not_count(
        self, acme: Account, globex: Account
    ) -> None:
        globex.scim.delete(f"/Users/{globex.ann}")
        assert acme.shows_active()

        acme.deactivate()

        assert people() == {ANN: "inactive"}

    def test_one_who_came_back_by_hand_does_not_count_there(self) -> None:
        acme, globex = client_of(ACME), client_of(GLOBEX)
        globex.add_user(BOB)
        globex.delete(f"/Users/{globex.add_user(ANN)}")
        User.objects.update(is_active=True)

        acme.add_user(ANN, active=False)

        assert people() == {ANN: "inactive", BOB: "active"}

    def test_one_whom_the_host_took_out_there_does_not_count(
        self, acme: Account, globex: Account, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithoutLeavers
        User.objects.update(last_name=f"was in {GLOBEX}")

        acme.deactivate()

        assert people() == {ANN: "inactive"}


class WithoutLeavers(Together):
    """Two accounts, and whoever has left one of them does not belong to it."""

    def adoptable_users(self) -> QuerySet[Any]:
        return super().adoptable_users().exclude(last_name=f"was in {self.account}")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PUT", user(ANN, active=False)),
        ("PATCH", patch_op({**SWITCH, "value": False})),
        ("DELETE", None),
    ],
)
def test_one_whom_the_host_took_out_is_not_found(
    settings: LazySettings, method: str, body: object
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithoutLeavers
    acme = client_of(ACME)
    key = acme.add_user(ANN)
    User.objects.update(last_name=f"was in {ACME}")

    answer = acme.send(method, f"/Users/{key}", body)

    assert answer.status == 404
    assert key in answer.json["detail"]
    assert people() == {ANN: "active"}


def test_a_name_that_a_link_gave_up_is_still_known_as_the_persons() -> None:
    """Another link had taken it, which is not there any more."""
    acme = client_of(ACME)
    key = acme.add_user(ANN)
    acme.delete(f"/Users/{key}")
    UserLink.objects.update(user_name_canonical=None, keeps_own_values=True)

    assert acme.add_user(ANN) == key


class TestReactivation:
    def test_gives_back_what_the_account_gave(self, acme: Account, globex: Account) -> None:
        acme.deactivate()

        acme.reactivate()

        assert (acme.shows_active(), globex.shows_active()) == (True, True)
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}
        assert granted("Sales") == {ANN: True}

    def test_in_one_account_is_none_in_the_other(self, acme: Account, globex: Account) -> None:
        globex.deactivate()
        acme.deactivate()
        assert people() == {ANN: "inactive"}

        acme.reactivate()

        assert people() == {ANN: "active"}
        assert (acme.shows_active(), globex.shows_active()) == (True, False)
        assert access() == {"Sales": {ANN}, "Ops": set()}
        globex.reactivate()
        assert (acme.shows_active(), globex.shows_active()) == (True, True)
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}

    def test_by_the_one_that_was_the_last(self, acme: Account, globex: Account) -> None:
        acme.deactivate()
        globex.deactivate()

        acme.reactivate()

        assert (acme.shows_active(), globex.shows_active()) == (True, False)
        assert access() == {"Sales": {ANN}, "Ops": set()}

    @pytest.mark.parametrize("active", [True, False])
    def test_a_push_of_another_account_is_none(self, acme: Account, active: bool) -> None:
        acme.deactivate()

        globex = client_of(GLOBEX)
        answer = globex.post("/Users", user(ANN, active=active))

        assert (answer.status, answer.json["active"]) == (201, active)
        assert not acme.shows_active()
        assert people() == {ANN: "active" if active else "inactive"}
        assert "Sales" not in visible_libraries()

    def test_a_push_of_another_account_shows_it_what_it_sent(self, acme: Account) -> None:
        globex = client_of(GLOBEX)
        emails = [
            {"value": "home@globex.example", "type": "home"},
            {"value": "work@globex.example", "type": "work", "primary": True},
        ]

        key = globex.add_user(ANN, emails=emails)

        assert globex.get(f"/Users/{key}").json["emails"] == emails
        assert globex.found("/Users", 'emails.value eq "work@globex.example"') == [key]
        assert [email["value"] for email in acme.scim.get(f"/Users/{acme.ann}").json["emails"]] == [
            User.objects.get().email
        ]

    def test_a_push_as_inactive_locks_nobody_out(self, acme: Account) -> None:
        answer = client_of(GLOBEX).post("/Users", user(ANN, active=False))

        assert (answer.status, answer.json["active"]) == (201, False)
        assert acme.shows_active()
        assert people() == {ANN: "active"}
        assert access() == {"Sales": {ANN}}

    def test_a_push_of_the_same_account(self, acme: Account, globex: Account) -> None:
        acme.deactivate()

        answer = acme.scim.post("/Users", user(ANN))

        assert (answer.status, answer.json["id"]) == (201, acme.ann)
        assert acme.shows_active()
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}


class WithSharedLibraries(Together):
    """Two accounts whose groups may feed the same Libraries."""

    def adoptable_libraries(self) -> QuerySet[Any]:
        return objects(Library)


class TestDelete:
    @pytest.mark.parametrize("user_delete", ["deactivate", "delete"])
    @pytest.mark.parametrize("was_active", [True, False])
    def test_in_one_account_ends_nothing_in_the_other(
        self,
        acme: Account,
        globex: Account,
        settings: LazySettings,
        user_delete: str,
        was_active: bool,
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = user_delete
        settings.TILED_SCIM_REMOVE_LAST_ADMIN = True
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins
        User.objects.update(is_staff=True)
        if not was_active:
            acme.deactivate()

        assert acme.scim.delete(f"/Users/{acme.ann}").status == 204

        assert acme.scim.get(f"/Users/{acme.ann}").status == 404
        assert globex.shows_active()
        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": set(), "Ops": {ANN}}
        assert acme.scim.add_user(ANN) == acme.ann
        assert access() == {"Sales": set(), "Ops": {ANN}}

    @pytest.mark.parametrize("user_delete", ["deactivate", "delete"])
    def test_of_the_last_active_one_deactivates(
        self, acme: Account, globex: Account, settings: LazySettings, user_delete: str
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = user_delete
        globex.deactivate()

        acme.scim.delete(f"/Users/{acme.ann}")

        assert people() == {ANN: "inactive"}
        assert not globex.shows_active()
        globex.reactivate()
        assert access() == {"Sales": set(), "Ops": {ANN}}

    def test_leaves_the_access_to_a_library_that_groups_of_both_feed(
        self, acme: Account, globex: Account, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithSharedLibraries
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        globex.scim.add_group("Sales", globex.ann)
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}

        acme.scim.delete(f"/Users/{acme.ann}")
        assert access() == {"Sales": {ANN}, "Ops": {ANN}}
        globex.scim.delete(f"/Users/{globex.ann}")

        assert access() == {"Sales": set(), "Ops": set()}

    def test_of_the_last_one_deletes(
        self, acme: Account, globex: Account, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"

        acme.scim.delete(f"/Users/{acme.ann}")
        globex.scim.delete(f"/Users/{globex.ann}")

        assert people() == {}


class TestGroups:
    @pytest.mark.parametrize("form", ["post", "put", "add", "replace"])
    def test_give_nothing_to_one_who_is_inactive_here_alone(
        self, acme: Account, globex: Account, form: str
    ) -> None:
        acme.deactivate()

        if form == "post":
            key = acme.scim.add_group("Field", acme.ann)
        else:
            key = acme.scim.add_group("Field")
            answer = {
                "put": lambda: acme.scim.put(f"/Groups/{key}", group("Field", acme.ann)),
                "add": lambda: acme.scim.patch(f"/Groups/{key}", add_members(acme.ann)),
                "replace": lambda: acme.scim.patch(f"/Groups/{key}", replace_members(acme.ann)),
            }[form]()
            assert answer.status in (200, 204)

        assert acme.scim.members(key) == [acme.ann]
        assert access() == {"Sales": set(), "Ops": {ANN}, "Field": set()}
        acme.reactivate()
        assert access() == {"Sales": {ANN}, "Ops": {ANN}, "Field": {ANN}}

    def test_a_repeated_push_gives_nothing_and_changes_nothing(
        self, acme: Account, globex: Account
    ) -> None:
        acme.deactivate()
        before = acme.scim.get(f"/Groups/{acme.group}").json

        acme.scim.patch(f"/Groups/{acme.group}", replace_members(acme.ann))

        assert ScimEvent.objects.latest("pk").outcome == Outcome.UNCHANGED
        assert acme.scim.get(f"/Groups/{acme.group}").json == before
        assert access() == {"Sales": set(), "Ops": {ANN}}

    def test_one_who_leaves_while_inactive_does_not_come_back(
        self, acme: Account, globex: Account
    ) -> None:
        acme.deactivate()
        acme.scim.patch(f"/Groups/{acme.group}", remove_member(acme.ann))

        acme.scim.patch(f"/Users/{acme.ann}", {**SWITCH, "value": True})

        assert access() == {"Sales": set(), "Ops": {ANN}}

    def test_what_a_group_is_deleted_with(self, acme: Account, globex: Account) -> None:
        acme.deactivate()

        assert acme.scim.delete(f"/Groups/{acme.group}").status == 204

        assert access() == {"Sales": set(), "Ops": {ANN}}


def without_admin() -> list[str | None]:
    """The accounts that were left without an admin, in this order."""
    events = ScimEvent.objects.filter(action=Action.NO_ADMIN_LEFT).order_by("pk")
    return list(events.values_list("account", flat=True))


class TestLastAdmin:
    @pytest.fixture(autouse=True)
    def _one_admin_for_all(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins

    def test_one_who_is_an_admin_elsewhere_is_the_last_one_here(
        self, acme: Account, globex: Account
    ) -> None:
        bob = globex.scim.add_user(BOB, **ADMIN)
        User.objects.filter(username=ANN).update(is_staff=True)

        acme.deactivate()
        assert people() == {ANN: "active admin", BOB: "active admin"}
        assert without_admin() == [ACME]

        globex.deactivate()
        assert people() == {ANN: "inactive admin", BOB: "active admin"}
        assert without_admin() == [ACME]
        assert globex.scim.send("PUT", f"/Users/{bob}", user(BOB, **NO_ADMIN)).status == 403

        assert globex.scim.send("PUT", f"/Users/{bob}", user(BOB, active=False)).status == 200
        assert without_admin() == [ACME, GLOBEX]

    def test_one_who_is_inactive_here_is_no_other_one(self, acme: Account, globex: Account) -> None:
        bob = acme.scim.add_user(BOB, **ADMIN)
        User.objects.filter(username=ANN).update(is_staff=True)
        acme.deactivate()
        assert people() == {ANN: "active admin", BOB: "active admin"}

        answer = acme.scim.send("PUT", f"/Users/{bob}", user(BOB, **NO_ADMIN))

        assert answer.status == 403


class TestBooleansOfThePerson:
    """A boolean of the person that a request does not name stays, whoever else has the person."""

    @pytest.fixture(autouse=True)
    def _with_admins(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins
        settings.TILED_SCIM_REMOVE_LAST_ADMIN = True

    @pytest.fixture(params=[False, True], ids=["alone", "shared"])
    def is_shared(self, request: pytest.FixtureRequest) -> bool:
        if request.param:
            client_of(GLOBEX).add_user(ANN)
        return bool(request.param)

    @pytest.mark.parametrize("value", [True, False])
    def test_put_without_it(self, is_shared: bool, value: bool) -> None:
        scim = client_of(ACME)
        ann = scim.add_user(ANN, **{TILED_USER: {"tiledAdmin": value}})

        for title in ("Boss", None):
            answer = scim.put(f"/Users/{ann}", user(ANN, title=title, name={"givenName": "Ann"}))
            assert answer.json[TILED_USER] == {"tiledAdmin": value}

        self._check(scim, ann, shown=value, in_host=value and not is_shared)

    def test_put_while_another_account_comes_and_goes(self) -> None:
        scim = client_of(ACME)
        ann = scim.add_user(ANN, **ADMIN)
        globex = client_of(GLOBEX)
        theirs = globex.add_user(ANN)

        for name in ("Anna", "Annie"):
            scim.put(f"/Users/{ann}", user(ANN, name={"givenName": name}))
            self._check(scim, ann, shown=True, in_host=True)
        globex.delete(f"/Users/{theirs}")
        scim.put(f"/Users/{ann}", user(ANN, name={"givenName": "Ann"}))

        self._check(scim, ann, shown=True, in_host=True)
        assert User.objects.get(username=ANN).first_name == "Ann"

    def test_patch_that_removes_it(self, is_shared: bool) -> None:
        scim = client_of(ACME)
        ann = scim.add_user(ANN, **ADMIN)

        scim.patch(f"/Users/{ann}", {"op": "remove", "path": f"{TILED_USER}:tiledAdmin"})

        self._check(scim, ann, shown=None, in_host=False)

    def test_put_after_it_was_removed(self, is_shared: bool) -> None:
        scim = client_of(ACME)
        ann = scim.add_user(ANN, **ADMIN)
        scim.patch(f"/Users/{ann}", {"op": "remove", "path": f"{TILED_USER}:tiledAdmin"})

        scim.put(f"/Users/{ann}", user(ANN, name={"givenName": "Ann"}))

        self._check(scim, ann, shown=None, in_host=False)

    def test_back_after_a_deactivation(self, is_shared: bool) -> None:
        scim = client_of(ACME)
        ann = scim.add_user(ANN, **ADMIN)
        scim.deactivate(ann)

        answer = scim.post("/Users", user(ANN, name={"givenName": "Ann"}))

        assert answer.json["id"] == ann
        self._check(scim, ann, shown=True, in_host=not is_shared)

    def _check(self, scim: Scim, key: str, *, shown: bool | None, in_host: bool) -> None:
        resource = scim.get(f"/Users/{key}").json
        assert resource.get(TILED_USER, {}).get("tiledAdmin") is shown
        is_found = [key] if shown else []
        assert scim.found("/Users", f"{TILED_USER}:tiledAdmin eq true") == is_found
        assert User.objects.get(username=ANN).is_staff is in_host


@pytest.mark.parametrize("emails", [[], [{"value": BOB, "type": "work"}]])
def test_names_are_those_of_the_host_where_addresses_are_unique(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, emails: list[dict[str, str]]
) -> None:
    """The host gave the new user the address that was sent, or none: it chose nothing."""
    monkeypatch.setitem(vars(User._meta.get_field("email")), "unique", True)
    scim = client_of(ACME)
    ann = scim.add_user(ANN, emails=emails)

    User.objects.update(first_name="Anna")

    assert scim.get(f"/Users/{ann}").json["name"]["givenName"] == "Anna"


FILTERS = [
    *("active eq true", "active eq false", "active ne true", 'active eq "False"', "active pr"),
    *("active eq null", "active ne null", "not (active eq true)", "not (active pr)"),
    *("active eq true or title pr", 'active eq false and not (userName sw "c")'),
]


class TestLists:
    @pytest.fixture
    def scim(self, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Scim:
        """One account with people of all kinds, of whom every other one is suspended."""
        monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
        settings.TILED_SCIM_HOST_ADAPTER = "tests.population.Adapter"
        populate()
        User.objects.filter(username__in=["person3", "person4"]).update(is_active=False)
        links = list(UserLink.objects.order_by("created_at", "pk"))
        UserLink.objects.filter(pk__in=[link.pk for link in links[::2]]).update(suspended=True)
        for value, link in zip((True, False, True, False), links, strict=False):
            link.hidden_values = {"active": value}
            link.save(update_fields=["hidden_values"])
        return client_of("")

    @pytest.mark.parametrize("filter_", FILTERS)
    def test_filters_find_what_is_shown(self, scim: Scim, filter_: str) -> None:
        shown = scim.get("/Users", count=100).json["Resources"]
        expression = parse(filter_)

        assert scim.found("/Users", filter_) == [
            resource["id"] for resource in shown if is_chosen(resource, expression, USER)
        ]

    @pytest.mark.parametrize("order", ["ascending", "descending"])
    def test_sorting_goes_by_what_is_shown(self, scim: Scim, order: str) -> None:
        shown = scim.get("/Users", count=100).json["Resources"]
        assert {resource.get("active") for resource in shown} == {True, False, None}

        resources = scim.get("/Users", count=100, sortBy="active", sortOrder=order).json

        expected = in_order(shown, "active", order == "descending", USER)
        assert resources["Resources"] == expected

    def test_a_walk_by_cursor_sees_everybody_once(self, scim: Scim) -> None:
        cursor: str | None = ""
        keys: list[str] = []
        while cursor is not None:
            page = scim.get("/Users", count=2, sortBy="active", cursor=cursor).json
            keys += [resource["id"] for resource in page["Resources"]]
            cursor = page.get("nextCursor")

        assert sorted(keys) == sorted(str(link.pk) for link in UserLink.objects.all())


def visible_libraries() -> set[str]:
    """The Libraries that Ann can open."""
    browser = Client()
    ann = User.objects.get(username=ANN)
    browser.force_login(ann)
    page = browser.get("/")
    return {name for name in access() if page.status_code == 200 and name in page.text}


@dataclass
class Seen:
    """What an account should show: whether Ann is active (None: she is not there), and a member."""

    scim: Scim
    group: str
    ann: str = NOBODY
    active: bool | None = None
    is_member: bool = False

    def post(self, active: bool) -> None:
        answer = self.scim.post("/Users", user(ANN, active=active))
        assert answer.status == (409 if self.active else 201), answer.text
        if not self.active:
            self.ann, self.active = answer.json["id"], active

    def switch(self, active: bool) -> None:
        answer = self.scim.patch(f"/Users/{self.ann}", {**SWITCH, "value": active})
        if self.expects(answer.status, 200):
            self.active = active

    def delete(self) -> None:
        if self.expects(self.scim.delete(f"/Users/{self.ann}").status, 204):
            self.active, self.is_member = None, False

    def join(self) -> None:
        assert self.scim.patch(f"/Groups/{self.group}", add_members(self.ann)).status == 204
        self.is_member = self.active is not None

    def leave(self) -> None:
        assert self.scim.patch(f"/Groups/{self.group}", remove_member(self.ann)).status == 204
        self.is_member = False

    def expects(self, status: int, success: int) -> bool:
        is_there = self.active is not None
        assert status == (success if is_there else 404)
        return is_there

    def check(self) -> None:
        answer = self.scim.get(f"/Users/{self.ann}")
        if self.expects(answer.status, 200):
            assert answer.json["active"] is self.active
        assert self.scim.members(self.group) == ([self.ann] if self.is_member else [])


STEPS: list[tuple[str, tuple[bool, ...]]] = [
    *(("post", (True,)), ("post", (False,)), ("switch", (True,)), ("switch", (False,))),
    *(("delete", ()), ("join", ()), ("leave", ())),
]


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from([ACME, GLOBEX]), st.sampled_from(STEPS)), max_size=12))
def test_whatever_two_accounts_do_each_sees_what_it_did(
    steps: list[tuple[str, tuple[str, tuple[bool, ...]]]],
) -> None:
    with transaction.atomic():
        seen = {}
        for name in (ACME, GLOBEX):
            scim = client_of(name)
            seen[name] = Seen(scim, scim.add_group(name))
        for name, (step, arguments) in steps:
            getattr(seen[name], step)(*arguments)
            for account in seen.values():
                account.check()
            assert found() == []
            is_active = any(account.active for account in seen.values())
            if User.objects.exists():
                assert people() == {ANN: "active" if is_active else "inactive"}
            for key, account in seen.items():
                has_access = bool(access()[key]) and is_active
                assert has_access == bool(account.is_member and account.active)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_both_deactivate_and_reactivate_at_once(settings: LazySettings) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("threads cannot share SQLite's database in memory")
    make_user(ANN)
    acme, globex = account_of(ACME, "Sales"), account_of(GLOBEX, "Ops")

    def switch(account: Account, active: bool) -> int:
        try:
            scim = Scim(account.scim.headers["Authorization"])
            return scim.patch(f"/Users/{account.ann}", {**SWITCH, "value": active}).status
        finally:
            connections.close_all()

    for active in (False, True, False):
        with ThreadPoolExecutor(2) as pool:
            statuses = pool.map(lambda account: switch(account, active), (acme, globex))  # noqa: B023 (the pool ends before the next round)
        assert Counter(statuses) == {200: 2}
        assert people() == {ANN: "active" if active else "inactive"}
        assert (acme.shows_active(), globex.shows_active()) == (active, active)
        if active:
            assert access() == {"Sales": {ANN}, "Ops": {ANN}}


def test_suspended_account_gives_no_role(settings: LazySettings) -> None:
    """Another account activates a user whom people deactivated: that is not for this one."""
    settings.TILED_SCIM_HOST_ADAPTER = WithRoles
    acme, globex = client_of(ACME), client_of(GLOBEX)
    key = acme.add_user(ANN)
    other = globex.add_user(ANN)
    acme.add_group("Sales", key)
    Connection(ACME).give_role(LibraryGroupLink.objects.get(), "editor", Actor("root"))
    User.objects.update(is_active=False)

    globex.patch(f"/Users/{other}", {**SWITCH, "value": True})

    assert (people(), acme.get(f"/Users/{key}").json["active"]) == ({ANN: "active"}, False)
    assert roles_of(ANN) == ([], False)
    acme.patch(f"/Users/{key}", {**SWITCH, "value": True})
    assert roles_of(ANN) == (["acme:editor"], False)


class EditorsAreAdmins(WithRoles):
    """A host whose own role makes somebody an admin. It does not know who is suspended."""

    def admin_roles(self) -> Collection[str]:
        return ["editor"]

    def admins(self) -> QuerySet[Any]:
        return objects(User).filter(is_active=True, groups__name=f"{self.account}:editor")


def test_another_account_may_suspend_the_last_admin(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = EditorsAreAdmins
    acme, globex = client_of(ACME), client_of(GLOBEX)
    acme.add_user(ANN, roles=[{"value": "editor"}])
    other = globex.add_user(ANN)
    User.objects.update(is_active=False)

    answer = globex.patch(f"/Users/{other}", {**SWITCH, "value": True})

    assert (answer.status, answer.json["active"]) == (200, True)
    assert roles_of(ANN) == ([], False)


def test_last_admin_by_a_role_may_leave(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = EditorsAreAdmins
    acme = client_of(ACME)
    ann = acme.add_user(ANN, roles=[{"value": "editor"}])

    assert acme.delete(f"/Users/{ann}").status == 204

    assert (people(), roles_of(ANN)) == ({ANN: "inactive"}, ([], False))


def test_last_admin_by_a_role_may_be_suspended(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = EditorsAreAdmins
    acme = client_of(ACME)
    ann = acme.add_user(ANN, roles=[{"value": "editor"}])
    client_of(GLOBEX).add_user(ANN)

    acme.deactivate(ann)

    assert (people(), roles_of(ANN)) == ({ANN: "active"}, ([], False))


@pytest.fixture
def admins(settings: LazySettings) -> Scim:
    """An account whose group makes its members Tiled Admin. One of them is always another one."""
    settings.TILED_SCIM_HOST_ADAPTER = WithRoles
    acme = client_of(ACME)
    acme.add_user(BOB, **ADMIN)
    acme.add_group("Admins")
    Connection(ACME).give_role(LibraryGroupLink.objects.get(), TILED_ADMIN, Actor("root"))
    return acme


def admins_group() -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(display_name="Admins")


class TestTiledAdminByGroup:
    """It is a value of the person: no account changes it while another one has the person, too."""

    def test_given_before_stays(self, admins: Scim) -> None:
        ann = admins.add_user(ANN, roles=[{"value": "editor"}])
        admins.patch(f"/Groups/{admins_group().pk}", add_members(ann))
        assert roles_of(ANN) == (["acme:editor"], True)
        client_of(GLOBEX).add_user(ANN)

        assert admins.delete(f"/Groups/{admins_group().pk}").status == 204

        assert roles_of(ANN) == (["acme:editor"], True)

    def test_is_not_given_and_other_roles_are(self, admins: Scim) -> None:
        client_of(GLOBEX).add_user(ANN)
        ann = admins.add_user(ANN, roles=[{"value": "editor"}])

        admins.patch(f"/Groups/{admins_group().pk}", add_members(ann))

        assert roles_of(ANN) == (["acme:editor"], False)
        admins.patch(f"/Users/{ann}", {"op": "remove", "path": "roles"})
        assert roles_of(ANN) == ([], False)

    def test_alone_it_gives_nothing(self, admins: Scim) -> None:
        """So nothing is stored of what people gave."""
        client_of(GLOBEX).add_user(ANN)

        admins.patch(f"/Groups/{admins_group().pk}", add_members(admins.add_user(ANN)))

        assert roles_of(ANN) == ([], False)
        assert not PriorRoles.objects.exists()

    def test_the_host_decides_by_the_value(self, admins: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = GivesNoAdmin
        ann, group = admins.add_user(ANN), str(admins_group().pk)

        admins.patch(f"/Groups/{group}", add_members(ann))

        assert (admins.members(group), roles_of(ANN)) == ([ann], ([], False))


class GivesNoAdmin(WithRoles):
    def may_change_person(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        return not values.get(TILED_ADMIN)


class Recording(Together):
    """Two accounts. Notes what the host user is told of `active`."""

    told: ClassVar[list[object]] = []

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        if "active" in values:
            self.told.append(values["active"])
        super().update_user(user, values)


def test_the_host_is_told_when_its_user_changes(
    acme: Account, globex: Account, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Recording
    monkeypatch.setattr(Recording, "told", [])

    answer = acme.scim.patch(f"/Users/{acme.ann}", {**SWITCH, "value": False})
    assert (answer.status, answer.json["active"]) == (200, False)
    assert Recording.told == []
    globex.deactivate()
    assert Recording.told == [False]
    acme.reactivate()
    assert Recording.told == [False, True]
    globex.reactivate()
    assert Recording.told == [False, True]


class TestAnotherPerson:
    """A new externalId, or a push after an end, may name another person, who is no admin yet."""

    BACK: ClassVar[dict[str, object]] = {"active": True, "externalId": "2"}

    @pytest.fixture(autouse=True)
    def _with_admins(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins

    @pytest.fixture(params=[False, True], ids=["alone", "shared"])
    def other(self, _with_admins: None, request: pytest.FixtureRequest) -> str | None:
        """The id of Ann in another account, which has had her before."""
        return client_of(GLOBEX).add_user(ANN) if request.param else None

    @pytest.fixture
    def ann(self, other: str | None) -> str:
        """The id of Ann, who is Tiled Admin in Acme."""
        client_of(ACME).add_user(BOB, **ADMIN)
        return client_of(ACME).add_user(ANN, externalId="1", **ADMIN)

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_is_no_admin(self, ann: str, other: str | None, method: str) -> None:
        acme = client_of(ACME)
        acme.deactivate(ann)
        body: dict[str, object] = user(ANN, externalId="2")
        if method == "PATCH":
            body = patch_op({"op": "replace", "value": self.BACK})

        answer = acme.send(method, "/Users" if method == "POST" else f"/Users/{ann}", body)

        assert answer.json["externalId"] == "2"
        self._check(acme, ann, other)

    def test_has_no_role(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithRoles
        acme = client_of(ACME)
        ann = acme.add_user(ANN, externalId="1", roles=[{"value": "editor"}])
        acme.deactivate(ann)

        answer = acme.patch(f"/Users/{ann}", {"op": "replace", "value": self.BACK})

        assert (answer.json["externalId"], answer.json["active"]) == ("2", True)
        assert "roles" not in answer.json
        assert roles_of(ANN) == ([], False)

    def test_is_none_after_a_delete(self, ann: str, other: str | None) -> None:
        acme = client_of(ACME)
        acme.delete(f"/Users/{ann}")

        assert acme.add_user(ANN) == ann

        self._check(acme, ann, other)

    def _check(self, acme: Scim, ann: str, other: str | None) -> None:
        """Nor do they become one when nobody else has the user any more."""
        if other is not None:
            client_of(GLOBEX).delete(f"/Users/{other}")
            name = {"op": "replace", "path": "name.givenName", "value": "Anna"}
            assert acme.patch(f"/Users/{ann}", name).status == 200
            assert User.objects.get(username=ANN).first_name == "Anna"
        assert not acme.get(f"/Users/{ann}").json.get(TILED_USER, {}).get("tiledAdmin")
        assert people() == {ANN: "active", BOB: "active admin"}

    def test_does_not_end_what_another_account_needs(self, acme: Account, globex: Account) -> None:
        acme.scim.patch(f"/Users/{acme.ann}", {"op": "add", "path": "externalId", "value": "1"})
        ann = User.objects.get()
        ann.is_staff = True
        ann.set_password(PASSWORD)
        ann.save()
        browser = Client()
        browser.force_login(ann)
        acme.deactivate()

        answer = acme.scim.post("/Users", user(ANN, externalId="2"))

        assert (answer.status, answer.json["id"]) == (201, acme.ann)
        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": set(), "Ops": {ANN}}
        assert ScimEvent.objects.filter(action=Action.USER_REPLACED).count() == 1
        assert browser.get("/").status_code == 200
        assert User.objects.get().check_password(PASSWORD)
