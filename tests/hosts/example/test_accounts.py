"""What people see of their accounts, and how they switch between them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.urls import reverse

from example_project.customers.models import Account, Membership
from example_project.libraries.models import Library

from .people import (
    LIBRARIES,
    join,
    make_library,
    make_user,
    settings_of,
    shown,
    signed_in,
    switch,
)


@pytest.fixture
def grace(acme: Account, globex: Account) -> User:
    """Somebody who belongs to both accounts, and has a Library in each."""
    user = make_user("grace@consulting.example", first_name="Grace", last_name="Hopper")
    for account in (acme, globex):
        join(user, account)
        make_library(account, f"Maps of {account}", user)
    return user


def detail(library: Library) -> str:
    return reverse("libraries:detail", args=[library.pk])


class TestLibraries:
    def test_only_those_of_the_current_account(self, grace: User) -> None:
        page = signed_in(grace)

        assert shown(page) == ["Maps of Acme Inc."]
        assert "Maps of Globex" not in page.get(LIBRARIES).text
        theirs = Library.objects.get(name="Maps of Globex Corporation")
        assert page.get(detail(theirs)).status_code == 404

    def test_only_those_with_the_person_as_member(self, acme: Account, grace: User) -> None:
        others = make_library(acme, "Moulds")
        page = signed_in(grace)

        assert shown(page) == ["Maps of Acme Inc."]
        assert page.get(detail(others)).status_code == 404

    def test_inactive_membership_opens_nothing(self, acme: Account) -> None:
        ada = make_user("ada@acme.example")
        membership = join(ada, acme)
        maps = make_library(acme, "Maps", ada)
        page = signed_in(ada)
        assert shown(page) == ["Maps"]
        assert page.get(detail(maps)).status_code == 200

        membership.is_active = False
        membership.save()

        assert shown(page) == []
        assert page.get(detail(maps)).status_code == 404
        assert "You do not belong to an account." in page.get(LIBRARIES).text

    def test_no_membership_opens_nothing(self, acme: Account) -> None:
        stranger = make_user("stranger@example.com")
        maps = make_library(acme, "Maps", stranger)
        page = signed_in(stranger)

        assert shown(page) == []
        assert page.get(detail(maps)).status_code == 404

    def test_people_with_access(self, acme: Account, grace: User) -> None:
        gone, outside = make_user("gone@acme.example"), make_user("outside@example.com")
        join(gone, acme, is_active=False)
        maps = Library.objects.get(name="Maps of Acme Inc.")
        maps.members.add(gone, outside)

        text = signed_in(grace).get(detail(maps)).text

        assert "Grace Hopper" in text
        assert "gone@acme.example" not in text
        assert "outside@example.com" not in text

    def test_without_libraries(self, acme: Account) -> None:
        ada = make_user("ada@acme.example")
        join(ada, acme)

        text = signed_in(ada).get(LIBRARIES).text

        assert "You do not have access to a Library of Acme Inc. yet." in text


class TestSwitcher:
    def test_both_accounts(self, acme: Account, globex: Account, grace: User) -> None:
        page = signed_in(grace)

        response = switch(page, globex)

        assert response["Location"] == LIBRARIES
        assert shown(page) == ["Maps of Globex Corporation"]
        switch(page, acme)
        assert shown(page) == ["Maps of Acme Inc."]

    def test_offers_active_accounts(self, acme: Account, globex: Account, grace: User) -> None:
        page = signed_in(grace)
        for account in (acme, globex):
            assert reverse("customers:switch", args=[account.pk]) in page.get(LIBRARIES).text

        Membership.objects.filter(user=grace, account=globex).update(is_active=False)

        assert "Globex" not in page.get(LIBRARIES).text
        assert "/switch/" not in page.get(LIBRARIES).text

    def test_only_to_active_accounts(self, acme: Account, globex: Account) -> None:
        ada = make_user("ada@acme.example")
        join(ada, acme)
        page = signed_in(ada)

        assert switch(page, globex).status_code == 404
        join(ada, globex, is_active=False)
        assert switch(page, globex).status_code == 404

        assert "Globex" not in page.get(LIBRARIES).text

    def test_current_account_that_ends(self, globex: Account, grace: User) -> None:
        page = signed_in(grace)
        switch(page, globex)

        Membership.objects.filter(user=grace, account=globex).update(is_active=False)

        assert shown(page) == ["Maps of Acme Inc."]

    def test_needs_a_form_and_a_person(self, acme: Account, grace: User, client: Client) -> None:
        url = reverse("customers:switch", args=[acme.pk])

        assert signed_in(grace).get(url).status_code == 405
        assert client.post(url)["Location"].startswith(reverse("login"))


class TestAccountSettings:
    def test_admin_sees_the_people(self, acme: Account, globex: Account) -> None:
        ada = make_user("ada@acme.example", first_name="Ada", last_name="Lovelace")
        join(ada, acme, role="admin", title="Head of Research")
        join(make_user("dorothy@globex.example"), globex)
        page = signed_in(ada)

        text = page.get(settings_of(acme)).text

        assert settings_of(acme) in page.get(LIBRARIES).text
        assert "Ada Lovelace" in text
        assert "Head of Research" in text
        assert "dorothy@globex.example" not in text

    @pytest.mark.parametrize(
        "membership", [None, {"role": "member"}, {"role": "admin", "is_active": False}]
    )
    def test_nobody_else(self, acme: Account, membership: dict[str, Any] | None) -> None:
        user = make_user("bob@acme.example")
        if membership is not None:
            join(user, acme, **membership)
        page = signed_in(user)

        assert page.get(settings_of(acme)).status_code == 404
        assert settings_of(acme) not in page.get(LIBRARIES).text


class TestSigningIn:
    def test_pages_ask_for_it_and_lead_back(
        self, client: Client, acme: Account, grace: User
    ) -> None:
        page = settings_of(acme)
        asked = client.get(page, follow=True)
        form = {
            "username": grace.username,
            "password": "a long pass phrase",
            "next": page,
        }

        signed = client.post(asked.redirect_chain[-1][0], form)

        assert asked.redirect_chain == [(f"{reverse('login')}?next={page}", 302)]
        assert (signed.status_code, signed["Location"]) == (302, page)

    def test_wrong_password(self, client: Client, grace: User) -> None:
        form = {"username": grace.username, "password": "guessed"}

        response = client.post(reverse("login"), form)

        assert "do not match an active user" in response.text
        assert isinstance(response.wsgi_request.user, AnonymousUser)

    def test_signing_out(self, grace: User) -> None:
        page = signed_in(grace)

        assert page.post(reverse("logout"))["Location"] == reverse("login")
        assert page.get(LIBRARIES).status_code == 302


class TestAdministration:
    def test_staff_manages_customers(self, acme: Account, globex: Account, grace: User) -> None:
        staff = User.objects.create_superuser("admin")
        page = signed_in(staff)
        library = Library.objects.get(name="Maps of Acme Inc.")

        for url in (
            reverse("admin:customers_account_changelist"),
            reverse("admin:customers_account_change", args=[acme.pk]),
            reverse("admin:auth_user_change", args=[grace.pk]),
            reverse("admin:libraries_library_changelist"),
            reverse("admin:libraries_library_change", args=[library.pk]),
        ):
            assert page.get(url).status_code == 200, url
        assert reverse("admin:index") in page.get(LIBRARIES).text
        assert reverse("admin:index") not in signed_in(grace).get(LIBRARIES).text
