"""Tests that only an admin of the account sees its pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from tests.admin.browser import PLAINTEXT, api_status, confirmed
from tests.tokens import new_token
from tests.wire.client import NOBODY, Scim
from tests.wire.state import access, snapshot
from tiled_scim import clients, logout, setup_links
from tiled_scim.connections import Actor
from tiled_scim.models import (
    LibraryGroupLink,
    LogoutIssuer,
    ScimClient,
    ScimClientSecret,
    ScimEvent,
    ScimToken,
    SetupLink,
    UserLink,
)

from .customers import (
    ADMIN,
    CLIENTS,
    EVENTS,
    GENERATE,
    GROUPS,
    LISTS,
    LOGOUT,
    MEMBER,
    OF_GLOBEX,
    OTHER_ADMIN,
    PAGE,
    REVOKE,
    SETUP_LINKS,
    USERS,
    browser,
)

pytestmark = pytest.mark.django_db


JOB = Actor("a test")
FEDERATION = clients.Federation(
    issuer="https://login.microsoftonline.com/contoso/v2.0",
    jwks_url="https://login.microsoftonline.com/contoso/discovery/v2.0/keys",
    subject="6f8f4c6a",
    audience="api://1b2c/.default",
)
# Forms without anything of an account in them.
OF_OWN_ACCOUNT = {
    SETUP_LINKS,
    f"{CLIENTS}add/",
    f"{CLIENTS}add-federated/",
    f"{LOGOUT}turn-off/",
}


def pages_of(account: str) -> Iterator[str]:
    """Return the URLs of all pages about what an account has."""
    yield from (PAGE, *LISTS)
    yield from (f"{CLIENTS}{client.client_id}/" for client in ScimClient.objects.current(account))
    yield from (f"{EVENTS}{event.pk}/" for event in ScimEvent.objects.filter(account=account))
    for link in UserLink.objects.filter(account=account):
        yield from (f"{USERS}{link.pk}/", f"{USERS}{link.pk}/unlink/")
    for group in LibraryGroupLink.objects.filter(account=account):
        yield f"{GROUPS}{group.pk}/"
        yield from (f"{GROUPS}{group.pk}/{name}/" for name in ("move", "resync", "unlink"))


def forms_of(account: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Return the forms that change what an account has, as somebody would forge them."""
    token = ScimToken.objects.current(account).newest
    yield GENERATE, confirmed(token)
    yield REVOKE, confirmed(token)
    yield SETUP_LINKS, {"hours": "24"}
    yield f"{CLIENTS}add/", {"key": NOBODY, "name": "forged", "lifetime": "1"}
    yield f"{CLIENTS}add-federated/", {"key": NOBODY, "name": "forged", **asdict(FEDERATION)}
    yield LOGOUT, {"issuer": "https://forged.example"}
    yield f"{LOGOUT}turn-off/", {"confirm": "on"}
    for client in ScimClient.objects.current(account):
        page, seen = f"{CLIENTS}{client.client_id}/", clients.seen_key(client)
        yield f"{page}add-secret/", {"lifetime": "1", "seen": seen}
        yield f"{page}federation/", {**asdict(FEDERATION), "subject": "forged", "seen": seen}
        for secret in client.secrets.all():
            yield f"{page}revoke-secret/", {"secret": str(secret.pk), "confirm": "on"}
        yield f"{page}revoke/", {"confirm": "on"}
    for link in SetupLink.objects.filter(account=account):
        yield f"{SETUP_LINKS}{link.pk}/revoke/", {}
    for page in pages_of(account):
        if page.endswith(("/unlink/", "/resync/", "/move/")):
            yield page, {"version": "x"}


def state() -> Any:
    tokens = list(ScimToken.objects.order_by("pk").values())
    models = (SetupLink, ScimClient, ScimClientSecret, LogoutIssuer)
    rows = [list(model._default_manager.order_by("pk").values()) for model in models]
    return snapshot(), tokens, rows, access()


@pytest.fixture(autouse=True)
def _clients(db: None) -> None:
    """Both accounts have a client with a secret and one with a federation, and an issuer."""
    for account in ("acme", "globex"):
        clients.create(account, f"Entra of {account}", JOB)
        clients.create(account, f"Federation of {account}", JOB, federation=FEDERATION)
        logout.configure(account, JOB, f"https://{account}.okta.example")


@pytest.fixture
def setup_link(admin: Client) -> SetupLink:
    user: Any = admin.get(PAGE).wsgi_request.user
    return setup_links.create("acme", Actor("admin", user)).link


