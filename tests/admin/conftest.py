"""Users and clients for tests of the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.browser import signed_in, staff
from tests.tokens import new_token
from tests.wire.client import Scim


@pytest.fixture
def changer() -> User:
    return staff("change_scimtoken")


@pytest.fixture
def page(changer: User) -> Client:
    """A browser of a user with all permissions for the page."""
    return signed_in(changer)


@pytest.fixture
def viewer_page() -> Client:
    """A browser of a user with the view permission only."""
    return signed_in(staff("view_scimtoken"))


@pytest.fixture
def okta(db: None) -> Scim:
    """A SCIM client with the token of the only account."""
    return Scim(f"Bearer {new_token()[1]}")
