"""Every state of the SCIM Configuration page, as it looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.accounts import SeenByStaff
from tests.admin.browser import OUTDATED, PAGE
from tests.tokens import new_token
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimToken
from tiled_scim.provider_check.client import OktaClient

from .looks import CREATED, Look
from .people import action, generate, member_of_staff, push_directory, revoke

# What is new with every run, and what stands for it in the documentation.
EXAMPLES = {
    "#new-token": "field => field.value = 'tscim_Example0Token0Which0Opens0Nothing0At0All01k7Qm'",
    "dd code": "code => code.textContent = 'k7Qm'",
    "dd time": "time => time.textContent = 'March 2, 2026, 9:14 a.m.'",
}


class SeveralAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme & Sons", "globex": "Globex Corporation", "initech": "Initech"}


@pytest.fixture(autouse=True)
def base_url(settings: LazySettings) -> None:
    settings.TILED_SCIM_BASE_URL = "https://tiled.example.com/scim/v2"


@pytest.fixture
def admin(transactional_db: None) -> User:
    return member_of_staff("change_scimtoken")


def issue(account: str = "", **fields: Any) -> str:
    """Make a token that looks the same on each day; returns the token itself."""
    token, plaintext = new_token(account)
    known = {"last_four": "k7Qm", "created_at": CREATED}
    ScimToken.objects.filter(pk=token.pk).update(**{**known, **fields})
    return plaintext


def open_action(page: Page, name: str) -> None:
    action(page, name).locator("summary").click()
    expect(action(page, name).get_by_role("button")).to_be_visible()


def send_unconfirmed(page: Page, name: str) -> None:
    """As a browser does that does not know required fields."""
    open_action(page, name)
    form = action(page, name).locator("form")
    form.evaluate("form => form.noValidate = true")
    form.get_by_role("button").click()
    expect(page.get_by_text("Please confirm to continue.")).to_be_visible()


def test_without_a_token(look: Look, admin: User) -> None:
    page = look.open(admin, PAGE)

    look.inspect(page, "no-token")


def test_with_a_new_token(look: Look, admin: User) -> None:
    page = look.open(admin, PAGE)
    generate(page)
    for selector, put in EXAMPLES.items():
        page.locator(selector).first.evaluate(put)

    look.inspect(page, "new-token")


def test_connected(look: Look, admin: User, live_server: LiveServer) -> None:
    token = issue(created_by=admin)
    push_directory(OktaClient(f"{live_server.url}/scim/v2", token))
    page = look.open(admin, PAGE)

    look.inspect(page, "connected")


@pytest.mark.parametrize("name", ["Replace token", "Revoke previous token"])
def test_with_a_previous_token(look: Look, admin: User, name: str) -> None:
    issue(created_by=admin, last_used_at=timezone.now(), last_used_from="192.0.2.7")
    new_token(keep=timedelta(days=7))
    page = look.open(admin, PAGE)
    open_action(page, name)

    look.inspect(page, f"previous-{name.split()[0].lower()}")


def test_with_a_token_that_has_not_been_used_for_long(look: Look, admin: User) -> None:
    issue(created_by=admin, last_used_at=CREATED + timedelta(minutes=26))
    page = look.open(admin, PAGE)

    look.inspect(page, "silent")


@pytest.mark.parametrize("name", ["Replace token", "Revoke token"])
def test_asking_first(look: Look, admin: User, name: str) -> None:
    issue(created_by=admin)
    page = look.open(admin, PAGE)
    open_action(page, name)

    look.inspect(page, name.lower().replace(" ", "-"))


def test_without_the_confirmation(look: Look, admin: User) -> None:
    issue(created_by=admin)
    page = look.open(admin, PAGE)
    send_unconfirmed(page, "Replace token")

    look.inspect(page, "not-confirmed")


def test_after_somebody_elses_change(look: Look, admin: User) -> None:
    issue(created_by=admin)
    page = look.open(admin, PAGE)
    open_action(page, "Revoke token")
    issue(created_by=admin)
    action(page, "Revoke token").get_by_role("checkbox").check()
    action(page, "Revoke token").get_by_role("button").click()
    expect(page.get_by_text(OUTDATED)).to_be_visible()

    look.inspect(page, "outdated")


def test_with_a_revoked_token(look: Look, admin: User) -> None:
    issue(created_by=admin)
    page = look.open(admin, PAGE)
    revoke(page)

    look.inspect(page, "revoked")


def test_with_an_expired_token(look: Look, admin: User) -> None:
    issue(created_by=admin, expires_at=CREATED + timedelta(days=1))
    page = look.open(admin, PAGE)

    look.inspect(page, "expired")


def test_for_who_may_only_look(look: Look) -> None:
    issue()
    page = look.open(member_of_staff("view_scimtoken"), PAGE)

    look.inspect(page, "only-looking")


def test_without_the_premium_feature(look: Look, admin: User, settings: LazySettings) -> None:
    settings.TILED_SCIM_ENABLED = False
    page = look.open(admin, PAGE)

    look.inspect(page, "not-enabled")


@pytest.mark.urls("tests.admin.test_page")
def test_without_the_scim_urls(look: Look, admin: User, settings: LazySettings) -> None:
    settings.TILED_SCIM_BASE_URL = None
    page = look.open(admin, PAGE)

    look.inspect(page, "not-mounted")


class TestSeveralAccounts:
    @pytest.fixture(autouse=True)
    def accounts(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = SeveralAccounts
        issue("acme")
        issue("globex", expires_at=CREATED)

    def test_to_choose_from(self, look: Look, admin: User) -> None:
        page = look.open(admin, PAGE)

        look.inspect(page, "accounts")

    def test_with_the_token_of_one_that_no_longer_exists(self, look: Look, admin: User) -> None:
        issue("hooli")
        page = look.open(admin, PAGE)

        page.locator("details[name=former-token] summary").click()

        look.inspect(page, "former-account")

    def test_none_of_them_may_be_seen(
        self, look: Look, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SeveralAccounts, "accounts_of", HostAdapter.accounts_of)
        page = look.open(admin, PAGE)

        look.inspect(page, "no-accounts")

    def test_one_of_them(self, look: Look, admin: User) -> None:
        page = look.open(admin, f"{PAGE}?account=acme")

        look.inspect(page, "account")
