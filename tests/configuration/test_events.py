"""Tests of the list of events and the page of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.audit.test_dashboard import make_event, make_refusal
from tests.wire.client import NOBODY, Scim
from tiled_scim.errors import Cause
from tiled_scim.models import Action, Outcome, ScimEvent, UserLink

from .customers import EVENTS, OF_GLOBEX, USERS, column, read, rows

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make(**fields: Any) -> Any:
    name = fields.get("resource_name", "")
    known = {"account": "acme", "resource_name_canonical": name.lower()}
    return make_event(fields.pop("outcome", Outcome.DONE), **{**known, **fields})


class TestList:
    def test_has_the_events_of_the_account_the_newest_first(
        self, okta: Scim, others: Scim, admin: Client
    ) -> None:
        response = admin.get(EVENTS)

        assert column(response, 1) == ["Group linked", *["User provisioned"] * 2]
        assert column(response, 2) == ["Roadrunners", "tweety@acme.example", "wile@acme.example"]
        assert set(column(response, 3)) == {"Done"}
        wile = UserLink.objects.get(user_name="wile@acme.example")
        assert f'<a href="{USERS}{wile.pk}/">wile@acme.example</a>' in response.text
        assert not OF_GLOBEX.search(response.text)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["new", "old", "refused"]),
            ({"outcome": "refused"}, ["refused"]),
            ({"action": "user_updated"}, ["old"]),
            ({"resource_type": "Group"}, ["new"]),
            ({"status": "409", "scim_type": "uniqueness"}, ["refused"]),
            ({"resource": NOBODY}, ["old"]),
            ({"q": "OL"}, ["old"]),
            ({"q": NOBODY}, ["old"]),
            ({"q": "request-1"}, ["new"]),
            ({"q": "10.0.0.1"}, ["refused"]),
            ({"q": "nothing"}, []),
            ({"first_day": "2026-03-02"}, ["new", "refused"]),
            ({"last_day": "2026-03-01"}, ["old"]),
            ({"cause": "username_in_use"}, ["refused"]),
            ({"first_day": "2026-03-02", "last_day": "2026-03-02"}, ["refused"]),
            ({"created_at__gte": "2026-03-03T00:00:00+00:00"}, ["new"]),
        ],
        ids=str,
    )
    def test_is_filtered(self, admin: Client, query: dict[str, str], found: list[str]) -> None:
        old = {"action": Action.USER_UPDATED, "resource_type": "User", "resource_id": UUID(NOBODY)}
        make(resource_name="old", created_at=DAY - timedelta(days=1), **old)
        refused = {"status": 409, "scim_type": "uniqueness", "address": "10.0.0.1"}
        refused["cause"] = Cause.USERNAME_IN_USE
        make(resource_name="refused", outcome=Outcome.REFUSED, created_at=DAY, **refused)
        new = {"resource_type": "Group", "request_id": "request-1"}
        make(resource_name="new", created_at=DAY + timedelta(days=1), **new)
        ScimEvent.objects.bulk_create(  # the same, of another account
            [
                ScimEvent(**{**event, "id": None, "account": "globex"})
                for event in ScimEvent.objects.values()
            ]
        )

        response = admin.get(EVENTS, query)

        assert sorted(column(response, 2)) == found

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ({"outcome": "x"}, "Select a valid choice."),
            ({"status": "x"}, "Enter a whole number."),
            ({"cause": "x"}, "Select a valid choice."),
            ({"resource": "x"}, "Enter a valid UUID."),
            ({"first_day": "x"}, "Enter a valid date."),
            ({"last_day": "9999-12-31"}, "Ensure this value is less than or equal to"),
            ({"created_at__gte": "x"}, "Enter a valid date/time."),
        ],
        ids=str,
    )
    def test_says_what_makes_no_sense_and_shows_nothing(
        self, admin: Client, query: dict[str, str], error: str
    ) -> None:
        make(resource_name="ann")

        response = admin.get(EVENTS, query)

        assert error in read(response)
        assert rows(response) == []

    def test_takes_a_search_with_a_nul(self, admin: Client) -> None:
        assert admin.get(EVENTS, {"q": "\0"}).status_code == 200

    def test_has_pages_that_keep_the_filter(self, admin: Client) -> None:
        for number in range(60):
            make(resource_name=f"person {number}", created_at=DAY + timedelta(minutes=number))
        make(resource_name="other", outcome=Outcome.FAILED)

        first = admin.get(EVENTS, {"outcome": "done"})
        assert len(rows(first)) == 50
        assert 'href="?outcome=done&amp;page=2"' in first.text
        second = admin.get(EVENTS, {"outcome": "done", "page": "2"})

        assert column(second, 2) == [f"person {number}" for number in reversed(range(10))]
        assert "Page 2 of 2" in read(second)

    def test_takes_as_many_queries_for_many_events_as_for_few(
        self, okta: Scim, admin: Client
    ) -> None:
        admin.get(EVENTS)
        with CaptureQueriesContext(connection) as few:
            admin.get(EVENTS)
        user = UserLink.objects.filter(account="acme").latest("pk")
        for number in range(100):
            make(resource_name=f"n{number}", resource_type="User", resource_id=user.pk)

        with CaptureQueriesContext(connection) as many:
            assert len(rows(admin.get(EVENTS))) == 50

        assert len(many) == len(few)


class TestPage:
    def test_tells_what_happened_and_what_to_do(self, admin: Client) -> None:
        taken: dict[str, Any] = {"detail": "“ann” is taken.", "cause": Cause.USERNAME_IN_USE}
        event = make_refusal(account="acme", resource_name="ann", **taken)

        text = read(admin.get(f"{EVENTS}{event.pk}/"))

        assert "Refused: PATCH User" in text
        assert "“ann” is taken." in text
        assert "What to do A user here whom Okta does not manage has this username" in text

    def test_has_the_name_that_was_asked_for_and_the_one_of_now(
        self, okta: Scim, admin: Client
    ) -> None:
        rename = {"op": "replace", "value": {"displayName": "Roadrunners"}}
        refused = okta.patch(f"/Groups/{okta.add_group('Coyotes')}", rename)
        event = ScimEvent.objects.latest("pk")

        text = read(admin.get(f"{EVENTS}{event.pk}/"))

        assert refused.json["detail"] in text
        assert "Group Roadrunners (now “Coyotes”)" in text

    def test_tells_the_time_to_the_second(self, admin: Client) -> None:
        event = make(created_at=datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC))

        for address in (EVENTS, f"{EVENTS}{event.pk}/"):
            assert "March 2, 2026, 09:14:05" in read(admin.get(address))

    def test_tells_changes_and_members(self, okta: Scim, admin: Client) -> None:
        event = ScimEvent.objects.filter(account="acme").latest("pk")

        text = read(admin.get(f"{EVENTS}{event.pk}/"))

        assert "Group linked" in text
        assert "Added (2)" in text
        assert "tweety@acme.example" in text

    def test_of_another_account_is_not_there(self, others: Scim, admin: Client) -> None:
        event = ScimEvent.objects.filter(account="globex").latest("pk")

        assert admin.get(f"{EVENTS}{event.pk}/").status_code == 404

    def test_of_an_unknown_caller_is_not_there_where_there_are_accounts(
        self, admin: Client
    ) -> None:
        event = make_refusal(account=None, created_at=timezone.now())

        assert admin.get(f"{EVENTS}{event.pk}/").status_code == 404
