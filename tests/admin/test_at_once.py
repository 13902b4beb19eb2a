"""Tests of a form that several browsers send at the same time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.admin.browser import (
    GENERATE,
    PLAINTEXT,
    REVOKE,
    api_status,
    confirmed,
    shown_token,
    signed_in,
)
from tests.tokens import new_token
from tiled_scim.models import ScimToken

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]

BROWSERS = 8


def at_once(user: User, action: str, token: ScimToken | None) -> list[Any]:
    """Send the same form from every browser and return the responses."""
    barrier = Barrier(BROWSERS)

    def send(number: int) -> Any:
        page = signed_in(user)
        barrier.wait()
        try:
            return page.post(action, confirmed(token))
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

    assert_one_works(at_once(admin_user, GENERATE, token))

    assert api_status(earlier) == 401
    assert ScimToken.objects.count() == 2


def test_a_token_is_revoked_once(admin_user: User) -> None:
    token, plaintext = new_token()

    answers = at_once(admin_user, REVOKE, token)

    assert Counter(answer.status_code for answer in answers) == {302: 1, 409: BROWSERS - 1}
    assert api_status(plaintext) == 401


def test_a_first_token_is_generated_once(admin_user: User) -> None:
    assert_one_works(at_once(admin_user, GENERATE, None))

    assert ScimToken.objects.count() == 1
