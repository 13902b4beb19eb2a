"""A bulk request whose token, account or rate limit ends while it runs: RFC 7644 section 3.7."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.tokens import new_token
from tiled_scim.errors import forbidden
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimEvent, ScimToken, UserLink

from .client import Scim, group, user
from .state import people
from .test_bulk import post, results, send, statuses

pytestmark = [pytest.mark.in_process, pytest.mark.usefixtures("empty_cache")]

# How many operations may follow what ends a request. Far fewer than a request can have.
FEW = 5
AFTER = 7

During = Callable[[Callable[[], object]], None]


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> During:
    """Have something done, once, while a few users have been created and others follow."""

    def arrange(action: Callable[[], object]) -> None:
        create, numbers = HostAdapter.create_user, iter(range(1000))

        def created(self: HostAdapter, *args: Any, **options: Any) -> Any:
            if next(numbers) == AFTER:
                action()
            return create(self, *args, **options)

        monkeypatch.setattr(HostAdapter, "create_user", created)

    return arrange


def operations(number: int) -> list[dict[str, Any]]:
    return [
        post("/Users", str(index), user(f"person{index}@example.com")) for index in range(number)
    ]


def revoke() -> None:
    ScimToken.objects.get().revoke()


def replace() -> None:
    new_token()


def expire() -> None:
    ScimToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("end", [revoke, replace, expire])
def test_a_token_that_ends_stops_it(scim: Scim, during: During, end: Callable[[], None]) -> None:
    during(end)

    answer = send(scim, *operations(40))

    done = statuses(answer).count("201")
    assert AFTER < done <= AFTER + 1 + FEW
    assert statuses(answer) == ["201"] * done + ["401"] * (40 - done)
    assert len(people()) == UserLink.objects.count() == done
    refused = results(answer)[-1]
    assert refused["bulkId"] == "39"
    assert refused["response"]["status"] == "401"
    assert "The token is not valid" in refused["response"]["detail"]


def test_an_account_that_is_switched_off_stops_it(
    scim: Scim, during: During, settings: LazySettings
) -> None:
    accounts = {""}
    settings.TILED_SCIM_ENABLED = accounts.__contains__
    during(accounts.clear)

    answer = send(scim, *operations(40))

    done = statuses(answer).count("201")
    assert AFTER < done <= AFTER + 1 + FEW
    assert statuses(answer) == ["201"] * done + ["403"] * (40 - done)
    assert len(people()) == done


def test_so_does_one_that_is_gone(
    scim: Scim, during: During, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: HostAdapter) -> None:
        raise forbidden("There is no such account.")

    during(lambda: monkeypatch.setattr(HostAdapter, "check_account", refuse))

    answer = send(scim, *operations(40))

    assert statuses(answer)[AFTER + 1 + FEW :] == ["403"] * (40 - AFTER - 1 - FEW)


def test_what_refers_to_others_is_not_completed_either(scim: Scim, during: During) -> None:
    """Two groups refer to each other's people, so they would be written twice."""
    during(revoke)
    first = post("/Groups", "first", group("First", "bulkId:0"))
    last = post("/Groups", "last", group("Last", "bulkId:39"))

    answer = send(scim, *operations(40), first, last)

    assert statuses(answer)[-2:] == ["401", "401"]


def test_it_is_one_event(scim: Scim, during: During) -> None:
    during(revoke)

    send(scim, *operations(40))

    event = ScimEvent.objects.get(outcome="refused")
    assert (event.method, event.status, event.times) == ("POST", 401, 1)
    assert event.account == ""


def test_each_operation_counts_for_the_throttle(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_THROTTLE = "10/day"

    answer = send(scim, *operations(4))
    assert statuses(answer) == ["201"] * 4

    answer = send(scim, *operations(20)[4:])

    assert statuses(answer) == ["201"] * 6 + ["429"] * 10
    assert len(people()) == 10
    assert "Too many requests" in results(answer)[-1]["response"]["detail"]
    assert scim.get("/Users").status == 429


def test_a_request_that_tolerates_no_error_ends_with_the_refusal(
    scim: Scim, settings: LazySettings
) -> None:
    settings.TILED_SCIM_THROTTLE = "2/day"

    answer = send(scim, *operations(5), failOnErrors=1)

    assert statuses(answer) == ["201", "201", "429"]
