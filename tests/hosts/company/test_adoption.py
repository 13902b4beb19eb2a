"""Whom a push takes over in a host with accounts, and what its account learns and changes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest
from django.test import Client

from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.test_company import ACME, ANN, GLOBEX, client_of, push, set_value, shown
from tests.hosts.messages import person
from tests.wire.client import Scim
from tiled_scim.accounts import AccountAdapter
from tiled_scim.models import UserLink

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


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


def register(email: str = ANN, **columns: Any) -> Person:
    """Somebody who signed up with a password, and may not be who they say."""
    who = Person(email=email, **columns)
    who.set_password(PASSWORD)
    who.save()
    return who


def can_sign_in(email: str = ANN) -> bool:
    return Person.objects.get(email=email).check_password(PASSWORD)


def is_signed_in(client: Client) -> bool:
    request = HttpRequest()
    request.session = client.session
    return get_user(request).is_authenticated


class TestSignIn:
    """Who had the user before the push."""

    def test_of_somebody_without_an_account_ends(self, acme: Scim) -> None:
        session = Client()
        session.force_login(cast(Any, register()))
        assert is_signed_in(session)

        push(acme)

        assert not can_sign_in()
        assert not is_signed_in(session)

    def test_of_a_colleague_ends(self, acme: Scim) -> None:
        Membership.objects.create(person=register(), account_id=ACME, role="member")

        push(acme)

        assert not can_sign_in()

    def test_of_a_colleague_stays_where_sign_up_is_closed(
        self, acme: Scim, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_PASSWORDS = True
        Membership.objects.create(person=register(), account_id=ACME, role="member")

        push(acme)

        assert can_sign_in()

    @pytest.mark.parametrize("is_active", [True, False])
    def test_of_a_member_of_another_account_stays(self, acme: Scim, is_active: bool) -> None:
        """No account alone decides how a shared user signs in."""
        who = register()
        Membership.objects.create(person=who, account_id=GLOBEX, role="owner", is_active=is_active)

        push(acme)

        assert can_sign_in()

    def test_of_a_user_whom_another_account_pushed_stays(self, acme: Scim, globex: Scim) -> None:
        push(globex)
        who = Person.objects.get()
        who.set_password(PASSWORD)
        who.save()

        push(acme)

        assert can_sign_in()

    def test_host_may_decide_for_shared_users(self, acme: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Verified
        Membership.objects.create(person=register(), account_id=GLOBEX, role="owner")

        push(acme)

        assert not can_sign_in()


class Verified(AccountAdapter):
    """The account with a verified domain speaks for its addresses, whoever else has them."""

    def domains(self) -> Collection[str] | None:
        return ["example.com"] if self.account == str(ACME) else []

    def user_adopted(self, user: Any) -> None:
        self.disable_password(user)
        self.end_sessions(user)


class TestPerson:
    """What an account learns and changes of somebody who only registered."""

    def test_account_learns_nothing(self, acme: Scim) -> None:
        register(first_name="Secret", last_name="Secret")

        answer = acme.post("/Users", {"userName": ANN})

        assert answer.status == 201
        assert "Secret" not in answer.text + acme.get("/Users").text
        assert acme.get("/Users", filter='name.givenName eq "Secret"').json["totalResults"] == 0
        assert Person.objects.get().first_name == "Secret"

    def test_names_that_are_sent_are_written(self, acme: Scim) -> None:
        register(first_name="Secret", last_name="Secret")

        key = push(acme)

        assert Person.objects.get().first_name == "Ada"
        assert shown(acme, key)["name"] == {"givenName": "Ada", "familyName": "Lovelace"}

    def test_login_stays_as_it_was_written(self, acme: Scim) -> None:
        register("Ann@Example.com")

        key = push(acme)

        assert Person.objects.get().email == "Ann@Example.com"
        assert shown(acme, key)["emails"][0]["value"] == ANN

    def test_domains(self, acme: Scim, globex: Scim, settings: LazySettings) -> None:
        """With verified domains, nobody takes over a person who is none of theirs."""
        settings.TILED_SCIM_HOST_ADAPTER = Verified
        register()
        register("bob@else.example")

        for scim, name in ((globex, ANN), (acme, "bob@else.example")):
            answer = scim.post("/Users", person(name))
            assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")

        assert can_sign_in(ANN)
        assert can_sign_in("bob@else.example")
        assert not UserLink.objects.exists()


def make_editor(who: Person) -> None:
    group = Group.objects.create(name="Editors")
    group.permissions.add(Permission.objects.all()[0])
    who.groups.add(group)


POWERS = {
    "superuser": lambda who: Person.objects.filter(pk=who.pk).update(is_superuser=True),
    "staff": lambda who: Person.objects.filter(pk=who.pk).update(is_staff=True),
    "permission": lambda who: who.user_permissions.add(Permission.objects.all()[0]),
    "group": make_editor,
}


@pytest.mark.parametrize("give", POWERS.values(), ids=POWERS)
class TestProtectedPeople:
    def test_outside_the_account_are_not_revealed(self, acme: Scim, give: Any) -> None:
        root = register("Root@example.com")
        give(root)
        before = Person.objects.values().get(pk=root.pk)

        key = push(acme, "root@example.com", title="Boss")
        assert shown(acme, key)["emails"][0]["value"] == "root@example.com"
        set_value(acme, key, "name.givenName", "Anna")
        assert acme.delete(f"/Users/{key}").status == 204
        assert push(acme, "root@example.com") == key

        assert Person.objects.values().get(pk=root.pk) == before
        assert can_sign_in("Root@example.com")
        other = Person.objects.exclude(pk=root.pk).get()
        assert UserLink.objects.get().user_id == other.pk
        assert other.email.endswith("@user.invalid")

    def test_colleagues_are_a_conflict(self, acme: Scim, give: Any) -> None:
        root = register()
        Membership.objects.create(person=root, account_id=ACME, role="owner")
        give(root)

        answer = acme.post("/Users", person(ANN))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert can_sign_in()

    def test_pushed_before_are_not_changed(self, acme: Scim, give: Any) -> None:
        key = push(acme)
        give(Person.objects.get())

        assert set_value(acme, key, "active", False).status == 403
        assert set_value(acme, key, "emails.value", "evil@evil.example").status == 403


class TestNames:
    """Nobody learns who exists outside of the account."""

    @pytest.mark.parametrize("adopt", ["username", "email", None])
    def test_of_a_person_elsewhere(
        self, acme: Scim, globex: Scim, settings: LazySettings, adopt: str | None
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = adopt
        theirs = push(globex)
        before = shown(globex, theirs)

        key = push(acme, title="Engineer")
        assert shown(acme, key)["userName"] == ANN
        assert set_value(acme, key, "name.givenName", "Anna").status == 200
        assert set_value(acme, key, "userName", "anna@example.com").status == 200
        assert set_value(acme, key, "userName", ANN).status == 200
        assert acme.delete(f"/Users/{key}").status == 204
        assert push(acme) == key

        assert shown(globex, theirs) == before

    def test_in_another_spelling(self, acme: Scim, globex: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_ADOPT_USERS = None
        push(globex, "Ann@Example.com")

        push(acme, "ANN@example.com")

        assert Person.objects.count() == 2
        assert len({each.email.lower() for each in Person.objects.all()}) == 2


class TestRenamed:
    """A person whose new name somebody outside has, or whom others have, keeps the old login.

    For the account, the old name is free, as if it were alone.
    """

    NEW = "ann.smith@example.com"

    @pytest.fixture(autouse=True, params=["username", "email"])
    def _adopted(self, settings: LazySettings, request: pytest.FixtureRequest) -> None:
        settings.TILED_SCIM_ADOPT_USERS = request.param

    @pytest.fixture(params=["new name is taken", "person is shared"])
    def ann(self, acme: Scim, globex: Scim, request: pytest.FixtureRequest) -> str:
        """The id of Ann, whom Acme's identity provider has renamed."""
        ann = push(acme)
        if request.param == "person is shared":
            push(globex)
        else:
            register(self.NEW)
        answer = acme.put(f"/Users/{ann}", person(self.NEW))
        assert (answer.status, answer.json["userName"]) == (200, self.NEW)
        assert Person.objects.filter(email=ANN, memberships__account=ACME).exists()
        return ann

    def test_another_person_may_get_the_old_name(self, acme: Scim, ann: str) -> None:
        other = push(acme)

        assert other != ann
        assert shown(acme, other)["userName"] == ANN
        assert shown(acme, ann)["userName"] == self.NEW
        assert Membership.objects.filter(account=ACME).count() == 2
        assert UserLink.objects.get(pk=other).user.email != ANN

    def test_another_person_may_be_renamed_to_the_old_name(self, acme: Scim, ann: str) -> None:
        bob = push(acme, "bob@example.com")

        answer = acme.put(f"/Users/{bob}", person(ANN))

        assert (answer.status, answer.json["userName"]) == (200, ANN)
        assert UserLink.objects.get(pk=bob).user.email == "bob@example.com"

    def test_old_name_is_free_after_the_end_too(self, acme: Scim, ann: str) -> None:
        assert acme.delete(f"/Users/{ann}").status == 204

        assert push(acme) != ann

    def test_own_address_is_still_the_persons(
        self, acme: Scim, ann: str, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        assert acme.put(f"/Users/{ann}", person(self.NEW, ANN)).status == 200

        answer = acme.post("/Users", person("third@example.com", ANN))

        assert answer.error == (409, "uniqueness")
        assert f"the id is {ann}" in answer.json["detail"]
