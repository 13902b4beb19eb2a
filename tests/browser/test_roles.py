"""Setting the role of a group, in the admin and on the customers' pages."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.directory import EMMY
from tests.configuration.customers import GROUPS as PAGES
from tests.roles import WithRoles, roles_of
from tiled_scim.models import LibraryGroupLink
from tiled_scim.provider_check.session import Session

from .looks import Look, Visit
from .people import member_of_staff

ADMIN_GROUPS = "/admin/tiled_scim/librarygrouplink/"


class OneAccount(WithRoles):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"": ""}


@pytest.fixture
def admin(transactional_db: None) -> User:
    return member_of_staff("change_librarygrouplink")


@pytest.fixture
def research(okta: Session, settings: LazySettings) -> LibraryGroupLink:
    """A group with Emmy, in a host with roles."""
    settings.TILED_SCIM_HOST_ADAPTER = OneAccount
    return LibraryGroupLink.objects.get(display_name="Research")


@pytest.mark.parametrize("pages", [ADMIN_GROUPS, PAGES])
def test_role_is_chosen_and_confirmed(
    visit: Visit, admin: User, research: LibraryGroupLink, pages: str
) -> None:
    page: Page = visit(admin)
    page.goto(f"{pages}{research.pk}/")

    page.get_by_role("link", name="Set the role").click()
    page.get_by_label("Editor").check()
    page.get_by_label("The group also gives access to").uncheck()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Who gains the role “Editor”")).to_be_visible()
    expect(page.get_by_text("Who loses access to “Research”")).to_be_visible()
    page.get_by_role("button", name="Give the role").click()

    expect(
        page.get_by_text("The members of “Research” now have the role “Editor”.")
    ).to_be_visible()
    assert roles_of(EMMY.user_name) == ([":editor"], False)


@pytest.mark.parametrize("pages", [ADMIN_GROUPS, PAGES])
def test_looks(look: Look, admin: User, research: LibraryGroupLink, pages: str) -> None:
    name = "pages-role" if pages == PAGES else "role"
    page = look.open(admin, f"{pages}{research.pk}/role/")
    look.inspect(page, name)
    page.goto(f"{pages}{research.pk}/role/?role=editor")
    look.inspect(page, f"{name}-confirm")
