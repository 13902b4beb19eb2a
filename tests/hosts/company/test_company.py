"""A product that is sold to companies, by settings alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, cast
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, connections, models
from django.db.models.functions import Upper
from django.http import HttpRequest
from django.test import Client

from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.projects.models import Project
from tests.hosts.contract import HostContract
from tests.hosts.messages import add_members, group, patch, person
from tests.tokens import new_token
from tests.wire.client import Answer, Scim
from tiled_scim.accounts import AccountAdapter
from tiled_scim.conf import settings as scim_settings
from tiled_scim.connections import Connection
from tiled_scim.errors import Cause
from tiled_scim.models import Action, LibraryGroupLink, ScimEvent, UserLink
from tiled_scim.presentation.links import annotate_users, attributes_of
from tiled_scim.provider_check.expectations import TILED_SCHEMA

ACME, GLOBEX = UUID(int=1), UUID(int=2)
ANN = "ann@example.com"
ADMIN: dict[str, Any] = {TILED_SCHEMA: {"tiledAdmin": True}}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _accounts(db: None) -> None:
    Account.objects.create(pk=ACME, name="Acme Inc.")
    Account.objects.create(pk=GLOBEX, name="Globex Corporation")


def client_of(account: UUID) -> Scim:
    return Scim(f"Bearer {new_token(str(account))[1]}")


@pytest.fixture
def acme() -> Scim:
    return client_of(ACME)


@pytest.fixture
def globex() -> Scim:
    return client_of(GLOBEX)


def push(scim: Scim, user_name: str = ANN, **attributes: Any) -> str:
    """Return the id of a user who is pushed now."""
    answer = scim.post("/Users", person(user_name, **attributes))
    assert answer.status == 201, answer.json
    return str(answer.json["id"])


def push_group(scim: Scim, name: str, *members: str) -> str:
    answer = scim.post("/Groups", group(name, *members))
    assert answer.status == 201, answer.json
    return str(answer.json["id"])


def set_value(scim: Scim, key: str, path: str, value: Any) -> Answer:
    operation = {"op": "replace", "path": path, "value": value}
    return scim.patch(f"/Users/{key}", operation)


def member(account: UUID, **columns: Any) -> tuple[Any, ...]:
    """The role, state and title of the only membership in an account."""
    row = Membership.objects.get(account=account, **columns)
    return row.role, row.is_active, row.title


def the_person() -> tuple[Any, ...]:
    """The email, names and state of the only person."""
    row = Person.objects.get()
    return row.email, row.first_name, row.last_name, row.is_active


def shown(scim: Scim, key: str) -> dict[str, Any]:
    """What an account sees of a user, without what is the same for all."""
    document: dict[str, Any] = scim.get(f"/Users/{key}").json
    for name in ("schemas", "id", "meta"):
        del document[name]
    return document


class TestCompany(HostContract):
    accounts: ClassVar[tuple[str, ...]] = (str(ACME), str(GLOBEX))

    @pytest.fixture(autouse=True)
    def _committed(self, transactional_db: None) -> None:
        for key, name in ((ACME, "Acme Inc."), (GLOBEX, "Globex Corporation")):
            Account.objects.get_or_create(pk=key, defaults={"name": name})


class Titled(AccountAdapter):
    """A host that stores names in a form of its own."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return super().create_user(self._with_title(values))

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, self._with_title(values))

    def _with_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: f"Dr. {value}" if name == "name.givenName" else value
            for name, value in values.items()
        }