class TestStrangers:
    def test_are_asked_to_sign_in(self, okta: Scim, setup_link: SetupLink, client: Client) -> None:
        before = state()

        for page in pages_of("acme"):
            response = client.get(page)
            assert response.status_code == 302
            assert response["Location"] == f"/accounts/login/?next={page}"
        for form, fields in forms_of("acme"):
            response = client.post(form, fields)
            assert response.status_code == 302
            assert response["Location"].startswith("/accounts/login/")
        assert state() == before

    def test_are_not_asked_about(self, client: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = lambda request: "acme"

        assert client.get(PAGE).status_code == 302


class TestMembersWithoutTheRight:
    def test_get_404_for_everything(self, okta: Scim, setup_link: SetupLink) -> None:
        member = browser(MEMBER)
        before = state()

        assert {member.get(page).status_code for page in pages_of("acme")} == {404}
        assert {member.post(form, data).status_code for form, data in forms_of("acme")} == {404}
        assert state() == before

    def test_nor_does_an_account_that_the_host_does_not_have_exist(
        self, admin: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = lambda request: "initech"

        assert admin.get(PAGE).status_code == 404
        assert admin.post(GENERATE, {"token": ""}).status_code == 404
        assert not ScimToken.objects.exists()


class TestAnotherAccountsAdmin:
    def test_sees_nothing_of_the_account(
        self, okta: Scim, others: Scim, admin: Client, setup_link: SetupLink
    ) -> None:
        for page in pages_of("acme"):
            response = admin.get(page)
            assert response.status_code == 200
            assert not OF_GLOBEX.search(response.text)
        own = {PAGE, *LISTS}
        assert {admin.get(page).status_code for page in pages_of("globex") if page not in own} == {
            404
        }

    def test_changes_nothing_of_the_account(
        self, okta: Scim, others: Scim, setup_link: SetupLink
    ) -> None:
        other = browser(OTHER_ADMIN)
        before = state()

        for form, fields in forms_of("acme"):
            if form in {GENERATE, REVOKE, LOGOUT}:
                assert other.post(form, fields).status_code == 409
            elif form not in OF_OWN_ACCOUNT:
                assert other.post(form, fields).status_code == 404
        assert state() == before

    @pytest.mark.parametrize(
        "query", ["q=hank", "q=Secret", "group=KEY", "user=KEY", "resource=KEY"]
    )
    @pytest.mark.parametrize("page", [EVENTS, USERS, GROUPS])
    def test_finds_nothing_of_the_account(
        self, others: Scim, admin: Client, page: str, query: str
    ) -> None:
        group = LibraryGroupLink.objects.get(account="globex").pk
        user = UserLink.objects.filter(account="globex").latest("pk").pk
        for key in (group, user):
            response = admin.get(f"{page}?{query.replace('KEY', str(key))}")
            assert response.status_code == 200
            assert not OF_GLOBEX.search(response.text.replace(f'value="{query[2:]}"', ""))


class TestForgery:
    def test_without_the_csrf_token_every_form_is_refused(
        self, okta: Scim, setup_link: SetupLink
    ) -> None:
        strict = browser(ADMIN, enforce_csrf_checks=True)
        before = state()

        assert {strict.post(form, data).status_code for form, data in forms_of("acme")} == {403}
        assert state() == before

    @pytest.mark.parametrize("page", [GENERATE, REVOKE])
    def test_the_address_of_a_form_leads_to_the_page(self, admin: Client, page: str) -> None:
        response = admin.get(page)

        assert (response.status_code, response["Location"]) == (302, PAGE)
        assert not ScimToken.objects.exists()

    @pytest.mark.parametrize(
        "page", [f"{USERS}{NOBODY}/", f"{GROUPS}{NOBODY}/", f"{EVENTS}999999999999999999999/"]
    )
    def test_what_does_not_exist_is_not_found(self, admin: Client, page: str) -> None:
        assert admin.get(page).status_code == 404
        assert admin.get(f"{page}unlink/").status_code == 404

    def test_nor_is_an_intervention_that_does_not_exist(self, okta: Scim, admin: Client) -> None:
        user = UserLink.objects.filter(account="acme").latest("pk")

        for name in ("move", "resync", "delete"):
            assert admin.get(f"{USERS}{user.pk}/{name}/").status_code == 404


class TestHeaders:
    def test_nothing_is_stored_and_no_address_leaves_the_site(
        self, okta: Scim, admin: Client
    ) -> None:
        for page in pages_of("acme"):
            response = admin.get(page)
            assert "no-store" in response["Cache-Control"]
            assert response["Referrer-Policy"] == "same-origin"
        response = admin.post(GENERATE, confirmed(ScimToken.objects.current("acme").newest))
        assert PLAINTEXT.search(response.text)
        assert "no-store" in response["Cache-Control"]
        assert response["Referrer-Policy"] == "same-origin"


class TestPremiumGate:
    @pytest.fixture(autouse=True)
    def _off(self, okta: Scim, settings: LazySettings) -> None:
        settings.TILED_SCIM_ENABLED = lambda account: account != "acme"

    def test_the_page_says_so_and_the_others_lead_there(self, admin: Client) -> None:
        text = admin.get(PAGE).text
        assert "not part of this account&#x27;s plan" in text
        assert GENERATE not in text

        for page in set(pages_of("acme")) - {PAGE}:
            response = admin.get(page)
            assert (response.status_code, response["Location"]) == (302, PAGE)

    def test_forged_posts_are_refused(self, admin: Client) -> None:
        before = state()

        assert {admin.post(form, data).status_code for form, data in forms_of("acme")} == {403}
        assert state() == before


def test_without_the_setting_the_pages_say_what_is_missing(
    admin: Client, settings: LazySettings
) -> None:
    settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = None

    with pytest.raises(ImproperlyConfigured, match="TILED_SCIM_CONFIGURABLE_ACCOUNT"):
        admin.get(PAGE)


def test_the_token_of_another_account_still_works(others: Scim, admin: Client) -> None:
    plaintext = new_token("globex")[1]

    admin.post(GENERATE, {"token": ""})
    admin.post(REVOKE, confirmed(ScimToken.objects.current("acme").newest))

    assert api_status(plaintext) == 200
