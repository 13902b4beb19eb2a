"""Tests of the list of events and the page of an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from tests.accounts import SeenByStaff
from tests.rows import insert
from tests.wire.client import ANN, BOB, NOBODY, Scim, add_members, remove_member, user
from tiled_scim.audit.events import Change, Source, record
from tiled_scim.errors import Cause, ScimError
from tiled_scim.models import ScimEvent, ScimToken, UserLink
from tiled_scim.presentation.searching import CappedPaginator
from tiled_scim.scim.text import fold

from .browser import signed_in, staff
from .reading import column, read, rows, text

pytestmark = pytest.mark.django_db

LIST = "/admin/tiled_scim/scimevent/"
MOST_QUERIES = 10
SCRIPT = "<script>alert(1)</script>"


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"": "Main", "acme": "Acme & Söhne"}


class OneAccountSoFar(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme & Söhne"}


@pytest.fixture
def viewer() -> Client:
    return signed_in(staff("view_scimevent", "view_userlink", "view_librarygrouplink"))


def make(**fields: Any) -> ScimEvent:
    """Create an event, by default of an updated user."""
    known: dict[str, Any] = {
        "account": "",
        "action": "user_updated",
        "outcome": "done",
        "resource_type": "User",
        "resource_name": ANN,
        "method": "PATCH",
        "client": "Okta SCIM Client 1.0.0",
    }
    values = {**known, **fields}
    return ScimEvent.objects.create(resource_name_canonical=fold(values["resource_name"]), **values)


def names(response: Any) -> list[str]:
    return column(response, 2)


def names_in_accounts(response: Any) -> list[str]:
    """Return the names where the list also shows the account of each event."""
    return column(response, 3)


def choices(response: Any) -> list[str]:
    """Return the dates to choose from."""
    found = re.search(r'<nav class="toplinks".*?</nav>', response.text, re.DOTALL)
    assert found is not None
    return [
        text(link).lstrip("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK} ")
        for link in re.findall(r"<a .*?</a>", found[0])
    ]


def page(event: ScimEvent) -> str:
    return f"{LIST}{event.pk}/change/"


class TestList:
    def test_tells_what_was_done_to_whom_by_whom(self, okta: Scim, viewer: Client) -> None:
        key = okta.add_user(ANN)
        okta.post("/Users", user(ANN))
        okta.patch(f"/Users/{key}", {"op": "replace", "path": "active", "value": True})
        four = ScimToken.objects.get().last_four

        response = viewer.get(LIST)

        unchanged, refused, provisioned = rows(response)
        assert provisioned[1:4] == ["User provisioned", ANN, "Done"]
        assert refused[1:4] == ["Refused: POST User", ANN, "Refused"]
        assert "is already used by another user; its id is" in refused[4]
        assert unchanged[1:4] == ["Nothing to change: PATCH User", ANN, "Nothing to change"]
        assert provisioned[5] == f"token …{four} · Okta SCIM Client 1.0.0"
        assert 'class="tiled-scim-state tiled-scim-good">Done<' in response.text
        assert 'class="tiled-scim-state tiled-scim-warn">Refused<' in response.text

    def test_leads_to_the_users_and_groups_that_there_are(self, okta: Scim, viewer: Client) -> None:
        ann = okta.add_user(ANN)
        sales = okta.add_group("Sales", ann)
        okta.get(f"/Groups/{NOBODY}")

        html = viewer.get(LIST).text

        assert f'<a href="/admin/tiled_scim/userlink/{ann}/change/">{ANN}</a>' in html
        assert f'<a href="/admin/tiled_scim/librarygrouplink/{sales}/change/">Sales</a>' in html
        assert f'<td class="field-resource">{NOBODY}</td>' in html
        User.objects.all().exclude(is_staff=True).delete()
        assert f"userlink/{ann}" not in viewer.get(LIST).text

    def test_leads_nowhere_that_a_person_may_not_look(self, okta: Scim) -> None:
        ann = okta.add_user(ANN)

        html = signed_in(staff("view_scimevent")).get(LIST).text

        assert ANN in html
        assert ann not in html

    def test_repeated_refusals_of_an_unknown_caller_are_one_row(self, viewer: Client) -> None:
        for _ in range(3):
            Scim("Bearer wrong").get("/Users")

        [row] = rows(viewer.get(LIST))
        assert row[1:4] == ["Refused: GET User", "-", "Refused 3 times"]
        assert row[5] == "Unknown caller · Okta SCIM Client 1.0.0"

    def test_a_failure_and_what_people_did_here(self, viewer: Client) -> None:
        make(outcome="failed", action="", status=500, detail="x" * 500)
        make(method="", client="", actor="Django admin: grace")

        by_hand, failed = rows(viewer.get(LIST))
        assert failed[1:4] == ["Failed: PATCH User", ANN, "Failed"]
        assert len(failed[4]) == 80
        assert by_hand[5] == "Django admin: grace"

    def test_nothing_that_was_sent_is_html(self, viewer: Client) -> None:
        make(resource_name=SCRIPT, client=SCRIPT, detail=SCRIPT)

        response = viewer.get(LIST)
        assert names(response) == [SCRIPT]
        assert SCRIPT not in response.text

    def test_the_latest_come_first_whatever_is_asked_for(self, viewer: Client) -> None:
        for name in ("b", "a", "c"):
            make(resource_name=name)

        assert names(viewer.get(LIST)) == ["c", "a", "b"]
        assert names(viewer.get(f"{LIST}?o=3")) == ["c", "a", "b"]

    def test_is_empty_at_first(self, viewer: Client) -> None:
        assert rows(viewer.get(LIST)) == []


class TestFilters:
    @pytest.fixture(autouse=True)
    def _events(self) -> None:
        make(resource_name="ann")
        make(resource_name="sales", resource_type="Group", action="access_changed")
        make(resource_name="bob", action="", outcome="refused", status=409, scim_type="uniqueness")
        make(resource_name="eve", account="acme", resource_id=UUID(NOBODY))
        make(resource_name="", account=None, outcome="refused", status=401, action="")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("outcome=refused", ["-", "bob"]),
            ("action=access_changed", ["sales"]),
            ("resource_type=Group", ["sales"]),
            (f"resource={NOBODY}", ["eve"]),
            (f"resource={NOBODY.replace('-', '').upper()}", ["eve"]),
            ("outcome=refused&status=409&scim_type=uniqueness", ["bob"]),
            ("outcome=done&resource_type=User", ["eve", "ann"]),
        ],
    )
    def test_narrow_the_list(self, viewer: Client, query: str, found: list[str]) -> None:
        assert names(viewer.get(f"{LIST}?{query}")) == found

    def test_the_cause_of_a_refusal_narrows_the_list(self, viewer: Client) -> None:
        make(outcome="refused", status=403, cause=Cause.LAST_ADMIN, resource_name="last")
        make(outcome="refused", status=403, cause=Cause.PROTECTED, resource_name="protected")

        response = viewer.get(f"{LIST}?status=403&cause={Cause.LAST_ADMIN}")

        assert names(response) == ["last"]
        assert "Cause: last admin" in text(response.text)
        assert viewer.get(f"{LIST}?cause=nonsense").status_code == 302

    def test_are_folded_away_with_those_in_use_beside_them(self, viewer: Client) -> None:
        response = viewer.get(f"{LIST}?outcome=refused&resource_type=User")

        (tag, summary) = re.findall(
            r'(<details class="tiled-scim-filters"[^>]*>)\s*<summary>(.*?)</summary>',
            response.text,
            re.DOTALL,
        )[0]
        assert " open" not in tag
        assert text(summary) == "Filter Outcome: Refused Resource type: User"
        assert "Clear all filters" in response.text
        assert "Clear all filters" not in viewer.get(LIST).text

    def test_those_of_accounts_are_there_where_there_are_several(
        self, viewer: Client, settings: LazySettings
    ) -> None:
        assert "By account" not in viewer.get(LIST).text
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts

        html = viewer.get(LIST).text

        assert "By account" in text(html)
        assert "Acme &amp; Söhne" in html
        assert names_in_accounts(viewer.get(f"{LIST}?account=acme")) == ["eve"]
        assert names_in_accounts(viewer.get(f"{LIST}?account=")) == ["bob", "sales", "ann"]
        assert names_in_accounts(viewer.get(f"{LIST}?account=%3F")) == ["-"]

    def test_one_that_a_link_asked_for_is_seen_and_can_be_taken_off(self, viewer: Client) -> None:
        response = viewer.get(f"{LIST}?resource={NOBODY}&outcome=done")

        assert "By resource All eve" in text(response.text)
        assert 'href="?outcome=done"' in response.text
        assert "By resource All" not in text(viewer.get(LIST).text)

    @pytest.mark.parametrize(
        "query",
        [
            "outcome=nonsense",
            "action=%00",
            "resource=1",
            "status=x",
            "scim_type=%00",
            "created_at__year=x",
            "created_at__year=2024&created_at__month=13",
            "created_at__gte=x",
        ],
    )
    def test_one_that_makes_no_sense_is_taken_off(self, viewer: Client, query: str) -> None:
        assert viewer.get(f"{LIST}?{query}")["Location"] == f"{LIST}?e=1"

    @pytest.mark.parametrize(
        "query", ["detail__icontains=a", "client=x", "created_at__month=1", "times__gt=1"]
    )
    def test_no_other_column_is_searched(self, viewer: Client, query: str) -> None:
        assert viewer.get(f"{LIST}?{query}").status_code == 400


class TestSearch:
    @pytest.fixture(autouse=True)
    def _events(self) -> None:
        make(resource_name="Müller@example.com", resource_id=UUID(NOBODY), address="10.0.0.1")
        make(resource_name="MUELLER", request_id="Root=1-abc", address="2001:db8::1")
        make(resource_name="100%_sure", request_id=UUID(NOBODY).hex)

    @pytest.mark.parametrize(
        ("term", "found"),
        [
            ("mül", ["Müller@example.com"]),
            ("MÜLLER@", ["Müller@example.com"]),
            (" m ", ["MUELLER", "Müller@example.com"]),
            ("üller", []),
            ("%", []),
            ("_", []),
            ("100%_", ["100%_sure"]),
            (NOBODY, ["Müller@example.com"]),
            (UUID(NOBODY).hex, ["100%_sure", "Müller@example.com"]),
            ("Root=1-abc", ["MUELLER"]),
            ("root=1-abc", []),
            ("10.0.0.1", ["Müller@example.com"]),
            ("10.0.0", []),
            ("2001:0DB8:0::1", ["MUELLER"]),
            ("", ["100%_sure", "MUELLER", "Müller@example.com"]),
        ],
    )
    def test_finds(self, viewer: Client, term: str, found: list[str]) -> None:
        assert names(viewer.get(LIST, {"q": term})) == found

    def test_stays_within_the_filters(self, viewer: Client) -> None:
        response = viewer.get(LIST, {"q": "m", "outcome": "refused"})

        assert rows(response) == []
        assert '<input type="hidden" name="outcome" value="refused">' in response.text
        assert '<label for="searchbar">Search</label>' in response.text


class TestDates:
    def at(self, *moments: str) -> None:
        for moment in moments:
            make(resource_name=moment, created_at=datetime.fromisoformat(moment))

    def test_years_then_months_then_days(self, viewer: Client) -> None:
        self.at("2024-02-28T12:00+00:00", "2024-03-01T12:00+00:00", "2026-01-02T12:00+00:00")

        assert choices(viewer.get(LIST)) == ["2024", "2025", "2026"]
        year = f"{LIST}?created_at__year=2024"
        months = choices(viewer.get(year))
        assert months[:3] == ["All dates", "February 2024", "March 2024"]
        assert months[-1] == "December 2024"
        days = choices(viewer.get(f"{year}&created_at__month=2"))
        assert days == ["2024", "February 28", "February 29"]
        response = viewer.get(f"{year}&created_at__month=2&created_at__day=28")
        assert choices(response) == ["February 2024"]
        assert names(response) == ["2024-02-28T12:00+00:00"]

    def test_links_keep_the_filters(self, viewer: Client) -> None:
        self.at("2024-02-28T12:00+00:00", "2025-02-28T12:00+00:00")

        html = viewer.get(f"{LIST}?outcome=done&created_at__year=2024").text

        assert 'href="?created_at__month=3&amp;created_at__year=2024&amp;outcome=done"' in html
        assert 'href="?outcome=done" class="date-back"' in html

    def test_of_one_month_there_are_days_at_once(self, viewer: Client) -> None:
        self.at("2024-02-28T12:00+00:00", "2024-02-29T12:00+00:00")

        assert choices(viewer.get(LIST)) == ["February 28", "February 29"]

    def test_days_are_those_of_the_hosts_clock(
        self, viewer: Client, settings: LazySettings
    ) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        self.at("2024-02-28T23:00+00:00", "2024-03-01T16:00+00:00")

        assert choices(viewer.get(LIST)) == ["February 2024", "March 2024"]
        query = "created_at__year=2024&created_at__month=3"
        assert choices(viewer.get(f"{LIST}?{query}")) == ["2024", "March 1", "March 2"]
        response = viewer.get(f"{LIST}?{query}&created_at__day=2")
        assert names(response) == ["2024-03-01T16:00+00:00"]

    def test_a_moment_that_a_link_asked_for_can_be_taken_off(self, viewer: Client) -> None:
        self.at("2024-02-28T12:00+00:00", "2025-02-28T12:00+00:00")

        response = viewer.get(LIST, {"created_at__gte": "2025-01-01T00:00:00+00:00"})

        assert names(response) == ["2025-02-28T12:00+00:00"]
        assert choices(response) == ["All dates", "2024", "2025"]

    def test_a_host_without_time_zones_has_them_too(
        self, viewer: Client, settings: LazySettings
    ) -> None:
        if connection.vendor == "postgresql":
            pytest.skip("The connection keeps the zone that it began with.")
        settings.USE_TZ = False
        make(created_at=datetime(2024, 2, 28, 12))  # noqa: DTZ001 (as such a host has it)

        assert choices(viewer.get(LIST)) == ["February 28"]


def fill(number: int) -> None:
    """Create events of existing users, each on a different day."""
    now = timezone.now()
    hosts = insert(User(username=f"p{n}-{number}") for n in range(number))
    links = UserLink.objects.bulk_create(
        UserLink(user=host, user_name=host.username, user_name_canonical=host.username)
        for host in hosts
    )
    ScimEvent.objects.bulk_create(
        ScimEvent(
            account="",
            created_at=now - timedelta(days=day),
            outcome="done",
            action="user_updated",
            resource_type="User",
            resource_id=link.pk,
            resource_name=link.name,
            resource_name_canonical=link.name,
        )
        for day, link in enumerate(links)
    )


class TestSpeed:
    @pytest.mark.parametrize(
        "query",
        ["", "?q=p1", "?outcome=done&account=", "?created_at__year=2026", "?p=2", f"?q={NOBODY}"],
    )
    def test_a_page_takes_as_many_queries_for_many_events_as_for_few(
        self, viewer: Client, settings: LazySettings, query: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        counts = []
        for number in (103, 300):
            fill(number)
            with CaptureQueriesContext(connection) as queries:
                assert viewer.get(LIST + query).status_code == 200
            counts.append(len(queries))

        assert counts[0] == counts[1] <= MOST_QUERIES

    def test_the_number_of_pages_is_limited(
        self, viewer: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CappedPaginator, "MOST", 200)
        fill(200)
        assert "Only the newest" not in viewer.get(LIST).text
        make()

        first, last = viewer.get(LIST), viewer.get(f"{LIST}?p=2")

        assert "Only the newest 200 events are shown" in text(first.text)
        assert len(rows(first)) == len(rows(last)) == 100
        assert viewer.get(f"{LIST}?p=3")["Location"] == f"{LIST}?e=1"

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="others scan tables that are small")
    @pytest.mark.parametrize(
        "query",
        [
            "",
            "?outcome=refused",
            "?action=library_moved",
            "?resource_type=Group",
            "?account=acme",
            "?account=%3F",
            f"?resource={NOBODY}",
            "?q=ann",
            f"?q={NOBODY}",
            "?q=10.0.0.1",
            "?created_at__year=2024&created_at__month=2",
            "?outcome=refused&status=409&created_at__gte=2024-01-01T00:00:00%2B00:00",
        ],
    )
    def test_an_index_answers_each_query(
        self, viewer: Client, settings: LazySettings, query: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        make(request_id="other")
        with CaptureQueriesContext(connection) as queries:
            viewer.get(LIST + query)

        plans = [
            step[-1]
            for captured in queries.captured_queries
            if "tiled_scim_scimevent" in captured["sql"]
            for step in plan(captured["sql"])
        ]
        assert any("USING" in step for step in plans)
        assert [step for step in plans if "scimevent" in step and "INDEX" not in step] == []


def plan(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return list(cursor.fetchall())


class TestPage:
    def test_tells_everything_of_a_change(self, okta: Scim, viewer: Client) -> None:
        key = okta.add_user(ANN, title="Chefin")
        okta.patch(
            f"/Users/{key}", {"op": "replace", "path": "title", "value": "Geschäftsführerin"}
        )
        event = ScimEvent.objects.order_by("pk")[1]

        shown = read(viewer.get(page(event)))

        assert "User updated Outcome Done" in shown
        assert f"User {ANN} {key}" in shown
        assert f"Token ending in {event.token_last_four}" in shown
        assert "IP address 127.0.0.1" in shown
        assert "Request PATCH User → 200" in shown
        assert f"Request id {event.request_id}" in shown
        assert f"Duration {event.duration} ms" in shown
        assert "What changed Attribute Before After title Chefin Geschäftsführerin" in shown
        assert "What to do" not in shown

    def test_tells_of_members(self, okta: Scim, viewer: Client) -> None:
        ann, bob = okta.add_user(ANN), okta.add_user(BOB)
        sales = okta.add_group("Sales", ann)
        okta.patch(f"/Groups/{sales}", remove_member(ann), add_members(bob, NOBODY))
        event = ScimEvent.objects.latest("pk")

        response = viewer.get(page(event))

        shown = read(response)
        assert f"Added (1) {BOB}" in shown
        assert f"Removed (1) {ANN}" in shown
        assert f"Skipped: unknown here (1) {NOBODY}" in shown
        assert f'<a href="/admin/tiled_scim/librarygrouplink/{sales}/change/">Sales</a>' in (
            response.text
        )

    def test_many_members_are_numbered(self, viewer: Client) -> None:
        change = Change("Group", NOBODY, "All", added=[f"person{n}" for n in range(130)])
        record(Source(), change, status=204)

        shown = read(viewer.get(page(ScimEvent.objects.get())))

        assert "Added (130) person0 person1" in shown
        assert shown.endswith("person99 and 30 more")

    def test_says_what_to_do_about_a_refusal(self, okta: Scim, viewer: Client) -> None:
        okta.add_user(ANN)
        okta.post("/Users", user(ANN))
        event = ScimEvent.objects.latest("pk")

        shown = read(viewer.get(page(event)))

        assert f"Outcome Refused {event.detail} What to do Okta manages a user" in shown
        assert "Request POST User → 409 uniqueness" in shown

    def test_tells_the_account_where_there_are_several(
        self, viewer: Client, settings: LazySettings
    ) -> None:
        event = make(account="acme")
        assert "Account" not in read(viewer.get(page(event)))
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts

        assert "Account Acme & Söhne" in read(viewer.get(page(event)))

    def test_the_account_is_always_there_where_the_host_has_accounts(
        self, viewer: Client, settings: LazySettings
    ) -> None:
        make(account="acme", resource_name="theirs")
        make(account="former", resource_name="former")
        make(account=None, resource_name="nobody's")
        assert "Account" not in read(viewer.get(LIST))
        settings.TILED_SCIM_HOST_ADAPTER = OneAccountSoFar

        response = viewer.get(LIST)

        assert [row[1:4:2] for row in rows(response)] == [
            ["Unknown", "nobody's"],
            ["former", "former"],
            ["Acme & Söhne", "theirs"],
        ]
        assert "Account Acme & Söhne" in read(viewer.get(page(ScimEvent.objects.earliest("pk"))))

    def test_tells_the_time_to_the_second(self, viewer: Client) -> None:
        event = make(created_at=datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC))

        for address in (LIST, page(event)):
            assert "March 2, 2026, 09:14:05" in read(viewer.get(address))
            assert '<time datetime="2026-03-02T09:14:05' in viewer.get(address).text

    @pytest.mark.parametrize("language", ["de", "es"])
    def test_tells_the_time_to_the_second_in_other_languages(
        self, viewer: Client, settings: LazySettings, language: str
    ) -> None:
        make(created_at=datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC))
        settings.LANGUAGE_CODE = language

        with translation.override(language):
            assert ", 09:14:05" in column(viewer.get(LIST), 0)[0]

    def test_has_the_name_that_was_asked_for_and_the_one_of_now(
        self, okta: Scim, viewer: Client
    ) -> None:
        okta.add_group("Sales")
        key = okta.add_group("Ops")
        okta.patch(f"/Groups/{key}", {"op": "replace", "value": {"displayName": "Sales"}})
        event = ScimEvent.objects.latest("pk")

        shown = read(viewer.get(page(event)))

        assert f"Group Sales (now “Ops”) {key}" in shown
        assert rows(viewer.get(LIST))[0][2] == "Sales"
        assert "Another group" not in shown
        assert "Rename one of the two groups in Okta" in shown

    def test_an_unknown_caller_is_called_so(self, viewer: Client) -> None:
        Scim("Bearer wrong").get("/Users")
        Scim("Bearer wrong").get("/Users")

        shown = read(viewer.get(page(ScimEvent.objects.get())))

        assert "Who Unknown caller Client Okta SCIM Client 1.0.0" in shown
        assert "(2 times in quick succession)" in shown
        assert "because its token is unknown" in shown

    def test_nothing_that_was_sent_is_html(self, viewer: Client) -> None:
        attributes = {SCRIPT: [SCRIPT, None]}
        change = Change("User", NOBODY, SCRIPT, attributes=attributes, added=[SCRIPT])
        record(Source(client=SCRIPT), change, status=200)
        record(Source(client=SCRIPT), change, status=400, error=ScimError(400, SCRIPT))

        for event in ScimEvent.objects.all():
            response = viewer.get(page(event))
            assert SCRIPT in unescape(response.text)
            assert SCRIPT not in response.text

    def test_an_event_that_is_gone_leads_back(self, viewer: Client) -> None:
        assert viewer.get(f"{LIST}1/change/")["Location"] == "/admin/"


class TestPermissions:
    def test_who_may_view_may_do_nothing_else(self, viewer: Client) -> None:
        event = make()

        assert viewer.get(LIST).status_code == 200
        assert viewer.post(LIST, {"action": "delete_selected"}).status_code == 200
        assert viewer.get(f"{LIST}add/").status_code == 403
        assert viewer.post(page(event), {"detail": "x"}).status_code == 403
        assert viewer.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
        assert "Save" not in viewer.get(page(event)).text
        assert ScimEvent.objects.get().detail == ""

    def test_a_superuser_cannot_rewrite_what_happened(self, admin_client: Client) -> None:
        event = make()

        assert admin_client.post(page(event), {"detail": "x"}).status_code == 403
        assert admin_client.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
        selected = {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"}
        admin_client.post(LIST, {**selected, "index": 0})
        assert ScimEvent.objects.exists()

    def test_who_may_not_gets_403(self) -> None:
        event = make()
        other = signed_in(staff("view_userlink", "view_scimtoken", "change_userlink"))

        assert other.get(LIST).status_code == 403
        assert other.get(page(event)).status_code == 403

    def test_the_index_offers_to_look(self, viewer: Client) -> None:
        (section,) = viewer.get("/admin/").context["app_list"]

        assert [model["name"] for model in section["models"]] == [
            "Events",
            "Groups and Libraries",
            "Users",
        ]
        assert all(model["view_only"] for model in section["models"])
        assert all(model["add_url"] is None for model in section["models"])
