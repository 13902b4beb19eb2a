"""SCIM Configuration for customers: generating, copying and replacing a token, and setup links."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from playwright.sync_api import Error, Page, expect

from tests.browser.directory import ADA, KATHERINE
from tests.configuration.customers import EVENTS, GROUPS, OPEN, PAGE, SETUP, SETUP_LINKS, USERS
from tests.factories import make_library, make_user
from tests.wire.state import access
from tiled_scim.models import SetupLink
from tiled_scim.provider_check.session import Session

from .looks import Look, Visit
from .people import (
    connect,
    forge,
    generate,
    member_of_staff,
    replace,
    revoke,
    status,
    tab_to,
    token_field,
)

EXAMPLE_TOKEN = "tscim_Example0Token0Which0Opens0Nothing0At0All01k7Qm"
EXAMPLE_LINK = "https://tiled.example.com/settings/scim/setup/open/#tscimsetup_Example0Link:0signed"


@pytest.fixture
def admin(transactional_db: None) -> User:
    """Margaret, who may configure SCIM in the simple project."""
    return member_of_staff()


@pytest.fixture
def page(visit: Visit, admin: User) -> Page:
    return visit(admin)


def new_setup_link(page: Page) -> str:
    """Create a setup link, and read it."""
    page.goto(SETUP_LINKS)
    page.get_by_role("button", name="Create a setup link").click()
    return page.get_by_label("Setup link", exact=True).input_value()


class TestToken:
    def test_is_generated_copied_replaced_and_revoked(self, page: Page) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/")
        page.get_by_role("link", name="SCIM Configuration").click()

        first = generate(page)
        page.get_by_role("button", name="Copy: API token").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == first
        okta = connect(page, first)
        assert status(okta) == 200
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_text("Okta is connected")).to_be_visible()
        expect(token_field(page)).to_have_count(0)

        second = replace(page)
        assert status(okta) == 401
        assert status(connect(page, second)) == 200

        revoke(page)
        expect(page.get_by_text("No token")).to_be_visible()

    def test_the_back_button_does_not_show_it_again(self, page: Page) -> None:
        page.goto(PAGE)
        plaintext = generate(page)

        page.get_by_role("link", name="I have copied it").click()
        expect(page).to_have_url(re.compile(f"{PAGE}$"))
        with pytest.raises(Error, match="ERR_CACHE_MISS"):  # Chromium has not kept the answer
            page.go_back()
        expect(page.get_by_role("heading")).to_have_text("Confirm Form Resubmission")

        assert plaintext not in page.content()

    def test_is_generated_without_a_script(self, visit: Visit, admin: User) -> None:
        page = visit(admin, java_script_enabled=False)
        page.goto(PAGE)

        assert generate(page).startswith("tscim_")
        expect(page.get_by_role("button", name="Copy: API token")).to_have_count(0)

    def test_is_reached_with_the_keyboard(self, page: Page) -> None:
        page.goto(PAGE)
        tab_to(page, page.get_by_role("button", name="Generate token"))
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_role("button", name="Copy: API token"))


class TestLists:
    def test_follow_a_push_and_move_a_group(self, page: Page, okta: Session) -> None:
        make_library("Archive")
        page.goto(EVENTS)
        page.get_by_label("Outcome").select_option("done")
        page.get_by_label("Search").fill(ADA.user_name)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        page.get_by_role("link", name=ADA.user_name).first.click()
        expect(page.get_by_role("heading", name=ADA.user_name, level=1)).to_be_visible()

        page.get_by_role("navigation").get_by_role("link", name="Groups and Libraries").click()
        page.get_by_role("link", name="Sales & Operations", exact=True).click()
        page.get_by_role("link", name="Move to another Library…").click()
        page.get_by_role("link", name="Archive").click()
        expect(page.get_by_text("Who gains access to “Archive” (1)")).to_be_visible()
        page.get_by_role("button", name="Move").click()

        expect(page.get_by_text("is now linked to the Library “Archive”.")).to_be_visible()
        assert access()["Archive"] == {KATHERINE.user_name}
        assert access()["Sales & Operations"] == set()


class TestSetupLink:
    def test_connects_and_stops_when_it_is_revoked(self, page: Page, visit: Visit) -> None:
        link = new_setup_link(page)
        colleague = visit(None)
        asked: list[str] = []
        colleague.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))

        colleague.goto(link)
        assert colleague.url.endswith(OPEN)  # the script has taken the code out of the URL
        colleague.get_by_role("button", name="Continue").click()
        expect(colleague.get_by_role("heading", name="SCIM setup")).to_be_visible()
        assert colleague.url.endswith(SETUP)
        token = generate(colleague)
        assert status(connect(colleague, token)) == 200
        code = link.partition("#")[2]
        assert not any(code.partition(":")[0] in request for request in asked)
        for list_ in (USERS, GROUPS, EVENTS, PAGE, SETUP_LINKS):
            colleague.goto(list_)
            assert "/accounts/login/" in colleague.url

        page.goto(SETUP_LINKS)
        expect(page.get_by_text("Opened once, just now")).to_be_visible()
        page.get_by_role("button", name=re.compile("Revoke setup link")).click()
        expect(page.get_by_text("The setup link has been revoked.")).to_be_visible()
        colleague.goto(SETUP)
        assert colleague.url.endswith(OPEN)
        colleague.goto(link)
        colleague.reload()
        colleague.goto("about:blank")
        colleague.goto(link)
        colleague.get_by_role("button", name="Continue").click()
        expect(colleague.get_by_text("This link does not work.")).to_be_visible()

    def test_works_without_a_script(self, page: Page, visit: Visit) -> None:
        link = new_setup_link(page)
        colleague = visit(None, java_script_enabled=False)

        colleague.goto(link)
        colleague.get_by_label("Setup link or its code").fill(link)
        colleague.get_by_role("button", name="Continue").click()

        assert generate(colleague).startswith("tscim_")

    def test_is_not_made_by_somebody_without_the_right(self, visit: Visit) -> None:
        member = visit(make_user("member@example.com"))
        member.goto("/")
        expect(member.get_by_role("link", name="SCIM Configuration")).to_have_count(0)

        assert member.goto(PAGE).status == 404  # type: ignore[union-attr]
        member.goto("/")
        member.evaluate("document.querySelector('.sign-out').id = 'logout-form'")
        assert forge(member, SETUP_LINKS) == 404
        assert not SetupLink.objects.exists()


class TestLooks:
    @pytest.fixture(autouse=True)
    def base_url(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_BASE_URL = "https://tiled.example.com/scim/v2"

    def test_of_a_first_visit(self, look: Look, admin: User) -> None:
        look.inspect(look.open(admin, PAGE), "pages-no-token")

    def test_of_a_new_token(self, look: Look, admin: User) -> None:
        page = look.open(admin, PAGE)
        generate(page)
        page.locator("#new-token").evaluate(f"field => field.value = '{EXAMPLE_TOKEN}'")

        look.inspect(page, "pages-new-token")

    def test_of_all_pages_when_connected(self, look: Look, admin: User, okta: Session) -> None:
        page = look.open(admin, PAGE)
        look.inspect(page, "pages-connected")
        page.locator("summary", has_text="Replace token").click()
        look.inspect(page, "pages-replace-token")
        for name, path in {"events": EVENTS, "users": USERS, "groups": GROUPS}.items():
            page.goto(path)
            look.inspect(page, f"pages-{name}")
            with page.expect_navigation():
                page.locator("tbody a").first.click()
            look.inspect(page, f"pages-{name}-one")
        page.goto(GROUPS)
        page.locator("tbody a").first.click()
        page.get_by_role("link", name="Move to another Library…").click()
        expect(page.get_by_label("Search by name")).to_be_visible()
        look.inspect(page, "pages-move")
        page.get_by_role("link", name="Research").click()
        expect(page.get_by_role("button", name="Move")).to_be_visible()
        look.inspect(page, "pages-move-confirm")
        page.goto(f"{EVENTS}?status=x")
        look.inspect(page, "pages-invalid-filter")

    def test_of_setup_links(self, look: Look, admin: User, okta: Session) -> None:
        page = look.open(admin, SETUP_LINKS)
        look.inspect(page, "pages-setup-links-none")
        link = new_setup_link(page)
        page.locator("#new-link").evaluate(f"field => field.value = '{EXAMPLE_LINK}'")
        look.inspect(page, "pages-setup-links")
        page.context.clear_cookies()
        page.goto(link)
        look.inspect(page, "pages-setup-open")
        page.get_by_label("Setup link or its code").fill("x")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("This link does not work.")).to_be_visible()
        look.inspect(page, "pages-setup-does-not-work")
        page.goto("about:blank")
        page.goto(link)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Base URL").first).to_be_visible()
        look.inspect(page, "pages-setup")
