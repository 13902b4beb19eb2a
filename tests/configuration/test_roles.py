"""Tests of setting the role of a group on the customers' pages, in a host with several roles."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.accounts import WithAdmins, client_of
from tests.roles import WithRoles, give_by_hand, roles_of
from tests.simple_project.libraries.models import Library
from tests.wire.client import TILED_USER, Scim, user
from tests.wire.state import access
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import LibraryGroupLink, ScimEvent

from .customers import ADMIN, GROUPS, USERS, browser, read

WILE, TWEETY = "wile@acme.example", "tweety@acme.example"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_roles(customers: None, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithRoles


@pytest.fixture
def group(okta: Scim) -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(display_name="Roadrunners")


def url(group: LibraryGroupLink, query: str = "") -> str:
    return f"{GROUPS}{group.pk}/role/{query}"


def confirm(admin: Client, page: str) -> Any:
    version = admin.get(page).context["version"]
    return admin.post(page, {"version": version}, follow=True)


def test_choice(admin: Client, group: LibraryGroupLink) -> None:
    assert "Set the role…" in read(admin.get(f"{GROUPS}{group.pk}/"))

    page = admin.get(url(group))

    shown = read(page)
    assert "Which role should the members of “Roadrunners” have? Editor Auditor Tiled" in shown
    assert "The group also gives access to the Library “Roadrunners”" in shown
    assert '<input type="checkbox" name="keep" value="1" id="role-keep" checked>' in page.text


def test_beside_the_library(admin: Client, group: LibraryGroupLink) -> None:
    give_by_hand(TWEETY, "editor")
    page = url(group, "?role=editor&keep=1")

    shown = read(admin.get(page))
    assert "Give the role “Editor” to the members of “Roadrunners”?" in shown
    assert f"Who gains the role “Editor” (1) {WILE}" in shown
    assert "The group still gives access to the Library “Roadrunners”." in shown
    assert "Who loses" not in shown
    assert roles_of(WILE) == ([], False)
    response = confirm(admin, page)

    assert "The members of “Roadrunners” now have the role “Editor”." in read(response)
    assert "Role Editor" in read(response)
    assert roles_of(WILE) == roles_of(TWEETY) == (["acme:editor"], False)
    assert access()["Roadrunners"] == {WILE, TWEETY}
    event = ScimEvent.objects.latest("pk")
    assert (event.action, event.account) == ("role_changed", "acme")
    assert event.actor == f"SCIM Configuration: {ADMIN}"
    assert event.changes == {
        "attributes": {"role": [None, "Editor"]},
        "added": {"number": 1, "names": [WILE]},
    }
    assert "Roadrunners Role: Editor" in read(admin.get(GROUPS))


def test_instead_of_the_library_and_back(admin: Client, group: LibraryGroupLink) -> None:
    page, library = url(group, "?role=auditor"), Library.objects.get(name="Roadrunners")

    shown = read(admin.get(page))
    assert f"Who loses access to “Roadrunners” (2) {TWEETY} {WILE}" in shown
    confirm(admin, page)

    assert access()["Roadrunners"] == set()
    assert "Library None Role Auditor" in read(admin.get(f"{GROUPS}{group.pk}/"))
    assert "Linked" in read(admin.get(f"{GROUPS}?state=linked"))
    link = User.objects.get(username=WILE).scim_links.get()
    assert "Roadrunners Role: Auditor SCIM" in read(admin.get(f"{USERS}{link.pk}/"))
    assert "Everything matches" in read(admin.get(f"{GROUPS}{group.pk}/resync/"))
    assert "No role" not in read(admin.get(url(group)))
    response = admin.get(url(group, "?role="), follow=True)
    assert "would give nothing. Move it to a Library first." in read(response)
    confirm(admin, f"{GROUPS}{group.pk}/move/?library={library.pk}")
    page = url(group, "?role=&keep=1")
    assert f"Who loses the role “Auditor” (2) {TWEETY} {WILE}" in read(admin.get(page))
    confirm(admin, page)
    assert roles_of(WILE) == ([], False)
    assert access()["Roadrunners"] == {WILE, TWEETY}


def test_tiled_admin(admin: Client, group: LibraryGroupLink) -> None:
    User.objects.filter(username=TWEETY).update(is_staff=True)
    page = url(group, f"?role={TILED_ADMIN}&keep=1")

    assert f"Who gains the role “Tiled Admin” (1) {WILE}" in read(admin.get(page))
    confirm(admin, page)
    assert roles_of(WILE) == ([], True)
    unlink = f"{GROUPS}{group.pk}/unlink/"
    assert f"Who loses the role “Tiled Admin” (1) {WILE}" in read(admin.get(unlink))
    confirm(admin, unlink)

    assert (roles_of(WILE), roles_of(TWEETY)) == (([], False), ([], True))


def test_tiled_admin_of_a_person_whom_another_account_has(
    okta: Scim, admin: Client, group: LibraryGroupLink
) -> None:
    """It is a value of the person in this host, so no account changes it while they share it."""
    client_of("globex").add_user(WILE)
    page = url(group, f"?role={TILED_ADMIN}&keep=1")

    assert f"Who gains the role “Tiled Admin” (1) {TWEETY}" in read(admin.get(page))
    confirm(admin, page)
    assert (roles_of(WILE), roles_of(TWEETY)) == (([], False), ([], True))
    assert "Everything matches" in read(admin.get(f"{GROUPS}{group.pk}/resync/"))
    User.objects.filter(username=WILE).update(is_staff=True)
    okta.post("/Users", user("root@acme.example", **{TILED_USER: {"tiledAdmin": True}}))
    okta.delete(f"/Groups/{group.pk}")
    assert (roles_of(WILE), roles_of(TWEETY)) == (([], True), ([], False))
    event = ScimEvent.objects.get(action="library_unlinked")
    assert event.changes["attributes"] == {"role": ["Tiled Admin", None]}


def test_several_roles(okta: Scim, admin: Client, group: LibraryGroupLink) -> None:
    """Roles of people, of the attribute and of the group add up, and go one by one."""
    link = User.objects.get(username=WILE).scim_links.get()
    give_by_hand(WILE, "editor")
    give_by_hand(WILE, "owner", account="globex")
    confirm(admin, url(group, f"?role={TILED_ADMIN}&keep=1"))
    okta.patch(f"/Users/{link.pk}", {"op": "add", "path": "roles", "value": ["auditor"]})
    assert roles_of(WILE) == (["acme:auditor", "acme:editor", "globex:owner"], True)

    Group.objects.get(name="acme:editor").user_set.clear()
    okta.patch(f"/Users/{link.pk}", {"op": "remove", "path": "roles"})
    assert roles_of(WILE) == (["globex:owner"], True)
    okta.post("/Users", user("root@acme.example", **{TILED_USER: {"tiledAdmin": True}}))
    okta.patch(f"/Users/{link.pk}", {"op": "replace", "path": TILED_ADMIN, "value": False})
    assert roles_of(WILE) == (["globex:owner"], True)
    okta.delete(f"/Groups/{group.pk}")
    assert roles_of(WILE) == (["globex:owner"], False)


def test_page_that_is_out_of_date(okta: Scim, admin: Client, group: LibraryGroupLink) -> None:
    page = url(group, "?role=editor&keep=1")
    version = admin.get(page).context["version"]
    okta.patch(f"/Groups/{group.pk}", {"op": "replace", "path": "members", "value": []})

    response = admin.post(page, {"version": version}, follow=True)

    assert "Nothing was changed" in read(response)
    assert LibraryGroupLink.objects.get(pk=group.pk).role == ""


@pytest.mark.parametrize("role", ["owner", "x" * 300, "%00"])
def test_unknown_role(admin: Client, group: LibraryGroupLink, role: str) -> None:
    page = url(group, f"?role={role}&keep=1")
    version = admin.get(url(group, "?role=editor&keep=1")).context["version"]

    for response in (admin.get(page, follow=True), admin.post(page, {"version": version})):
        assert response.status_code in {200, 302}
    assert "There is no such role." in read(admin.get(page, follow=True))
    assert LibraryGroupLink.objects.get(pk=group.pk).role == ""


def test_form_without_a_role_changes_nothing(admin: Client, group: LibraryGroupLink) -> None:
    confirm(admin, url(group, "?role=editor&keep=1"))
    version = admin.get(url(group, "?role=auditor&keep=1")).context["version"]

    response = admin.post(url(group, "?keep=1"), {"version": version}, follow=True)

    assert "There is no such role." in read(response)
    assert roles_of(WILE) == (["acme:editor"], False)


def test_other_people_get_nothing(others: Scim, group: LibraryGroupLink) -> None:
    for name, statuses in (("member@acme", {302, 403, 404}), ("admin@globex", {404})):
        client = browser(name)
        for answer in (
            client.get(url(group, "?role=editor&keep=1")),
            client.post(url(group, "?role=editor&keep=1"), {"version": "x"}),
        ):
            assert answer.status_code in statuses
    assert LibraryGroupLink.objects.get(pk=group.pk).role == ""


def test_host_without_roles(admin: Client, group: LibraryGroupLink, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithAdmins

    assert "role" not in read(admin.get(f"{GROUPS}{group.pk}/")).lower()
    assert admin.get(url(group)).status_code == 404
    assert admin.post(url(group, "?role=editor"), {"version": "x"}).status_code == 404
