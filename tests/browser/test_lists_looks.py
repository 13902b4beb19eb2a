"""Events, users and groups, and what can be done to them by hand, as they look."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.browser.directory import ADA, EMMY
from tests.factories import make_library
from tests.simple_project.libraries.models import Library
from tiled_scim.models import Action, LibraryGroupLink, Outcome, ScimEvent, UserLink
from tiled_scim.provider_check.expectations import USER_SCHEMA
from tiled_scim.provider_check.session import Session, replace

from .looks import CREATED, Look
from .people import EVENTS, GROUPS, USERS, member_of_staff


@pytest.fixture
def admin(transactional_db: None) -> User:
    """One who may look at everything, and intervene."""
    return member_of_staff(
        "view_scimtoken",
        "view_scimevent",
        "change_userlink",
        "change_librarygrouplink",
        "view_user",
        "view_library",
    )


@pytest.fixture
def ada(okta: Session) -> UserLink:
    return UserLink.objects.get(user_name=ADA.user_name)


@pytest.fixture
def research(okta: Session) -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(display_name="Research")


def backdate() -> None:
    """Have everything happen when it always does in the documentation."""
    ScimEvent.objects.update(created_at=CREATED, token_last_four="k7Qm", duration=12)
    for model in (UserLink, LibraryGroupLink):
        model.objects.update(created_at=CREATED, updated_at=CREATED, pushed_at=CREATED)


def change_page_url(event: ScimEvent) -> str:
    return f"{EVENTS}{event.pk}/change/"


def test_events(look: Look, admin: User, okta: Session, ada: UserLink) -> None:
    okta.patch(f"/Users/{ada.pk}", replace({"title": "Director", "name.givenName": "Augusta"}))
    okta.send("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": ADA.user_name})
    backdate()

    page = look.open(admin, EVENTS)
    look.inspect(page, "events")
    page.goto(f"{EVENTS}?outcome={Outcome.REFUSED}&q=ada&created_at__year=2026")
    look.inspect(page, "events-found")
    page.locator("details.tiled-scim-filters > summary").click()
    look.inspect(page, "events-filters")
    page.locator("details.tiled-scim-filters > summary").click()
    page.goto(change_page_url(ScimEvent.objects.get(action=Action.USER_UPDATED)))
    look.inspect(page, "event")
    page.goto(change_page_url(ScimEvent.objects.get(outcome=Outcome.REFUSED)))
    look.inspect(page, "event-refused")
    page.goto(change_page_url(ScimEvent.objects.filter(action=Action.ACCESS_CHANGED)[0]))
    look.inspect(page, "event-members")


def test_users_and_groups(
    look: Look, admin: User, ada: UserLink, research: LibraryGroupLink
) -> None:
    backdate()

    page = look.open(admin, USERS)
    look.inspect(page, "users")
    page.goto(f"{USERS}{ada.pk}/change/")
    look.inspect(page, "user")
    page.goto(GROUPS)
    look.inspect(page, "groups")
    page.goto(f"{GROUPS}{research.pk}/change/")
    look.inspect(page, "group")
    page.goto(f"/admin/auth/user/{ada.user_id}/change/")
    look.inspect(page, "host-user")


def test_interventions(look: Look, admin: User, ada: UserLink, research: LibraryGroupLink) -> None:
    archive = make_library("Archive", ada.user)
    group = f"{GROUPS}{research.pk}"

    page = look.open(admin, f"{group}/move/")
    look.inspect(page, "move-choice")
    page.goto(f"{group}/move/?library={archive.pk}")
    look.inspect(page, "move")
    page.goto(f"{group}/let-go/")
    look.inspect(page, "let-go-group")
    page.goto(f"{USERS}{ada.pk}/let-go/")
    look.inspect(page, "let-go-user")
    page.goto(f"{group}/resync/")
    look.inspect(page, "resync-nothing")
    assert research.library is not None
    research.library.members.remove(User.objects.get(username=EMMY.user_name))
    page.reload()
    look.inspect(page, "resync")
    Library.objects.get(name="Research").delete()
    page.goto(f"{group}/change/")
    look.inspect(page, "group-without-library")
