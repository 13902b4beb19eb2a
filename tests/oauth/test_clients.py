"""Tests of `tiled_scim.clients`: what each function returns, stores, records and refuses."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.accounts import ACME, GLOBEX, Together
from tiled_scim import clients
from tiled_scim.clients import (
    MOST_CLIENTS,
    ClientChangedError,
    ClientEndedError,
    ClientExistsError,
    Federation,
    FederationUnavailableError,
    InvalidClientError,
    NewClient,
    TooManyClientsError,
    TooManySecretsError,
    seen_key,
)
from tiled_scim.connections import Actor, UnknownAccountError
from tiled_scim.models import (
    CLIENT_SECRET_PREFIX,
    Action,
    Outcome,
    ScimAccessToken,
    ScimClient,
    ScimClientSecret,
    ScimEvent,
)

pytestmark = pytest.mark.django_db

JOB = Actor("nightly job")
FEDERATION = Federation(
    issuer="https://login.microsoftonline.com/contoso/v2.0",
    jwks_url="https://login.microsoftonline.com/contoso/discovery/v2.0/keys",
    subject="6f8f4c6a",
    audience="api://1b2c/.default",
)
ANOTHER = replace(FEDERATION, subject="another")


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that verifies assertions, whether it is installed or not."""
    monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: True)


@pytest.fixture
def two_accounts(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together


@pytest.fixture
def admin() -> User:
    return User.objects.create_user("ann")


def created(account: str = "", **values: Any) -> NewClient:
    return clients.create(account, "Entra ID", JOB, **values)


def expire(secret: ScimClientSecret) -> None:
    ScimClientSecret.objects.filter(pk=secret.pk).update(expires_at=timezone.now())


def issue(new: NewClient) -> ScimAccessToken:
    secret = new.secret.row if new.secret else None
    return ScimAccessToken.objects.issue(new.client, secret)[0]


def is_current(token: ScimAccessToken) -> bool:
    now = token.read_again()
    return now is not None and now.is_current


def last_event() -> ScimEvent:
    return ScimEvent.objects.order_by("-pk")[0]


class TestSeen:
    """Forms that are sent twice, or that were opened before another person's change."""

    def test_a_client_id_is_created_once(self, two_accounts: None) -> None:
        key = uuid4()
        new = created(ACME, client_id=key)

        assert new.client.client_id == str(key)
        for account in (ACME, GLOBEX):
            with pytest.raises(ClientExistsError):
                created(account, client_id=key)
        assert ScimClient.objects.count() == ScimEvent.objects.count() == 1

    def test_another_secret_or_federation_changes_the_key(self) -> None:
        new, other = created(), created(federation=FEDERATION)
        first, federated = seen_key(new.client), seen_key(other.client)

        clients.add_secret(new.client, JOB, seen=first)
        clients.change_federation(other.client, ANOTHER, JOB, seen=federated)

        assert seen_key(new.client) != first
        other.client.refresh_from_db()
        assert seen_key(other.client) != federated
        with pytest.raises(ClientChangedError):
            clients.add_secret(new.client, JOB, seen=first)
        with pytest.raises(ClientChangedError):
            clients.change_federation(other.client, FEDERATION, JOB, seen=federated)
        assert ScimClientSecret.objects.count() == 2
        assert ScimClient.objects.get(pk=other.client.pk).federation == ANOTHER


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "localhost", "a.localhost"]
)
def test_keys_are_not_fetched_from_a_private_address(host: str) -> None:
    with pytest.raises(InvalidClientError) as raised:
        created(federation=replace(FEDERATION, jwks_url=f"https://{host}/keys"))

    assert raised.value.field == "jwks_url"


