"""What the people at a browser do, and the Okta that they set up with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Locator, Page, expect

from example_project.customers.management import directory
from tests.factories import make_user
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.session import Session

from .directory import DIRECTORY

EVENTS = "/admin/tiled_scim/scimevent/"
USERS = "/admin/tiled_scim/userlink/"
GROUPS = "/admin/tiled_scim/librarygrouplink/"
PASSWORD = "correct horse battery staple"
# More than any page has places to stop at.
MOST_STOPS = 100
# The form for signing out has what Django's check against forgery by other sites asks for.
SEND = """action => {
    const form = document.querySelector("#logout-form");
    form.action = action;
    form.submit();
}"""


def member_of_staff(*codenames: str) -> User:
    """Margaret, who may sign in to the admin, and has these permissions there."""
    user = make_user(
        "margaret.hamilton@example.com",
        password=PASSWORD,
        first_name="Margaret",
        last_name="Hamilton",
        is_staff=True,
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def generate(page: Page) -> str:
    """Generate the first token, and read it."""
    page.get_by_role("button", name="Generate token").click()
    return shown_token(page)


def replace(page: Page, end: str = "Immediately") -> str:
    """Replace the token as one who means it, and read the new one.

    Args:
        end: The choice of when the old one stops working.
    """
    details = action(page, "Replace token")
    details.locator("summary").click()
    details.get_by_role("radio", name=end).check()
    details.get_by_role("checkbox").check()
    details.get_by_role("button").click()
    return shown_token(page)


def add_client(page: Page) -> None:
    """Add an OAuth client with a secret."""
    form = action(page, "Add a client")
    form.locator("summary").first.click()
    form.get_by_label("Name").first.fill("Entra ID")
    form.get_by_label("The client secret is valid for").select_option("2 years")
    form.get_by_role("button", name="Add a client", exact=True).first.click()


def revoke(page: Page, name: str = "Revoke token") -> None:
    """Revoke a token as one who means it."""
    details = action(page, name)
    details.locator("summary").click()
    details.get_by_role("checkbox").check()
    details.get_by_role("button").click()
    expect(page.get_by_text("has been revoked")).to_be_visible()


def action(page: Page, name: str) -> Locator:
    """What is closed up under a button of this name."""
    return page.locator("details", has=page.locator("summary", has_text=name))


def column(page: Page, name: str) -> Locator:
    """The cells of one column of a list."""
    return page.locator(f"#result_list tbody .field-{name}")


def token_field(page: Page) -> Locator:
    return page.get_by_label("API token", exact=True)


def shown_token(page: Page) -> str:
    return token_field(page).input_value()


def connect(page: Page, token: str) -> OktaClient:
    """An Okta that has the base URL on the page, and a token."""
    return OktaClient(page.get_by_label("Base URL", exact=True).input_value(), token)


def status(okta: OktaClient) -> int:
    """What Okta gets for its test of the credentials."""
    return okta.send("GET", "/Users", query={"startIndex": 1, "count": 1}).status


def push_directory(okta: OktaClient) -> None:
    """Have Okta push the people and groups of `directory.py`."""
    for _line in directory.push(Session(okta), DIRECTORY):
        pass


def forge(page: Page, action: str) -> int:
    """Send a form that the page does not offer; returns the status of the answer."""
    with page.expect_navigation(url=f"**{action}") as response:
        page.evaluate(SEND, action)
    return response.value.status


def tab_to(page: Page, element: Locator) -> None:
    """Go on from stop to stop until the element has the focus, and can be seen to have it."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if element.evaluate("element => element === document.activeElement"):
            expect(element).not_to_have_css("outline-style", "none")
            return
    pytest.fail(f"The Tab key does not lead to {element}.")
