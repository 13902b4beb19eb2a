"""Clients, secrets and access tokens that are created at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from tests.oauth.token_requests import JOB, granted, new_client, scim
from tests.wire.client import ANN, user
from tiled_scim import clients
from tiled_scim.clients import TooManySecretsError
from tiled_scim.models import ScimAccessToken, ScimClient, ScimClientSecret, ScimEvent
from tiled_scim.models import access_tokens as models

THREADS = 6

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]


def at_once(act: Callable[[], Any]) -> Counter[str]:
    """Act in several threads, and return the names of what they returned or raised."""
    barrier = Barrier(THREADS)

    def run(number: int) -> str:
        try:
            barrier.wait()
            return type(act()).__name__
        except TooManySecretsError as error:
            return type(error).__name__
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(run, range(THREADS)))


def test_one_address_is_one_persons_where_an_account_has_no_token(settings: LazySettings) -> None:
    settings.TILED_SCIM_ADOPT_USERS = "email"
    access_token = granted(new_client())
    emails = [{"value": ANN, "primary": True}]

    at_once(lambda: scim(access_token).post("/Users", user(str(uuid4()), emails=emails)))

    assert User.objects.get().email == ANN


@pytest.mark.parametrize("has_client", [False, True])
def test_each_client_is_created(has_client: bool) -> None:
    if has_client:
        new_client()

    assert at_once(new_client) == {"NewClient": THREADS}

    assert ScimClient.objects.count() == ScimEvent.objects.count() == THREADS + has_client


def test_a_client_gets_one_more_secret() -> None:
    client = new_client().client

    ended = at_once(lambda: clients.add_secret(client, JOB))

    assert ended == {"NewClientSecret": 1, "TooManySecretsError": THREADS - 1}
    assert ScimClientSecret.objects.count() == ScimEvent.objects.count() == 2


def test_a_secret_is_revoked_once() -> None:
    new = new_client()
    assert new.secret is not None
    row = new.secret.row

    at_once(lambda: clients.revoke_secret(row, JOB))

    assert ScimEvent.objects.count() == 2


def test_access_tokens_are_issued_while_old_ones_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "MOST_ACCESS_TOKENS", 3)
    new = new_client()
    assert new.secret is not None
    row = new.secret.row

    def issue() -> object:
        tokens = [ScimAccessToken.objects.issue(new.client, row)[0] for _ in range(5)]
        return tokens[-1]

    assert at_once(issue) == {"ScimAccessToken": THREADS}
    assert ScimAccessToken.objects.count() == 3


def test_several_clients_delete_old_access_tokens_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """MariaDB locks what it looks through to delete. No client waits for another one."""
    monkeypatch.setattr(models, "MOST_ACCESS_TOKENS", 3)
    several = iter([new_client() for _ in range(THREADS)])

    def issue() -> object:
        new = next(several)
        assert new.secret is not None
        for _ in range(30):
            age_some(new.client)
            ScimAccessToken.objects.issue(new.client, new.secret.row)
        return new.client

    assert at_once(issue) == {"ScimClient": THREADS}


def age_some(client: ScimClient) -> None:
    """Make some access tokens of a client expired, and add some to other clients."""
    tokens = ScimAccessToken.objects.filter(client=client)
    old = timezone.now() - 2 * models.EXPIRED_KEPT
    keys = list(tokens.values_list("pk", flat=True)[:2])
    ScimAccessToken.objects.filter(pk__in=keys).update(expires_at=old)
    now = timezone.now()
    ScimAccessToken.objects.bulk_create(
        ScimAccessToken(client=client, digest=uuid4().hex, expires_at=expires_at)
        for expires_at in (old, now, old, now, now)
    )
