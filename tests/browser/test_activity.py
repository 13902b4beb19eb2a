"""What Okta pushed, and what was refused to it, as an admin follows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.admin.browser import PAGE
from tests.browser.directory import ADA, ALAN, EMMY, GRACE, KATHERINE
from tiled_scim.audit.advice import advice
from tiled_scim.models import ScimEvent, UserLink
from tiled_scim.provider_check.expectations import USER_SCHEMA
from tiled_scim.provider_check.session import Session, replace

from .looks import Visit
from .people import EVENTS, column, member_of_staff

EVERYTHING = ("view_scimtoken", "view_scimevent", "view_userlink", "view_librarygrouplink")


@pytest.fixture
def page(visit: Visit) -> Page:
    """The window of an admin who may look at everything."""
    return visit(member_of_staff(*EVERYTHING))


def main(page: Page) -> Locator:
    """What is on a page besides the menu."""
    return page.get_by_role("main")


def expect_events(page: Page, *events: tuple[str, str]) -> None:
    """The list starts with these events: each has an action and a resource."""
    expect(column(page, "what")).to_have_text([what for what, _ in events])
    expect(column(page, "resource")).to_have_text([resource for _, resource in events])


def unfold_filters(page: Page) -> None:
    """Open the filters, which Django's script may have left open."""
    filters = page.locator("details.tiled-scim-filters")
    if filters.get_attribute("open") is None:
        filters.locator("> summary").click()


def choose(page: Page, name: str) -> None:
    """Take one of the choices of the list's filters."""
    unfold_filters(page)
    filters = page.get_by_role("navigation", name="Filter")
    filters.get_by_role("link", name=name, exact=True).click()


def search(page: Page, text: str) -> None:
    page.get_by_label("Search", exact=True).fill(text)
    page.get_by_role("button", name="Search").click()


class TestAPush:
    def test_is_followed_from_the_connection_to_old_and_new_values_and_the_person(
        self, page: Page, okta: Session
    ) -> None:
        ada = UserLink.objects.get(user_name=ADA.user_name)
        okta.patch(f"/Users/{ada.pk}", replace({"title": "Director"}))
        page.goto(PAGE)

        main(page).get_by_role("link", name="Events", exact=True).click()
        expect_events(
            page,
            ("User updated", ADA.user_name),
            ("User deactivated", ALAN.user_name),
            ("Members changed", "Sales & Operations"),
            ("Group linked", "Sales & Operations"),
            ("Members changed", "Engineering"),
            ("Group linked", "Engineering"),
            ("Members changed", "Research"),
            ("Group linked", "Research"),
            ("User provisioned", ALAN.user_name),
            ("User provisioned", KATHERINE.user_name),
            ("User provisioned", GRACE.user_name),
            ("User provisioned", EMMY.user_name),
            ("Tiled Admin given", ADA.user_name),
            ("User provisioned", ADA.user_name),
        )

        column(page, "time").first.get_by_role("link").click()
        expect(main(page).get_by_role("heading", level=1)).to_have_text("User updated")
        event = page.url
        changes = page.get_by_role("region", name="What changed").get_by_role("row")
        expect(changes).to_have_text(
            [
                re.compile(r"Attribute\s+Before\s+After"),
                re.compile(r"title\s+Head of .+\s+Director"),
            ]
        )

        main(page).get_by_role("link", name=ADA.user_name).click()
        expect(main(page).get_by_role("heading", level=1)).to_have_text(ADA.user_name)
        recent = page.get_by_role("region", name="Recent events")
        expect(recent.get_by_role("row")).to_have_count(4)
        recent.get_by_role("row", name="User updated").get_by_role("link").click()
        expect(page).to_have_url(event)

    def test_of_a_group_tells_who_came(self, page: Page, okta: Session) -> None:
        page.goto(EVENTS)

        column(page, "time").nth(3).get_by_role("link").click()

        expect(main(page).get_by_role("heading", level=1)).to_have_text("Members changed")
        expect(page.get_by_role("definition").first).to_contain_text("Engineering")
        added = page.get_by_role("region", name="Added (3)").get_by_role("listitem")
        expect(added).to_have_count(3)
        assert set(added.all_inner_texts()) == {
            person.user_name for person in (ADA, GRACE, KATHERINE)
        }


