"""Two customers, and what they have."""

from __future__ import annotations

import pytest

from example_project.customers.models import Account


@pytest.fixture
def acme(db: None) -> Account:
    return Account.objects.create(name="Acme Inc.")


@pytest.fixture
def globex(db: None) -> Account:
    return Account.objects.create(name="Globex Corporation")
