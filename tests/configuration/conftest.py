"""A host with two customers who may have the same people, and acme's admin."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.accounts import WithAdmins
from tests.wire.client import Scim

from .customers import ADMIN, browser, configurable_account, push


@pytest.fixture(autouse=True)
def customers(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithAdmins
    settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = configurable_account


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that verifies assertions, whether it is installed or not."""
    monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: True)


@pytest.fixture
def admin(db: None) -> Client:
    """The browser of acme's admin, who is not staff of the site."""
    return browser(ADMIN)


@pytest.fixture
def okta(db: None) -> Scim:
    """Acme's Okta, which has pushed a group with two members."""
    return push("acme")


@pytest.fixture
def others(db: None) -> Scim:
    """The Okta of globex, which has pushed another group with two members."""
    return push("globex")
