"""The simple project over HTTP, for what other people wrote: `tox -e conformance`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient

from tests.tokens import new_token
from tests.wire.state import ADMINISTRATOR


@pytest.fixture
def scim_url(live_server: LiveServer) -> str:
    return f"{live_server.url}/scim/v2"


@pytest.fixture
def administrator(transactional_db: None) -> User:
    """A superuser, as each real host has one: SCIM may then remove the last Tiled Admin."""
    return User.objects.create_superuser(ADMINISTRATOR)


@pytest.fixture
def token(administrator: User) -> str:
    return new_token()[1]


@pytest.fixture
def client(scim_url: str, token: str) -> Iterator[SyncSCIMClient]:
    """A client of scim2-client that knows nothing of the server yet."""
    # Kept open, a connection waits 40 ms for each answer of Django's development server.
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    with httpx2.Client(base_url=scim_url, headers=headers) as http:
        yield SyncSCIMClient(http)
