"""The host of docs/host-adapter.md: several customers, profiles, and memberships with a role."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tiled_scim.connections import Actor, Connection
from tiled_scim.models import ScimToken
from tiled_scim.schemas import TILED_USER

studio = apps.get_app_config("studio")
Organization: Any = studio.get_model("Organization")
Profile: Any = studio.get_model("Profile")
Library: Any = studio.get_model("Library")
Membership: Any = studio.get_model("Membership")

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Okta = Callable[..., Any]


@pytest.fixture(autouse=True)
def organizations(db: None) -> None:
    for slug in ("acme", "globex"):
        Organization.objects.create(slug=slug, name=slug.title(), has_scim=True)


@pytest.fixture
def acme() -> Okta:
    return okta_of("acme")


def okta_of(account: str) -> Okta:
    """Sends requests with the account's token."""
    token = Connection(account).rotate(Actor("Test")).plaintext
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def send(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = "" if body is None else json.dumps(body)
        return client.generic(
            method, f"/scim/v2/{path}", content, content_type="application/scim+json"
        )

    return send


def replace(value: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]}


def existing(user_name: str, account: str, **profile: Any) -> User:
    """A person whom people made in the host."""
    user = User.objects.create_user(user_name)
    organization = Organization.objects.get(slug=account)
    Profile.objects.create(user=user, organization=organization, **profile)
    return user


def ada() -> dict[str, Any]:
    return {
        "userName": "ada@acme.example",
        "title": "Head of Research",
        TILED_USER: {"tiledAdmin": True},
    }


