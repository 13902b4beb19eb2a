"""The lists of users and of groups, and what an admin does to them by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.browser.directory import ADA, ALAN, EMMY, GRACE, KATHERINE, PEOPLE
from tests.factories import make_library
from tests.simple_project.libraries.models import Library
from tests.wire.client import add_members
from tests.wire.state import access, snapshot
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provider_check.session import Session

from .looks import Visit
from .people import GROUPS, USERS, column, forge, member_of_staff

# What Okta has pushed: Alan has left, and would have his access again if he came back.
PUSHED = {
    "Research": {ADA.user_name, ALAN.user_name, EMMY.user_name},
    "Engineering": {ADA.user_name, GRACE.user_name, KATHERINE.user_name},
    "Sales & Operations": {KATHERINE.user_name},
}


@pytest.fixture
def page(visit: Visit) -> Page:
    """The window of an admin who may intervene."""
    return visit(member_of_staff("change_userlink", "change_librarygrouplink", "view_scimevent"))


def open_row(page: Page, list_: str, name: str) -> None:
    """Open the page of a user or group from the list of them."""
    page.goto(list_)
    column(page, "name").get_by_role("link", name=name).click()


def names_under(page: Page, heading: str) -> Locator:
    """The list that follows a heading."""
    return page.get_by_role("heading", name=heading, exact=True).locator("+ ul > li")


def state(page: Page) -> Locator:
    return page.get_by_role("region", name="State")


def in_okta(okta: Session, group: LibraryGroupLink) -> dict[str, Any]:
    """What Okta reads of a group, but for when it was last changed."""
    return {
        key: value for key, value in okta.read("/Groups", str(group.pk)).items() if key != "meta"
    }


class TestLists:
    def test_show_people_and_groups_as_they_are(self, page: Page, okta: Session) -> None:
        page.goto(USERS)

        names = sorted(person.user_name for person in PEOPLE)
        expect(column(page, "name")).to_have_text(names)
        expect(column(page, "state")).to_have_text(
            ["Active", "Deactivated", "Active", "Active", "Active"]
        )
        expect(column(page, "tiled_admin")).to_have_text(["Yes", "", "", "", ""])
        expect(column(page, "libraries")).to_have_text(["2", "1", "1", "1", "2"])
        page.locator("details.tiled-scim-filters > summary").click()
        page.get_by_role("navigation", name="Filter").get_by_role(
            "link", name="Deactivated"
        ).click()
        expect(column(page, "name")).to_have_text([ALAN.user_name])

        page.goto(GROUPS)
        expect(column(page, "name")).to_have_text(["Engineering", "Research", "Sales & Operations"])
        expect(column(page, "library_name")).to_have_text(sorted(PUSHED))
        expect(column(page, "member_count")).to_have_text(["3", "3", "1"])


class TestAnotherLibrary:
    def test_moves_the_access_and_okta_sees_no_difference(self, page: Page, okta: Session) -> None:
        research = LibraryGroupLink.objects.get(display_name="Research")
        seen = in_okta(okta, research)
        make_library("Archive", User.objects.get(username=ADA.user_name))
        open_row(page, GROUPS, "Research")

        page.get_by_role("link", name="Move to another Library…").click()
        page.get_by_label("Search by name").fill("arch")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Archive").click()
        gaining = names_under(page, "Who gains access to “Archive” (2)")
        expect(gaining).to_have_text([ALAN.user_name, EMMY.user_name])
        losing = names_under(page, "Who loses access to “Research” (3)")
        expect(losing).to_have_text(sorted(PUSHED["Research"]))
        assert access() == {**PUSHED, "Archive": {ADA.user_name}}
        page.get_by_role("button", name="Move").click()

        expect(
            page.get_by_text("“Research” is now linked to the Library “Archive”.")
        ).to_be_visible()
        expect(state(page)).to_contain_text("Archive")
        assert access() == {**PUSHED, "Research": set(), "Archive": PUSHED["Research"]}
        assert in_okta(okta, research) == seen
        moved = page.get_by_role("row", name="Group moved")
        moved.get_by_role("link").click()
        expect(page.get_by_role("row", name="library Research Archive")).to_be_visible()
        open_row(page, USERS, EMMY.user_name)
        expect(page.get_by_role("row", name="Research Archive SCIM")).to_be_visible()

        grace = UserLink.objects.get(user_name=GRACE.user_name)
        okta.patch(f"/Groups/{research.pk}", add_members(str(grace.pk)))
        assert access()["Archive"] == {*PUSHED["Research"], GRACE.user_name}
        assert access()["Research"] == set()


class TestUnlinking:
    def test_of_a_group_takes_away_what_it_alone_gave(self, page: Page, okta: Session) -> None:
        engineering = LibraryGroupLink.objects.get(display_name="Engineering")
        open_row(page, GROUPS, "Engineering")

        page.get_by_role("link", name="Unlink…").click()
        expect(
            page.get_by_text("The Library “Engineering” and its contents are kept")
        ).to_be_visible()
        losing = names_under(page, "Who loses access (3)")
        expect(losing).to_have_text(sorted(PUSHED["Engineering"]))
        page.get_by_role("link", name="No, take me back").click()
        expect(state(page)).to_contain_text("Linked")
        assert access() == PUSHED
        page.get_by_role("link", name="Unlink…").click()
        page.get_by_role("button", name="Unlink").click()

        expect(page.get_by_text("“Engineering” has been unlinked.")).to_be_visible()
        expect(column(page, "state")).to_have_text(["Unlinked", "Linked", "Linked"])
        assert access() == {**PUSHED, "Engineering": set()}
        assert okta.send("GET", f"/Groups/{engineering.pk}").status == 404
        open_row(page, GROUPS, "Engineering")
        expect(page.get_by_role("region", name="Actions")).to_have_count(0)

    def test_of_a_person_deactivates_them(self, page: Page, okta: Session) -> None:
        katherine = UserLink.objects.get(user_name=KATHERINE.user_name)
        open_row(page, USERS, KATHERINE.user_name)

        page.get_by_role("link", name="Unlink…").click()
        groups = names_under(page, "Groups (2)")
        expect(groups).to_have_text(["Engineering", "Sales & Operations"])
        page.get_by_role("button", name="Unlink").click()

        expect(page.get_by_text(f"“{KATHERINE.user_name}” has been unlinked.")).to_be_visible()
        expect(column(page, "state").last).to_have_text("Unlinked")
        assert not User.objects.get(username=KATHERINE.user_name).is_active
        assert not any(KATHERINE.user_name in people for people in access().values())
        assert okta.send("GET", f"/Users/{katherine.pk}").status == 404


class TestResync:
    def test_gives_back_what_was_taken_away_by_hand(self, page: Page, okta: Session) -> None:
        emmy = User.objects.get(username=EMMY.user_name)
        Library.objects.get(name="Research").members.remove(emmy)
        open_row(page, GROUPS, "Research")

        page.get_by_role("link", name="Resync…").click()
        lacking = f"has members without access to its Library: {EMMY.user_name}."
        expect(page.get_by_text(lacking)).to_be_visible()
        page.get_by_role("button", name="Fix").click()

        expect(page.get_by_text("“Research” has been fixed.")).to_be_visible()
        assert access() == PUSHED
        page.get_by_role("link", name="Resync…").click()
        expect(page.get_by_text("There is nothing to fix.")).to_be_visible()


class TestPermissions:
    def test_who_may_only_view_sees_no_action_and_cannot_forge_one(
        self, visit: Visit, okta: Session
    ) -> None:
        ada = UserLink.objects.get(user_name=ADA.user_name)
        research = LibraryGroupLink.objects.get(display_name="Research")
        page = visit(member_of_staff("view_userlink", "view_librarygrouplink"))
        before = snapshot()

        for list_, name in ((USERS, ADA.user_name), (GROUPS, "Research")):
            open_row(page, list_, name)
            expect(state(page)).to_be_visible()
            expect(page.get_by_role("region", name="Actions")).to_have_count(0)
        for forged in (
            f"{USERS}{ada.pk}/let-go/",
            f"{GROUPS}{research.pk}/let-go/",
            f"{GROUPS}{research.pk}/move/",
            f"{GROUPS}{research.pk}/resync/",
        ):
            page.goto(GROUPS)
            assert forge(page, forged) == 403
        assert snapshot() == before


class TestTheHostsOwnPage:
    def test_of_a_user_says_that_scim_manages_them(self, visit: Visit, okta: Session) -> None:
        margaret = member_of_staff("view_user", "view_userlink")
        page = visit(margaret)
        ada = User.objects.get(username=ADA.user_name)
        page.goto(f"/admin/auth/user/{ada.pk}/change/")

        section = page.get_by_role("group", name="Managed by SCIM")
        expect(section).to_contain_text("Engineering, Research")
        section.get_by_role("link", name=ADA.user_name).click()
        expect(state(page)).to_contain_text("Active")
        state(page).get_by_role("link", name=ADA.user_name).click()
        expect(section).to_be_visible()

        page.goto(f"/admin/auth/user/{margaret.pk}/change/")
        expect(section).to_contain_text("SCIM does not manage this user.")
