"""What a customer's Okta changes, and who may configure it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from example_project.customers.models import Account, Membership
from example_project.libraries.models import Library
from tests.hosts.contract import HostContract
from tests.hosts.messages import group, person
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim.models import ScimToken, Slot
from tiled_scim.provider_check.expectations import TILED_SCHEMA

from .people import (
    generate_of,
    join,
    make_user,
    scim_of,
    settings_of,
    shown,
    signed_in,
    switch,
)

GRACE = "grace@consulting.example"
ADMIN: dict[str, Any] = {TILED_SCHEMA: {"tiledAdmin": True}}


def okta_of(account: Account) -> Scim:
    return Scim(f"Bearer {new_token(str(account.pk))[1]}")


def push(okta: Scim, user_name: str = GRACE, **attributes: Any) -> str:
    """Return the id of a person who is pushed now."""
    answer = okta.post("/Users", person(user_name, **attributes))
    assert answer.status == 201, answer.json
    return str(answer.json["id"])


def membership_of(user: User, account: Account) -> tuple[str, bool, str]:
    membership = Membership.objects.get(user=user, account=account)
    return membership.role, membership.is_active, membership.title


class TestExample(HostContract):
    accounts: ClassVar[tuple[str, ...]] = ("1", "2")

    @pytest.fixture(autouse=True)
    def _accounts(self, transactional_db: None) -> None:
        for key, name in zip(self.accounts, ("Acme Inc.", "Globex Corporation"), strict=True):
            Account.objects.get_or_create(pk=int(key), defaults={"name": name})


class TestPersonInTwoAccounts:
    def test_one_user_with_two_memberships(self, acme: Account, globex: Account) -> None:
        push(okta_of(acme), title="Consultant")
        push(okta_of(globex), title="Interim Manager", **ADMIN)

        grace = User.objects.get(username=GRACE)
        assert membership_of(grace, acme) == ("member", True, "Consultant")
        assert membership_of(grace, globex) == ("admin", True, "Interim Manager")
        assert not grace.is_staff

    def test_each_okta_gives_and_ends_its_own_access(self, acme: Account, globex: Account) -> None:
        keys = {}
        oktas = {account: okta_of(account) for account in (acme, globex)}
        for account, okta in oktas.items():
            keys[account] = push(okta)
            okta.post("/Groups", group(f"Maps of {account}", keys[account]))
        page = signed_in(User.objects.get(username=GRACE))
        assert shown(page) == ["Maps of Acme Inc."]
        switch(page, globex)
        assert shown(page) == ["Maps of Globex Corporation"]

        inactive = {"op": "replace", "value": {"active": False}}
        assert oktas[globex].patch(f"/Users/{keys[globex]}", inactive).status == 200

        grace = User.objects.get(username=GRACE)
        assert grace.is_active
        assert membership_of(grace, globex)[1] is False
        assert switch(page, globex).status_code == 404
        assert shown(page) == ["Maps of Acme Inc."]
        assert not Library.objects.get(account=globex).members.exists()

        oktas[acme].patch(f"/Users/{keys[acme]}", inactive)
        assert not User.objects.get(username=GRACE).is_active

    def test_groups_of_the_same_name_are_two_libraries(
        self, acme: Account, globex: Account
    ) -> None:
        for account in (acme, globex):
            assert okta_of(account).post("/Groups", group("Maps")).status == 201

        names = Library.objects.order_by("account").values_list("account__name", "name")
        assert list(names) == [("Acme Inc.", "Maps"), ("Globex Corporation", "Maps")]


def test_only_the_membership_is_locked(acme: Account) -> None:
    """Memberships are ordered by columns of other tables, whose rows must not be locked, too."""
    join(make_user(GRACE), acme)
    okta = okta_of(acme)

    with CaptureQueriesContext(connection) as queries:
        push(okta)

    table = connection.ops.quote_name("customers_membership")
    reads = [each["sql"] for each in queries if each["sql"].startswith(f"SELECT {table}")]
    assert reads
    assert not any(" JOIN " in sql for sql in reads), reads


class TestWhoMayConfigure:
    def test_admin_of_the_account(self, acme: Account, globex: Account) -> None:
        ada = make_user("ada@acme.example")
        join(ada, acme, role="admin")
        page = signed_in(ada)
        assert scim_of(acme) in page.get(settings_of(acme)).text

        response = page.get(scim_of(acme))
        assert "Acme Inc." in response.text
        assert settings_of(acme) in response.text
        response = page.post(generate_of(acme), {"token": ""})

        assert response.text.count("tscim_") == 1
        assert [token.account for token in ScimToken.objects.all()] == [str(acme.pk)]

    def test_admin_whom_okta_pushed(self, acme: Account) -> None:
        push(okta_of(acme), **ADMIN)

        assert signed_in(User.objects.get(username=GRACE)).get(scim_of(acme)).status_code == 200

    def test_two_tabs_keep_their_accounts(self, acme: Account, globex: Account) -> None:
        """What is generated is of the account that the tab shows, whatever another one did."""
        grace = make_user(GRACE)
        for account in (acme, globex):
            join(grace, account, role="admin")
        browser = signed_in(grace)
        tabs = {account: browser.get(scim_of(account)).text for account in (acme, globex)}
        switch(browser, globex)

        for account, tab in tabs.items():
            (action,) = re.findall(r'action="([^"]+/token/generate/)"', tab)
            answer = browser.post(action, {"token": ""})

            assert ScimToken.objects.get(account=str(account.pk), slot=Slot.NEWEST).is_current
            assert f"<summary>{account}</summary>" in answer.text
        assert ScimToken.objects.count() == 2

    def test_a_colleague_with_a_setup_link_of_another_account(
        self, acme: Account, globex: Account
    ) -> None:
        grace = make_user(GRACE)
        for account in (acme, globex):
            join(grace, account)
        third = Account.objects.create(name="Initech")

        opened = signed_in(grace).get(f"{scim_of(third)}setup/open/")

        assert opened.status_code == 200
        assert "<summary>Choose an account</summary>" in opened.text
        assert "Account Settings" not in opened.text

    @pytest.mark.parametrize(
        "membership", [None, {"role": "member"}, {"role": "admin", "is_active": False}]
    )
    @pytest.mark.parametrize("is_staff", [False, True])
    def test_nobody_else(
        self, acme: Account, membership: dict[str, Any] | None, is_staff: bool
    ) -> None:
        user = make_user("bob@acme.example", is_staff=is_staff, is_superuser=is_staff)
        if membership is not None:
            join(user, acme, **membership)
        page = signed_in(user)

        assert page.get(scim_of(acme)).status_code == 404
        assert page.post(generate_of(acme), {"token": ""}).status_code == 404
        assert not ScimToken.objects.exists()

    def test_not_with_the_role_of_another_account(self, acme: Account, globex: Account) -> None:
        grace = make_user(GRACE)
        join(grace, acme)
        join(grace, globex, role="admin")
        page = signed_in(grace)

        switch(page, globex)

        assert page.get(scim_of(globex)).status_code == 200
        assert page.get(scim_of(acme)).status_code == 404
        assert page.post(generate_of(acme), {"token": ""}).status_code == 404
        assert not ScimToken.objects.exists()

    def test_no_such_account(self, acme: Account) -> None:
        ada = make_user("ada@acme.example")
        join(ada, acme, role="admin")
        acme.pk += 1

        assert signed_in(ada).get(scim_of(acme)).status_code == 404
        assert signed_in(ada).get(settings_of(acme)).status_code == 404

    def test_somebody_who_is_not_signed_in(self, client: Client, acme: Account) -> None:
        for response in (client.get(scim_of(acme)), client.post(generate_of(acme), {"token": ""})):
            assert response["Location"].startswith(reverse("login"))