class TestARefusal:
    def test_is_followed_from_the_failures_to_its_detail_and_what_to_do(
        self, page: Page, okta: Session
    ) -> None:
        body = {"schemas": [USER_SCHEMA], "userName": ADA.user_name}
        refused = okta.send("POST", "/Users", body)
        assert refused.status == 409
        page.goto(PAGE)
        failures = page.get_by_role("region", name="Failures of the last")
        expect(failures.get_by_role("listitem")).to_have_count(1)
        expect(failures).to_contain_text(refused.detail)

        failures.get_by_role("link", name="Show in Events").click()
        expect_events(page, ("Refused: POST User", ADA.user_name))
        expect(column(page, "outcome_badge")).to_have_text("Refused")
        column(page, "time").get_by_role("link").click()

        outcome = page.get_by_role("region", name="Outcome Refused")
        expect(outcome).to_contain_text(refused.detail)
        expect(outcome.get_by_role("heading", name="What to do")).to_be_visible()
        expect(outcome).to_contain_text(advice(ScimEvent.objects.get(status=409)))
        expect(outcome).to_contain_text("POST User → 409 uniqueness")
        expect(outcome).to_contain_text(refused.headers["X-Request-ID"])


class TestTheList:
    def test_is_narrowed_by_outcome_and_by_name(self, page: Page, okta: Session) -> None:
        body = {"schemas": [USER_SCHEMA], "userName": GRACE.user_name}
        okta.send("POST", "/Users", body)
        okta.send("POST", "/Users", {**body, "userName": ADA.user_name})
        page.goto(EVENTS)

        choose(page, "Refused")
        expect_events(
            page,
            ("Refused: POST User", ADA.user_name),
            ("Refused: POST User", GRACE.user_name),
        )
        search(page, "GRACE")
        expect_events(page, ("Refused: POST User", GRACE.user_name))
        choose(page, "Done")
        expect_events(page, ("User provisioned", GRACE.user_name))
        page.get_by_role("link", name="Clear all filters").click()
        expect_events(
            page,
            ("Refused: POST User", GRACE.user_name),
            ("User provisioned", GRACE.user_name),
        )

    def test_the_filters_are_folded_away_until_they_are_wanted(
        self, page: Page, okta: Session
    ) -> None:
        page.goto(EVENTS)
        filters = page.locator("#changelist-filter")
        table = page.locator("#result_list")
        assert page.viewport_size == {"width": 1280, "height": 720}

        expect(filters).to_be_hidden()
        folded = table.bounding_box()
        assert folded is not None
        assert folded["y"] < 360  # the first events are seen without scrolling
        assert folded["width"] > 850  # beside the menu, the list has the whole width

        page.locator("details.tiled-scim-filters > summary").click()
        expect(filters.get_by_role("link", name="Refused", exact=True)).to_be_visible()
        page.reload()
        expect(filters).to_be_visible()  # Django's script keeps them open
        choose(page, "Done")
        expect(page.locator("details.tiled-scim-filters > summary")).to_contain_text(
            "Outcome: Done"
        )

    def test_leads_to_a_day_and_back(self, page: Page, okta: Session) -> None:
        people = ScimEvent.objects.filter(resource_type="User")
        people.update(created_at=datetime(2026, 2, 27, 9, 14, tzinfo=UTC))
        groups = ScimEvent.objects.filter(resource_type="Group")
        groups.update(created_at=datetime(2026, 3, 2, 16, 30, tzinfo=UTC))
        page.goto(EVENTS)

        dates = page.locator("nav.toplinks")
        expect(dates.get_by_role("link")).to_have_text(["February 2026", "March 2026"])
        dates.get_by_role("link", name="March 2026").click()
        expect(dates.get_by_role("link")).to_have_text([re.compile("2026"), "March 1", "March 2"])
        dates.get_by_role("link", name="March 1").click()
        expect_events(page)
        dates.get_by_role("link", name="March 2026").click()
        dates.get_by_role("link", name="March 2").click()
        expect(column(page, "what")).to_have_count(6)
        expect(column(page, "time").first).to_have_text("March 2, 2026, 16:30:00")
        dates.get_by_role("link", name="March 2026").click()
        dates.get_by_role("link", name="2026").click()
        expect(column(page, "what")).to_have_count(ScimEvent.objects.count())


class TestPermissions:
    def test_who_may_only_see_the_connection_is_led_no_further(
        self, visit: Visit, okta: Session
    ) -> None:
        page = visit(member_of_staff("view_scimtoken"))
        page.goto(PAGE)

        links = main(page).get_by_role("link")
        expect(links).to_have_text(["OAuth clients", "Universal Logout"])
        for name in ("OAuth clients", "Universal Logout"):
            links.filter(has_text=name).click()
            expect(page.get_by_role("heading", name=name).first).to_be_visible()
            expect(main(page).get_by_role("button")).to_have_count(0)  # nothing to change
            page.goto(PAGE)
        response = page.goto(EVENTS)
        assert response is not None
        assert response.status == 403
