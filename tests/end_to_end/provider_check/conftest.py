"""What the tests of `scim_check` share."""

from __future__ import annotations

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.tokens import new_token

from .checking import SECRET, Check


@pytest.fixture
def scim_url(live_server: LiveServer) -> str:
    return f"{live_server.url}/scim/v2"


@pytest.fixture
def check(transactional_db: None) -> Check:
    return Check(new_token()[1])


@pytest.fixture
def check_anything(db: None) -> Check:
    """A check of servers that accept any token."""
    return Check(SECRET)
