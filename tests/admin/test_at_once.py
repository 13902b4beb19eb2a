"""Tests of a form that several browsers send at the same time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.admin.browser import (
    GENERATE,
    PAGE,
    PLAINTEXT,
    REVOKE,
    api_status,
    confirmed,
    shown_token,
    signed_in,
)
from tests.tokens import new_token
from tiled_scim import clients
from tiled_scim.connections import Actor
from tiled_scim.models import ScimClient, ScimClientSecret, ScimToken

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]

BROWSERS = 8


def at_once(user: User, action: str, data: dict[str, Any]) -> list[Any]:
    """Send the same form from every browser and return the responses."""
    barrier = Barrier(BROWSERS)

    def send(number: int) -> Any:
        page = signed_in(user)
        barrier.wait()
        try:
            return page.post(action, data)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(BROWSERS) as pool:
        return list(pool.map(send, range(BROWSERS)))


def assert_one_works(answers: list[Any]) -> None:
    """Assert that one response shows a working token, and the others that nothing was changed."""
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: BROWSERS - 1}
    (answer,) = (answer for answer in answers if PLAINTEXT.search(answer.text))
    assert api_status(shown_token(answer)) == 200


def test_a_token_is_replaced_once(admin_user: User) -> None:
    token, earlier = new_token()

    assert_one_works(at_once(admin_user, GENERATE, confirmed(token)))

    assert api_status(earlier) == 401
    assert ScimToken.objects.count() == 2


def test_a_token_is_revoked_once(admin_user: User) -> None:
    token, plaintext = new_token()

    answers = at_once(admin_user, REVOKE, confirmed(token))

    assert Counter(answer.status_code for answer in answers) == {302: 1, 409: BROWSERS - 1}
    assert api_status(plaintext) == 401


def test_a_first_token_is_generated_once(admin_user: User) -> None:
    assert_one_works(at_once(admin_user, GENERATE, confirmed(None)))

    assert ScimToken.objects.count() == 1


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_a_client_is_added_once(admin_user: User) -> None:
    form = {"key": str(uuid4()), "name": "Entra ID", "lifetime": "1"}

    assert statuses(at_once(admin_user, f"{PAGE}clients/add/", form)) == {200: 1, 409: BROWSERS - 1}

    assert ScimClient.objects.count() == ScimClientSecret.objects.count() == 1


def test_a_second_secret_is_added_once_and_the_first_is_revoked_once(admin_user: User) -> None:
    client = clients.create("", "Entra ID", Actor("a test")).client
    page, once = f"{PAGE}clients/{client.client_id}/", {409: BROWSERS - 1}
    form = {"seen": clients.seen_key(client), "lifetime": "1"}
    first = ScimClientSecret.objects.get()

    assert statuses(at_once(admin_user, f"{page}add-secret/", form)) == {200: 1, **once}
    assert ScimClientSecret.objects.count() == 2
    revoke = {"secret": first.pk, "confirm": "on"}
    assert statuses(at_once(admin_user, f"{page}revoke-secret/", revoke)) == {302: 1, **once}
    assert statuses(at_once(admin_user, f"{page}revoke/", {"confirm": "on"})) == {302: 1, **once}
