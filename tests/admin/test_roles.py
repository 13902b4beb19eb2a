"""Tests of setting the role of a group in the Django admin."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.test import Client

from tests.accounts import SeenByStaff
from tests.roles import WithRoles, roles_of
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim
from tests.wire.state import access
from tiled_scim.models import LibraryGroupLink, ScimEvent

from .browser import signed_in, staff
from .reading import messages, read

pytestmark = pytest.mark.django_db

GROUPS = "/admin/tiled_scim/librarygrouplink/"


class Roles(SeenByStaff, WithRoles):
    """A host where everybody who may see a page of the admin sees all accounts there."""


@pytest.fixture(autouse=True)
def _with_roles(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Roles


@pytest.fixture
def changer() -> Client:
    return signed_in(staff("change_librarygrouplink"))


@pytest.fixture
def sales() -> str:
    """A group of acme with the members Ann and Bob."""
    okta = Scim(f"Bearer {new_token('acme')[1]}")
    return okta.add_group("Sales", okta.add_user(ANN), okta.add_user(BOB))


def test_gives_a_role_instead_of_the_library(changer: Client, sales: str) -> None:
    assert "Set the role…" in read(changer.get(f"{GROUPS}{sales}/change/"))
    page = f"{GROUPS}{sales}/role/"
    assert "Editor Auditor" in read(changer.get(page))

    shown = changer.get(f"{page}?role=editor")
    assert f"Who gains the role “Editor” (2) {ANN} {BOB}" in read(shown)
    assert f"Who loses access to “Sales” (2) {ANN} {BOB}" in read(shown)
    assert roles_of(ANN) == ([], False)
    response = changer.post(
        f"{page}?role=editor", {"version": shown.context["version"]}, follow=True
    )

    assert messages(response) == ["The members of “Sales” now have the role “Editor”."]
    assert "Library None Role Editor" in read(response)
    assert roles_of(ANN) == roles_of(BOB) == (["acme:editor"], False)
    assert access()["Sales"] == set()
    assert "Role: Editor" in read(changer.get(GROUPS))
    event = ScimEvent.objects.latest("pk")
    assert (event.action, event.actor) == ("role_changed", "Django admin: staff")
    assert "now have the role" in LogEntry.objects.latest("pk").change_message


def test_without_the_permission(sales: str) -> None:
    viewer = signed_in(staff("view_librarygrouplink"))

    assert "Set the role" not in read(viewer.get(f"{GROUPS}{sales}/change/"))
    page = f"{GROUPS}{sales}/role/?role=editor"
    assert viewer.get(page).status_code == viewer.post(page).status_code == 403
    assert LibraryGroupLink.objects.get().role == ""


def test_host_without_roles(changer: Client, sales: str, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = SeenByStaff
    LibraryGroupLink.objects.update(account="")

    assert "role" not in read(changer.get(f"{GROUPS}{sales}/change/")).lower()
    page = f"{GROUPS}{sales}/role/?role=editor"
    assert changer.get(page).status_code == changer.post(page).status_code == 404
