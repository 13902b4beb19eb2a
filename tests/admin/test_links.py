"""Tests of the lists and pages of users and groups, and of unlinking them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.accounts import SeenByStaff
from tests.factories import make_library, make_user
from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, NOBODY, TILED_USER, Scim, user
from tests.wire.state import access, people
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    PriorAccess,
    ScimEvent,
    UserLink,
)
from tiled_scim.scim.text import fold

from .browser import signed_in, staff
from .reading import column, messages, read, rows, text

pytestmark = pytest.mark.django_db

USERS = "/admin/tiled_scim/userlink/"
GROUPS = "/admin/tiled_scim/librarygrouplink/"
MOST_QUERIES = 10
SCRIPT = "<script>alert(1)</script>"


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"": "Main", "acme": "Acme & Söhne"}


@pytest.fixture
def ann(okta: Scim) -> str:
    return okta.add_user(ANN)


@pytest.fixture
def sales(okta: Scim, ann: str) -> str:
    """A group with the member Ann."""
    return okta.add_group("Sales", ann)


@pytest.fixture
def viewer() -> Client:
    """A browser of a user who may view everything."""
    models = ("userlink", "librarygrouplink", "scimevent", "user", "library")
    return signed_in(staff(*(f"view_{model}" for model in models)))


@pytest.fixture
def changer() -> Client:
    return signed_in(staff("change_userlink", "change_librarygrouplink"))


def page(key: str) -> str:
    """Return the URL of the page of a user or group."""
    list_ = USERS if UserLink.objects.filter(pk=key).exists() else GROUPS
    return f"{list_}{key}/change/"


def unlink_url(key: str) -> str:
    """Return the URL to unlink a user or group."""
    return page(key).replace("change", "let-go")


def confirm(browser: Client, address: str, **fields: str) -> Any:
    """Open the page of an action, send its form and return the page that follows."""
    version = browser.get(address).context["version"]
    return browser.post(address, {"version": version, **fields}, follow=True)


class TestUsers:
    def test_are_listed_with_all_that_matters(self, okta: Scim, viewer: Client, sales: str) -> None:
        bob = okta.post("/Users", user(BOB, **{TILED_USER: {"tiledAdmin": True}})).json["id"]
        okta.deactivate(bob)
        okta.delete(f"/Users/{okta.add_user('carl@example.com')}")

        response = viewer.get(USERS)

        assert [row[:5] for row in rows(response)] == [
            [ANN, ANN, "Active", "", "1"],
            [BOB, BOB, "Deactivated", "Yes", "0"],
            ["carl@example.com", "carl@example.com", "Unlinked", "", "0"],
        ]
        host = User.objects.get(username=ANN)
        assert f'<a href="/admin/auth/user/{host.pk}/change/">{ANN}</a>' in response.text
        assert f'<a href="{USERS}{bob}/change/">{BOB}</a>' in response.text

    def test_an_edit_in_the_host_shows_at_once(self, viewer: Client, ann: str) -> None:
        User.objects.filter(username=ANN).update(is_active=False, username="ann")

        assert rows(viewer.get(USERS))[0][:3] == [ANN, "ann", "Deactivated"]

    def test_libraries_are_counted_once(self, okta: Scim, viewer: Client, sales: str) -> None:
        ann = str(UserLink.objects.get().pk)
        both = LibraryGroupLink.objects.get(pk=okta.add_group("Both", ann))
        okta.delete(f"/Groups/{okta.add_group('Gone', ann)}")
        assert column(viewer.get(USERS), 4) == ["2"]

        LibraryGroupLink.objects.filter(pk=both.pk).update(
            library=Library.objects.get(name="Sales")
        )

        assert column(viewer.get(USERS), 4) == ["1"]

    @pytest.mark.parametrize(
        ("state", "found"), [("active", [ANN]), ("deactivated", [BOB]), ("let_go", ["carl"])]
    )
    def test_are_filtered_by_state(
        self, okta: Scim, viewer: Client, ann: str, state: str, found: list[str]
    ) -> None:
        okta.deactivate(okta.add_user(BOB))
        okta.delete(f"/Users/{okta.add_user('carl')}")

        assert column(viewer.get(f"{USERS}?state={state}"), 0) == found

    @pytest.mark.parametrize(
        ("term", "found"),
        [
            ("ÄRZ", ["Ärztin@example.com"]),
            ("ärztin@", ["Ärztin@example.com"]),
            ("rztin", []),
            ("arz", []),
            ("00uA", ["Ärztin@example.com"]),
            ("00ua", []),
            ("%", []),
            (NOBODY, []),
        ],
    )
    def test_are_found(self, okta: Scim, viewer: Client, term: str, found: list[str]) -> None:
        key = okta.add_user("Ärztin@example.com", externalId="00uA")
        okta.add_user("arnold@example.com")

        assert column(viewer.get(USERS, {"q": term}), 0) == found
        assert column(viewer.get(USERS, {"q": key}), 0) == ["Ärztin@example.com"]

    def test_of_a_group_alone(self, okta: Scim, viewer: Client, sales: str) -> None:
        okta.add_user(BOB)

        response = viewer.get(f"{USERS}?group={sales}")

        assert column(response, 0) == [ANN]
        assert "By group All Sales" in text(response.text)
        assert viewer.get(f"{USERS}?group=x")["Location"] == f"{USERS}?e=1"

    def test_of_several_accounts(self, viewer: Client, ann: str, settings: LazySettings) -> None:
        UserLink.objects.create(
            account="acme",
            user=make_user("eve"),
            user_name="eve",
            user_name_canonical="eve",
        )
        assert "By account" not in text(viewer.get(USERS).text)
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts

        assert column(viewer.get(USERS), 6) == ["Main", "Acme & Söhne"]
        assert column(viewer.get(f"{USERS}?account=acme"), 0) == ["eve"]
        assert "Account Main" in read(viewer.get(page(ann)))

    def test_can_be_sorted_by_name_and_last_push(self, okta: Scim, viewer: Client) -> None:
        b = okta.add_user("b")
        okta.add_user("A")
        assert column(viewer.get(USERS), 0) == ["A", "b"]
        assert column(viewer.get(f"{USERS}?o=-0"), 0) == ["b", "A"]

        okta.patch(f"/Users/{b}", {"op": "replace", "path": "title", "value": "x"})

        assert column(viewer.get(f"{USERS}?o=-5"), 0) == ["b", "A"]


class TestUserPage:
    def test_shows_the_user_as_scim_does(self, okta: Scim, viewer: Client) -> None:
        key = okta.add_user(
            ANN,
            externalId="00uA",
            title="Geschäftsführerin",
            emails=[{"value": "ann@home.example", "type": "home"}],
        )

        shown = read(viewer.get(page(key)))

        assert f"{ANN} State Active User of this site {ANN} Tiled Admin No First pushed" in shown
        assert f"id {key}" in shown
        assert "externalId 00uA" in shown
        assert "title Geschäftsführerin" in shown
        assert "active true" in shown
        assert "value: ann@home.example, type: home" in shown
        assert "Account" not in shown

    def test_shows_groups_and_libraries(self, okta: Scim, viewer: Client, sales: str) -> None:
        ann = str(UserLink.objects.get().pk)
        make_library("Maps", User.objects.get(username=ANN))
        okta.add_group("Karten", ann)
        LibraryGroupLink.objects.filter(display_name="Karten").update(
            library=Library.objects.get(name="Maps")
        )
        PriorAccess.objects.create(
            library=Library.objects.get(name="Maps"), user=User.objects.get(username=ANN)
        )

        response = viewer.get(page(ann))

        shown = read(response)
        assert "Groups and Libraries (2) Group Library Access given by" in shown
        assert "Karten Maps people Sales Sales SCIM" in shown
        library = Library.objects.get(name="Sales")
        assert f'<a href="{GROUPS}{sales}/change/">Sales</a>' in response.text
        assert f'<a href="/admin/libraries/library/{library.pk}/change/">Sales</a>' in response.text

    def test_shows_recent_events(self, okta: Scim, viewer: Client, ann: str) -> None:
        for number in range(11):
            okta.patch(f"/Users/{ann}", {"op": "replace", "path": "title", "value": str(number)})

        response = viewer.get(page(ann))

        shown = read(response)
        assert shown.count("User updated Done") == 10
        assert "User provisioned" not in shown
        assert f'<a href="/admin/tiled_scim/scimevent/?resource={ann}">' in response.text
        other = read(signed_in(staff2("view_userlink")).get(page(ann)))
        assert "Recent events" not in other

    def test_shows_links_to_what_a_person_may_see_only(self, ann: str, sales: str) -> None:
        html = signed_in(staff("view_userlink")).get(page(ann)).text

        assert "Sales" in html
        assert GROUPS not in html
        assert "/admin/libraries/" not in html
        assert "/admin/auth/" not in html

    def test_never_shows_a_password(self, okta: Scim, viewer: Client) -> None:
        key = okta.add_user(ANN, password="correct horse")

        assert "horse" not in viewer.get(page(key)).text

    def test_nothing_that_was_sent_is_html(self, okta: Scim, viewer: Client) -> None:
        key = okta.add_user(SCRIPT, title=SCRIPT, externalId=SCRIPT)
        group = okta.add_group(SCRIPT, key)

        for address in (USERS, GROUPS, page(key), page(group), unlink_url(key), unlink_url(group)):
            response = admin_browser().get(address)
            assert SCRIPT in unescape(response.text)
            assert SCRIPT not in response.text

    def test_an_unlinked_user_is_shown_as_unlinked(
        self, okta: Scim, changer: Client, ann: str
    ) -> None:
        okta.delete(f"/Users/{ann}")

        response = changer.get(page(ann))

        assert "State Unlinked" in read(response)
        assert "If it is pushed again, it is linked again with the same id." in read(response)
        assert "let-go" not in response.text

    @pytest.mark.parametrize("key", [NOBODY, "x"])
    def test_one_that_is_not_there_leads_back(self, viewer: Client, key: str) -> None:
        assert viewer.get(f"{USERS}{key}/change/")["Location"] == "/admin/"


def staff2(*codenames: str) -> User:
    """A browser of another staff user."""
    person = make_user("other", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return person


def admin_browser() -> Client:
    person, _ = User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)
    return signed_in(person)


class TestGroups:
    def test_are_listed_with_all_that_matters(self, okta: Scim, viewer: Client, sales: str) -> None:
        okta.delete(f"/Groups/{okta.add_group('Alt')}")
        okta.add_group("Mitte")
        Library.objects.get(name="Mitte").delete()
        library = Library.objects.get(name="Sales")
        Library.objects.filter(pk=library.pk).update(name="Verkäufe")

        response = viewer.get(GROUPS)

        assert [row[:4] for row in rows(response)] == [
            ["Alt", "Alt", "Unlinked", "0"],
            ["Mitte", "-", "Library deleted", "0"],
            ["Sales", "Verkäufe", "Linked", "1"],
        ]
        assert f'<a href="/admin/libraries/library/{library.pk}/change/">Verk' in response.text

    @pytest.mark.parametrize(
        ("state", "found"),
        [("linked", ["Sales"]), ("library_deleted", ["Mitte"]), ("let_go", ["Alt"])],
    )
    def test_are_filtered_by_state(
        self, okta: Scim, viewer: Client, sales: str, state: str, found: list[str]
    ) -> None:
        okta.delete(f"/Groups/{okta.add_group('Alt')}")
        okta.add_group("Mitte")
        Library.objects.get(name="Mitte").delete()

        assert column(viewer.get(f"{GROUPS}?state={state}"), 0) == found

    def test_are_found_and_filtered_by_user(
        self, okta: Scim, viewer: Client, ann: str, sales: str
    ) -> None:
        süd = okta.add_group("Süd")

        assert column(viewer.get(GROUPS, {"q": "SÜ"}), 0) == ["Süd"]
        assert column(viewer.get(GROUPS, {"q": "su"}), 0) == []
        assert column(viewer.get(GROUPS, {"q": süd}), 0) == ["Süd"]
        assert column(viewer.get(GROUPS, {"user": ann}), 0) == ["Sales"]

    def test_the_page_shows_members(self, okta: Scim, viewer: Client, sales: str) -> None:
        response = viewer.get(page(sales))

        shown = read(response)
        assert "Sales State Linked Library Sales First pushed" in shown
        assert f"Members (1) userName Access given by {ANN} SCIM" in shown
        assert f"id {sales} displayName Sales" in shown
        assert "All members" not in shown
        ann = UserLink.objects.get()
        assert f'<a href="{USERS}{ann.pk}/change/">{ANN}</a>' in response.text

    def test_many_members_are_cut_short(self, viewer: Client, sales: str) -> None:
        fill(150, group=LibraryGroupLink.objects.get())

        response = viewer.get(page(sales))

        assert "Members (151)" in read(response)
        assert "Only 100 are shown. All members" in read(response)
        assert len(column(viewer.get(f"{USERS}?group={sales}&p=2"), 0)) == 51

    def test_a_deleted_library_is_said_to_be_so(self, viewer: Client, sales: str) -> None:
        Library.objects.all().delete()

        assert "State Library deleted Library Deleted on this site" in read(viewer.get(page(sales)))


def fill(number: int, group: LibraryGroupLink | None = None) -> None:
    """Create users, and one group with all of them or a group for each user."""
    first = User.objects.count()
    hosts = insert(User(username=f"person{n}") for n in range(first, first + number))
    links = UserLink.objects.bulk_create(
        UserLink(user=host, user_name=host.username, user_name_canonical=fold(host.username))
        for host in hosts
    )
    libraries = insert(Library(name=host.username) for host in hosts)
    groups = (
        [group]
        if group
        else LibraryGroupLink.objects.bulk_create(
            LibraryGroupLink(library=library, display_name=library.name) for library in libraries
        )
    )
    LibraryGroupMember.objects.bulk_create(
        LibraryGroupMember(group=row, user=link, display=link.user_name)
        for row in groups
        for link in links
    )


class TestSpeed:
    @pytest.mark.parametrize("address", [USERS, GROUPS])
    @pytest.mark.parametrize("query", ["", "?state=let_go", "?q=person", "?account=", "?o=-0"])
    def test_a_list_takes_as_many_queries_for_many_as_for_few(
        self, viewer: Client, settings: LazySettings, address: str, query: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        fill(5)
        few = count(viewer, address + query)
        fill(30)

        assert count(viewer, address + query) == few <= MOST_QUERIES

    def test_a_page_takes_as_many_queries_for_many_as_for_few(
        self, viewer: Client, ann: str, sales: str
    ) -> None:
        for model in (UserLink, LibraryGroupLink):
            ContentType.objects.get_for_model(model)  # which a process asks for once
        few = {key: count(viewer, page(key)) for key in (ann, sales)}
        fill(30, group=LibraryGroupLink.objects.get())
        fill(10)

        assert {key: count(viewer, page(key)) for key in (ann, sales)} == few


def count(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)


class TestPermissions:
    def test_who_may_view_sees_no_button_and_can_force_nothing(
        self, viewer: Client, ann: str, sales: str
    ) -> None:
        for key in (ann, sales):
            assert "Actions" not in viewer.get(page(key)).text
            assert viewer.get(unlink_url(key)).status_code == 403
            assert viewer.post(unlink_url(key), {"version": "x"}).status_code == 403
        assert all(link.is_live for link in (*UserLink.objects.all(), *groups()))

    def test_the_change_permission_allows_actions_only(
        self, changer: Client, ann: str, sales: str
    ) -> None:
        for key in (ann, sales):
            shown = read(changer.get(page(key)))
            assert "Actions" in shown
            assert "Unlink…" in shown
            assert changer.post(page(key), {"user_name": "x"}).status_code == 403
            assert changer.get(page(key).replace("change", "delete")).status_code == 403
            delete = changer.post(page(key).replace("change", "delete"), {"post": "yes"})
            assert delete.status_code == 403
        assert changer.get(f"{USERS}add/").status_code == 403

    def test_a_superuser_cannot_delete_a_link(self, ann: str, sales: str) -> None:
        browser = admin_browser()
        for key, address in ((ann, USERS), (sales, GROUPS)):
            assert "Delete" not in browser.get(address).text
            delete = browser.post(page(key).replace("change", "delete"), {"post": "yes"})
            assert delete.status_code == 403
            selected = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
            browser.post(address, {**selected, "index": 0})
        assert UserLink.objects.count() == LibraryGroupLink.objects.count() == 1

    def test_who_may_not_gets_403(self, ann: str, sales: str) -> None:
        other = signed_in(staff("view_scimtoken", "delete_userlink", "add_userlink"))

        for address in (USERS, GROUPS, page(ann), page(sales), unlink_url(ann), unlink_url(sales)):
            assert other.get(address).status_code == 403
        index = other.get("/admin/").context["app_list"]
        assert [model["name"] for app in index for model in app["models"]] == [
            "Connection and token"
        ]

    def test_who_is_not_signed_in_is_asked_to(self, client: Client, ann: str) -> None:
        assert client.post(unlink_url(ann))["Location"].startswith("/admin/login/")

    def test_a_post_without_the_csrf_token_is_refused(self, ann: str) -> None:
        browser = signed_in(staff("change_userlink"), enforce_csrf_checks=True)
        version = browser.get(unlink_url(ann)).context["version"]

        assert browser.post(unlink_url(ann), {"version": version}).status_code == 403
        assert UserLink.objects.get().is_live


def groups() -> list[LibraryGroupLink]:
    return list(LibraryGroupLink.objects.all())


class TestDeletionByTheHost:
    def test_of_a_user_needs_no_permission_on_links(self, okta: Scim, ann: str, sales: str) -> None:
        browser = signed_in(staff("delete_user", "view_user"))
        host = User.objects.get(username=ANN)
        address = f"/admin/auth/user/{host.pk}/delete/"
        assert "Are you sure" in browser.get(address).text

        browser.post(address, {"post": "yes"})

        assert not User.objects.filter(username=ANN).exists()
        assert okta.get(f"/Users/{ann}").status == 404
        assert okta.members(sales) == []

    def test_of_a_library_needs_none_either(self, okta: Scim, sales: str) -> None:
        browser = signed_in(staff("delete_library", "view_library"))
        library = Library.objects.get()

        browser.post(f"/admin/libraries/library/{library.pk}/delete/", {"post": "yes"})

        assert not Library.objects.exists()
        assert okta.get(f"/Groups/{sales}").status == 404

    def test_links_can_be_deleted_with_nothing_but_their_user(self, ann: str) -> None:
        request = admin_browser().get(USERS).wsgi_request
        model_admin = admin.site.get_model_admin(UserLink)

        assert model_admin.has_delete_permission(request)
        assert not model_admin.get_model_perms(request)["delete"]
        assert model_admin.get_actions(request) == {}


class TestUnlinking:
    def test_of_a_user_says_what_will_happen(self, changer: Client, ann: str, sales: str) -> None:
        before = ScimEvent.objects.count()

        shown = read(changer.get(unlink_url(ann)))

        assert f"Unlink the user “{ANN}”?" in shown
        assert "is deactivated and loses Tiled Admin" in shown
        assert "Groups (1) Sales" in shown
        assert UserLink.objects.get().is_live
        assert ScimEvent.objects.count() == before
        assert not LogEntry.objects.exists()

    def test_of_a_user_is_what_a_delete_does(
        self, okta: Scim, changer: Client, ann: str, sales: str
    ) -> None:
        response = confirm(changer, unlink_url(ann))

        assert messages(response) == [f"“{ANN}” has been unlinked."]
        assert response.redirect_chain == [(USERS, 302)]
        assert people()[ANN] == "inactive"
        assert access() == {"Sales": set()}
        assert okta.get(f"/Users/{ann}").status == 404
        assert okta.members(sales) == []

    def test_leaves_an_event_and_an_entry_in_the_log(self, changer: Client, ann: str) -> None:
        confirm(changer, unlink_url(ann))

        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.outcome, event.actor) == (
            "user_unlinked",
            "done",
            "Django admin: staff",
        )
        assert (event.account, event.method, event.status) == ("", "", None)
        assert (str(event.resource_id), event.resource_name) == (ann, ANN)
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.user.username) == (ann, "staff")
        assert "has been unlinked" in entry.get_change_message()

    def test_of_a_user_whom_the_host_deletes(self, ann: str, settings: LazySettings) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"
        changer = signed_in(staff("change_userlink", "delete_user"))
        assert "permanently deleted from this site" in read(changer.get(unlink_url(ann)))

        confirm(changer, unlink_url(ann))

        assert ANN not in people()
        assert not UserLink.objects.exists()

    @pytest.mark.parametrize("is_registered", [True, False])
    def test_of_a_user_whom_the_host_deletes_needs_the_right_to_delete_users(
        self, changer: Client, ann: str, sales: str, settings: LazySettings, is_registered: bool
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"
        model_admin = type(admin.site.get_model_admin(User))
        if not is_registered:
            admin.site.unregister(User)
        try:
            assert unlink_url(ann) not in changer.get(page(ann)).text
            assert changer.get(unlink_url(ann)).status_code == 403
            assert changer.post(unlink_url(ann), {"version": ""}).status_code == 403
            assert changer.get(unlink_url(sales)).status_code == 200
        finally:
            if not is_registered:
                admin.site.register(User, model_admin)

        assert people()[ANN] == "active"
        assert UserLink.objects.get().unlinked_at is None

    def test_of_a_group_says_who_loses_access(
        self, okta: Scim, changer: Client, ann: str, sales: str
    ) -> None:
        bob = okta.add_user(BOB)
        okta.patch(f"/Groups/{sales}", {"op": "add", "path": "members", "value": [{"value": bob}]})
        other = okta.add_group("Too", bob)
        library = Library.objects.get(name="Sales")
        LibraryGroupLink.objects.filter(pk=other).update(library=library)

        shown = read(changer.get(unlink_url(sales)))

        assert "Unlink the group “Sales”?" in shown
        assert "The Library “Sales” and its contents are kept" in shown
        assert f"Who loses access (1) {ANN} Unlink" in shown

    def test_of_a_group_is_what_a_delete_does(
        self, okta: Scim, changer: Client, sales: str
    ) -> None:
        response = confirm(changer, unlink_url(sales))

        assert messages(response) == ["“Sales” has been unlinked."]
        event = ScimEvent.objects.latest("pk")
        assert (event.action, event.actor) == ("library_unlinked", "Django admin: staff")
        assert event.changes["removed"] == {"number": 1, "names": [ANN]}
        assert access() == {"Sales": set()}
        assert okta.get(f"/Groups/{sales}").status == 404

    def test_of_a_group_whose_library_was_deleted(
        self, okta: Scim, changer: Client, sales: str
    ) -> None:
        Library.objects.all().delete()
        shown = read(changer.get(unlink_url(sales)))

        response = confirm(changer, unlink_url(sales))

        assert "The Library of the group “Sales” was deleted." in shown
        assert "contents are kept" not in shown
        assert messages(response) == ["“Sales” has been unlinked."]
        assert LibraryGroupLink.objects.get().unlinked_at is not None
        assert not LibraryGroupMember.objects.exists()
        assert okta.add_group("Sales") == sales
        assert access() == {"Sales": set()}

    def test_of_what_changed_meanwhile_is_refused(
        self, okta: Scim, changer: Client, ann: str, sales: str
    ) -> None:
        seen = {key: changer.get(unlink_url(key)).context["version"] for key in (ann, sales)}
        okta.add_group("Another", ann)
        bob = okta.add_user(BOB)
        okta.patch(f"/Groups/{sales}", {"op": "add", "path": "members", "value": [{"value": bob}]})
        before = ScimEvent.objects.count()

        for key, version in seen.items():
            response = changer.post(unlink_url(key), {"version": version}, follow=True)
            assert response.redirect_chain == [(unlink_url(key), 302)]
            (message,) = messages(response)
            assert message.startswith("Nothing was changed, because “")
        assert changer.post(unlink_url(ann)).status_code == 302
        assert all(link.is_live for link in (*UserLink.objects.all(), *groups()))
        assert ScimEvent.objects.count() == before

    def test_of_an_unlinked_user(self, okta: Scim, changer: Client, ann: str) -> None:
        version = changer.get(unlink_url(ann)).context["version"]
        okta.delete(f"/Users/{ann}")

        for response in (
            changer.get(unlink_url(ann), follow=True),
            changer.post(unlink_url(ann), {"version": version}, follow=True),
        ):
            assert response.redirect_chain == [(page(ann), 302)]
            assert messages(response) == [f"SCIM no longer manages “{ANN}”."]

    def test_of_a_protected_user_is_refused_in_words(self, changer: Client, ann: str) -> None:
        User.objects.filter(username=ANN).update(is_superuser=True)

        response = confirm(changer, unlink_url(ann))

        (message,) = messages(response)
        assert "is protected in the application" in message
        assert UserLink.objects.get().is_live

    @pytest.mark.parametrize("key", [NOBODY, "x"])
    def test_of_an_unknown_link_is_404(self, changer: Client, key: str) -> None:
        assert changer.get(f"{USERS}{key}/let-go/").status_code == 404

    def test_is_done_for_the_account_of_the_link(
        self, changer: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        okta = Scim(f"Bearer {new_token('acme')[1]}")
        key = okta.add_user(ANN)

        confirm(changer, unlink_url(key))

        assert okta.get(f"/Users/{key}").status == 404
        assert ScimEvent.objects.filter(actor__startswith="Django").get().account == "acme"


def test_a_host_may_leave_its_users_out_of_the_admin(viewer: Client, sales: str) -> None:
    models: list[Any] = [User, Group, Library]
    registered = {model: type(admin.site.get_model_admin(model)) for model in models}
    admin.site.unregister(models)
    try:
        for address in (USERS, GROUPS, page(sales)):
            html = viewer.get(address).text
            assert "/admin/auth/" not in html
            assert "/admin/libraries/" not in html
    finally:
        for model, model_admin in registered.items():
            admin.site.register(model, model_admin)


class TestLastPush:
    """An intervention by hand is a change, but no push."""

    LONG_AGO = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)

    @pytest.fixture(autouse=True)
    def _backdate(self, sales: str) -> None:
        for model in (UserLink, LibraryGroupLink):
            model.objects.update(created_at=self.LONG_AGO, pushed_at=self.LONG_AGO)

    def shown(self, viewer: Client, key: str) -> str:
        return read(viewer.get(page(key)))

    def test_an_unlinking_is_none(self, viewer: Client, ann: str, sales: str) -> None:
        root = signed_in(User.objects.create_superuser("root"))
        for key in (sales, ann):
            address = f"{page(key).removesuffix('change/')}let-go/"
            version = root.get(address).context["version"]
            assert root.post(address, {"version": version}).status_code == 302

        for key in (sales, ann):
            assert "Last push Jan. 5, 2026" in self.shown(viewer, key)
        for link in (UserLink.objects.get(), LibraryGroupLink.objects.get()):
            assert link.pushed_at == self.LONG_AGO
            assert link.updated_at > self.LONG_AGO
            assert link.unlinked_at is not None

    def test_a_move_and_a_resync_are_none(self, viewer: Client, sales: str) -> None:
        root = signed_in(User.objects.create_superuser("root"))
        group = page(sales).removesuffix("change/")
        target = Library.objects.create(name="Archive")
        move = f"{group}move/?library={target.pk}"
        root.post(move, {"version": root.get(move).context["version"]})
        target.members.clear()
        root.post(f"{group}resync/", {"version": root.get(f"{group}resync/").context["version"]})

        link = LibraryGroupLink.objects.get()
        assert (link.library, target.members.count()) == (target, 1)
        assert link.pushed_at == self.LONG_AGO
        assert link.updated_at > self.LONG_AGO
        assert "Last push Jan. 5, 2026" in self.shown(viewer, sales)
        assert "Jan. 5, 2026" in rows(viewer.get(GROUPS))[0][-1]

    def test_a_request_is_one(self, okta: Scim, ann: str, sales: str) -> None:
        okta.patch(f"/Users/{ann}", {"op": "replace", "value": {"title": "Boss"}})
        okta.patch(f"/Groups/{sales}", {"op": "remove", "path": "members"})

        for link in (UserLink.objects.get(), LibraryGroupLink.objects.get()):
            assert link.pushed_at == link.updated_at > self.LONG_AGO

    def test_a_new_link_was_pushed_when_it_was_created(self, okta: Scim) -> None:
        link = UserLink.objects.get(pk=okta.add_user("bob@example.com"))

        assert link.pushed_at == link.updated_at == link.created_at

    def test_the_section_of_the_user_has_it_too(self, ann: str) -> None:
        UserLink.objects.update(updated_at=datetime(2026, 2, 6, tzinfo=UTC))
        editor = signed_in(staff("change_user", "view_userlink"))
        user = UserLink.objects.get().user_id

        shown = read(editor.get(f"/admin/auth/user/{user}/change/"))

        assert "Last push Jan. 5, 2026" in shown
        assert "Feb. 6" not in shown
