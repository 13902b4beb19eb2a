"""Tests of the dashboard: the state of the connection, counts, days and failures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from tests.admin.browser import api_status
from tests.factories import make_library, make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tiled_scim.audit.advice import advice
from tiled_scim.audit.dashboard import (
    CHART_DAYS,
    FAILURE_DAYS,
    SILENT_AFTER,
    Counts,
    Day,
    Failure,
    Health,
    State,
    summaries,
)
from tiled_scim.audit.handover import Handover
from tiled_scim.audit.times import ago
from tiled_scim.errors import Cause
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    USED_INTERVAL,
    CurrentTokens,
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimEvent,
    ScimToken,
    UserLink,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
# Midnight is a different day in other time zones, and not every offset is a whole number of hours.
ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/Sao_Paulo"]


def use(token: ScimToken, at: datetime, client: str = "Okta SCIM Client") -> None:
    """Note that a token was used, as a request does."""
    token.mark_used(at, timedelta(), address="192.0.2.1", client=client)


def make_token(account: str = "", **fields: Any) -> ScimToken:
    token, _ = new_token(account)
    for name, value in fields.items():
        setattr(token, name, value)
    token.save()
    return token


def make_event(outcome: str = Outcome.DONE, before: timedelta = timedelta(), **fields: Any) -> Any:
    """Create an event of the only account, this long ago."""
    known: dict[str, Any] = {
        "account": "",
        "method": "PATCH",
        "created_at": timezone.now() - before,
    }
    return ScimEvent.objects.create(outcome=outcome, **{**known, **fields})


def make_refusal(before: timedelta = timedelta(), **fields: Any) -> Any:
    known = {"status": 409, "scim_type": "uniqueness", "resource_type": "User"}
    return make_event(Outcome.REFUSED, before, **{**known, **fields})


def make_link(name: str, account: str = "", **fields: Any) -> UserLink:
    user = make_user(f"{account}{name}", is_active=fields.pop("is_active", True))
    return UserLink.objects.create(account=account, user=user, user_name=name, **fields)


def make_group(name: str, *members: UserLink, account: str = "", **fields: Any) -> None:
    library: Library | None = fields.pop("library", make_library(name))
    group = LibraryGroupLink.objects.create(
        account=account, library=library, display_name=name, **fields
    )
    for member in members:
        LibraryGroupMember.objects.create(group=group, user=member)


def health(account: str = "", *, is_only: bool = True) -> Health:
    return Health(account, ScimToken.objects.current(account), is_only)


class TestState:
    def test_without_a_token_there_is_no_connection(self) -> None:
        assert health().state is State.NO_TOKEN
        assert not health().state.is_connected
        assert health().last_call_ago == ""

    def test_a_token_that_nobody_has_used_is_not_connected_yet(self) -> None:
        make_token()

        assert health().state is State.UNUSED
        assert not health().state.is_connected

    def test_a_call_connects(self) -> None:
        _, plaintext = new_token()

        assert api_status(plaintext) == 200

        assert health().state is State.CONNECTED
        assert health().state.is_connected
        assert health().last_call_ago == "just now"

    def test_an_account_that_is_switched_off_is_not_connected(self, settings: LazySettings) -> None:
        make_token(last_used_at=timezone.now())
        settings.TILED_SCIM_ENABLED = lambda account: account != ""

        assert health().state is State.NOT_ENABLED
        assert not health().state.is_connected
        assert health().state.kind == ""
        summarized, _ = summaries(["", "acme"])
        assert summarized[""].state is State.NOT_ENABLED
        assert summarized["acme"].state is State.NO_TOKEN

    def test_after_some_quiet_days_it_is_silent_and_still_connected(self) -> None:
        token = make_token(last_used_at=timezone.now() - SILENT_AFTER + SECOND)
        assert health().state is State.CONNECTED

        token.last_used_at = timezone.now() - SILENT_AFTER
        token.save()

        assert health().state is State.SILENT
        assert health().state.is_connected
        assert health().last_call_ago == "3\xa0days ago"

    def test_an_expired_token_is_reported_before_the_calls_with_it(self) -> None:
        token, plaintext = new_token(lifetime=timedelta(seconds=-1))

        assert api_status(plaintext) == 401

        assert health().state is State.EXPIRED
        assert health().refused == ScimEvent.objects.get(token_last_four=token.last_four)

    def test_calls_with_a_replaced_token_are_reported_until_the_new_one_is_used(self) -> None:
        replaced, earlier = new_token()
        api_status(earlier)
        _, plaintext = new_token()
        assert health().state is State.UNUSED

        assert api_status(earlier) == 401

        assert health().state is State.REFUSED
        assert health().refused == ScimEvent.objects.get(token_last_four=replaced.last_four)
        assert health().refused_ago == "just now"
        assert api_status(plaintext) == 200
        assert health().state is State.CONNECTED

    def test_calls_with_a_revoked_token_are_reported(self) -> None:
        token, plaintext = new_token()
        token.revoke()
        assert health().state is State.NO_TOKEN

        assert api_status(plaintext) == 401

        assert health().state is State.REFUSED

    def test_calls_with_tokens_that_nobody_ever_had_say_nothing_of_the_connection(self) -> None:
        make_token(last_used_at=timezone.now())

        assert api_status("tscim_made-up") == 401

        assert health().state is State.CONNECTED
        assert health().refused is None

    def test_other_failures_say_nothing_of_the_connection(self) -> None:
        make_token(last_used_at=timezone.now() - timedelta(hours=1))
        make_refusal()

        assert health().state is State.CONNECTED


class TestPreviousToken:
    """The old token keeps working for some time beside the new one."""

    @pytest.fixture
    def previous(self) -> ScimToken:
        token, _ = new_token()
        use(token, timezone.now() - timedelta(hours=2))
        return token

    @pytest.fixture
    def newest(self, previous: ScimToken) -> ScimToken:
        return ScimToken.objects.renew(keep=timedelta(days=1)).token

    def test_a_call_with_either_of_them_is_the_last_one(
        self, previous: ScimToken, newest: ScimToken
    ) -> None:
        assert health().state is State.CONNECTED
        assert health().last_used == previous
        assert health().last_call_ago == "2\xa0hours ago"
        summarized, _ = summaries([""])
        assert summarized[""].state is State.CONNECTED
        assert summarized[""].last_call_ago == "2\xa0hours ago"
        assert summarized[""].token == newest

        use(newest, timezone.now())

        assert health().last_used == newest
        assert health().last_call_ago == summaries([""])[0][""].last_call_ago == "just now"

    def test_one_that_has_ended_by_itself_connects_nobody(
        self, previous: ScimToken, newest: ScimToken
    ) -> None:
        ScimToken.objects.filter(pk=previous.pk).update(expires_at=timezone.now())

        assert health().tokens == (newest, None)
        assert health().state is State.UNUSED
        assert health().handover is None
        assert summaries([""])[0][""].state is State.UNUSED

    def test_its_last_calls_after_its_end_are_reported(
        self, previous: ScimToken, newest: ScimToken
    ) -> None:
        ScimToken.objects.filter(pk=previous.pk).update(expires_at=timezone.now())

        make_refusal(account="", status=401, token_last_four=previous.last_four)

        assert health().state is State.REFUSED

    def test_its_days_are_counted_apart_from_those_of_the_new_one(
        self, previous: ScimToken, newest: ScimToken
    ) -> None:
        assert health().days_left is None
        assert health().previous_days_left == 1

    @pytest.mark.parametrize(
        ("first_used", "previous_used", "expected"),
        [
            (None, timedelta(hours=2), Handover.NOT_BEGUN),
            (timedelta(), timedelta(hours=2), Handover.BEGUN),
            (USED_INTERVAL, USED_INTERVAL + SECOND, Handover.DONE),
            (USED_INTERVAL, None, Handover.DONE),
            (USED_INTERVAL, USED_INTERVAL, Handover.STILL_USED),
            (timedelta(hours=1), timedelta(minutes=5), Handover.STILL_USED),
            (timedelta(), timedelta(), Handover.STILL_USED),
        ],
    )
    def test_whether_it_can_go(
        self, first_used: timedelta | None, previous_used: timedelta | None, expected: Handover
    ) -> None:
        previous, now = make_token(), timezone.now()
        newest = ScimToken.objects.renew(keep=timedelta(days=7)).token
        for token, before in ((previous, previous_used), (newest, first_used)):
            if before is not None:
                use(token, now - before)

        assert health().handover == expected

    def test_later_calls_with_the_new_one_do_not_change_when_it_was_first_used(
        self, previous: ScimToken, newest: ScimToken
    ) -> None:
        first = timezone.now() - timedelta(hours=1)
        use(newest, first)
        use(previous, first + timedelta(minutes=1))

        use(ScimToken.objects.get(pk=newest.pk), timezone.now())

        assert ScimToken.objects.get(pk=newest.pk).first_used_at == first
        assert health().handover == Handover.STILL_USED
        assert health().newest_first_used_ago == "1\xa0hour ago"
        assert health().previous_used_ago == "59\xa0minutes ago"

    def test_without_one_there_is_nothing_to_hand_over(self) -> None:
        make_token()

        assert health().handover is None
        assert health().previous_days_left is None
        assert health().previous_used_ago == ""


class TestExpiry:
    @pytest.mark.parametrize(
        ("lifetime", "is_soon"),
        [
            (None, False),
            (timedelta(days=15), False),
            (timedelta(days=14), True),
            (timedelta(hours=1), True),
            (-SECOND, False),
        ],
    )
    @pytest.mark.parametrize("zone", ZONES)
    def test_the_days_left_are_shown_from_fourteen_on(
        self, lifetime: timedelta | None, is_soon: bool, zone: str, settings: LazySettings
    ) -> None:
        settings.TIME_ZONE = zone
        token, _ = new_token(lifetime=lifetime)

        today = timezone.localdate()
        days = (timezone.localdate(token.expires_at) - today).days if token.expires_at else 0
        assert health().days_left == (days if is_soon else None)

    def test_without_time_zones(self, settings: LazySettings) -> None:
        settings.USE_TZ = False
        new_token(lifetime=timedelta(days=10))

        assert health().days_left == 10


class TestCounts:
    def test_of_nothing(self) -> None:
        assert health().counts == Counts(0, 0, 0, 0)
        assert health().counts.is_empty

    def test_only_what_scim_manages_now_is_counted_and_nobody_twice(self) -> None:
        make_user("by hand")
        ann, bob, cid, dan = (make_link(name) for name in ("ann", "bob", "cid", "dan"))
        eve = make_link("eve", is_active=False)
        gone = make_link("gone", is_active=False, unlinked_at=timezone.now())
        make_group("First", ann, bob, eve)
        make_group("Second", ann)
        make_group("Unlinked", cid, unlinked_at=timezone.now())
        make_group("Deleted", dan, library=None)
        make_group("Left", gone)

        assert health().counts == Counts(active=4, deactivated=1, libraries=3, people=2)
        assert not health().counts.is_empty

    def test_each_account_has_its_own(self) -> None:
        make_group("Theirs", make_link("ann", "acme"), account="acme")
        make_link("bob", "globex", is_active=False)

        assert health("acme", is_only=False).counts == Counts(1, 0, 1, 1)
        assert health("globex", is_only=False).counts == Counts(0, 1, 0, 0)

    def test_a_host_that_knows_no_inactive_users_has_active_ones_only(
        self, settings: LazySettings
    ) -> None:
        class Trusting(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                return {}

        settings.TILED_SCIM_HOST_ADAPTER = Trusting
        make_group("First", make_link("ann"), make_link("bob", is_active=False))

        assert health().counts == Counts(active=2, deactivated=0, libraries=1, people=2)

    def test_the_host_says_where_it_keeps_whether_users_are_active(
        self, settings: LazySettings
    ) -> None:
        class Staff(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                return {"active": "scim_links__user__is_staff"}  # across a relation

        settings.TILED_SCIM_HOST_ADAPTER = Staff
        link = make_link("ann")
        make_group("First", link, make_link("bob"))
        link.user.is_staff = True
        link.user.save()

        assert health().counts == Counts(active=1, deactivated=1, libraries=1, people=1)

    def test_it_is_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(1):
            assert health_without_token().counts.is_empty


class TestAdmins:
    def test_an_account_with_users_lacks_an_active_admin(self) -> None:
        assert not health().lacks_admin  # there is nothing yet
        make_link("ann")

        assert health().lacks_admin
        admin = make_user("hope", is_staff=True)
        assert not health().lacks_admin
        admin.is_active = False
        admin.save()
        assert health().lacks_admin

    def test_a_host_without_admins_lacks_none(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_ADMIN_FIELD = "is_curator"
        make_link("ann")

        assert not health().lacks_admin


class TestDays:
    @pytest.fixture(params=[*ZONES, None])
    def midnights(self, request: pytest.FixtureRequest, settings: LazySettings) -> list[datetime]:
        """Return when the last days began, in a time zone and in a host without one."""
        settings.USE_TZ = request.param is not None
        settings.TIME_ZONE = request.param or "America/Chicago"
        midnights = [datetime.combine(day.date, time.min) for day in health().days]
        return [timezone.make_aware(day) if request.param else day for day in midnights]

    def test_a_day_is_from_midnight_to_midnight(self, midnights: list[datetime]) -> None:
        for day, midnight in enumerate(midnights):
            for _ in range(day + 1):
                make_event(created_at=midnight)
            make_event(Outcome.REFUSED, created_at=midnight - SECOND)

        days = health().days

        assert [day.done for day in days] == list(range(1, CHART_DAYS + 1))
        assert [day.failed for day in days] == [1] * (CHART_DAYS - 1) + [0]

    def test_the_last_is_today(self, midnights: list[datetime]) -> None:
        make_event(created_at=timezone.now())

        days = health().days

        assert len(days) == CHART_DAYS
        assert [day.date - days[0].date for day in days] == [
            timedelta(days=number) for number in range(CHART_DAYS)
        ]
        assert days[-1].done == 1

    def test_what_changed_nothing_is_done_too_and_refused_and_failed_are_together(self) -> None:
        for outcome in Outcome.values:
            make_event(outcome)

        assert health().days[-1] == Day(health().days[-1].date, done=2, failed=2)
        assert health().has_requests

    def test_what_people_changed_by_hand_was_not_pushed(self) -> None:
        make_event(method="", actor="Django admin: root")

        assert not health().has_requests

    def test_without_events(self) -> None:
        make_event(before=timedelta(days=CHART_DAYS + 1))

        assert all((day.done, day.failed) == (0, 0) for day in health().days)
        assert not health().has_requests

    def test_those_of_unknown_callers_count_where_there_is_one_account(self) -> None:
        make_event(account="acme")
        make_event(account="globex")
        make_event(Outcome.REFUSED, account=None)

        assert day_of("acme", is_only=True) == (1, 1)
        assert day_of("acme", is_only=False) == (1, 0)

    def test_it_is_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for before in range(CHART_DAYS):
            make_event(before=timedelta(days=before))

        with django_assert_num_queries(1):
            assert health_without_token().has_requests


class TestFailures:
    def test_those_with_different_causes_are_told_apart(self) -> None:
        make_refusal(cause=Cause.PROTECTED, status=403)
        make_refusal(cause=Cause.LAST_ADMIN, status=403)
        make_refusal(cause=Cause.LAST_ADMIN, status=403)

        found = {failure.example.cause: failure.number for failure in health().failures}

        assert found == {Cause.PROTECTED: 1, Cause.LAST_ADMIN: 2}

    def test_without_any(self) -> None:
        make_event()
        make_event(Outcome.UNCHANGED)

        assert health().failures == []

    def test_they_are_grouped_counted_and_have_the_latest_as_their_example(self) -> None:
        make_refusal(timedelta(days=3), resource_name="ann")
        last = make_refusal(timedelta(hours=2), resource_name="bob", times=2)
        make_refusal(timedelta(days=1), resource_name="cid")
        group = make_refusal(timedelta(hours=1), resource_type="Group")
        value = make_refusal(timedelta(hours=3), status=400, scim_type="invalidValue")
        broken = make_event(Outcome.FAILED, timedelta(hours=4), status=500, times=7)

        assert health().failures == [
            Failure(group, 1),
            Failure(last, 4),
            Failure(value, 1),
            Failure(broken, 7),
        ]
        assert [failure.advice for failure in health().failures] == [
            advice(event) for event in (group, last, value, broken)
        ]
        assert health().failures[1].example.resource_name == "bob"
        assert health().failures[1].ago == "2\xa0hours ago"

    def test_of_two_at_the_same_moment_the_example_is_the_one_that_was_kept_last(self) -> None:
        moment = timezone.now()
        make_refusal(created_at=moment)
        second = make_refusal(created_at=moment)

        assert [failure.example for failure in health().failures] == [second]

    def test_those_before_the_last_days_are_history(self) -> None:
        make_refusal(timedelta(days=FAILURE_DAYS, seconds=1))
        recent = make_refusal(timedelta(days=FAILURE_DAYS) - timedelta(minutes=1), status=404)

        assert health().failures == [Failure(recent, 1)]

    def test_those_of_unknown_callers_are_shown_where_there_is_one_account_and_apart(self) -> None:
        known = make_refusal(timedelta(hours=1), status=401, account="acme")
        unknown = make_refusal(timedelta(hours=2), status=401, account=None)
        make_refusal(account="globex")

        assert health("acme").failures == [Failure(known, 1), Failure(unknown, 1)]
        assert health("acme", is_only=False).failures == [Failure(known, 1)]

    @pytest.mark.parametrize(
        ("fields", "title"),
        [
            ({"outcome": "refused", "resource_type": "User"}, "User refused"),
            ({"outcome": "refused", "resource_type": "Group"}, "Group refused"),
            ({"outcome": "refused"}, "Request refused"),
            ({"outcome": "refused", "account": None}, "Unknown caller refused"),
            ({"outcome": "failed", "resource_type": "User"}, "User failed"),
            ({"outcome": "failed", "resource_type": "Group"}, "Group failed"),
            ({"outcome": "failed", "account": None}, "Request failed"),
        ],
    )
    def test_each_has_a_title(self, fields: dict[str, Any], title: str) -> None:
        make_event(**fields)

        assert [failure.title for failure in health().failures] == [title]

    def test_it_is_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for status in range(400, 420):
            make_refusal(status=status, detail="Why")

        with django_assert_num_queries(1):
            failures = health_without_token().failures
            assert [failure.example.detail for failure in failures] == ["Why"] * 20


class TestSummaries:
    def test_each_account_has_its_state_its_token_and_its_failures(self) -> None:
        make_token("acme", last_used_at=timezone.now())
        make_token("globex", created_at=timezone.now() - timedelta(hours=1))
        make_refusal(account="acme", times=3)
        make_refusal(account="globex", status=401)
        make_refusal(account="globex", status=404)
        make_refusal(timedelta(days=FAILURE_DAYS + 1), account="initech")
        make_refusal(account="others")
        make_refusal(account=None, status=401, times=5)

        found, unknown = summaries(["acme", "globex", "initech"])

        assert {
            key: (summary.state, summary.failures, summary.last_call_ago)
            for key, summary in found.items()
        } == {
            "acme": (State.CONNECTED, 3, "just now"),
            "globex": (State.REFUSED, 2, ""),
            "initech": (State.NO_TOKEN, 0, ""),
        }
        assert unknown == 5

    def test_without_accounts_there_are_none(self) -> None:
        assert summaries([]) == ({}, 0)

    def test_they_are_three_queries(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(50):
            make_token(f"account{number}")
            make_refusal(account=f"account{number}")

        with django_assert_num_queries(3):
            found, _unknown = summaries([f"account{number}" for number in range(50)])

        assert len(found) == 50


class TestAgo:
    @pytest.fixture(autouse=True)
    def english(self) -> Iterator[None]:
        with translation.override("en"):
            yield

    @pytest.mark.parametrize(
        ("before", "text"),
        [
            (timedelta(), "just now"),
            (timedelta(seconds=59), "just now"),
            (timedelta(minutes=3, seconds=30), "3\xa0minutes ago"),
            (timedelta(hours=26), "1\xa0day ago"),
            (-timedelta(hours=1), "just now"),  # the clock of another server differs
        ],
    )
    @pytest.mark.parametrize("use_tz", [True, False])
    def test_it_is_rounded(
        self, before: timedelta, text: str, use_tz: bool, settings: LazySettings
    ) -> None:
        settings.USE_TZ = use_tz

        assert ago(timezone.now() - before) == text

    def test_never_is_empty(self) -> None:
        assert ago(None) == ""


def health_without_token() -> Health:
    """Return the health, without a query for the token."""
    return Health("", CurrentTokens())


def day_of(account: str, *, is_only: bool) -> tuple[int, int]:
    today = health(account, is_only=is_only).days[-1]
    return today.done, today.failed