class TestCreate:
    def test_it_has_a_secret_of_256_random_bits_that_is_kept_as_a_digest(self) -> None:
        new = created()

        assert new.secret is not None
        plaintext = new.secret.plaintext
        assert plaintext.startswith(CLIENT_SECRET_PREFIX)
        random = plaintext.removeprefix(CLIENT_SECRET_PREFIX)
        assert len(base64.urlsafe_b64decode(f"{random}=")) * 8 == 256
        row = ScimClientSecret.objects.get()
        assert row.digest == hashlib.sha256(plaintext.encode()).hexdigest()
        assert row.last_four == plaintext[-4:]
        assert row.client == new.client
        assert random not in repr(
            [*ScimClientSecret.objects.values(), *ScimClient.objects.values()]
        )
        assert re.fullmatch(r"[0-9a-f-]{36}", new.client.client_id)
        assert new.client.federation is None
        assert plaintext not in repr(new)

    def test_its_event_says_who_made_it_and_what(self, admin: User) -> None:
        new = clients.create("", "  Entra ID ", Actor("Settings: ann", admin, "192.0.2.1"))

        assert new.secret is not None
        event = ScimEvent.objects.get()
        assert (event.account, event.actor, event.address) == ("", "Settings: ann", "192.0.2.1")
        assert (event.action, event.outcome) == (Action.CLIENT_CREATED, Outcome.DONE)
        assert event.resource_name == new.client.name == "Entra ID"
        expires = new.secret.row.expires_at.isoformat(timespec="minutes")
        assert event.changes["attributes"] == {
            "secret": [None, f"…{new.secret.row.last_four}"],
            "expires": [None, expires],
        }
        assert new.client.created_by == new.secret.row.created_by == admin

    def test_a_federation_is_instead_of_secrets(self) -> None:
        new = created(federation=FEDERATION)

        assert new.secret is None
        assert not ScimClientSecret.objects.exists()
        client = ScimClient.objects.get()
        assert client.federation == FEDERATION
        attributes = {name: [None, value] for name, value in asdict(FEDERATION).items()}
        assert last_event().changes["attributes"] == attributes

    def test_a_secret_is_valid_for_the_given_time_or_that_of_the_setting(
        self, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_CLIENT_SECRET_LIFETIME = timedelta(days=500)
        days = []
        for lifetime in (None, timedelta(days=365), timedelta(days=1096)):
            created(lifetime=lifetime)
            secret = ScimClientSecret.objects.order_by("-pk")[0]
            days.append(round((secret.expires_at - timezone.now()) / timedelta(days=1)))

        assert days == [500, 365, 1096]

    @pytest.mark.parametrize("days", [-1, 0, 364, 1097])
    def test_a_secret_is_valid_for_one_to_three_years(self, days: int) -> None:
        with pytest.raises(InvalidClientError, match="valid for 365 to 1096 days") as refusal:
            created(lifetime=timedelta(days=days))

        assert refusal.value.field == "lifetime"
        assert not ScimClient.objects.exists()

    @pytest.mark.parametrize("name", ["", "  ", "x" * 256, "Entra\nID", "Entra\0ID"])
    def test_a_name_is_a_line_of_text(self, name: str) -> None:
        with pytest.raises(InvalidClientError, match="Enter a name") as refusal:
            clients.create("", name, JOB)

        assert refusal.value.field == "name"
        assert not ScimClient.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            *((field, "", "Copy the value") for field in asdict(FEDERATION)),
            *((field, f"https://{'x' * 500}", "more than 500") for field in asdict(FEDERATION)),
            ("subject", "a b", "no spaces"),
            ("audience", "a\0b", "Copy the value"),
            ("issuer", "login.microsoftonline.com", "begins with https://"),
            ("jwks_url", "http://login.microsoftonline.com/keys", "begins with https://"),
            ("jwks_url", "https://ann:secret@example.com/keys", "has no password"),
            ("jwks_url", "https://example.com/keys#one", "complete URL"),
            ("jwks_url", "https://example.com:port/keys", "complete URL"),
            ("jwks_url", "https:///keys", "complete URL"),
        ],
    )
    def test_a_federation_that_cannot_be_one_is_refused(
        self, field: str, value: str, problem: str
    ) -> None:
        with pytest.raises(InvalidClientError, match=problem) as refusal:
            created(federation=replace(FEDERATION, **{field: value}))

        assert refusal.value.field == field
        assert not ScimClient.objects.exists()

    def test_without_the_extra_there_are_no_federations(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new = created(federation=FEDERATION)
        monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: False)

        with pytest.raises(FederationUnavailableError):
            created(federation=FEDERATION)
        with pytest.raises(FederationUnavailableError):
            clients.change_federation(new.client, ANOTHER, JOB)

        assert ScimClient.objects.count() == 1

    @pytest.mark.usefixtures("two_accounts")
    @pytest.mark.parametrize("account", ["nobody", ""])
    def test_an_unknown_account_gets_none(self, account: str) -> None:
        with pytest.raises(UnknownAccountError):
            created(account)

        assert not ScimClient.objects.exists()
        assert not ScimEvent.objects.exists()

    @pytest.mark.usefixtures("two_accounts")
    def test_each_account_may_have_ten(self) -> None:
        first = created(ACME).client
        for _ in range(MOST_CLIENTS - 1):
            created(ACME)

        with pytest.raises(TooManyClientsError):
            created(ACME)

        created(GLOBEX)
        clients.revoke(first, JOB)
        created(ACME)
        assert clients.of_account(ACME).count() == MOST_CLIENTS


