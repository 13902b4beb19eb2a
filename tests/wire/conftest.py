"""What the wire tests share: a token, and a client that has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tiled_scim.models import ScimToken

from .client import ANN, Scim
from .state import ADMINISTRATOR


@pytest.fixture
def token(db: None) -> str:
    return ScimToken.objects.generate()[1]


@pytest.fixture
def administrator(db: None) -> User:
    """A superuser of the host, whom every real one has: SCIM can then remove each Tiled Admin."""
    return User.objects.create_superuser(ADMINISTRATOR, "root@host.example")


@pytest.fixture
def scim(token: str) -> Scim:
    """Okta."""
    return Scim(f"Bearer {token}")


@pytest.fixture
def entra(token: str) -> Scim:
    """Microsoft Entra ID."""
    headers = {"Accept": "application/scim+json", "User-Agent": "Microsoft-Entra-Provisioning"}
    return Scim(f"Bearer {token}", headers, "application/scim+json; charset=utf-8")


@pytest.fixture
def empty_cache() -> Iterator[None]:
    """For what counts requests in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ann(scim: Scim) -> str:
    """The id of one person."""
    return scim.add_user(ANN)


@pytest.fixture
def sales(scim: Scim, ann: str) -> str:
    """The id of a group with Ann in it."""
    return scim.add_group("Sales", ann)
