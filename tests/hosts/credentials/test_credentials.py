"""What a person is signed in with ends with the request that comes after SCIM's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import RefreshToken

from tests.hosts.contract import HostContract
from tests.hosts.messages import group, patch, person
from tiled_scim.provider_check.client import Exchange, Json, OktaClient

pytestmark = pytest.mark.django_db(transaction=True)

EVERY_WAY = ("session", "key", "jwt", "refresh")
IN = dict.fromkeys(EVERY_WAY, 200)
OUT = {"session": 302, "key": 401, "jwt": 401, "refresh": 401}
# After a reactivation. Nobody can end an access token before it expires.
BACK = OUT | {"jwt": 200}
PASSWORD = "correct horse battery staple"

ADA = person("ada@example.com")
LEAVING: dict[str, tuple[str, Json | None]] = {
    "PATCH as Okta": ("PATCH", patch({"op": "replace", "value": {"active": False}})),
    "PATCH as Entra": ("PATCH", patch({"op": "Replace", "path": "active", "value": "False"})),
    "PUT": ("PUT", ADA | {"active": False}),
    "DELETE": ("DELETE", None),
}
every_way_to_leave = pytest.mark.parametrize(("method", "body"), LEAVING.values(), ids=LEAVING)
every_session_engine = pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])


class Person:
    """Somebody who is signed in, in three ways, before anything happens."""

    def __init__(self, user: User) -> None:
        self._browser = Client()
        self._browser.force_login(user)
        self._key = Token.objects.create(user=user).key
        pair: Any = RefreshToken.for_user(user)  # typed as what all kinds of tokens have
        self._access, self._refresh = str(pair.access_token), str(pair)

    def statuses(self) -> dict[str, int]:
        """What the host answers to each of the ways in."""
        return {way: self.answer(way).status_code for way in EVERY_WAY}

    def libraries(self) -> list[list[str]]:
        """What the person sees in each of the ways in."""
        return [self.answer(way).json() for way in ("session", "key", "jwt")]

    def answer(self, way: str) -> Any:
        if way == "session":
            return self._browser.get("/page/")
        if way == "refresh":
            return Client().post("/api/jwt/refresh/", {"refresh": self._refresh})
        credentials = f"Token {self._key}" if way == "key" else f"Bearer {self._access}"
        return Client().get("/api/", headers={"Authorization": credentials})


@pytest.fixture
def acme(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("acme")


@pytest.fixture
def globex(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("globex")


def push(client: OktaClient, path: str, body: Json) -> str:
    """The id of what is pushed now."""
    answer = client.send("POST", path, body)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def activate(client: OktaClient, key: str) -> Exchange:
    return client.send(
        "PATCH", f"/Users/{key}", patch({"op": "replace", "value": {"active": True}})
    )


def come_back(client: OktaClient, key: str, method: str) -> None:
    """Take back that somebody left by a method."""
    if method == "DELETE":
        assert push(client, "/Users", ADA) == key
    else:
        assert activate(client, key).status == 200


def reset_password(email: str) -> list[str]:
    """Whom Django would send a link to set a new password."""
    return [user.email for user in PasswordResetForm().get_users(email)]


class TestCredentials(HostContract):
    # Django's groups have unique names: two accounts cannot both have the group of the sequence.
    accounts = ("acme",)


class TestDeactivation:
    @every_way_to_leave
    def test_ends_sessions_keys_and_tokens_at_once(
        self, acme: OktaClient, method: str, body: Json | None
    ) -> None:
        key = push(acme, "/Users", ADA)
        ada = Person(User.objects.get())
        assert ada.statuses() == IN

        answer = acme.send(method, f"/Users/{key}", body)

        assert answer.status in {200, 204}, answer.text
        assert ada.statuses() == OUT
        assert not User.objects.get().is_active

    @every_way_to_leave
    def test_leaves_nobody_a_way_to_sign_in(
        self, acme: OktaClient, method: str, body: Json | None
    ) -> None:
        ada = User.objects.create_user("ada@example.com", password=PASSWORD)
        key = push(acme, "/Users", ADA)
        form = {"username": ada.username, "password": PASSWORD}
        ways = ("/api/key/", "/api/jwt/")
        assert [Client().post(way, form).status_code for way in ways] == [200, 200]

        acme.send(method, f"/Users/{key}", body)

        assert [Client().post(way, form).status_code for way in ways] == [400, 401]
        assert not Client().login(**form)

    @every_session_engine
    @every_way_to_leave
    def test_is_for_good(
        self,
        acme: OktaClient,
        method: str,
        body: Json | None,
        engine: str,
        settings: LazySettings,
    ) -> None:
        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
        key = push(acme, "/Users", ADA)
        ada = Person(User.objects.get())
        assert ada.statuses() == IN

        acme.send(method, f"/Users/{key}", body)
        come_back(acme, key, method)

        assert User.objects.get().is_active
        assert ada.statuses() == BACK

    @every_way_to_leave
    def test_ends_the_password(self, acme: OktaClient, method: str, body: Json | None) -> None:
        ada = User.objects.create_user("ada@example.com", "ada@example.com", PASSWORD)
        key = push(acme, "/Users", ADA)
        User.objects.update(password=ada.password)  # as if set after the push

        acme.send(method, f"/Users/{key}", body)
        come_back(acme, key, method)

        assert not Client().login(username=ada.username, password=PASSWORD)

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_lets_who_comes_back_reset_the_password(self, acme: OktaClient, method: str) -> None:
        key = push(acme, "/Users", ADA)
        User.objects.update(password=make_password(PASSWORD))

        acme.send(method, f"/Users/{key}", dict(LEAVING.values())[method])
        come_back(acme, key, method)

        assert reset_password(ADA["userName"]) == [ADA["userName"]]

    def test_by_delete_lets_nobody_reset_the_password(self, acme: OktaClient) -> None:
        key = push(acme, "/Users", ADA)
        User.objects.update(password=make_password(PASSWORD))

        acme.send("DELETE", f"/Users/{key}")
        come_back(acme, key, "DELETE")

        assert reset_password(ADA["userName"]) == []

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_leaves_an_unusable_password_unusable(self, acme: OktaClient, method: str) -> None:
        key = push(acme, "/Users", ADA)

        acme.send(method, f"/Users/{key}", dict(LEAVING.values())[method])

        assert not User.objects.get().has_usable_password()

    @every_way_to_leave
    def test_is_not_for_good_where_a_setting_says_so(
        self, acme: OktaClient, settings: LazySettings, method: str, body: Json | None
    ) -> None:
        settings.TILED_SCIM_END_SESSIONS = False
        key = push(acme, "/Users", ADA)
        ada = Person(User.objects.get())

        acme.send(method, f"/Users/{key}", body)
        assert ada.statuses() == OUT
        come_back(acme, key, method)

        assert ada.statuses() == IN

    def test_by_hand_is_for_good_for_another_person_with_the_name(self, acme: OktaClient) -> None:
        key = push(acme, "/Users", {**ADA, "externalId": "1"})
        ada = Person(User.objects.get())
        User.objects.update(is_active=False)

        answer = acme.send("PUT", f"/Users/{key}", {**ADA, "externalId": "2"})

        assert (answer.status, answer.json["active"]) == (200, True)
        assert ada.statuses() == BACK

    def test_that_is_refused_ends_nothing(self, acme: OktaClient, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = "tests.hosts.credentials.scim.Unavailable"
        key = push(acme, "/Users", ADA)
        ada = Person(User.objects.get())

        assert acme.send("PATCH", f"/Users/{key}", LEAVING["PATCH as Okta"][1]).status == 503

        assert ada.statuses() == IN

    def test_of_a_user_who_is_deleted_is_for_good(
        self, acme: OktaClient, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"
        key = push(acme, "/Users", ADA)
        ada = Person(User.objects.get())

        acme.send("DELETE", f"/Users/{key}")
        push(acme, "/Users", ADA)

        # simplejwt breaks where the user behind a refresh token is no more: that one is left out.
        assert [ada.answer(way).status_code for way in EVERY_WAY[:-1]] == [302, 401, 401]


class TestTwoAccounts:
    @every_way_to_leave
    def test_who_leaves_one_of_them_stays_in(
        self, acme: OktaClient, globex: OktaClient, method: str, body: Json | None
    ) -> None:
        keys = {client: push(client, "/Users", ADA) for client in (acme, globex)}
        ada = Person(User.objects.get())

        acme.send(method, f"/Users/{keys[acme]}", body)
        assert ada.statuses() == IN

        globex.send(method, f"/Users/{keys[globex]}", body)
        assert ada.statuses() == OUT

        come_back(globex, keys[globex], method)
        assert ada.statuses() == BACK

    @every_way_to_leave
    def test_who_leaves_one_of_them_keeps_the_password(
        self, acme: OktaClient, globex: OktaClient, method: str, body: Json | None
    ) -> None:
        keys = {client: push(client, "/Users", ADA) for client in (acme, globex)}
        User.objects.update(password=make_password(PASSWORD))
        form = {"username": "ada@example.com", "password": PASSWORD}

        acme.send(method, f"/Users/{keys[acme]}", body)
        assert Client().login(**form)

        globex.send(method, f"/Users/{keys[globex]}", body)
        come_back(globex, keys[globex], method)
        assert not Client().login(**form)

    def test_the_libraries_of_the_one_are_lost(self, acme: OktaClient, globex: OktaClient) -> None:
        keys = {client: push(client, "/Users", ADA) for client in (acme, globex)}
        push(acme, "/Groups", group("Moulds", keys[acme]))
        push(globex, "/Groups", group("Surfaces", keys[globex]))
        ada = Person(User.objects.get())
        assert ada.libraries() == [["Moulds", "Surfaces"]] * 3

        acme.send("PATCH", f"/Users/{keys[acme]}", LEAVING["PATCH as Okta"][1])

        assert ada.libraries() == [["Surfaces"]] * 3


class TestGroups:
    @pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
    def test_who_is_removed_loses_the_library_at_once(self, acme: OktaClient, method: str) -> None:
        key = push(acme, "/Users", ADA)
        moulds = push(acme, "/Groups", group("Moulds", key))
        ada = Person(User.objects.get())
        assert ada.libraries() == [["Moulds"]] * 3
        removal = patch({"op": "remove", "path": f'members[value eq "{key}"]'})
        bodies = {"PATCH": removal, "PUT": group("Moulds"), "DELETE": None}

        answer = acme.send(method, f"/Groups/{moulds}", bodies[method])

        assert answer.status in {200, 204}, answer.text
        assert ada.libraries() == [[]] * 3
