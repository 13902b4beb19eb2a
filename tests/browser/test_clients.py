"""OAuth clients in a browser: added, their secrets replaced without a gap, revoked; federations."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.admin.browser import PAGE as ADMIN_PAGE
from tests.configuration.customers import CLIENTS, LOGOUT, PAGE
from tests.oauth.token_requests import GRANT, scim, send
from tiled_scim.models import ScimClient, ScimClientSecret

from .looks import CREATED, Look, Visit
from .people import action, add_client, member_of_staff

EXAMPLE_SECRET = "tscimsecret_Example0Secret0Which0Opens0Nothing0At0All0"
EXAMPLE_ID = "00000000-0000-4000-8000-000000000000"
ISSUER = "https://login.microsoftonline.com/9f2a5c7e/v2.0"
KEYS = "https://login.microsoftonline.com/9f2a5c7e/discovery/v2.0/keys"


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: True)


@pytest.fixture
def admin(transactional_db: None) -> User:
    """Margaret, who may configure SCIM in the simple project."""
    return member_of_staff("change_scimtoken")


def add_federation(page: Page) -> None:
    form = action(page, "Add a client with a federation")
    form.locator("summary").click()
    form.get_by_label("Name").fill("Entra ID")
    form.get_by_label("Issuer").fill(ISSUER)
    form.get_by_label("JWKS URL").fill(KEYS)
    form.get_by_label("Subject").fill("4b1c8e90")
    form.get_by_label("Audience").fill("api://1b2c/.default")
    form.get_by_role("button").click()


def value(page: Page, label: str) -> str:
    return page.get_by_label(label, exact=True).input_value()


def status(page: Page, secret: str) -> int:
    """What a client with this secret gets, with all that the page shows for it."""
    body = {"client_id": value(page, "Client ID"), "client_secret": secret}
    granted = send({**GRANT, **body}, path=value(page, "Token URL"))
    if granted.status != 200:
        return granted.status
    return scim(granted.json["access_token"]).get("/Users").status


class TestSecrets:
    @pytest.mark.parametrize("path", [PAGE, ADMIN_PAGE])
    def test_a_client_is_added_gets_a_second_secret_and_is_revoked(
        self, visit: Visit, admin: User, path: str
    ) -> None:
        page = visit(admin, permissions=["clipboard-read", "clipboard-write"])
        page.goto(path)
        page.get_by_role("main").get_by_role("link", name="OAuth clients").first.click()
        add_client(page)

        first = value(page, "Client secret")
        page.get_by_role("button", name="Copy: Client secret").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == first
        assert status(page, first) == 200
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_label("Client secret", exact=True)).to_have_count(0)

        page.get_by_role("link", name="Entra ID").click()
        action(page, "Add a second secret").locator("summary").click()
        page.get_by_role("button", name="Generate a secret").click()
        second = value(page, "Client secret")
        assert [status(page, first), status(page, second)] == [200, 200]
        page.get_by_role("link", name="I have copied it").click()
        old = action(page, f"Revoke secret {first[-4:]}")
        old.locator("summary").click()
        old.get_by_role("checkbox").check()
        old.get_by_role("button").click()
        expect(page.get_by_text("has been revoked")).to_be_visible()
        assert [status(page, first), status(page, second)] == [401, 200]

        gone = action(page, "Revoke client")
        gone.locator("summary").click()
        gone.get_by_role("checkbox").check()
        gone.get_by_role("button").click()
        expect(page.get_by_text("There are no clients.")).to_be_visible()
        assert not ScimClient.objects.get().is_current

    def test_the_back_button_does_not_show_it_again(self, visit: Visit, admin: User) -> None:
        page = visit(admin)
        page.goto(CLIENTS)
        add_client(page)
        secret = value(page, "Client secret")

        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="Entra ID").click()

        assert secret not in page.content()


def test_a_federation_gives_the_three_values_and_is_changed(visit: Visit, admin: User) -> None:
    page = visit(admin)
    page.goto(CLIENTS)

    add_federation(page)

    expect(page.get_by_text("The client has been added.")).to_be_visible()
    client = ScimClient.objects.get()
    assert value(page, "Client ID") == client.client_id
    assert value(page, "Token URL") == f"{value(page, 'SCIM URL')}/oauth/token"
    form = action(page, "Change federation")
    form.locator("summary").click()
    form.get_by_label("Subject").fill("another")
    form.get_by_role("button").click()
    expect(page.get_by_text("The federation has been changed.")).to_be_visible()
    client.refresh_from_db()
    assert (client.issuer, client.subject) == (ISSUER, "another")


class TestLooks:
    @pytest.fixture(autouse=True)
    def base_url(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_BASE_URL = "https://tiled.example.com/scim/v2"

    @pytest.mark.parametrize("path", [CLIENTS, f"{ADMIN_PAGE}clients/"])
    def test_of_a_client(self, look: Look, admin: User, path: str) -> None:
        name = "admin" if path.startswith(ADMIN_PAGE) else "pages"
        page = look.open(admin, path)
        action(page, "Add a client with a federation").locator("summary").click()
        look.inspect(page, f"{name}-add-federation")
        page.reload()
        add_client(page)
        page.locator("#client-secret").evaluate(f"field => field.value = '{EXAMPLE_SECRET}'")
        page.locator("#client-id").evaluate(f"field => field.value = '{EXAMPLE_ID}'")
        look.inspect(page, f"{name}-new-client")
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="Entra ID").click()
        action(page, "Add a second secret").locator("summary").click()
        page.get_by_role("button", name="Generate a secret").click()
        page.get_by_role("link", name="I have copied it").click()
        ScimClientSecret.objects.update(created_at=CREATED, last_four="k7Qm")
        page.reload()
        action(page, "Revoke client").locator("summary").click()
        look.inspect(page, f"{name}-client")

    @pytest.mark.parametrize("path", [LOGOUT, f"{ADMIN_PAGE}logout/"])
    def test_of_universal_logout(self, look: Look, admin: User, path: str) -> None:
        name = "admin" if path.startswith(ADMIN_PAGE) else "pages"
        page = look.open(admin, path)
        page.get_by_label("Issuer").fill("https://acme.okta.com")
        page.get_by_role("button", name="Turn on Universal Logout").click()
        expect(page.get_by_label("Logout endpoint URL", exact=True)).to_be_visible()
        look.inspect(page, f"{name}-logout")
