"""Tests of the host without accounts: what its users see."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.simple_project.libraries.models import Library
from tests.tokens import new_token

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ada@example.com", password="a long pass phrase")


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("admin", password="a long pass phrase")


def library(name: str, *members: User) -> Library:
    created = Library.objects.create(name=name)
    created.members.set(members)
    return created


class TestLibraries:
    def test_a_person_sees_the_libraries_that_are_open_to_them(
        self, client: Client, person: User
    ) -> None:
        mine = library("Surfaces", person)
        library("Moulds")
        client.force_login(person)

        response = client.get(reverse("libraries:list"))

        assert response.status_code == 200
        assert list(response.context["libraries"]) == [mine]
        assert "Surfaces" in response.text
        assert "Moulds" not in response.text

    def test_a_person_without_libraries_sees_how_to_get_one(
        self, client: Client, person: User
    ) -> None:
        client.force_login(person)

        assert (
            "You do not have access to a Library yet" in client.get(reverse("libraries:list")).text
        )

    def test_a_library_shows_who_can_open_it_and_leaves_out_who_cannot_any_more(
        self, client: Client, person: User
    ) -> None:
        gone = User.objects.create_user("bob@example.com", is_active=False)
        surfaces = library("Surfaces", person, gone)
        client.force_login(person)

        response = client.get(reverse("libraries:detail", args=[surfaces.pk]))

        assert response.status_code == 200
        assert "ada@example.com" in response.text
        assert "bob@example.com" not in response.text

    def test_a_library_of_others_is_not_found(self, client: Client, person: User) -> None:
        moulds = library("Moulds")
        client.force_login(person)

        assert client.get(reverse("libraries:detail", args=[moulds.pk])).status_code == 404

    def test_access_ends_with_membership(self, client: Client, person: User) -> None:
        surfaces = library("Surfaces", person)
        client.force_login(person)
        surfaces.members.remove(person)

        assert client.get(reverse("libraries:detail", args=[surfaces.pk])).status_code == 404

    @pytest.mark.parametrize("is_staff", [True, False])
    def test_only_staff_is_shown_the_way_to_the_administration(
        self, client: Client, person: User, is_staff: bool
    ) -> None:
        person.is_staff = is_staff
        person.save()
        client.force_login(person)

        shown = reverse("admin:index") in client.get(reverse("libraries:list")).text

        assert shown is is_staff

    def test_nothing_is_open_to_someone_who_is_not_signed_in(self, db: None) -> None:
        library("Nobody's")

        assert not Library.objects.open_to(AnonymousUser()).exists()


class TestSigningIn:
    def test_pages_ask_for_it_and_lead_back(self, client: Client, person: User) -> None:
        surfaces = library("Surfaces", person)
        page = reverse("libraries:detail", args=[surfaces.pk])

        asked = client.get(page, follow=True)
        signed_in = client.post(
            asked.redirect_chain[-1][0],
            {"username": "ada@example.com", "password": "a long pass phrase", "next": page},
        )

        assert asked.redirect_chain == [(f"{reverse('login')}?next={page}", 302)]
        assert (signed_in.status_code, signed_in["Location"]) == (302, page)

    def test_a_wrong_password_is_refused_with_words(self, client: Client, person: User) -> None:
        response = client.post(
            reverse("login"), {"username": "ada@example.com", "password": "guessed"}
        )

        assert response.status_code == 200
        assert "do not match an active account" in response.text
        assert not response.wsgi_request.user.is_authenticated

    def test_signing_out_ends_the_session(self, client: Client, person: User) -> None:
        client.force_login(person)

        response = client.post(reverse("logout"))

        assert response["Location"] == reverse("login")
        assert client.get(reverse("libraries:list")).status_code == 302

    def test_a_deactivated_person_loses_their_running_session(
        self, client: Client, person: User
    ) -> None:
        client.force_login(person)
        person.is_active = False
        person.save()

        assert client.get(reverse("libraries:list")).status_code == 302


class TestAdministration:
    def test_libraries_are_listed_with_their_member_counts_in_constant_queries(
        self,
        client: Client,
        administrator: User,
        person: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        library("Empty")
        library("Shared", administrator, person)
        client.force_login(administrator)
        page = reverse("admin:libraries_library_changelist")

        with django_assert_num_queries(5):  # session, user, two counts, the page
            response = client.get(page)

        counts = re.findall(r'field-member_count">(\d+)<', response.text)
        assert counts == ["0", "2"]

    def test_members_are_managed_in_the_administration(
        self, client: Client, administrator: User, person: User
    ) -> None:
        surfaces = library("Surfaces")
        client.force_login(administrator)

        response = client.post(
            reverse("admin:libraries_library_change", args=[surfaces.pk]),
            {"name": "Surfaces", "members": [person.pk]},
        )

        assert response.status_code == 302
        assert list(surfaces.members.all()) == [person]

    def test_users_are_managed_in_the_administration(
        self, client: Client, administrator: User, person: User
    ) -> None:
        client.force_login(administrator)

        response = client.get(reverse("admin:auth_user_change", args=[person.pk]))

        assert response.status_code == 200
        assert 'name="is_active"' in response.text


class Okta:
    """A SCIM client with its own token, separate from any user's session."""

    def __init__(self) -> None:
        _, token = new_token()
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self.client.generic(
            method, f"/scim/v2/{path}", json.dumps(body), content_type="application/scim+json"
        )
        assert response.status_code in {200, 201, 204}, response.text
        return response.json() if response.content else {}


@pytest.mark.django_db
class TestProvisioning:
    def test_what_okta_pushes_is_what_a_person_sees(self, client: Client) -> None:
        okta = Okta()
        page = reverse("libraries:list")

        ada = okta.send("POST", "Users", {"schemas": [USER], "userName": "ada@example.com"})
        client.force_login(User.objects.get(username="ada@example.com"))
        assert "Surfaces" not in client.get(page).text

        group = {"schemas": [GROUP], "displayName": "Surfaces", "members": [{"value": ada["id"]}]}
        surfaces = okta.send("POST", "Groups", group)
        assert "Surfaces" in client.get(page).text

        leave = {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}
        okta.send("PATCH", f"Groups/{surfaces['id']}", {"schemas": [PATCH], "Operations": [leave]})
        assert "Surfaces" not in client.get(page).text

        stop = {"op": "replace", "value": {"active": False}}
        okta.send("PATCH", f"Users/{ada['id']}", {"schemas": [PATCH], "Operations": [stop]})
        assert client.get(page).status_code == 302


class TestSettings:
    def test_models_and_migrations_agree(self, db: None) -> None:
        call_command("makemigrations", "--check", "--dry-run", "--verbosity=0")

    def test_the_files_of_the_administration_are_served_without_debug(
        self, client: Client, db: None
    ) -> None:
        response = client.get("/static/admin/css/base.css")
        response.close()

        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/css")
