"""`TILED_SCIM_THROTTLE`: how often a token may call, and how often an address may fail to."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from tests.tokens import new_token
from tiled_scim.models import ScimEvent

from .client import Scim

pytestmark = pytest.mark.usefixtures("empty_cache")


@pytest.fixture(autouse=True)
def _three_a_day(settings: LazySettings) -> None:
    settings.TILED_SCIM_THROTTLE = "3/day"


def statuses(scim: Scim, number: int) -> list[int]:
    return [scim.get("/Users").status for _ in range(number)]


def test_the_response_says_when_to_retry(scim: Scim) -> None:
    assert statuses(scim, 3) == [200] * 3

    answer = scim.get("/Users")

    assert answer.status == 429
    seconds = answer.headers["Retry-After"]
    assert 1 <= int(seconds) <= 86400
    assert seconds in answer.json["detail"]


def test_whose_account_is_switched_off_is_counted(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_ENABLED = False

    assert statuses(scim, 5) == [403] * 3 + [429] * 2


def test_each_token_is_counted_for_itself(scim: Scim) -> None:
    other = Scim(f"Bearer {new_token('other')[1]}")
    statuses(scim, 4)

    assert statuses(other, 3) == [200] * 3


def test_refusals_are_one_event(scim: Scim) -> None:
    statuses(scim, 8)

    event = ScimEvent.objects.get()
    assert (event.status, event.times) == (429, 5)


def test_an_address_that_guesses_is_slowed_down_and_stops_nobody(scim: Scim) -> None:
    assert statuses(Scim("Bearer tscim_guess"), 5) == [401, 401, 401, 429, 429]
    assert statuses(Scim(None), 1) == [429]

    assert statuses(scim, 3) == [200] * 3


def test_without_the_setting_nothing_is_counted(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_THROTTLE = None

    assert statuses(scim, 5) == [200] * 5
    assert statuses(Scim(None), 5) == [401] * 5
