"""Tests of `scim_client`: its output, and the resulting database state."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from tests.oauth.token_requests import GRANT, send
from tiled_scim.clients import MOST_CLIENTS
from tiled_scim.host import HostAdapter
from tiled_scim.models import Action, ScimClient, ScimClientSecret, ScimEvent

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"tscimsecret_[\w-]{43}")
URL = "https://scim.example.com/v2"
FEDERATION = (
    "--issuer=https://login.example/v2.0",
    "--jwks-url=https://login.example/keys",
    "--subject=6f8f4c6a",
    "--audience=api://1b2c",
)


class TwoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": ""}


@pytest.fixture
def two_accounts(settings: Settings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts


@pytest.fixture(autouse=True)
def _base_url(settings: Settings) -> None:
    settings.TILED_SCIM_BASE_URL = f"{URL}/"


def scim_client(*arguments: str) -> str:
    output = StringIO()
    call_command("scim_client", *arguments, stdout=output)
    return output.getvalue()


def created(*arguments: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(scim_client("create", "--json", *arguments))
    return values


def status_of(values: Mapping[str, str]) -> int:
    names = ("client_id", "client_secret")
    return send({**GRANT, **{name: values[name] for name in names}}).status


class TestCreate:
    def test_json_is_one_object_and_works(self) -> None:
        values = created()

        assert list(values) == ["client_id", "client_secret", "token_url", "scim_url"]
        assert values["client_id"] == ScimClient.objects.get().client_id
        assert SECRET.fullmatch(values["client_secret"])
        assert values["token_url"] == f"{URL}/oauth/token"
        assert values["scim_url"] == URL
        assert status_of(values) == 200

    def test_text_shows_the_secret_once_with_its_end(self) -> None:
        printed = scim_client("create", "--name", "Entra ID", "--lifetime", "400")

        secret = ScimClientSecret.objects.get()
        assert len(SECRET.findall(printed)) == 1
        assert "The client “Entra ID” was created" in printed
        assert f"token url: {URL}/oauth/token" in printed
        assert f"valid until {secret.expires_at:%Y-%m-%d}" in printed
        assert "cannot be shown again" in printed
        assert secret.expires_at - timezone.now() > timedelta(days=399)

    def test_a_federation_has_no_secret(self) -> None:
        values = created(*FEDERATION)

        assert list(values) == ["client_id", "token_url", "scim_url"]
        client = ScimClient.objects.get()
        assert client.federation is not None
        assert client.federation.subject == "6f8f4c6a"

    def test_a_part_of_a_federation_is_refused(self) -> None:
        with pytest.raises(CommandError, match=r"^--audience: Copy the value"):
            created(*FEDERATION[:-1])

        assert not ScimClient.objects.exists()

    def test_a_federation_needs_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiled_scim.oauth.assertions.IS_AVAILABLE", False)

        with pytest.raises(CommandError, match=r"Install tiled-scim\[federation\]"):
            created(*FEDERATION)

    def test_the_base_url_can_be_given(self, settings: Settings) -> None:
        settings.TILED_SCIM_BASE_URL = None

        assert created("--base-url", "https://a.example/scim/v2/")["scim_url"] == (
            "https://a.example/scim/v2"
        )
        with pytest.raises(CommandError, match="Say where SCIM is mounted"):
            created()
        with pytest.raises(CommandError, match="Give the complete URL"):
            created("--base-url", "a.example")
        assert ScimClient.objects.count() == 1

    @pytest.mark.parametrize("days", ["364", "1097"])
    def test_a_secret_is_valid_for_one_to_three_years(self, days: str) -> None:
        with pytest.raises(CommandError, match="--lifetime: A client secret is valid for 365"):
            created("--lifetime", days)

        assert not ScimClient.objects.exists()

    def test_a_name_cannot_be_empty(self) -> None:
        with pytest.raises(CommandError, match="--name: Enter a name"):
            created("--name", " ")

    def test_an_account_has_a_limit(self) -> None:
        for _ in range(MOST_CLIENTS):
            created()

        with pytest.raises(CommandError, match=r"There are 10 clients, .* Revoke one"):
            created()

    @pytest.mark.usefixtures("two_accounts")
    def test_accounts_have_clients_of_their_own(self) -> None:
        created("--account", "acme")
        printed = scim_client("create", "--account", "globex")

        assert "for the account globex" in printed
        assert list(ScimClient.objects.values_list("account", flat=True)) == ["acme", "globex"]
        event = ScimEvent.objects.latest("pk")
        assert event.action == Action.CLIENT_CREATED
        assert event.actor.startswith("scim_client")

    @pytest.mark.usefixtures("two_accounts")
    def test_an_unknown_account_is_refused(self) -> None:
        with pytest.raises(CommandError, match="There is no account 'acne'"):
            created("--account", "acne")
        with pytest.raises(CommandError, match="Choose an account: --account KEY"):
            created()


class TestRotate:
    def test_both_secrets_work_until_the_old_one_is_revoked(self) -> None:
        old = created()
        new = json.loads(scim_client("rotate", old["client_id"], "--json"))
        assert list(new) == list(old)
        assert (status_of(old), status_of(new)) == (200, 200)

        printed = scim_client("revoke", old["client_id"], f"--secret={old['client_secret'][-4:]}")

        assert printed == (
            f"The client secret ending in {old['client_secret'][-4:]} has stopped working.\n"
        )
        assert (status_of(old), status_of(new)) == (401, 200)

    def test_text_says_how_to_go_on(self) -> None:
        old = created()

        printed = scim_client("rotate", old["client_id"])

        assert len(SECRET.findall(printed)) == 1
        assert f"revoke {old['client_id']} --secret=" in printed

    def test_the_last_characters_may_begin_with_a_hyphen(self) -> None:
        client_id = created()["client_id"]
        scim_client("rotate", client_id)
        secret = ScimClientSecret.objects.earliest("created_at")
        ScimClientSecret.objects.filter(pk=secret.pk).update(last_four="-k7Q")

        scim_client("revoke", client_id, "--secret=-k7Q")

        assert not ScimClientSecret.objects.get(pk=secret.pk).is_current

    def test_a_third_secret_is_refused(self) -> None:
        client_id = created()["client_id"]
        scim_client("rotate", client_id)

        with pytest.raises(CommandError, match=r"has two secrets that work\. Revoke the old one"):
            scim_client("rotate", client_id)

    def test_a_federation_has_nothing_to_rotate(self) -> None:
        client_id = created(*FEDERATION)["client_id"]

        with pytest.raises(CommandError, match="has a federation, and no secrets"):
            scim_client("rotate", client_id)

    def test_an_unknown_client_is_refused(self) -> None:
        with pytest.raises(CommandError, match="There is no client with the id 'x'"):
            scim_client("rotate", "x")


class TestRevoke:
    def test_a_client_ends_with_its_secrets(self) -> None:
        values = created("--name", "Entra ID")

        assert scim_client("revoke", values["client_id"]) == (
            "The client “Entra ID” has stopped working.\n"
        )
        assert status_of(values) == 401
        with pytest.raises(CommandError, match="There is no client"):
            scim_client("revoke", values["client_id"])

    def test_a_secret_has_to_be_one_of_the_client(self) -> None:
        values = created()

        with pytest.raises(CommandError, match=f": {values['client_secret'][-4:]}\\."):
            scim_client("revoke", values["client_id"], "--secret", "none")

        assert status_of(values) == 200


class TestList:
    def test_no_clients_are_said_to_be_none(self) -> None:
        assert scim_client("list") == "There are no clients.\n"

    @pytest.mark.usefixtures("two_accounts")
    def test_clients_are_listed_without_their_secrets(self) -> None:
        acme = created("--account", "acme", "--name", "Entra ID")
        created("--account", "globex", *FEDERATION)
        ScimClient.objects.create(account="initech", name="old")

        printed = scim_client("list")

        rows = [re.split(r"  +", line) for line in printed.splitlines()[1:]]
        assert [row[0] for row in rows] == ["acme", "globex", "initech (does not exist)"]
        secret = ScimClientSecret.objects.get()
        until = f"...{secret.last_four} until {secret.expires_at:%Y-%m-%d %H:%M}"
        assert [row[3] for row in rows] == [until, "federation", "none"]
        assert acme["client_id"] in printed
        assert not SECRET.search(printed)
        assert len(scim_client("list", "--account", "acme").splitlines()) == 2

    @pytest.mark.usefixtures("two_accounts")
    def test_an_unknown_account_is_refused(self) -> None:
        with pytest.raises(CommandError, match="There is no account 'acne'"):
            scim_client("list", "--account", "acne")
