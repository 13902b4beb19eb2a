"""Tests of the health section and the instructions on the page."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from tests.accounts import SeenByStaff
from tests.admin.browser import (
    GENERATE,
    PAGE,
    api_status,
    content,
    shown_token,
    signed_in,
    staff,
)
from tests.audit.test_dashboard import make_event, make_group, make_link, make_refusal, make_token
from tests.documented.pages import ROOT
from tests.tokens import new_token
from tiled_scim.audit.advice import advice
from tiled_scim.models import LibraryGroupLink, Outcome, ScimEvent, ScimToken, UserLink
from tiled_scim.schemas import TILED_USER

pytestmark = pytest.mark.django_db

MOST_QUERIES = 11
OKTA = {"last_used_from": "203.0.113.7", "last_used_by": "Okta SCIM Client 1.0.0"}
LISTS = {
    "events": "/admin/tiled_scim/scimevent/",
    "users": "/admin/tiled_scim/userlink/",
    "groups": "/admin/tiled_scim/librarygrouplink/",
}


def steps_are_open(response: Any) -> bool:
    okta, _others = re.findall(r'tiled-scim-steps".*?<details( open)?>', response.text, re.DOTALL)
    return bool(okta)


class TestConnection:
    def test_without_a_token_nothing_is_connected_and_nothing_is_counted(
        self, page: Client
    ) -> None:
        response = page.get(PAGE)

        assert "Not connected yet Generate a token, and follow the steps" in content(response)
        assert "active users" not in content(response)
        assert "<svg viewBox" not in response.text
        assert "Failures" not in content(response)
        assert steps_are_open(response)

    def test_a_new_token_is_not_connected_before_okta_has_called(self, page: Client) -> None:
        plaintext = shown_token(page.post(GENERATE, {"token": ""}))

        assert "Not connected yet The token has not been used yet" in content(page.get(PAGE))
        assert api_status(plaintext) == 200
        assert "Okta is connected Last successful call just now" in content(page.get(PAGE))

    def test_the_last_successful_call_is_shown_with_its_address(self, page: Client) -> None:
        make_token(last_used_at=timezone.now() - timedelta(minutes=3), **OKTA)

        response = page.get(PAGE)

        assert (
            "Okta is connected Last successful call 3 minutes ago, from 203.0.113.7, "
            "by the client “Okta SCIM Client 1.0.0”."
        ) in content(response)
        assert "from 203.0.113.7 by the client “Okta SCIM Client 1.0.0”" in content(response)
        assert not steps_are_open(response)
        assert "Nothing was pushed in the last 14 days." in content(response)

    def test_the_page_says_that_silence_is_normal(self, page: Client) -> None:
        make_token(last_used_at=timezone.now() - timedelta(days=9), **OKTA)

        response = page.get(PAGE)

        assert (
            "Okta is connected, but has not called recently Last successful call 1 week ago"
            in content(response)
        )
        assert "Okta only calls when something changes" in content(response)
        assert not steps_are_open(response)

    def test_a_replaced_token_that_is_still_used_is_shown(self, page: Client) -> None:
        replaced, plaintext = new_token()
        new_token()
        assert api_status(plaintext) == 401

        response = page.get(PAGE)

        assert "Okta uses a token that was replaced" in content(response)
        assert (
            f"Its last call, with the token ending in {replaced.last_four}, was refused just now, "
            "from 127.0.0.1."
        ) in content(response)
        assert steps_are_open(response)

    def test_a_revoked_token_that_is_still_used_is_shown(self, page: Client) -> None:
        token, plaintext = new_token()
        token.revoke()
        assert api_status(plaintext) == 401

        assert "Okta uses a token that was revoked" in content(page.get(PAGE))

    def test_an_expired_token_is_shown(self, page: Client) -> None:
        new_token(lifetime=timedelta(seconds=-1))

        assert "Okta's token has expired" in content(page.get(PAGE))

    @pytest.mark.parametrize(
        ("lifetime", "warning"),
        [
            (timedelta(days=9), "The token expires in 9 days. Replace it before"),
            (timedelta(days=1), "The token expires in 1 day. Replace it before"),
            (timedelta(days=15), None),
            (None, None),
        ],
    )
    def test_the_end_of_the_token_is_shown_two_weeks_before(
        self, page: Client, lifetime: timedelta | None, warning: str | None
    ) -> None:
        new_token(lifetime=lifetime)

        text = content(page.get(PAGE))

        assert warning in text if warning else "The token expires" not in text

    def test_what_a_client_calls_itself_is_no_markup(self, page: Client) -> None:
        make_token(last_used_at=timezone.now(), last_used_by="<script>alert(1)</script>")

        text = page.get(PAGE).text

        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


class TestCounts:
    def test_users_libraries_and_people_are_counted(self, page: Client) -> None:
        make_group("First", make_link("ann"), make_link("bob", is_active=False))
        make_link("cid")

        assert (
            "2 active users 1 deactivated user 1 Library linked 1 person with access"
        ) in content(page.get(PAGE))

    def test_they_are_shown_without_a_token_too(self, page: Client) -> None:
        make_group("First")
        make_group("Second")

        assert (
            "0 active users 0 deactivated users 2 Libraries linked 0 people with access"
        ) in content(page.get(PAGE))


class TestChart:
    def test_the_chart_has_its_numbers_in_words_and_in_a_table(self, page: Client) -> None:
        for outcome in (Outcome.DONE, Outcome.DONE, Outcome.REFUSED):
            make_event(outcome)

        text = page.get(PAGE).text

        (svg,) = re.findall(r"<svg viewBox.*?</svg>", text, re.DOTALL)
        assert 'role="img" aria-labelledby="chart-title chart-description"' in svg
        assert '<title id="chart-title">Requests per day in the last 14 days</title>' in svg
        assert "2 done, 1 refused or failed." in svg
        assert svg.count("tiled-scim-slot") == 14
        # Of three events the ruler has five: 40 and 20 of 100.
        assert 'y="60" width="6" height="40"' in svg
        assert 'y="40" width="6" height="20"' in svg
        (table,) = re.findall(r'<table class="visually-hidden">.*?</table>', text, re.DOTALL)
        assert table.count('<th scope="row">') == 14
        assert table.count("<td>0</td><td>0</td>") == 13
        assert table.count("<td>2</td><td>1</td>") == 1

    def test_few_beside_many_are_still_seen(self, page: Client) -> None:
        ScimEvent.objects.bulk_create(
            ScimEvent(account="", method="PATCH", outcome=Outcome.DONE) for _ in range(1000)
        )
        make_event(Outcome.FAILED)

        text = page.get(PAGE).text

        assert re.search(r'tiled-scim-failed" x="132" y="\d+" width="6" height="2"', text)

    def test_the_numbers_of_the_drawing_are_the_same_in_every_language(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.LANGUAGE_CODE = "de"
        settings.USE_THOUSAND_SEPARATOR = True
        for _ in range(3):
            make_event()

        with translation.override("de"):
            (svg,) = re.findall(r"<svg viewBox.*?</svg>", page.get(PAGE).text, re.DOTALL)

        numbers = re.findall(r'(?:viewBox|x|y|width|height|d)="(.*?)"', svg)
        assert numbers
        assert not [number for number in numbers if re.search(r"[.,]", number)]


class TestFailures:
    @pytest.mark.parametrize("codename", ["view_scimtoken", "change_scimtoken"])
    def test_name_nobody_to_who_may_not_see_events(self, codename: str) -> None:
        new_token()
        make_refusal(resource_name="ann@x.y", detail="It is taken by ann@x.y.")
        make_event(Outcome.FAILED, status=500, resource_name="ann@x.y")
        page = signed_in(staff(codename, "view_librarygrouplink"))

        for used in (None, timezone.now()):
            ScimToken.objects.update(last_used_at=used)
            response = page.get(PAGE)
            assert "User refused 409 uniqueness" in content(response)
            assert "ann@x.y" not in response.text
        response = page.post(GENERATE, {"token": ""})
        assert response.status_code == (409 if codename == "change_scimtoken" else 403)
        assert "ann@x.y" not in response.text

    def test_each_kind_is_shown_with_its_number_an_example_and_advice(self) -> None:
        page = signed_in(staff("change_scimtoken", "view_scimevent"))
        make_refusal(timedelta(hours=5))
        event = make_refusal(timedelta(hours=2), resource_name="ann@x.y", detail="It's <taken>.")

        response = page.get(PAGE)

        assert "Failures of the last 7 days" in content(response)
        assert (
            "User refused 409 uniqueness 2 times, most recently 2 hours ago "
            f"{advice(event)} ann@x.y: It's <taken>."
        ) in content(response)
        assert "<taken>" not in response.text

    def test_unknown_callers_are_shown(self, page: Client) -> None:
        api_status("tscim_made-up")

        text = content(page.get(PAGE))

        assert "Unknown caller refused 401 once, most recently just now" in text

    def test_they_follow_the_token_where_it_is_what_has_to_be_fixed(self, page: Client) -> None:
        make_refusal()
        text = page.get(PAGE).text
        assert text.index('id="token-heading"') < text.index('id="failures-heading"')

        make_token(last_used_at=timezone.now())

        text = page.get(PAGE).text
        assert text.index('id="failures-heading"') < text.index('id="token-heading"')

    def test_each_leads_to_its_events(self) -> None:
        root = signed_in(User.objects.create_superuser("root"))
        make_refusal(resource_name="ann@x.y")
        make_refusal(timedelta(days=8), resource_name="too long ago")
        make_refusal(status=400, scim_type="invalidValue", resource_name="another kind")
        make_refusal(resource_type="Group", resource_name="another type")

        text = root.get(PAGE).text
        links = [unescape(link) for link in re.findall(r'href="([^"]+)">Show in Events', text)]
        shown = [root.get(link) for link in links]

        assert [response.status_code for response in shown] == [200] * 3
        names = [
            [event.resource_name for event in response.context["cl"].result_list]
            for response in shown
        ]
        assert sorted(names) == [["ann@x.y"], ["another kind"], ["another type"]]

    def test_those_of_one_account_lead_to_its_own(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        root = signed_in(User.objects.create_superuser("root"))
        make_refusal(account="acme")
        make_refusal(account="globex")

        text = root.get(f"{PAGE}?account=acme").text
        (link,) = re.findall(r'href="([^"]+)">Show in Events', text)

        assert parse_qs(urlsplit(unescape(link)).query)["account"] == ["acme"]
        (event,) = root.get(unescape(link)).context["cl"].result_list
        assert event.account == "acme"


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> dict[str, str]:
        return {"acme": "Acme", "globex": "Globex"}


class TestLists:
    @pytest.mark.parametrize(
        ("codenames", "visible"),
        [
            ((), set()),
            (("view_scimevent",), {"events"}),
            (("view_userlink", "view_librarygrouplink"), {"users", "groups"}),
        ],
    )
    def test_who_may_see_a_list_is_led_to_it(
        self, codenames: tuple[str, ...], visible: set[str]
    ) -> None:
        make_refusal()
        page = signed_in(staff("view_scimtoken", *codenames))

        text = page.get(PAGE).text

        main = text[text.index('id="content-main"') :]
        assert {name for name, url in LISTS.items() if f'href="{url}' in main} == visible
        assert ("Show in Events" in main) == ("events" in visible)
        for name in visible:
            assert page.get(LISTS[name]).status_code == 200

    def test_the_lists_of_one_account_are_its_own(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        root = signed_in(User.objects.create_superuser("root"))

        text = root.get(f"{PAGE}?account=acme").text

        for url in LISTS.values():
            assert f'href="{url}?account=acme"' in text
            assert root.get(f"{url}?account=acme").status_code == 200

    @pytest.mark.parametrize("model", [ScimEvent, UserLink, LibraryGroupLink])
    def test_a_host_that_does_without_a_list_has_a_page_all_the_same(
        self, model: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = signed_in(User.objects.create_superuser("root"))
        make_refusal()
        monkeypatch.delitem(admin.site._registry, model)

        response = root.get(PAGE)

        assert response.status_code == 200
        assert f"/{model._meta.model_name}/" not in content(response)


class TestSteps:
    def test_they_are_those_of_the_guide_in_its_order(self, page: Client) -> None:
        text = page.get(PAGE).text
        (okta,) = re.findall(r'<h2 id="steps-heading">.*?</section>', text, re.DOTALL)
        guide = (ROOT / "docs" / "okta.md").read_text().partition("## Step-by-step")[2]

        # The guide has more, for people who do not see the page.
        names = iter(re.findall(r"\*\*(.+?)\*\*", guide))
        steps = re.findall("<strong>(.+?)</strong>", okta)
        assert len(steps) > 10
        assert [step for step in steps if step not in names] == []

    def test_the_attribute_is_there_to_copy(self, page: Client) -> None:
        text = page.get(PAGE).text

        assert 'id="external-name" value="tiledAdmin" readonly' in text
        assert f'id="external-namespace" value="{TILED_USER}" readonly' in text

    def test_a_host_without_tiled_admins_has_no_attribute_for_them(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADMIN_FIELD = "no_such_field"

        text = page.get(PAGE).text

        assert "Push Groups" in text
        assert "external-namespace" not in text

    def test_other_identity_providers_have_their_own_words(self, page: Client) -> None:
        text = page.get(PAGE).text

        for words in ("Tenant URL", "Secret Token", "Test Connection"):
            assert f"<strong>{words}</strong>" in text


class TestQueries:
    def test_the_page_takes_as_many_for_much_as_for_little(self) -> None:
        user = staff("change_scimtoken")
        group = Group.objects.create(name="Admins of SCIM")
        group.permissions.set(Permission.objects.filter(content_type__app_label="tiled_scim"))
        user.groups.add(group)
        page = signed_in(user)
        token = make_token(last_used_at=timezone.now(), created_by=user)
        fill(1)
        few = queries_of(page)
        fill(30)
        for _ in range(5):
            new_token(created_by=token.created_by)

        assert queries_of(page) == few <= MOST_QUERIES


def fill(number: int) -> None:
    """Create users, groups, failures of all kinds, and events on several days."""
    start = UserLink.objects.count()
    for at in range(start, start + number):
        make_group(f"group {at}", make_link(f"user {at}"))
        make_refusal(status=400 + at % 30, account=[None, ""][at % 2], resource_name=str(at))
        make_event(before=timedelta(days=at % 14))


def queries_of(page: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        response = page.get(PAGE)
    assert response.status_code == 200
    return len(queries)
