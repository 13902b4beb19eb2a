"""What the tests of every host share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from tests.flush import empty_tables_by_delete
from tests.tokens import new_token
from tiled_scim.provider_check.client import OktaClient

HOSTS = Path(__file__).parent


def pytest_configure() -> None:
    empty_tables_by_delete()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Keep the tests of a host to the processes that have its settings."""
    if collection_path.parent != HOSTS or not collection_path.is_dir():
        return None
    own_settings = f"tests.hosts.{collection_path.name}.settings"
    return None if own_settings == settings.SETTINGS_MODULE else True


@pytest.fixture
def scim_url(live_server: LiveServer) -> str:
    return f"{live_server.url}/scim/v2"


@pytest.fixture
def okta(scim_url: str) -> Callable[[str], OktaClient]:
    """Makes the Okta of an account, which calls over HTTP with a token of its own."""
    return lambda account: OktaClient(scim_url, new_token(account)[1])