class TestOneAccount:
    def test_push_creates_a_person_with_a_membership(self, acme: Scim) -> None:
        push(acme, title="Engineer", **ADMIN)

        assert the_person() == (ANN, "Ada", "Lovelace", True)
        assert member(ACME) == ("admin", True, "Engineer")
        assert not Person.objects.get().has_usable_password()

    def test_default_role(self, acme: Scim) -> None:
        key = push(acme)

        assert member(ACME) == ("member", True, "")
        assert shown(acme, key).get(TILED_SCHEMA, {}) == {}

    @pytest.mark.parametrize("user_name", [ANN, "ann"])
    def test_names_that_people_change_are_shown(
        self, acme: Scim, settings: LazySettings, user_name: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = "tests.hosts.company.test_company.Titled"
        key = acme.post("/Users", person(user_name, ANN)).json["id"]
        assert shown(acme, key)["name"] == {"givenName": "Dr. Ada", "familyName": "Lovelace"}

        Person.objects.update(first_name="Anna")

        assert shown(acme, key)["name"] == {"givenName": "Anna", "familyName": "Lovelace"}

    @pytest.mark.parametrize("emails", [[], [{"value": ANN, "type": "work"}]])
    def test_names_are_those_of_the_host_whatever_address_is_sent(
        self, acme: Scim, monkeypatch: pytest.MonkeyPatch, emails: list[dict[str, str]]
    ) -> None:
        """The host's username is what was sent, as the host normalizes it: it chose nothing."""
        monkeypatch.setattr(Person, "normalize_username", lambda name: name.lower().strip("."))
        key = acme.post("/Users", person("Ann@Example.com.", emails=emails)).json["id"]

        Person.objects.update(first_name="Anna")

        assert shown(acme, key)["name"] == {"givenName": "Anna", "familyName": "Lovelace"}

    def test_pushed_group_becomes_a_project_of_the_account(self, acme: Scim) -> None:
        push_group(acme, "Surfaces", push(acme))

        project = Project.objects.get()
        assert (project.account.pk, project.name) == (ACME, "Surfaces")
        assert [each.email for each in project.members.all()] == [ANN]

    def test_membership_attributes_follow(self, acme: Scim) -> None:
        key = push(acme, title="Engineer")
        other = push(acme, "bob@example.com", **ADMIN)

        set_value(acme, key, "title", "Boss")
        set_value(acme, key, f"{TILED_SCHEMA}:tiledAdmin", True)
        assert member(ACME, person__email=ANN) == ("admin", True, "Boss")
        answer = set_value(acme, other, f"{TILED_SCHEMA}:tiledAdmin", False)
        assert answer.status == 200
        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": False}
        assert member(ACME, person__email="bob@example.com") == ("member", True, "")
        acme.patch(f"/Users/{key}", {"op": "remove", "path": "title"})
        assert member(ACME, person__email=ANN) == ("admin", True, "")

    def test_what_the_host_saves_in_its_own_way_is_shown_as_it_is(
        self, acme: Scim, globex: Scim, settings: LazySettings
    ) -> None:
        class Shouting(AccountAdapter):
            def update_user(self, user: Any, values: Any) -> None:
                super().update_user(user, values)
                rows = Membership.objects.filter(person=user, account=self.account)
                rows.update(title=Upper("title"))

        key = push(acme, title="Engineer")
        push(globex, title="Adviser")
        settings.TILED_SCIM_HOST_ADAPTER = Shouting

        answer = set_value(acme, key, "title", "Boss")

        assert (answer.status, answer.json["title"]) == (200, "BOSS")
        assert acme.get(f"/Users/{key}").json["title"] == "BOSS"

    def test_owner_is_an_admin_and_stays_owner(self, acme: Scim) -> None:
        key = push(acme, **ADMIN)
        Membership.objects.update(role="owner")

        answer = acme.put(f"/Users/{key}", person(ANN, title="Founder", **ADMIN))

        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": True}
        assert member(ACME) == ("owner", True, "Founder")

    def test_last_admin_stays(self, acme: Scim, globex: Scim) -> None:
        key = push(acme, **ADMIN)
        push(globex, "bob@example.com", **ADMIN)

        answer = set_value(acme, key, f"{TILED_SCHEMA}:tiledAdmin", False)

        assert answer.status == 403
        assert member(ACME) == ("admin", True, "")

    def test_last_admin_may_leave(self, acme: Scim, globex: Scim) -> None:
        key = push(acme, **ADMIN)
        push(globex, "bob@example.com", **ADMIN)

        assert set_value(acme, key, "active", False).status == 200

        assert member(ACME) == ("admin", False, "")
        warnings = ScimEvent.objects.filter(action=Action.NO_ADMIN_LEFT)
        assert [event.account for event in warnings] == [str(ACME)]
        assert Connection(str(ACME)).health().lacks_admin
        assert not Connection(str(GLOBEX)).health().lacks_admin

    def test_admin_whom_people_deactivated_is_none(self, acme: Scim) -> None:
        push(acme, **ADMIN)

        Person.objects.update(is_active=False)

        assert Connection(str(ACME)).health().lacks_admin

    @pytest.mark.parametrize(
        ("filter_", "is_found"),
        [
            ('title eq "engineer"', True),
            ('title eq "boss"', False),
            ('title sw "Eng" and active eq true', True),
            ("active eq false", False),
            (f"{TILED_SCHEMA}:tiledAdmin eq true", True),
            (f"{TILED_SCHEMA}:tiledAdmin eq false", False),
            (f'schemas eq "{TILED_SCHEMA}"', True),
            ('name.familyName eq "lovelace"', True),
            ('emails.value eq "ANN@example.com"', True),
            ('emails[type eq "work" and value co "example"]', True),
            (f'userName eq "{ANN}"', True),
        ],
    )
    def test_filters(self, acme: Scim, globex: Scim, filter_: str, is_found: bool) -> None:
        key = push(acme, title="Engineer", **ADMIN)
        push(globex, title="Boss")

        answer = acme.get("/Users", filter=filter_)

        assert [user["id"] for user in answer.json["Resources"]] == ([key] if is_found else [])
        assert answer.json["totalResults"] == int(is_found)

    def test_sorting_and_pages(self, acme: Scim, globex: Scim) -> None:
        for number in range(5):
            push(acme, f"{number}@example.com", title=f"{9 - number}")
            push(globex, f"{number}@example.com", title=f"{number}")

        for query in ({"startIndex": 2, "count": 3}, {"cursor": "", "count": 3}):
            page = acme.get("/Users", sortBy="title", **query).json
            titles = [user["title"] for user in page["Resources"]]
            assert titles == (["6", "7", "8"] if "startIndex" in query else ["5", "6", "7"])
            assert page["totalResults"] == 5

    def test_delete_ends_the_membership_and_a_push_restores_it(self, acme: Scim) -> None:
        push(acme, "bob@example.com", **ADMIN)
        key = push(acme, **ADMIN)
        surfaces = push_group(acme, "Surfaces", key)

        assert acme.delete(f"/Users/{key}").status == 204

        assert member(ACME, person__email=ANN) == ("member", False, "")
        assert not Person.objects.get(email=ANN).is_active
        assert not Project.objects.get().members.exists()
        assert acme.get(f"/Users/{key}").status == 404
        assert push(acme) == key
        assert member(ACME, person__email=ANN) == ("member", True, "")
        assert Person.objects.get(email=ANN).is_active
        assert acme.get(f"/Groups/{surfaces}").json.get("members", []) == []


class TestTwoAccounts:
    """Who changes what, what each account sees, and what the host has."""

    def test_second_push_adds_a_membership(self, acme: Scim, globex: Scim) -> None:
        push(acme, title="Engineer")

        key = push(globex, title="Adviser", name={"givenName": "A."}, **ADMIN)

        assert the_person() == (ANN, "Ada", "Lovelace", True)
        assert member(ACME) == ("member", True, "Engineer")
        assert member(GLOBEX) == ("admin", True, "Adviser")
        assert shown(globex, key) == {
            "userName": ANN,
            "name": {"givenName": "A."},
            "title": "Adviser",
            "active": True,
            "emails": [{"primary": True, "value": ANN, "type": "work"}],
            TILED_SCHEMA: {"tiledAdmin": True},
        }

    def test_second_push_of_an_inactive_user(self, acme: Scim, globex: Scim) -> None:
        push(acme)

        key = push(globex, active=False)

        assert member(GLOBEX) == ("member", False, "")
        assert shown(globex, key)["active"] is False

    def test_by_hand_counts_as_another_account(self, acme: Scim) -> None:
        other = Person.objects.create(email=ANN, first_name="Anna")
        Membership.objects.create(person=other, account_id=GLOBEX, role="owner")

        key = push(acme)
        set_value(acme, key, "name.familyName", "Byron")

        assert the_person() == (ANN, "Anna", "", True)
        assert member(GLOBEX) == ("owner", True, "")
        assert shown(acme, key)["name"] == {"givenName": "Ada", "familyName": "Byron"}

    @pytest.mark.parametrize(
        ("path", "value", "columns"),
        [
            ("name.givenName", "Anna", {}),
            ("name.familyName", "Byron", {}),
            ('emails[type eq "work"].value', "ann@acme.example", {}),
            ("userName", "ann@acme.example", {}),
            ("title", "Boss", {"title": "Boss"}),
            ("active", False, {"is_active": False}),
            (f"{TILED_SCHEMA}:tiledAdmin", True, {"role": "admin"}),
            ("nickName", "Annie", {}),
        ],
    )
    @pytest.mark.parametrize("first", ["acme", "globex"])
    def test_change_in_one(
        self, acme: Scim, globex: Scim, path: str, value: Any, columns: dict[str, Any], first: str
    ) -> None:
        """A change shows in the account that made it, and nowhere else."""
        keys = {"acme": push(acme), "globex": push(globex)}
        scim, other = (acme, globex) if first == "acme" else (globex, acme)
        key, other_key = keys[first], keys[{"acme": "globex", "globex": "acme"}[first]]
        own, foreign = (ACME, GLOBEX) if first == "acme" else (GLOBEX, ACME)
        before = shown(other, other_key)
        person_before = the_person()

        answer = set_value(scim, key, path, value)

        assert answer.status == 200, answer.json
        assert str(value) in str(shown(scim, key))
        assert shown(other, other_key) == before
        assert the_person() == person_before
        assert Membership.objects.filter(account=own, **columns).exists()
        assert member(foreign) == ("member", True, "")
        assert [each["id"] for each in scim.get("/Users").json["Resources"]] == [key]

    def test_values_are_found_where_they_are_shown(self, acme: Scim, globex: Scim) -> None:
        push(acme)
        key = push(globex, name={"givenName": "Anna"}, emails=[{"value": "ann@globex.example"}])

        def found(scim: Scim, filter_: str) -> int:
            return int(scim.get("/Users", filter=filter_).json["totalResults"])

        assert found(acme, 'name.givenName eq "Ada"') == 1
        assert found(globex, 'name.givenName eq "Ada"') == 0
        assert found(globex, 'name.givenName eq "Anna"') == 1
        assert found(globex, "name.familyName pr") == 0
        assert found(globex, 'emails.value eq "ann@example.com"') == 0
        assert found(globex, 'emails eq "ann@globex.example"') == 1
        assert found(acme, 'emails.value eq "ann@example.com"') == 1
        assert found(acme, 'emails co "globex"') == 0
        assert globex.get("/Users", sortBy="emails.value").json["Resources"][0]["id"] == key

    def test_person_is_the_last_accounts_again(self, acme: Scim, globex: Scim) -> None:
        """The values of an account reach the person once no other account has them."""
        key = push(acme)
        push(globex)
        set_value(acme, key, "name.givenName", "Anna")
        assert the_person() == (ANN, "Ada", "Lovelace", True)
        Membership.objects.filter(account=GLOBEX).delete()

        set_value(acme, key, "name.familyName", "Byron")

        assert the_person() == (ANN, "Anna", "Byron", True)
        assert shown(acme, key)["name"] == {"givenName": "Anna", "familyName": "Byron"}
        assert UserLink.objects.get(account=str(ACME)).keeps_own_values is False

    def test_change_of_something_else_does_not_reach_the_person(
        self, acme: Scim, globex: Scim
    ) -> None:
        key = push(acme)
        push(globex)
        set_value(acme, key, "name.givenName", "Anna")
        Membership.objects.filter(account=GLOBEX).delete()

        set_value(acme, key, "title", "Boss")

        assert the_person() == (ANN, "Ada", "Lovelace", True)
        assert shown(acme, key)["name"] == {"givenName": "Anna", "familyName": "Lovelace"}

    @pytest.mark.parametrize("is_shared", [False, True])
    def test_address_by_which_the_person_signs_in_stays(
        self, acme: Scim, globex: Scim, is_shared: bool
    ) -> None:
        """The username of the host cannot be empty. Nobody sees who else has the person."""
        key = acme.post("/Users", person("ann", ANN)).json["id"]
        if is_shared:
            push(globex)

        answer = acme.put(f"/Users/{key}", person("ann", emails=[]))

        assert answer.status == 200
        assert shown(acme, key)["emails"] == [{"primary": True, "value": ANN}]
        assert the_person() == (ANN, "Ada", "Lovelace", True)

    def test_deactivation_ends_the_access_of_one_account(self, acme: Scim, globex: Scim) -> None:
        keys = {scim: push(scim) for scim in (acme, globex)}
        for scim, name in ((acme, "Surfaces"), (globex, "Doomsday")):
            push_group(scim, name, keys[scim])

        set_value(acme, keys[acme], "active", False)

        assert member(ACME)[1] is False
        assert member(GLOBEX)[1] is True
        assert the_person()[3] is True
        assert not Project.objects.get(name="Surfaces").members.exists()
        assert Project.objects.get(name="Doomsday").members.exists()
        assert shown(acme, keys[acme])["active"] is False
        assert shown(globex, keys[globex])["active"] is True

        set_value(acme, keys[acme], "active", True)

        assert member(ACME)[1] is True
        assert Project.objects.get(name="Surfaces").members.exists()

    def test_host_user_says_who_is_active_where_memberships_do_not(
        self, acme: Scim, globex: Scim, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = {"user": "person", "title": "title"}
        keys = {scim: push(scim) for scim in (acme, globex)}

        set_value(acme, keys[acme], "active", False)
        assert the_person()[3] is True
        assert [shown(scim, key)["active"] for scim, key in keys.items()] == [False, True]
        set_value(globex, keys[globex], "active", False)

        assert the_person()[3] is False

    def test_person_is_inactive_when_nobody_has_them(self, acme: Scim, globex: Scim) -> None:
        keys = {scim: push(scim) for scim in (acme, globex)}

        for scim, key in keys.items():
            set_value(scim, key, "active", False)
        assert the_person()[3] is False

        set_value(globex, keys[globex], "active", True)
        assert the_person()[3] is True
        assert (member(ACME)[1], member(GLOBEX)[1]) == (False, True)

    def test_setting_leaves_the_person_active(self, acme: Scim, settings: Any) -> None:
        settings.TILED_SCIM_DEACTIVATE_HOST_USERS = False
        key = push(acme)

        set_value(acme, key, "active", False)

        assert (member(ACME)[1], the_person()[3]) == (False, True)

    def test_person_whom_people_deactivated_stays_so(self, acme: Scim, globex: Scim) -> None:
        key = push(acme)
        push(globex)
        Person.objects.update(is_active=False)

        set_value(acme, key, "active", False)
        set_value(acme, key, "active", True)

        assert the_person()[3] is False
        assert (member(ACME)[1], member(GLOBEX)[1]) == (True, True)

    def test_delete_in_one(self, acme: Scim, globex: Scim) -> None:
        key, other = push(acme, **ADMIN), push(globex, **ADMIN)
        push(acme, "bob@example.com", **ADMIN)

        assert acme.delete(f"/Users/{key}").status == 204

        assert member(ACME, person__email=ANN) == ("member", False, "")
        assert member(GLOBEX) == ("admin", True, "")
        assert Person.objects.get(email=ANN).is_active
        assert shown(globex, other)["active"] is True

    def test_delete_for_good_of_a_person_whom_others_have(self, acme: Scim, settings: Any) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"
        key, bob = push(acme), push(acme, "bob@example.com")
        ann = Person.objects.get(email=ANN)
        Membership.objects.create(person=ann, account_id=GLOBEX, role="owner")

        assert {acme.delete(f"/Users/{each}").status for each in (key, bob)} == {204}

        assert list(Person.objects.all()) == [ann]
        assert member(ACME) == ("member", False, "")
        assert member(GLOBEX) == ("owner", True, "")
        assert UserLink.objects.get().unlinked_at is not None

    def test_name_of_somebody_elsewhere_is_no_conflict(self, acme: Scim, globex: Scim) -> None:
        """Nobody learns who exists in another account."""
        push(globex, "boss@example.com", name={"givenName": "Boss"})
        key = push(acme)

        answer = set_value(acme, key, "userName", "boss@example.com")

        assert answer.status == 200
        assert shown(acme, key)["userName"] == "boss@example.com"
        assert sorted(Person.objects.values_list("email", flat=True)) == [ANN, "boss@example.com"]

    def test_name_of_a_colleague_is_a_conflict(self, acme: Scim) -> None:
        boss = Person.objects.create(email="boss@example.com")
        Membership.objects.create(person=boss, account_id=ACME, role="owner")
        key = push(acme)

        answer = set_value(acme, key, "userName", "boss@example.com")

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert shown(acme, key)["userName"] == ANN


class TestNoLongerAMember:
    """A user whom people took out of the account is not the account's any more."""

    def test_is_not_shown(self, acme: Scim) -> None:
        key = push(acme)
        surfaces = push_group(acme, "Surfaces", key)
        Membership.objects.all().delete()

        assert acme.get(f"/Users/{key}").status == 404
        assert acme.get("/Users").json["totalResults"] == 0
        assert acme.get("/Users", filter=f'userName eq "{ANN}"').json["totalResults"] == 0
        assert acme.get(f"/Groups/{surfaces}").json.get("members", []) == []
        found = acme.get("/Groups", filter=f'members.value eq "{key}"').json
        assert found["totalResults"] == 0

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_is_not_changed(self, acme: Scim, method: str) -> None:
        key = push(acme)
        Membership.objects.all().delete()
        body = {
            "PUT": person(ANN, name={"givenName": "Anna"}),
            "PATCH": patch({"op": "replace", "path": "active", "value": False}),
            "DELETE": None,
        }[method]

        answer = acme.send(method, f"/Users/{key}", body)

        assert answer.status == 404
        assert f"no User with the id {key}" in answer.json["detail"]
        assert the_person() == (ANN, "Ada", "Lovelace", True)
        assert not Membership.objects.exists()

    def test_gets_no_access_through_groups(self, acme: Scim) -> None:
        key = push(acme)
        surfaces = push_group(acme, "Surfaces")
        Membership.objects.all().delete()

        acme.send("PATCH", f"/Groups/{surfaces}", add_members(key))

        assert not Project.objects.get().members.exists()

    def test_push_now_takes_the_access_away(self, acme: Scim) -> None:
        key, bob = push(acme), push(acme, "bob@example.com")
        surfaces = push_group(acme, "Surfaces", key, bob)
        Membership.objects.filter(person__email=ANN).delete()

        operation = {"op": "replace", "path": "members", "value": [{"value": key}, {"value": bob}]}
        assert acme.send("PATCH", f"/Groups/{surfaces}", patch(operation)).status == 204

        members = Project.objects.get().members.values_list("email", flat=True)
        assert list(members) == ["bob@example.com"]

    def test_comes_back_under_the_same_id(self, acme: Scim) -> None:
        key = push(acme)
        Membership.objects.all().delete()

        assert push(acme, title="Engineer") == key
        assert member(ACME) == ("member", True, "Engineer")

    def test_name_now_belongs_to_somebody_else(self, acme: Scim) -> None:
        key = push(acme)
        Membership.objects.all().delete()
        Person.objects.update(email="former@example.com")
        new = Person.objects.create(email=ANN, first_name="Other")

        other = push(acme)

        assert other != key
        assert Membership.objects.get().person == new
        assert acme.get(f"/Users/{key}").status == 404
        assert not UserLink.objects.get(pk=key).is_live


class TestConflicts:
    def test_name_of_a_project_of_the_same_account(self, acme: Scim, globex: Scim) -> None:
        Project.objects.create(account_id=ACME, name="Roadmap")

        answer = acme.post("/Groups", group("Roadmap"))

        assert answer.status == 409
        detail = "displayName “Roadmap” is already the name of another project"
        assert answer.json["detail"].startswith(detail)
        event = ScimEvent.objects.get()
        assert (event.cause, event.resource_name) == (Cause.LIBRARY_EXISTS, "Roadmap")
        push_group(globex, "Roadmap")
        assert Project.objects.count() == 2

    def test_name_of_the_project_of_an_unlinked_group(self, acme: Scim, globex: Scim) -> None:
        push_group(globex, "Roadmap")
        assert acme.delete(f"/Groups/{push_group(acme, 'Roadmap')}").status == 204
        plans = push_group(acme, "Plans")

        answer = acme.put(f"/Groups/{plans}", group("Roadmap"))

        assert answer.status == 200, answer.text
        names = set(Project.objects.values_list("account", "name"))
        own = {(ACME, "Roadmap"), (ACME, "Roadmap (unlinked)")}
        assert {name for name in names if str(name[0]) == str(ACME)} == own
        assert len(names) == 3

    def test_value_of_another_membership(
        self, acme: Scim, globex: Scim, settings: LazySettings
    ) -> None:
        names = {**scim_settings.MEMBERSHIP_FIELDS, "nickName": "badge"}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = names
        push(acme, nickName="7")

        answer = acme.post("/Users", person("bob@example.com", nickName="7"))

        assert answer.status == 409
        assert answer.json["detail"].startswith("The value of nickName is already used")
        assert [each.email for each in Person.objects.all()] == [ANN]
        push(globex, "bob@example.com", nickName="7")

    def test_address_that_a_colleague_got_meanwhile(
        self, acme: Scim, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = "tests.hosts.company.test_company.Unchecked"
        push(acme)
        bob = push(acme, "bob@example.com")

        answer = set_value(acme, bob, "emails.value", ANN)

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert answer.json["detail"].startswith("The value of emails is already used")
        assert shown(acme, bob)["emails"][0]["value"] == "bob@example.com"


class Unchecked(AccountAdapter):
    """Only the database finds a conflict, as if another request was faster than the checks."""

    def check_identity(
        self, values: Mapping[str, Any], user: AbstractBaseUser | None = None
    ) -> None:
        pass


class TestFormerAccount:
    """A token works until it is revoked, but nothing is created for an account that is gone."""

    @pytest.mark.parametrize("account", ["", "acme", "7"])
    def test_key_that_no_account_can_have(self, account: str) -> None:
        scim = Scim(f"Bearer {new_token(account)[1]}")

        for answer in (scim.get("/Users"), scim.post("/Users", person(ANN))):
            assert answer.status == 403
            assert "does not exist any more" in answer.json["detail"]
        assert not Person.objects.exists()

    def test_account_that_was_deleted(self, acme: Scim) -> None:
        push(acme)
        Account.objects.get(pk=ACME).delete()

        assert acme.get("/Users").json["totalResults"] == 0
        for path, body in (("/Users", person("bob@example.com")), ("/Groups", group("Sales"))):
            assert acme.post(path, body).status == 403
        assert [each.email for each in Person.objects.all()] == [ANN]
        assert not Project.objects.exists()


class TestSignIn:
    def test_account_of_the_admin_page(self, acme: Scim, client: Client) -> None:
        Person.objects.create(email="root@example.com", is_staff=True, is_superuser=True)
        client.force_login(cast(Any, Person.objects.get()))
        push(acme)

        page = client.get("/admin/tiled_scim/userlink/", {"account": str(ACME)})

        assert ANN in page.content.decode()
        assert LibraryGroupLink.objects.count() == 0

    def test_page_warns_that_there_is_no_admin(self, acme: Scim, client: Client) -> None:
        Person.objects.create(email="root@example.com", is_staff=True, is_superuser=True)
        client.force_login(cast(Any, Person.objects.get()))
        key = push(acme, **ADMIN)
        url, account = "/admin/tiled_scim/scimtoken/", {"account": str(ACME)}
        warning = "Nobody here is an active Tiled Admin."
        assert warning not in client.get(url, account).content.decode()

        set_value(acme, key, "active", False)

        assert warning in client.get(url, account).content.decode()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Several accounts act on the same person at the same time."""

    @pytest.fixture
    def clients(self) -> list[Scim]:
        keys = [UUID(int=number) for number in range(3, 9)]
        for key in keys:
            Account.objects.create(pk=key, name=f"Account {key.int}")
        return [client_of(key) for key in keys]

    def at_once(self, clients: list[Scim], send: Callable[[Scim], Answer]) -> list[Answer]:
        def run(scim: Scim) -> Answer:
            try:
                return send(scim)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(clients)) as pool:
            return list(pool.map(run, clients))

    def test_push_deactivate_and_reactivate(self, clients: list[Scim]) -> None:
        pushed = self.at_once(clients, lambda scim: scim.post("/Users", person(ANN)))

        assert {answer.status for answer in pushed} == {201}
        keys = dict(zip(map(id, clients), (answer.json["id"] for answer in pushed), strict=True))
        assert Membership.objects.filter(person__email=ANN, is_active=True).count() == len(clients)
        for active in (False, True, False):
            answers = self.at_once(
                clients,
                lambda scim: set_value(scim, keys[id(scim)], "active", active),  # noqa: B023 (called before the next round)
            )
            assert {answer.status for answer in answers} == {200}
            assert the_person()[3] is active
            assert set(Membership.objects.values_list("is_active", flat=True)) == {active}


class TestUniversalLogout:
    """Each account may sign out its own people, and nobody whom another one has as active."""

    @pytest.fixture(autouse=True)
    def _allowed(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_LOGOUT_WITH_TOKEN = True

    def test_a_person_of_one_account_is_signed_out(self, acme: Scim) -> None:
        push(acme)
        browser = signed_in()

        assert sign_out(acme).status == 204
        assert not is_signed_in(browser)

    def test_a_person_of_two_accounts_is_not(self, acme: Scim, globex: Scim) -> None:
        push(acme)
        push(globex)
        browser = signed_in()

        assert sign_out(acme).status == 204
        assert is_signed_in(browser)

    def test_a_membership_that_is_not_active_does_not_count(self, acme: Scim, globex: Scim) -> None:
        push(acme)
        set_value(globex, push(globex), "active", False)
        browser = signed_in()

        assert sign_out(acme).status == 204
        assert not is_signed_in(browser)

    def test_who_is_no_member_any_more_is_not_found(self, acme: Scim) -> None:
        push(acme)
        browser = signed_in()
        Membership.objects.all().delete()

        assert sign_out(acme).status == 404
        assert is_signed_in(browser)


def sign_out(scim: Scim) -> Answer:
    body = {"sub_id": {"format": "email", "email": ANN}}
    return scim.post("/global-token-revocation", body)


def signed_in() -> Client:
    """The browser of the only person."""
    browser = Client()
    browser.force_login(cast(Any, Person.objects.get()))
    return browser


def is_signed_in(browser: Client) -> bool:
    """Whether the next request is the person's."""
    request = HttpRequest()
    request.session = browser.session
    return get_user(request).is_authenticated


class TestAdmin:
    """What the pages show of a user whom two accounts have."""

    def test_state_and_role_in_each_account(self, acme: Scim, globex: Scim) -> None:
        key = push(acme, **ADMIN)
        push(acme, "bob@example.com", **ADMIN)
        push(globex)
        set_value(acme, key, "active", False)
        root = Person.objects.create(email="root@example.com", is_staff=True, is_superuser=True)
        browser = Client()
        browser.force_login(cast(Any, root))

        page = browser.get("/admin/tiled_scim/userlink/")

        found = {
            (link.account, link.user_name): (link.state.label, link.is_tiled_admin)
            for link in page.context["cl"].result_list
        }
        assert found == {
            (str(ACME), ANN): ("deactivated", True),
            (str(ACME), "bob@example.com"): ("active", True),
            (str(GLOBEX), ANN): ("active", False),
        }


class ReplicaOfMemberships:
    """Sends reads of memberships to a replica that does not answer."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return "replica" if model._meta.model_name == "membership" else None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        assert issubclass(model, models.Model)  # routers of hosts look at it
        return "default"


def test_memberships_are_read_where_they_are_written(acme: Scim, settings: LazySettings) -> None:
    settings.DATABASE_ROUTERS = [ReplicaOfMemberships()]

    key = push(acme, title="Boss")
    push_group(acme, "Surfaces", key)
    set_value(acme, key, "active", False)
    found = acme.get("/Users", filter='title eq "Boss"').json["Resources"]
    [link] = annotate_users(list(UserLink.objects.select_related("user")))

    assert (shown(acme, key)["active"], shown(acme, key)["title"]) == (False, "Boss")
    assert [each["id"] for each in found] == [key]
    assert (link.state.label, dict(attributes_of(link))["title"]) == ("deactivated", "Boss")
