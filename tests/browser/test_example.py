"""The example project as `make demo` serves it: its own pages, and SCIM Configuration in them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .example import ACME_ADMIN, GLOBEX_ADMIN, MEMBER_OF_BOTH, Example, open_settings
from .looks import Look, Visit
from .people import connect, replace, status, tab_to


def test_a_person_in_two_accounts_switches(example: Example, visit: Visit) -> None:
    page = example.sign_in(visit, MEMBER_OF_BOTH)
    page.get_by_role("link", name="Engineering").click()
    expect(page.locator(".people")).to_contain_text("Ada Lovelace")
    expect(page.locator(".people")).not_to_contain_text("Dorothy Vaughan")

    tab_to(page, page.locator("summary", has_text="Acme Inc."))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Globex Corporation").click()

    page.get_by_role("link", name="Engineering").click()
    expect(page.locator(".people")).to_contain_text("Dorothy Vaughan")
    expect(page.locator(".people")).not_to_contain_text("Ada Lovelace")
    expect(page.get_by_role("link", name="Account Settings")).to_have_count(0)
    for path in ("", "scim/", "scim/setup-links/"):
        for account in (1, 2):
            answer = page.goto(f"/accounts/{account}/settings/{path}")
            assert answer is not None
            assert answer.status == 404


def test_an_admin_replaces_the_token_of_one_account(example: Example, visit: Visit) -> None:
    page = example.sign_in(visit, GLOBEX_ADMIN)
    open_settings(page)
    expect(page.get_by_text("Globex Corporation").first).to_be_visible()
    old = connect(page, replace(page))
    other = connect(page, example.token_of("Acme Inc."))
    assert [status(okta) for okta in (old, other)] == [200, 200]

    new = connect(page, replace(page))

    assert [status(okta) for okta in (new, old, other)] == [200, 401, 200]
    page.get_by_role("link", name="Users").click()
    expect(page.locator("tbody")).to_contain_text("dorothy.vaughan@globex.example")
    expect(page.locator("tbody")).to_contain_text("grace.hopper@consulting.example")
    expect(page.locator("tbody")).not_to_contain_text("acme.example")


def test_a_colleague_with_a_setup_link(example: Example, visit: Visit) -> None:
    page = example.sign_in(visit, GLOBEX_ADMIN)
    open_settings(page)
    navigation = page.get_by_role("navigation", name="SCIM Configuration")
    setup_links = navigation.get_by_role("link", name="Setup links")
    setup_links.click()
    page.get_by_role("button", name="Create a setup link").click()
    link = page.get_by_label("Setup link", exact=True).input_value()
    colleague = visit(None, base_url=example.url)

    colleague.goto(link)
    colleague.get_by_role("button", name="Continue").click()
    expect(colleague.get_by_text("Globex Corporation").first).to_be_visible()
    assert status(connect(colleague, replace(colleague))) == 200
    expect(colleague.get_by_role("link", name="Account Settings")).to_have_count(0)

    setup_links.click()
    page.get_by_role("button", name=re.compile("Revoke setup link")).click()
    expect(page.get_by_text("The setup link has been revoked.")).to_be_visible()
    colleague.goto(link.partition("setup/")[0])
    assert "/accounts/login/" in colleague.url


def follow(page: Page, name: str) -> None:
    """Click a link, and wait until its page is there."""
    with page.expect_navigation():
        page.get_by_role("link", name=name).click()


def test_looks(example: Example, visit: Visit, look: Look) -> None:
    stranger = visit(None, base_url=example.url)
    stranger.goto("/")
    look.inspect(stranger, "example-sign-in")

    member = example.sign_in(visit, MEMBER_OF_BOTH)
    member.locator("summary").click()
    look.inspect(member, "example-libraries")
    follow(member, "Engineering")
    look.inspect(member, "example-library")

    admin = example.sign_in(visit, ACME_ADMIN)
    follow(admin, "Account Settings")
    look.inspect(admin, "example-account-settings")
    open_settings(admin)
    look.inspect(admin, "example-scim-configuration")
    follow(admin, "Users")
    look.inspect(admin, "example-scim-users")
