"""Tests of the lists and pages of users and groups."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.accounts import Together
from tests.simple_project.libraries.models import Library
from tests.wire.client import TILED_USER, Scim, user
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

from .customers import GROUPS, OF_GLOBEX, USERS, column, read, rows

pytestmark = pytest.mark.django_db

TWEETY, WILE = "tweety@acme.example", "wile@acme.example"


def key_of(name: str) -> str:
    return str(UserLink.objects.get(account="acme", user_name=name).pk)


def roadrunners() -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(account="acme", display_name="Roadrunners")


class WithStaff(Together):
    """In this host, Tiled Admin is a field of the user."""

    @property
    def user_fields(self) -> dict[str, str]:
        return super().user_fields | {TILED_ADMIN: "is_staff"}


class TestUsers:
    def test_are_listed(
        self, okta: Scim, others: Scim, admin: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = WithStaff
        okta.post("/Users", user("elmer@acme.example", **{TILED_USER: {"tiledAdmin": True}}))
        okta.deactivate(key_of(WILE))

        response = admin.get(USERS)

        assert [row[:4] for row in rows(response)] == [
            ["elmer@acme.example", "Active", "Yes", "0"],
            [TWEETY, "Active", "", "1"],
            [WILE, "Deactivated", "", "1"],
        ]
        assert not OF_GLOBEX.search(response.text)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=TWEE", [TWEETY]),
            ("q=weety", []),
            ("state=active", [TWEETY]),
            ("state=deactivated", [WILE]),
            ("state=let_go", []),
            ("state=x", []),
            ("group=GROUP", [TWEETY, WILE]),
            ("group=x", []),
        ],
    )
    def test_are_filtered(self, okta: Scim, admin: Client, query: str, found: list[str]) -> None:
        okta.deactivate(key_of(WILE))
        okta.add_user("elmer@acme.example")
        UserLink.objects.filter(user_name="elmer@acme.example").delete()

        response = admin.get(f"{USERS}?{query.replace('GROUP', str(roadrunners().pk))}")

        assert column(response, 0) == found
        assert ("Group: Roadrunners" in read(response)) == ("GROUP" in query)

    def test_have_a_page(self, okta: Scim, admin: Client) -> None:
        response = admin.get(f"{USERS}{key_of(TWEETY)}/")

        text = read(response)
        assert "State Active" in text
        assert "Groups and Libraries (1)" in text
        assert "Roadrunners Roadrunners SCIM" in text
        assert f"userName {TWEETY}" in text
        assert "User provisioned" in text
        assert f'href="{USERS}{key_of(TWEETY)}/unlink/">Unlink…</a>' in response.text
        assert f'href="{GROUPS}{roadrunners().pk}/"' in response.text
        assert "/admin/" not in response.text

    def test_of_two_accounts_show_this_account_only(
        self, okta: Scim, others: Scim, admin: Client
    ) -> None:
        others.add_group("Secret lair too", others.add_user(TWEETY))

        text = read(admin.get(f"{USERS}{key_of(TWEETY)}/"))

        assert User.objects.filter(username=TWEETY).count() == 1
        assert UserLink.objects.filter(user_name=TWEETY).count() == 2
        assert "Groups and Libraries (1)" in text
        assert not OF_GLOBEX.search(text)


class TestGroups:
    def test_are_listed(self, okta: Scim, others: Scim, admin: Client) -> None:
        okta.add_group("Anvils")
        Library.objects.get(name="Anvils").delete()

        response = admin.get(GROUPS)

        assert [row[:4] for row in rows(response)] == [
            ["Anvils", "", "Library deleted", "0"],
            ["Roadrunners", "Roadrunners", "Linked", "2"],
        ]
        assert not OF_GLOBEX.search(response.text)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=road", ["Roadrunners"]),
            ("q=runners", []),
            ("state=linked", ["Roadrunners"]),
            ("state=let_go", ["Anvils"]),
            ("user=USER", ["Roadrunners"]),
        ],
    )
    def test_are_filtered(self, okta: Scim, admin: Client, query: str, found: list[str]) -> None:
        okta.delete(f"/Groups/{okta.add_group('Anvils')}")

        response = admin.get(f"{GROUPS}?{query.replace('USER', key_of(WILE))}")

        assert column(response, 0) == found

    def test_have_a_page(self, okta: Scim, admin: Client) -> None:
        group = roadrunners()

        response = admin.get(f"{GROUPS}{group.pk}/")

        text = read(response)
        assert "Library Roadrunners" in text
        assert "Members (2)" in text
        assert TWEETY in text
        for name in ("move", "resync", "unlink"):
            assert f'href="{GROUPS}{group.pk}/{name}/"' in response.text
        assert "/admin/" not in response.text

    def test_do_not_name_members_of_another_account(
        self, okta: Scim, others: Scim, admin: Client
    ) -> None:
        foreign = UserLink.objects.filter(account="globex").latest("pk")
        LibraryGroupMember.objects.create(group=roadrunners(), user=foreign)

        page = admin.get(f"{GROUPS}{roadrunners().pk}/")
        resync = admin.get(f"{GROUPS}{roadrunners().pk}/resync/")

        assert not OF_GLOBEX.search(page.text)
        assert not OF_GLOBEX.search(resync.text)
        assert "has members of another account (1)" in read(resync)


class TestQueries:
    @pytest.mark.parametrize("page", ["users", "groups", "user", "group", "connection"])
    def test_are_as_many_for_many_people_as_for_few(
        self, okta: Scim, admin: Client, page: str
    ) -> None:
        group = roadrunners()
        url = {
            "users": USERS,
            "groups": GROUPS,
            "user": f"{USERS}{key_of(WILE)}/",
            "group": f"{GROUPS}{group.pk}/",
            "connection": "/settings/scim/",
        }[page]
        admin.get(url)
        with CaptureQueriesContext(connection) as few:
            assert admin.get(url).status_code == 200
        wile = UserLink.objects.get(pk=key_of(WILE))
        for number in range(70):
            host = User.objects.create(username=f"u{number}")
            link = UserLink(account="acme", user=host)
            link.rename(f"person{number}@acme.example")
            link.save()
            library = Library.objects.create(name=f"Library {number}")
            other = LibraryGroupLink(account="acme", library=library)
            other.rename(f"Group {number}")
            other.save()
            LibraryGroupMember.objects.create(group=group, user=link)
            LibraryGroupMember.objects.create(group=other, user=wile)

        with CaptureQueriesContext(connection) as many:
            assert admin.get(url).status_code == 200

        assert len(many) == len(few)
