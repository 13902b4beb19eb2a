"""What the differential tests share: a client with a token."""

from __future__ import annotations

import pytest

from tests.tokens import new_token
from tests.wire.client import Scim


@pytest.fixture
def scim(db: None) -> Scim:
    return Scim(f"Bearer {new_token()[1]}")
