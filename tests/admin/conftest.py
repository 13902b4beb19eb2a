"""Who looks at the page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.browser import signed_in, staff
from tests.wire.client import Scim
from tiled_scim.models import ScimToken


@pytest.fixture
def changer() -> User:
    return staff("change_scimtoken")


@pytest.fixture
def page(changer: User) -> Client:
    """The browser of a person who may do everything on the page."""
    return signed_in(changer)


@pytest.fixture
def viewer_page() -> Client:
    """The browser of a person who may only look."""
    return signed_in(staff("view_scimtoken"))


@pytest.fixture
def okta(db: None) -> Scim:
    """What pushes, with the token of the only account."""
    return Scim(f"Bearer {ScimToken.objects.generate()[1]}")
