"""Tests that the customers' pages have the host's own words, in each language, and never ours."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from tests.our_words import our_words
from tests.simple_project.libraries.models import Library
from tests.wire.client import NOBODY, TILED_USER, Scim, user
from tiled_scim.connections import Actor
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink
from tiled_scim.setup_links import create

from .customers import ADMIN, EVENTS, GROUPS, OPEN, PAGE, SETUP, SETUP_LINKS, USERS, read

pytestmark = pytest.mark.django_db

ELMER = "elmer@acme.example"


@pytest.fixture(autouse=True)
def words(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TILED_SCIM_ADMIN_NAME = "Curator"
    settings.TILED_SCIM_PRODUCT_NAME = "Atlas"
    monkeypatch.setattr(Library._meta, "verbose_name", "workspace")
    monkeypatch.setattr(Library._meta, "verbose_name_plural", "workspaces")


@pytest.fixture
def pages(okta: Scim, admin: Client) -> list[str]:
    """Make one of everything, and return the addresses of all pages."""
    elmer = okta.add_user(ELMER, **{TILED_USER: {"tiledAdmin": True}})
    coyotes = okta.add_group("Coyotes", elmer)
    okta.post("/Users", user(ELMER))
    okta.get(f"/Groups/{NOBODY}")
    link = LibraryGroupLink.objects.get(pk=coyotes)
    assert link.library is not None
    link.library.delete()
    roadrunners = LibraryGroupLink.objects.get(account="acme", display_name="Roadrunners").pk
    admin.post(SETUP_LINKS, {"hours": 1})
    return [
        PAGE,
        EVENTS,
        *(f"{EVENTS}{pk}/" for pk in ScimEvent.objects.values_list("pk", flat=True)),
        USERS,
        f"{USERS}{elmer}/",
        f"{USERS}{elmer}/unlink/",
        GROUPS,
        f"{GROUPS}?state=library_deleted",
        f"{GROUPS}{coyotes}/",
        f"{GROUPS}{coyotes}/resync/",
        f"{GROUPS}{coyotes}/unlink/",
        f"{GROUPS}{roadrunners}/",
        f"{GROUPS}{roadrunners}/unlink/",
        f"{GROUPS}{roadrunners}/move/",
        f"{GROUPS}{roadrunners}/move/?q=nothing",
        SETUP_LINKS,
        OPEN,
        SETUP,
    ]


@pytest.fixture
def reader(admin: Client) -> Client:
    """The browser of acme's admin, in which a setup link is open, too."""
    person = User.objects.get(username=ADMIN)
    code = create("acme", Actor("Support", person)).code
    assert admin.post(OPEN, {"code": code}).status_code == 302
    return admin


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_no_page_has_our_words(
    reader: Client, pages: list[str], language: str, settings: LazySettings
) -> None:
    settings.LANGUAGE_CODE = language
    with translation.override(language):
        texts = {address: read(reader.get(address)) for address in pages}

    assert list(our_words(texts)) == []


def test_the_pages_have_the_hosts_words(reader: Client, pages: list[str]) -> None:
    texts = {address: read(reader.get(address)) for address in pages}

    def shown(part: str) -> str:
        return " ".join(text for address, text in texts.items() if part in address)

    assert "Groups and workspaces" in texts[PAGE]
    for steps in (texts[PAGE], texts[SETUP]):
        assert "they become workspaces, to which their members have access" in steps
        assert "1 workspace linked" in steps
    assert "Users and workspaces are not changed" in texts[PAGE]
    assert "Curator Workspaces Last push" in texts[USERS]
    assert "Group Workspace State" in texts[GROUPS]
    assert "loses Curator" in shown("/unlink/")
    assert "Workspace deleted" in texts[GROUPS]
    assert "The workspace of the group “Coyotes” was deleted." in shown("/resync/")
    assert "To which workspace should “Roadrunners” be moved?" in shown("/move/")
    assert "There is no matching workspace" in shown("/move/")


def test_a_link_that_was_unlinked_by_hand_was_not_pushed(admin: Client, okta: Scim) -> None:
    link = UserLink.objects.filter(account="acme").earliest("pk")
    pushed_at = link.pushed_at
    address = f"{USERS}{link.pk}/unlink/"
    version = admin.get(address).context["tiled_scim"]["version"]

    assert admin.post(address, {"version": version}).status_code == 302

    link.refresh_from_db()
    assert link.unlinked_at is not None
    assert link.pushed_at == pushed_at
