"""Tests of what an account's admin does to users and groups by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client

from tests.accounts import Together
from tests.factories import make_library
from tests.simple_project.libraries.models import Library
from tests.wire.client import Scim
from tests.wire.state import access, snapshot
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink

from .customers import ADMIN, GROUPS, OF_GLOBEX, PUSHED, USERS, read

pytestmark = pytest.mark.django_db

TWEETY, WILE = "tweety@acme.example", "wile@acme.example"
BY_HAND = f"SCIM Configuration: {ADMIN}"
RUNNERS = set(PUSHED["acme"]["Roadrunners"])


class WithTargets(Together):
    """Groups of acme may be moved to each Library of acme."""

    def target_libraries(self) -> QuerySet[Any]:
        return Library.objects.exclude(name__startswith="Secret")


@pytest.fixture(autouse=True)
def targets(customers: None, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithTargets


@pytest.fixture
def group(okta: Scim) -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(account="acme")


def url(link: UserLink | LibraryGroupLink, name: str) -> str:
    return f"{USERS if isinstance(link, UserLink) else GROUPS}{link.pk}/{name}/"


def version(admin: Client, page: str) -> dict[str, str]:
    return {"version": admin.get(page).context["version"]}


def last_event() -> tuple[str, str, str | None]:
    event = ScimEvent.objects.latest("pk")
    return event.action, event.actor, event.account


class TestUnlinking:
    def test_a_user_is_what_a_delete_does(self, okta: Scim, admin: Client) -> None:
        wile = UserLink.objects.get(user_name=WILE)
        page = url(wile, "unlink")

        shown = read(admin.get(page))
        assert f"Unlink the user “{WILE}”?" in shown
        assert "Groups (1) Roadrunners" in shown
        response = admin.post(page, version(admin, page), follow=True)

        assert response.redirect_chain == [(USERS, 302)]
        assert f"“{WILE}” has been unlinked." in read(response)
        assert last_event() == ("user_unlinked", BY_HAND, "acme")
        assert okta.get(f"/Users/{wile.pk}").status == 404
        assert not User.objects.get(username=WILE).is_active
        assert access()["Roadrunners"] == {TWEETY}
        assert not LogEntry.objects.exists()

    def test_a_group_names_who_loses_access(
        self, okta: Scim, admin: Client, group: LibraryGroupLink
    ) -> None:
        page = url(group, "unlink")

        assert f"Who loses access (2) {TWEETY} {WILE}" in read(admin.get(page))
        admin.post(page, version(admin, page))

        assert access()["Roadrunners"] == set()
        assert Library.objects.filter(name="Roadrunners").exists()
        assert last_event() == ("library_unlinked", BY_HAND, "acme")

    def test_is_not_done_twice(self, admin: Client, group: LibraryGroupLink) -> None:
        page = url(group, "unlink")
        fields = version(admin, page)
        admin.post(page, fields)
        before = snapshot(), ScimEvent.objects.count()

        response = admin.post(page, fields, follow=True)

        assert response.redirect_chain == [(f"{GROUPS}{group.pk}/", 302)]
        assert "SCIM no longer manages “Roadrunners”." in read(response)
        assert (snapshot(), ScimEvent.objects.count()) == before


class TestStaleForms:
    @pytest.mark.parametrize("name", ["unlink", "resync", "move"])
    def test_change_nothing(
        self, okta: Scim, admin: Client, group: LibraryGroupLink, name: str
    ) -> None:
        make_library("Anvils")
        page = url(group, name)
        if name == "move":
            page += f"?library={Library.objects.get(name='Anvils').pk}"
        fields = version(admin, page)
        okta.patch(f"/Groups/{group.pk}", {"op": "replace", "value": {"displayName": "Runners"}})
        before = snapshot(), ScimEvent.objects.count()

        for stale in (fields, {"version": ""}, {}):
            response = admin.post(page, stale, follow=True)
            assert "has changed since you opened this page" in read(response)
        assert (snapshot(), ScimEvent.objects.count()) == before


class TestResync:
    def test_gives_back_what_was_taken_away_by_hand(
        self, admin: Client, group: LibraryGroupLink
    ) -> None:
        Library.objects.get(name="Roadrunners").members.clear()
        page = url(group, "resync")

        assert "has members without access to its Library" in read(admin.get(page))
        response = admin.post(page, version(admin, page), follow=True)

        assert response.redirect_chain == [(f"{GROUPS}{group.pk}/", 302)]
        assert "“Roadrunners” has been fixed." in read(response)
        assert access() == {"Roadrunners": RUNNERS}
        assert last_event() == ("access_repaired", BY_HAND, "acme")

    def test_has_nothing_to_do_where_everything_agrees(
        self, admin: Client, group: LibraryGroupLink
    ) -> None:
        page = url(group, "resync")

        assert "There is nothing to fix." in read(admin.get(page))
        assert "There was nothing left to do." in read(
            admin.post(page, version(admin, page), follow=True)
        )


class TestMoving:
    def test_names_who_gains_and_who_loses_and_moves_the_access(
        self, okta: Scim, admin: Client, group: LibraryGroupLink
    ) -> None:
        anvils = make_library("Anvils", User.objects.get(username=WILE))
        page = url(group, "move")

        choice = admin.get(page)
        assert f'<a href="?library={anvils.pk}">Anvils</a>' in choice.text
        page += f"?library={anvils.pk}"
        shown = read(admin.get(page))
        assert f"Who gains access to “Anvils” (1) {TWEETY}" in shown
        assert f"Who loses access to “Roadrunners” (2) {TWEETY} {WILE}" in shown
        assert access()["Roadrunners"] == RUNNERS
        response = admin.post(page, version(admin, page), follow=True)

        assert "“Roadrunners” is now linked to the Library “Anvils”." in read(response)
        assert access() == {"Roadrunners": set(), "Anvils": RUNNERS}
        assert last_event() == ("library_moved", BY_HAND, "acme")

    def test_to_a_library_of_another_account_does_not_tell_its_name(
        self, others: Scim, admin: Client, group: LibraryGroupLink
    ) -> None:
        secret = Library.objects.get(name="Secret lair")
        page = url(group, "move")
        fields = version(admin, url(group, "resync"))
        before = access()

        assert not OF_GLOBEX.search(admin.get(page).text)
        for response in (
            admin.get(f"{page}?library={secret.pk}", follow=True),
            admin.post(f"{page}?library={secret.pk}", fields, follow=True),
        ):
            assert response.redirect_chain[-1] == (page, 302)
            assert "There is no such Library." in read(response)
            assert not OF_GLOBEX.search(response.text)
        assert access() == before

    @pytest.mark.parametrize("library", ["", "x", "0", "9" * 30, "%00"])
    def test_to_what_is_no_library_leads_back_to_the_choice(
        self, admin: Client, group: LibraryGroupLink, library: str
    ) -> None:
        page = f"{url(group, 'move')}?library={library}"
        fields = version(admin, url(group, "resync"))

        for response in (admin.get(page, follow=True), admin.post(page, fields, follow=True)):
            assert response.redirect_chain[-1] == (url(group, "move"), 302)
            assert "There is no such Library." in read(response)