class TestSecrets:
    def test_both_work_until_one_is_revoked(self) -> None:
        new = created()
        assert new.secret is not None
        second = clients.add_secret(new.client, JOB)
        tokens = [
            ScimAccessToken.objects.issue(new.client, secret)[0]
            for secret in (new.secret.row, second.row)
        ]
        assert [is_current(token) for token in tokens] == [True, True]

        assert clients.revoke_secret(new.secret.row, JOB)

        assert [is_current(token) for token in tokens] == [False, True]
        revoked = ScimClientSecret.objects.get(pk=new.secret.row.pk)
        assert not revoked.is_current
        assert revoked.revoked_at is not None
        assert ScimClientSecret.objects.get(pk=second.row.pk).is_current
        actions = ScimEvent.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == [
            Action.CLIENT_CREATED,
            Action.CLIENT_SECRET_CREATED,
            Action.CLIENT_SECRET_REVOKED,
        ]
        assert last_event().changes["attributes"] == {"secret": [str(revoked), None]}

    def test_there_are_at_most_two(self) -> None:
        client = created().client
        clients.add_secret(client, JOB)

        with pytest.raises(TooManySecretsError):
            clients.add_secret(client, JOB)

        assert ScimClientSecret.objects.count() == 2
        assert ScimEvent.objects.count() == 2

    @pytest.mark.parametrize("slot", [1, 3])
    def test_the_database_itself_refuses_a_third(self, slot: int) -> None:
        new = created()
        clients.add_secret(new.client, JOB)
        expires_at = timezone.now() + timedelta(days=1)

        with pytest.raises(IntegrityError), transaction.atomic():
            ScimClientSecret.objects.create(
                client=new.client, slot=slot, digest="0" * 64, expires_at=expires_at
            )

        ended = {"client": new.client, "slot": None, "expires_at": expires_at}
        ScimClientSecret.objects.create(digest="1" * 64, **ended)
        ScimClientSecret.objects.create(digest="2" * 64, **ended)

    def test_one_that_has_expired_makes_room(self) -> None:
        new = created()
        assert new.secret is not None
        clients.add_secret(new.client, JOB)
        expire(new.secret.row)

        clients.add_secret(new.client, JOB)

        current = ScimClientSecret.objects.exclude(slot=None)
        assert set(current.values_list("slot", flat=True)) == {1, 2}
        assert not current.filter(pk=new.secret.row.pk).exists()

    def test_one_that_has_ended_is_revoked_once(self) -> None:
        new = created()
        assert new.secret is not None
        assert clients.revoke_secret(new.secret.row, JOB)
        number = ScimEvent.objects.count()

        assert not clients.revoke_secret(new.secret.row, JOB)

        assert ScimEvent.objects.count() == number

    @pytest.mark.parametrize("how", ["revoked", "federation"])
    def test_a_client_that_cannot_have_one_gets_none(self, how: str) -> None:
        client = created(federation=FEDERATION if how == "federation" else None).client
        if how == "revoked":
            clients.revoke(client, JOB)
        number = ScimClientSecret.objects.count()

        with pytest.raises(ClientEndedError):
            clients.add_secret(client, JOB)

        assert ScimClientSecret.objects.count() == number


class TestFederation:
    def test_it_is_changed_and_access_tokens_end(self) -> None:
        new = created(federation=FEDERATION)
        token = issue(new)

        assert clients.change_federation(new.client, ANOTHER, JOB)

        assert ScimClient.objects.get().federation == ANOTHER
        assert not is_current(token)
        event = last_event()
        assert event.action == Action.FEDERATION_CHANGED
        assert event.changes["attributes"] == {"subject": [FEDERATION.subject, "another"]}

    def test_the_same_one_changes_nothing(self) -> None:
        new = created(federation=FEDERATION)
        token = issue(new)

        assert not clients.change_federation(new.client, FEDERATION, JOB)

        assert is_current(token)
        assert ScimEvent.objects.count() == 1

    def test_a_client_with_secrets_gets_none(self) -> None:
        with pytest.raises(ClientEndedError):
            clients.change_federation(created().client, FEDERATION, JOB)

        assert ScimClient.objects.get().federation is None

    @pytest.mark.parametrize("missing", list(asdict(FEDERATION)))
    def test_the_database_itself_refuses_a_part_of_one(self, missing: str) -> None:
        new = created(federation=FEDERATION)

        with pytest.raises(IntegrityError), transaction.atomic():
            ScimClient.objects.filter(pk=new.client.pk).update(**{missing: ""})


class TestRevoke:
    @pytest.mark.parametrize("federation", [None, FEDERATION])
    def test_its_access_tokens_end_and_it_is_listed_no_more(
        self, federation: Federation | None
    ) -> None:
        new = created(federation=federation)
        token = issue(new)

        assert clients.revoke(new.client, JOB)
        assert not clients.revoke(new.client, JOB)

        assert not is_current(token)
        assert not clients.of_account("").exists()
        assert clients.find("", new.client.client_id) is None
        events = ScimEvent.objects.filter(action=Action.CLIENT_REVOKED)
        assert [event.resource_name for event in events] == ["Entra ID"]

    @pytest.mark.usefixtures("two_accounts")
    def test_it_works_for_an_account_that_is_gone(self) -> None:
        client = ScimClient.objects.create(account="initech", name="Entra ID")

        assert clients.revoke(client, JOB)

        assert not ScimClient.objects.get().is_current


class TestFind:
    @pytest.mark.usefixtures("two_accounts")
    def test_each_account_has_its_own(self) -> None:
        acme, globex = created(ACME).client, created(GLOBEX).client

        assert list(clients.of_account(ACME)) == [acme]
        assert clients.find(GLOBEX, globex.client_id) == globex
        assert clients.find(GLOBEX, acme.client_id) is None

    def test_a_client_comes_with_its_secrets(self, django_assert_num_queries: Any) -> None:
        new = created()
        clients.add_secret(new.client, JOB)
        created()

        with django_assert_num_queries(2):
            numbers = [len(client.secrets.all()) for client in clients.of_account("")]

        assert numbers == [2, 1]
