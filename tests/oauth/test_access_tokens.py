"""Tests of access tokens as rows: what they are, when they end, and how many are stored."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tiled_scim import clients
from tiled_scim.clients import NewClient
from tiled_scim.connections import Actor
from tiled_scim.models import (
    ACCESS_TOKEN_PREFIX,
    TOKEN_PREFIX,
    ScimAccessToken,
    ScimClient,
    ScimClientSecret,
)
from tiled_scim.models import access_tokens as models

pytestmark = pytest.mark.django_db

JOB = Actor("nightly job")


@pytest.fixture
def new() -> NewClient:
    return clients.create("", "Entra ID", JOB)


def issue(new: NewClient) -> tuple[ScimAccessToken, str]:
    assert new.secret is not None
    return ScimAccessToken.objects.issue(new.client, new.secret.row)


def test_it_is_256_random_bits_after_a_prefix_and_kept_as_a_digest(new: NewClient) -> None:
    token, plaintext = issue(new)

    assert plaintext.startswith(ACCESS_TOKEN_PREFIX)
    assert not plaintext.startswith(TOKEN_PREFIX)
    random = plaintext.removeprefix(ACCESS_TOKEN_PREFIX)
    assert len(base64.urlsafe_b64decode(f"{random}=")) * 8 == 256
    assert token.digest == hashlib.sha256(plaintext.encode()).hexdigest()
    assert random not in repr(ScimAccessToken.objects.values().get())
    assert len({issue(new)[1] for _ in range(20)}) == 20


def test_one_query_finds_it_with_client_and_secret(
    new: NewClient, django_assert_num_queries: Any
) -> None:
    token, plaintext = issue(new)
    ScimAccessToken.objects.with_plaintext(plaintext)

    with django_assert_num_queries(1):
        found = ScimAccessToken.objects.with_plaintext(plaintext)
        assert found == token
        assert found.client == new.client
        assert new.secret is not None
        assert found.secret == new.secret.row
        assert found.is_current
        assert (found.account, found.last_four) == ("", new.secret.row.last_four)


def test_one_of_a_federation_has_no_secret() -> None:
    client = ScimClient.objects.create(
        name="Entra ID", issuer="https://a", jwks_url="https://b", subject="c", audience="d"
    )
    _, plaintext = ScimAccessToken.objects.issue(client)

    found = ScimAccessToken.objects.with_plaintext(plaintext)

    assert found is not None
    assert found.secret is None
    assert found.is_current
    assert found.last_four == client.client_id[-4:]


def test_it_expires_after_the_time_of_the_setting(new: NewClient, settings: LazySettings) -> None:
    settings.TILED_SCIM_ACCESS_TOKEN_LIFETIME = timedelta(hours=3)
    token, plaintext = issue(new)
    assert token.expires_at - token.created_at == timedelta(hours=3)

    ScimAccessToken.objects.update(expires_at=timezone.now())

    found = ScimAccessToken.objects.with_plaintext(plaintext)
    assert found is not None
    assert not found.is_current
    assert found.is_usable


def test_it_lives_no_longer_than_its_secret(new: NewClient) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    assert new.secret is not None
    new.secret.row.expires_at = soon
    new.secret.row.save()

    token, _ = issue(new)

    assert token.expires_at == soon


@pytest.mark.parametrize("how", ["secret revoked", "secret expired", "client revoked"])
def test_it_ends_with_its_secret_and_its_client(new: NewClient, how: str) -> None:
    _, plaintext = issue(new)
    assert new.secret is not None

    match how:
        case "secret revoked":
            clients.revoke_secret(new.secret.row, JOB)
        case "secret expired":
            ScimClientSecret.objects.update(expires_at=timezone.now())
        case "client revoked":
            clients.revoke(new.client, JOB)

    found = ScimAccessToken.objects.with_plaintext(plaintext)
    assert found is not None
    assert not found.is_current
    assert not found.is_usable


def test_a_use_is_noted_for_client_and_secret(new: NewClient) -> None:
    token, _ = issue(new)
    now = timezone.now()

    token.mark_used(now, timedelta(minutes=1), address="192.0.2.1", client="Entra")

    for row in (ScimClient.objects.get(), ScimClientSecret.objects.get()):
        assert (row.last_used_at, row.last_used_from) == (now, "192.0.2.1")
        assert row.last_used_by == "Entra"


class TestNumber:
    def test_those_that_expired_a_day_ago_are_deleted_with_the_next_one(
        self, new: NewClient
    ) -> None:
        old, recent, other = issue(new)[0], issue(new)[0], issue(clients.create("", "B", JOB))[0]
        day = timezone.now() - timedelta(days=1, minutes=1)
        ScimAccessToken.objects.filter(pk__in=[old.pk, other.pk]).update(expires_at=day)
        ScimAccessToken.objects.filter(pk=recent.pk).update(expires_at=timezone.now())

        latest, _ = issue(new)

        assert set(ScimAccessToken.objects.all()) == {recent, other, latest}

    def test_a_client_has_no_more_than_the_newest(
        self, new: NewClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(models, "MOST_ACCESS_TOKENS", 3)
        other, _ = issue(clients.create("", "B", JOB))

        tokens = [issue(new)[0] for _ in range(5)]

        assert set(ScimAccessToken.objects.all()) == {other, *tokens[-3:]}
