"""What the differential tests share: a client with a token."""

from __future__ import annotations

import pytest

from tests.wire.client import Scim
from tiled_scim.models import ScimToken


@pytest.fixture
def scim(db: None) -> Scim:
    return Scim(f"Bearer {ScimToken.objects.generate()[1]}")
