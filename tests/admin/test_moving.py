"""Tests of moving a group to another Library and of resyncing it in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.accounts import SeenByStaff
from tests.factories import make_library
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, NOBODY, Scim
from tests.wire.state import access
from tiled_scim.models import LibraryGroupLink, ScimEvent

from .browser import signed_in, staff
from .reading import messages, read, text

pytestmark = pytest.mark.django_db

GROUPS = "/admin/tiled_scim/librarygrouplink/"


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"": "Main", "acme": "Acme"}

    def target_libraries(self) -> QuerySet[Any]:
        return Library.objects.filter(name__startswith=self.account or "Main")


@pytest.fixture
def changer() -> Client:
    return signed_in(staff("change_librarygrouplink"))


@pytest.fixture
def sales(okta: Scim) -> str:
    """A group with the members Ann and Bob."""
    return okta.add_group("Sales", okta.add_user(ANN), okta.add_user(BOB))


@pytest.fixture
def maps(sales: str) -> Library:
    """A Library that Bob can already access."""
    return make_library("Maps", User.objects.get(username=BOB))


def move(group: str, library: Library | None = None) -> str:
    """Return the URL to choose a Library, or to confirm the chosen one."""
    return f"{GROUPS}{group}/move/" + (f"?library={library.pk}" if library else "")


def resync(group: str) -> str:
    return f"{GROUPS}{group}/resync/"


def confirm(browser: Client, address: str) -> Any:
    """Open the page of an action, send its form and return the page that follows."""
    version = browser.get(address).context["version"]
    return browser.post(address, {"version": version}, follow=True)


class TestChoice:
    def test_offers_every_library_but_the_own(
        self, changer: Client, sales: str, maps: Library
    ) -> None:
        response = changer.get(move(sales))

        assert "To which Library should “Sales” be moved?" in read(response)
        assert f'<a href="?library={maps.pk}">Maps</a>' in response.text
        assert f"library={Library.objects.get(name='Sales').pk}" not in response.text

    def test_of_many_libraries_some_are_shown_and_all_can_be_found(
        self, changer: Client, sales: str
    ) -> None:
        Library.objects.bulk_create(Library(name=f"Atlas {number}") for number in range(10_000))
        with CaptureQueriesContext(connection) as queries:
            response = changer.get(move(sales))
        assert len(queries) <= 10
        assert response.text.count("?library=") == 20
        assert "There are more Libraries. Search by name to find them." in read(response)

        found = changer.get(move(sales), {"q": "ATLAS 9999"})

        assert found.text.count("?library=") == 1
        assert 'value="ATLAS 9999"' in found.text
        assert "There are more Libraries" not in read(found)
        nothing = changer.get(move(sales), {"q": "no such"})
        assert "There is no matching Library that this group can be moved to." in read(nothing)

    def test_offers_none_of_another_account(self, changer: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        for name in ("Main office", "acme office"):
            make_library(name)
        okta = Scim(f"Bearer {new_token('acme')[1]}")
        group = okta.add_group("acme people")

        response = changer.get(move(group))

        assert response.text.count("?library=") == 1
        assert "acme office" in response.text

    def test_names_are_not_html(self, changer: Client, sales: str) -> None:
        library = make_library("<script>alert(1)</script>")

        for address in (move(sales), move(sales, library)):
            html = changer.get(address).text
            assert "<script>alert" not in html
            assert "&lt;script&gt;alert" in html


class TestConfirmation:
    def test_names_who_gains_and_who_loses(
        self, okta: Scim, changer: Client, sales: str, maps: Library
    ) -> None:
        before = (ScimEvent.objects.count(), access())

        shown = read(changer.get(move(sales, maps)))

        assert "Move “Sales” to the Library “Maps”?" in shown
        assert f"Who gains access to “Maps” (1) {ANN}" in shown
        assert f"Who loses access to “Sales” (2) {ANN} {BOB}" in shown
        assert "The Library “Sales” and its contents are kept" in shown
        assert (ScimEvent.objects.count(), access()) == before

    def test_moves_the_access(self, okta: Scim, changer: Client, sales: str, maps: Library) -> None:
        response = confirm(changer, move(sales, maps))

        assert messages(response) == ["“Sales” is now linked to the Library “Maps”."]
        assert response.redirect_chain == [(f"{GROUPS}{sales}/change/", 302)]
        assert access() == {"Sales": set(), "Maps": {ANN, BOB}}
        assert "Library Maps" in read(response)
        assert len(okta.members(sales)) == 2

    def test_leaves_an_event_and_an_entry_in_the_log(
        self, changer: Client, sales: str, maps: Library
    ) -> None:
        before = ScimEvent.objects.count()

        confirm(changer, move(sales, maps))

        assert ScimEvent.objects.count() == before + 1
        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.actor, str(event.resource_id)) == (
            "library_moved",
            "Django admin: staff",
            sales,
        )
        assert event.changes["attributes"]["library"] == ["Sales", "Maps"]
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.get_change_message()) == (
            sales,
            "“Sales” is now linked to the Library “Maps”.",
        )

    def test_repairs_a_group_whose_library_was_deleted(
        self, okta: Scim, changer: Client, sales: str, maps: Library
    ) -> None:
        Library.objects.get(name="Sales").delete()
        assert "Move to another Library" in read(changer.get(f"{GROUPS}{sales}/change/"))
        shown = read(changer.get(move(sales, maps)))
        assert "Who loses access" not in shown

        confirm(changer, move(sales, maps))

        assert access() == {"Maps": {ANN, BOB}}
        assert okta.get(f"/Groups/{sales}").status == 200

    def test_of_what_changed_meanwhile_is_refused(
        self, okta: Scim, changer: Client, sales: str, maps: Library
    ) -> None:
        version = changer.get(move(sales, maps)).context["version"]
        okta.patch(f"/Groups/{sales}", {"op": "replace", "path": "members", "value": []})
        before = (ScimEvent.objects.count(), access())

        response = changer.post(move(sales, maps), {"version": version}, follow=True)

        assert response.redirect_chain == [(move(sales, maps), 302)]
        (message,) = messages(response)
        assert message.startswith("Nothing was changed, because “Sales” has changed")
        assert "Who loses access to “Sales” (0) Nobody." in read(response)
        assert (ScimEvent.objects.count(), access()) == before

    def test_to_a_library_that_was_deleted_meanwhile_leads_back_to_the_choice(
        self, changer: Client, sales: str, maps: Library
    ) -> None:
        version = changer.get(move(sales, maps)).context["version"]
        address = move(sales, maps)
        maps.delete()

        response = changer.post(address, {"version": version}, follow=True)

        assert response.redirect_chain == [(address, 302), (move(sales), 302)]
        assert set(messages(response)) == {"There is no such Library."}

    @pytest.mark.parametrize("library", ["", "x", "0", "9" * 30])
    def test_to_what_is_no_library_leads_back_to_the_choice(
        self, changer: Client, sales: str, library: str
    ) -> None:
        address = f"{move(sales)}?library={library}"

        version = changer.get(resync(sales)).context["version"]
        for response in (
            changer.get(address, follow=True),
            changer.post(address, {"version": version}, follow=True),
        ):
            assert response.redirect_chain[-1] == (move(sales), 302)
            assert "There is no such Library" in messages(response)[0]

    def test_to_a_library_of_another_account_is_refused(
        self, changer: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        okta = Scim(f"Bearer {new_token('acme')[1]}")
        group = okta.add_group("acme people", okta.add_user(ANN))
        other = make_library("Main office")
        version = changer.get(f"{GROUPS}{group}/resync/").context["version"]

        response = changer.post(move(group, other), {"version": version}, follow=True)

        assert set(messages(response)) == {"There is no such Library."}
        assert access()["Main office"] == set()

    def test_is_not_offered_for_an_unlinked_group(
        self, okta: Scim, changer: Client, sales: str, maps: Library
    ) -> None:
        okta.delete(f"/Groups/{sales}")

        assert "Actions" not in changer.get(f"{GROUPS}{sales}/change/").text
        for address in (move(sales), move(sales, maps), resync(sales)):
            response = changer.get(address, follow=True)
            assert messages(response) == ["SCIM no longer manages “Sales”."]

    @pytest.mark.parametrize("key", [NOBODY, "x"])
    def test_of_no_group(self, changer: Client, key: str) -> None:
        assert changer.get(move(key)).status_code == 404
        assert changer.get(resync(key)).status_code == 404


class TestResync:
    def test_shows_and_fixes_differences(self, changer: Client, sales: str) -> None:
        Library.objects.get(name="Sales").members.remove(User.objects.get(username=ANN))

        shown = read(changer.get(resync(sales)))
        assert "Resync the group “Sales”?" in shown
        assert f"has members without access to its Library: {ANN}." in shown
        assert access() == {"Sales": {BOB}}
        response = confirm(changer, resync(sales))

        assert messages(response) == ["“Sales” has been fixed."]
        assert access() == {"Sales": {ANN, BOB}}
        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.actor) == ("access_repaired", "Django admin: staff")
        assert LogEntry.objects.get().object_id == sales

    def test_creates_a_library_again_that_people_deleted(
        self, okta: Scim, changer: Client, sales: str
    ) -> None:
        Library.objects.all().delete()

        confirm(changer, resync(sales))

        assert access() == {"Sales": {ANN, BOB}}
        assert okta.get(f"/Groups/{sales}").status == 200

    def test_has_no_button_where_everything_agrees(self, changer: Client, sales: str) -> None:
        response = changer.get(resync(sales))

        assert "There is nothing to fix." in read(response)
        assert "<button" not in response.text.partition("tiled-scim-answer")[2]

    def test_of_what_agrees_leaves_no_trace(self, changer: Client, sales: str) -> None:
        before = ScimEvent.objects.count()

        response = confirm(changer, resync(sales))

        assert messages(response) == ["There was nothing left to do."]
        assert ScimEvent.objects.count() == before
        assert not LogEntry.objects.exists()

    def test_of_what_changed_meanwhile_is_refused(
        self, okta: Scim, changer: Client, sales: str
    ) -> None:
        Library.objects.get(name="Sales").members.clear()
        version = changer.get(resync(sales)).context["version"]
        okta.patch(f"/Groups/{sales}", {"op": "replace", "value": {"displayName": "Verkauf"}})

        response = changer.post(resync(sales), {"version": version}, follow=True)

        assert "has changed since you opened this page" in messages(response)[0]
        assert access() == {"Verkauf": set()}


class TestPermissions:
    def test_who_may_only_view_gets_403(self, sales: str, maps: Library) -> None:
        viewer = signed_in(staff("view_librarygrouplink", "change_userlink"))

        for address in (move(sales), move(sales, maps), resync(sales)):
            assert viewer.get(address).status_code == 403
            assert viewer.post(address, {"version": "x"}).status_code == 403
        assert "Move to another" not in text(viewer.get(f"{GROUPS}{sales}/change/").text)
        assert LibraryGroupLink.objects.filter(library__name="Sales").exists()

    def test_a_post_without_the_csrf_token_is_refused(self, sales: str, maps: Library) -> None:
        browser = signed_in(staff("change_librarygrouplink"), enforce_csrf_checks=True)

        for address in (move(sales, maps), resync(sales)):
            version = browser.get(address).context["version"]
            assert browser.post(address, {"version": version}).status_code == 403
        assert LibraryGroupLink.objects.filter(library__name="Sales").exists()
