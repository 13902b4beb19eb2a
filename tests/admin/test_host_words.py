"""Tests that the pages have the host's own words, in each language, and never ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import translation

from example_project.libraries.models import Library
from tests.factories import make_library
from tests.wire.client import ANN, BOB, NOBODY, TILED_USER, Scim, user
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink

from .reading import read

pytestmark = pytest.mark.django_db

SITE = "/admin/tiled_scim/"
# Names that are not ours to change: of the attribute in SCIM and of an app in Okta.
NAMES = re.compile(r"tiledAdmin|urn:ietf:\S+")
OURS = re.compile(r"\w*(?:Librar|Tiled|Bibliothe|bibliotec)\w*|\bhosts?\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def words(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TILED_SCIM_ADMIN_NAME = "Curator"
    settings.TILED_SCIM_PRODUCT_NAME = "Atlas"
    monkeypatch.setattr(Library._meta, "verbose_name", "workspace")
    monkeypatch.setattr(Library._meta, "verbose_name_plural", "workspaces")


@pytest.fixture
def pages(okta: Scim) -> list[str]:
    """Make one of everything, and return the addresses of all pages."""
    ann = okta.add_user(ANN, **{TILED_USER: {"tiledAdmin": True}})
    sales, ops = okta.add_group("Sales", ann), okta.add_group("Ops", ann)
    okta.patch(f"/Users/{ann}", {"op": "replace", "value": {TILED_USER: {"tiledAdmin": False}}})
    okta.post("/Groups", {"schemas": [], "displayName": "Sales"})
    okta.patch(f"/Users/{ann}", {"op": "replace", "value": {"active": False}})
    okta.add_user(BOB)
    okta.post("/Users", user(ANN, userName=BOB))
    okta.get(f"/Groups/{NOBODY}")
    archive = make_library("Archive", User.objects.get(username=ANN))
    LibraryGroupLink.objects.get(pk=ops).library.delete()  # type: ignore[union-attr]
    groups, users = f"{SITE}librarygrouplink/", f"{SITE}userlink/"
    return [
        "/admin/",
        SITE,
        f"{SITE}scimtoken/",
        f"{SITE}scimevent/",
        *(f"{SITE}scimevent/{event.pk}/change/" for event in ScimEvent.objects.all()),
        users,
        f"{users}{ann}/change/",
        f"{users}{ann}/let-go/",
        groups,
        f"{groups}?state=library_deleted",
        f"{groups}{sales}/change/",
        f"{groups}{sales}/let-go/",
        f"{groups}{sales}/resync/",
        f"{groups}{sales}/move/",
        f"{groups}{sales}/move/?q=nothing",
        f"{groups}{sales}/move/?library={archive.pk}",
        f"{groups}{ops}/change/",
        f"{groups}{ops}/let-go/",
        f"{groups}{ops}/resync/",
        f"/admin/auth/user/{UserLink.objects.get(pk=ann).user_id}/change/",
    ]


def found(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    for address, text in texts.items():
        yield from ((address, word) for word in OURS.findall(NAMES.sub("", text)))


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_no_page_has_our_words(
    admin_client: Client, pages: list[str], language: str, settings: LazySettings
) -> None:
    settings.LANGUAGE_CODE = language
    with translation.override(language):
        texts = {address: read(admin_client.get(address)) for address in pages[1:-1]}

    assert list(found(texts)) == []


def test_the_pages_have_the_hosts_words(admin_client: Client, pages: list[str]) -> None:
    texts = {address: read(admin_client.get(address)) for address in pages}

    def shown(part: str) -> str:
        return " ".join(text for address, text in texts.items() if part in address)

    assert "Groups and workspaces" in texts[SITE]
    assert "they become workspaces, to which their members have access" in shown("scimtoken")
    assert "For Curator , add an attribute" in shown("scimtoken")
    assert "1 workspace linked" in shown("scimtoken")
    assert "Curator given" in shown("scimevent")
    assert "Curator taken away" in shown("scimevent")
    assert "deactivated and loses Curator" in shown("userlink")
    assert "Curator No" in shown("userlink")
    assert "Workspace deleted" in shown("librarygrouplink")
    assert "To which workspace should “Sales” be moved?" in shown("move")
    assert "Move “Sales” to the workspace “Archive”?" in shown("move")
    assert "The workspace of the group “Ops” was deleted." in shown("resync")
    assert "making a new workspace of the group's name" in shown("resync")
    assert "Workspaces Sales" in shown("auth/user")


def test_a_message_and_a_refusal_have_them(admin_client: Client, okta: Scim) -> None:
    key = okta.add_group("Sales")
    archive = make_library("Archive")
    address = f"{SITE}librarygrouplink/{key}/move/?library={archive.pk}"
    version = admin_client.get(address).context["version"]

    moved = admin_client.post(address, {"version": version}, follow=True)
    again = admin_client.get(address, follow=True)

    assert "“Sales” is now linked to the workspace “Archive”." in moved.text
    assert "The group “Sales” feeds the workspace “Archive” already." in again.text
    with translation.override("de"):
        german = admin_client.get(address, follow=True, headers={"Accept-Language": "de"})
    assert "feeds" not in german.text
    assert LibraryGroupLink.objects.get().library == archive


def test_no_permission_speaks_of_a_library(admin_client: Client) -> None:
    """The host's admins choose permissions by these names, which the database has."""
    names = Permission.objects.filter(content_type__app_label="tiled_scim")

    assert [name for name in names.values_list("name", flat=True) if "ibrar" in name] == []
