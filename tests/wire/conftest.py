"""What the wire tests share: a token, and a client that has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tiled_scim.models import ScimToken

from .client import Scim


@pytest.fixture
def token(db: None) -> str:
    return ScimToken.objects.generate()[1]


@pytest.fixture
def scim(token: str) -> Scim:
    """Okta."""
    return Scim(f"Bearer {token}")


@pytest.fixture
def empty_cache() -> Iterator[None]:
    """For what counts requests in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()
