"""Who had a user before the push has no way in afterwards."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.factories import make_user
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink

from .client import ANN, BOB, Scim, user
from .state import people, refused

PASSWORD = "correct horse battery staple"


def is_signed_in(client: Client) -> bool:
    """Whether the home page of the simple project lets the person in."""
    return client.get(reverse("libraries:list")).status_code == 200


def can_sign_in(username: str = ANN) -> bool:
    return Client().login(username=username, password=PASSWORD)


@pytest.fixture
def person(db: None) -> User:
    """Somebody who registered the name first."""
    return make_user(ANN, password=PASSWORD)


@pytest.fixture
def session(person: User) -> Client:
    """The session of the person who registered."""
    client = Client()
    assert client.login(username=ANN, password=PASSWORD)
    assert is_signed_in(client)
    return client


class TestPreviousHolder:
    def test_has_no_password_and_no_session(self, scim: Scim, session: Client) -> None:
        scim.add_user(ANN)

        assert not is_signed_in(session)
        assert not can_sign_in()
        assert not User.objects.get().has_usable_password()

    def test_was_inactive(self, scim: Scim, session: Client) -> None:
        User.objects.update(is_active=False)

        scim.add_user(ANN)

        assert people() == {ANN: "active"}
        assert not is_signed_in(session)
        assert not can_sign_in()

    def test_of_a_user_who_was_adopted_by_email(
        self, scim: Scim, settings: Settings, session: Client
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        User.objects.update(email=BOB)

        scim.add_user(BOB)

        assert UserLink.objects.get().user == User.objects.get()
        assert not is_signed_in(session)
        assert not can_sign_in()

    def test_keeps_both_where_sign_up_is_closed(
        self, scim: Scim, settings: Settings, session: Client
    ) -> None:
        settings.TILED_SCIM_ADOPT_PASSWORDS = True

        scim.add_user(ANN)

        assert is_signed_in(session)
        assert can_sign_in()

    def test_keeps_both_where_the_host_says_so(
        self, scim: Scim, settings: Settings, session: Client
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Verifying

        scim.add_user(ANN)

        assert can_sign_in()
        assert Verifying.adopted == [User.objects.get()]

    def test_of_a_new_user_is_nobody(
        self, scim: Scim, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Verifying
        monkeypatch.setattr(Verifying, "adopted", [])

        scim.add_user(ANN)

        assert Verifying.adopted == []

    def test_of_a_user_whom_scim_manages_is_left_alone(
        self, scim: Scim, settings: Settings
    ) -> None:
        """A user who was deactivated still belonged to the account."""
        settings.TILED_SCIM_END_SESSIONS = False
        key = scim.add_user(ANN)
        scim.deactivate(key)
        person = User.objects.get()
        person.set_password(PASSWORD)
        person.save()

        assert scim.add_user(ANN) == key

        assert can_sign_in()

    def test_of_a_refused_push_is_left_alone(
        self, scim: Scim, settings: Settings, session: Client
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = None

        refused(scim, "POST", "/Users", user(ANN))

        assert is_signed_in(session)
        assert can_sign_in()

    def test_of_a_shared_user_is_left_alone(
        self, settings: Settings, person: User, session: Client
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        acme, globex = client_of(ACME), client_of(GLOBEX)
        acme.add_user(ANN)
        assert not is_signed_in(session)
        person.set_password(PASSWORD)
        person.save()

        globex.add_user(ANN)

        assert can_sign_in()


class Verifying(HostAdapter):
    """A host that knows that its users have proven their addresses."""

    adopted: ClassVar[list[Any]] = []

    def user_adopted(self, user: AbstractBaseUser) -> None:
        self.adopted[:] = [user]


class Verified(HostAdapter):
    """A host whose customer has verified a domain."""

    def domains(self) -> Collection[str] | None:
        return ["Corp.example"]


class Renaming(HostAdapter):
    """A host where the address of whoever has not signed in for long may be replaced."""

    def may_replace_email(self, user: AbstractBaseUser, email: str) -> bool:
        return user.last_login is None


EMAIL = "hope@host.example"


def email(address: str) -> dict[str, Any]:
    return {"emails": [{"value": address, "type": "work", "primary": True}]}


class TestEmail:
    """Adoption changes no address that people gave."""

    def push(self, scim: Scim, name: str = ANN, **attributes: Any) -> str:
        """The address that the host has after a push, which is that of the response."""
        answer = scim.post("/Users", user(name, **attributes))
        assert answer.status == 201, answer.text
        shown = [each["value"] for each in answer.json.get("emails", [])]
        assert shown == [User.objects.get().email] or shown == []
        assert scim.get(f"/Users/{answer.json['id']}").json == answer.json
        return str(User.objects.get().email)

    def test_that_people_gave_stays(self, scim: Scim, person: User) -> None:
        assert self.push(scim, **email("evil@evil.example")) == EMAIL

    def test_that_is_lacking_is_set(self, scim: Scim, person: User) -> None:
        User.objects.update(email="")

        assert self.push(scim, **email("ann@corp.example")) == "ann@corp.example"

    def test_within_the_domains_is_set(self, scim: Scim, settings: Settings, person: User) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Verified
        User.objects.update(username="ann@corp.example")

        assert self.push(scim, "ann@corp.example", **email("a@corp.example")) == "a@corp.example"

    def test_is_set_where_the_host_says_so(
        self, scim: Scim, settings: Settings, person: User
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Renaming
        User.objects.update(last_login=None)

        assert self.push(scim, **email(BOB)) == BOB

    def test_stays_where_the_host_says_so(
        self, scim: Scim, settings: Settings, person: User
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Renaming
        User.objects.update(last_login=timezone.now())

        assert self.push(scim, **email(BOB)) == EMAIL

    def test_of_a_user_of_scim_follows(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        scim.put(f"/Users/{key}", user(ANN, **email(BOB)))

        assert User.objects.get().email == BOB

    def test_brings_no_new_password(
        self, scim: Scim, settings: Settings, person: User, session: Client
    ) -> None:
        """The whole attack: adopt somebody, set an address of one's own, and reset the password."""
        settings.ROOT_URLCONF = "tests.simple_project.with_password_reset"
        key = scim.add_user(ANN, **email("evil@evil.example"))
        scim.put(f"/Users/{key}", user(ANN, **email("evil@evil.example")))

        for address in ("evil@evil.example", EMAIL):
            answer = Client().post("/accounts/password_reset/", {"email": address})
            assert answer.status_code == 302

        assert mail.outbox == []