class TestHost:
    def test_the_checks_find_nothing(self) -> None:
        call_command("check", fail_level="WARNING")

    def test_each_organization_is_an_account(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("scim_token", "generate", account="acme", quiet=True)

        token = capsys.readouterr().out.strip()
        current = ScimToken.objects.current("acme").newest
        assert current is not None
        assert current == ScimToken.objects.with_plaintext(token)

    def test_an_organization_without_the_feature_is_refused(self, acme: Okta) -> None:
        Organization.objects.update(has_scim=False)

        response = acme("POST", "Users", ada())

        assert response.status_code == 403
        assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("account", ["acme", "globex"])
def test_okta_gets_along_with_the_host(account: str, live_server: LiveServer) -> None:
    token = Connection(account).rotate(Actor("Test")).plaintext

    call_command("scim_check", url=f"{live_server.url}/scim/v2", token=token)

    assert Profile.objects.get().organization.slug == account
    assert not User.objects.get().is_active


def assert_knows_nothing(okta: Okta, response: Any) -> None:
    """The customer has a person of its own, as if nobody else existed, also after a DELETE."""
    assert response.status_code == 201
    key = response.json()["id"]
    assert response.json()["userName"] == "ada@acme.example"
    profile = Profile.objects.get(organization__slug="acme")
    assert (profile.title, profile.is_admin) == ("Head of Research", True)
    assert okta("POST", "Users", ada()).json()["detail"].count(key) == 1
    okta("DELETE", f"Users/{key}")
    restored = okta("POST", "Users", ada())
    assert (restored.status_code, restored.json()["id"]) == (201, key)


class TestUsers:
    def test_a_new_person_gets_a_profile(self, acme: Okta) -> None:
        response = acme("POST", "Users", ada())

        profile = Profile.objects.get()
        assert response.status_code == 201
        assert profile.user.username == "ada@acme.example"
        assert profile.organization.slug == "acme"
        assert (profile.title, profile.is_admin) == ("Head of Research", True)

    def test_the_profile_is_what_is_given_back_found_and_sorted_by(self, acme: Okta) -> None:
        acme("POST", "Users", ada())
        Profile.objects.update(title="Countess")

        response = acme("GET", 'Users?filter=title eq "countess"&sortBy=title')

        assert [found["title"] for found in response.json()["Resources"]] == ["Countess"]

    def test_an_update_is_saved_on_the_profile(self, acme: Okta) -> None:
        acme("POST", "Users", {**ada(), "userName": "grace@acme.example", "emails": []})
        key = acme("POST", "Users", ada()).json()["id"]

        response = acme("PATCH", f"Users/{key}", replace({f"{TILED_USER}:tiledAdmin": False}))

        profile = Profile.objects.get(user__username="ada@acme.example")
        assert response.json()[TILED_USER] == {"tiledAdmin": False}
        assert (profile.title, profile.is_admin) == ("Head of Research", False)

    def test_what_a_put_leaves_out_is_cleared_but_for_access(self, acme: Okta) -> None:
        key = acme("POST", "Users", ada()).json()["id"]

        response = acme("PUT", f"Users/{key}", {"userName": "ada@acme.example"})

        profile = Profile.objects.get()
        assert response.status_code == 200
        assert "title" not in response.json()
        assert (profile.title, profile.is_admin, profile.user.is_active) == ("", True, True)

    def test_a_person_of_the_same_customer_is_adopted(self, acme: Okta) -> None:
        user = existing("ada@acme.example", "acme")

        response = acme("POST", "Users", ada())

        assert response.status_code == 201
        assert User.objects.get() == user
        assert Profile.objects.get().title == "Head of Research"

    def test_a_person_of_another_customer_is_not(self, acme: Okta) -> None:
        existing("Ada@acme.example", "globex", title="Spy")

        response = acme("POST", "Users", ada())

        assert_knows_nothing(acme, response)
        assert Profile.objects.get(organization__slug="globex").title == "Spy"

    def test_nor_is_one_whom_the_okta_of_another_customer_manages(self, acme: Okta) -> None:
        okta_of("globex")("POST", "Users", {"userName": "ADA@acme.example"})

        response = acme("POST", "Users", ada())

        assert_knows_nothing(acme, response)
        assert okta_of("globex")("GET", "Users").json()["totalResults"] == 1

    def test_nor_is_a_superuser_of_the_host(self, acme: Okta) -> None:
        root = User.objects.create_superuser("ADA@acme.example")

        response = acme("POST", "Users", ada())

        assert_knows_nothing(acme, response)
        assert not Profile.objects.filter(user=root).exists()

    def test_a_rename_to_a_name_elsewhere_changes_nothing_there(self, acme: Okta) -> None:
        existing("grace@acme.example", "globex")
        key = acme("POST", "Users", ada()).json()["id"]
        User.objects.filter(scim_links__pk=key).update(username="chosen")

        response = acme("PATCH", f"Users/{key}", replace({"userName": "grace@acme.example"}))

        assert response.status_code == 200
        assert set(User.objects.values_list("username", flat=True)) == {
            "chosen",
            "grace@acme.example",
        }

    def test_an_owner_is_protected(self, acme: Okta) -> None:
        existing("ada@acme.example", "acme", title="Owner", is_owner=True)

        response = acme("POST", "Users", ada())

        assert response.status_code == 409
        assert "protected" in response.json()["detail"]
        assert Profile.objects.get().title == "Owner"


def move(user_name: str, account: str) -> None:
    """Move a person to another customer."""
    organization = Organization.objects.get(slug=account)
    Profile.objects.filter(user__username=user_name).update(organization=organization)


class TestMovedUsers:
    """A person who works for another customer now."""

    @pytest.fixture
    def key(self, acme: Okta) -> str:
        key = str(acme("POST", "Users", ada()).json()["id"])
        move("ada@acme.example", "globex")
        return key

    @pytest.mark.parametrize(
        ("method", "body"),
        [
            ("GET", None),
            ("PUT", {"userName": "ada@acme.example", "title": "Spy"}),
            ("PATCH", replace({"title": "Spy"})),
            ("PATCH", replace({"active": False})),
            ("DELETE", None),
        ],
    )
    def test_is_not_found(self, acme: Okta, key: str, method: str, body: Any) -> None:
        assert acme(method, f"Users/{key}", body).status_code == 404

        profile = Profile.objects.get()
        assert (profile.title, profile.user.is_active) == ("Head of Research", True)

    @pytest.mark.parametrize(
        "query",
        [
            *("", "?count=0", "?cursor", "?sortBy=title"),
            '?filter=userName eq "ada@acme.example"',
            "?filter=title pr",
        ],
    )
    def test_is_not_listed(self, acme: Okta, key: str, query: str) -> None:
        assert acme("GET", f"Users{query}").json()["totalResults"] == 0

    def test_is_not_shown_on_pages(self, acme: Okta, key: str) -> None:
        User.objects.update(last_name="Secret")
        browser = Client()
        browser.force_login(User.objects.create_superuser("root"))

        page = browser.get(f"/admin/tiled_scim/userlink/{key}/change/").text
        rows = browser.get("/admin/tiled_scim/userlink/?account=acme").text

        assert "Secret" not in page
        assert "Unlinked" in page
        assert "Unlinked" in rows

    def test_becomes_no_member(self, acme: Okta, key: str) -> None:
        acme("POST", "Groups", {"displayName": "Maps", "members": [{"value": key}]})

        assert not Membership.objects.exists()

    def test_is_another_user_when_pushed_again(self, acme: Okta, key: str) -> None:
        answer = acme("POST", "Users", ada())

        assert answer.status_code == 201
        assert answer.json()["id"] != key
        owners = Profile.objects.values_list("user__username", "organization__slug")
        assert dict(owners)["ada@acme.example"] == "globex"
        assert sorted(slug for _, slug in owners) == ["acme", "globex"]

    def test_is_not_restored(self, acme: Okta) -> None:
        key = acme("POST", "Users", ada()).json()["id"]
        acme("DELETE", f"Users/{key}")
        move("ada@acme.example", "globex")

        answer = acme("POST", "Users", ada())

        assert (answer.status_code, answer.json()["id"] == key) == (201, False)
        moved = Profile.objects.get(user__username="ada@acme.example")
        assert not moved.user.is_active
        assert not moved.is_admin

    def test_whose_name_somebody_else_has_is_another_user(self, acme: Okta, key: str) -> None:
        User.objects.update(username="ada@globex.example")

        response = acme("POST", "Users", {"userName": "ada@acme.example"})

        assert response.status_code == 201
        assert response.json()["id"] != key
        assert Profile.objects.get(user__username="ada@globex.example").title == "Head of Research"

    def test_is_the_new_customers_alone(self, acme: Okta, key: str) -> None:
        globex = okta_of("globex")
        other = globex("POST", "Users", {**ada(), "name": {"familyName": "King"}}).json()["id"]
        assert User.objects.get().last_name == "King"

        response = globex("PATCH", f"Users/{other}", replace({"active": False}))

        assert response.status_code == 200
        assert not User.objects.get().is_active

    def test_is_no_admin_of_the_old_customer(self, acme: Okta, key: str) -> None:
        grace = {"userName": "grace@acme.example", TILED_USER: {"tiledAdmin": True}}
        other = acme("POST", "Users", grace).json()["id"]

        response = acme("PATCH", f"Users/{other}", replace({f"{TILED_USER}:tiledAdmin": False}))

        assert response.status_code == 403

    def test_comes_back(self, acme: Okta, key: str) -> None:
        move("ada@acme.example", "acme")

        assert acme("GET", f"Users/{key}").status_code == 200


class TestMovedLibraries:
    @pytest.fixture
    def key(self, acme: Okta) -> str:
        user = acme("POST", "Users", ada()).json()["id"]
        group = {"displayName": "Maps", "members": [{"value": user}]}
        key = str(acme("POST", "Groups", group).json()["id"])
        Library.objects.update(organization=Organization.objects.get(slug="globex"))
        return key

    @pytest.mark.parametrize(
        ("method", "body"),
        [
            ("PUT", {"displayName": "Atlas"}),
            ("PATCH", replace({"displayName": "Atlas"})),
            ("PATCH", replace({"members": []})),
            ("DELETE", None),
        ],
    )
    def test_are_not_changed(self, acme: Okta, key: str, method: str, body: Any) -> None:
        assert acme(method, f"Groups/{key}", body).status_code == 404

        assert Library.objects.get().name == "Maps"
        assert Membership.objects.count() == 1

    def test_keep_members_who_leave(self, acme: Okta, key: str) -> None:
        user = acme("GET", "Users").json()["Resources"][0]["id"]

        assert acme("DELETE", f"Users/{user}").status_code == 204

        assert Membership.objects.count() == 1

    def test_a_push_makes_another(self, acme: Okta, key: str) -> None:
        assert acme("POST", "Groups", {"displayName": "Maps"}).json()["id"] == key

        owners = Library.objects.values_list("organization__slug", "name").order_by("pk")
        assert list(owners) == [("globex", "Maps"), ("acme", "Maps")]


class TestLibraries:
    def test_a_group_becomes_a_library_with_memberships(self, acme: Okta) -> None:
        key = acme("POST", "Users", ada()).json()["id"]

        response = acme("POST", "Groups", {"displayName": "Maps", "members": [{"value": key}]})

        membership = Membership.objects.get()
        assert response.status_code == 201
        assert (membership.library.name, membership.role) == ("Maps", "viewer")
        assert membership.library.organization.slug == "acme"
        assert membership.user.username == "ada@acme.example"

    def test_a_role_that_people_gave_outlives_the_group(self, acme: Okta) -> None:
        keys = [
            acme("POST", "Users", {"userName": name}).json()["id"] for name in ("ada", "charles")
        ]
        group = acme("POST", "Groups", {"displayName": "Maps"}).json()["id"]
        by_hand = Membership.objects.create(
            library=Library.objects.get(), user=User.objects.get(username="ada"), role="editor"
        )
        members = [{"value": key} for key in keys]
        acme("PATCH", f"Groups/{group}", replace({"members": members}))
        assert Membership.objects.count() == 2

        response = acme("DELETE", f"Groups/{group}")

        assert response.status_code == 204
        assert list(Membership.objects.values_list("pk", "role")) == [(by_hand.pk, "editor")]
        assert Library.objects.get().name == "Maps"

    def test_customers_have_libraries_of_the_same_name(self, acme: Okta) -> None:
        for okta in (acme, okta_of("globex")):
            okta("POST", "Groups", {"displayName": "Maps"})

        owners = Library.objects.values_list("organization__slug", "name").order_by("pk")
        assert list(owners) == [("acme", "Maps"), ("globex", "Maps")]
        assert acme("GET", "Groups").json()["totalResults"] == 1

    def test_only_a_library_of_the_same_customer_is_taken_over(
        self, acme: Okta, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        for slug in ("globex", "acme"):
            Library.objects.create(organization=Organization.objects.get(slug=slug), name="Maps")

        acme("POST", "Groups", {"displayName": "Maps"})

        adopted = Library.objects.filter(scim_links__isnull=False)
        assert list(adopted.values_list("organization__slug", flat=True)) == ["acme"]
        assert Library.objects.count() == 2

    def test_a_rename_follows_the_group(self, acme: Okta) -> None:
        group = acme("POST", "Groups", {"displayName": "Maps"}).json()["id"]

        response = acme("PATCH", f"Groups/{group}", replace({"displayName": "Atlas"}))

        assert response.status_code == 204
        assert Library.objects.get().name == "Atlas"


class TestUserAdmin:
    def test_tells_what_scim_knows_of_a_user(self, acme: Okta) -> None:
        key = acme("POST", "Users", ada()).json()["id"]
        acme("POST", "Groups", {"displayName": "Maps", "members": [{"value": key}]})
        browser = Client()
        browser.force_login(User.objects.create_superuser("root"))
        user = User.objects.get(username="ada@acme.example")

        response = browser.get(f"/admin/auth/user/{user.pk}/change/")

        assert "Managed by SCIM" in response.text
        assert f'<a href="/admin/tiled_scim/userlink/{key}/change/">' in response.text
        for shown in ("Acme", "Active", "Maps"):
            assert f"{shown}</" in response.text

    def test_the_lists_are_those_of_every_customer(self, acme: Okta) -> None:
        acme("POST", "Users", ada())
        acme("POST", "Groups", {"displayName": "Maps"})
        browser = Client()
        browser.force_login(User.objects.create_superuser("root"))

        for model, name in (("userlink", "ada@acme.example"), ("librarygrouplink", "Maps")):
            response = browser.get(f"/admin/tiled_scim/{model}/?account=acme")
            assert f">{name}</a>" in response.text
            assert (
                f">{name}</a>"
                not in browser.get(f"{response.request['PATH_INFO']}?account=globex").text
            )
