"""The number of statements of each hot operation in a host with accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.hosts.company.customers.models import Account
from tests.hosts.company.test_company import (
    ACME,
    ANN,
    GLOBEX,
    client_of,
    push,
    push_group,
    set_value,
)
from tests.hosts.messages import person
from tests.wire.client import Scim, add_members

pytestmark = pytest.mark.django_db

# BEGIN, COMMIT and savepoints do not count.
COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE")


def _own(scim: Scim) -> tuple[str, str]:
    return push(scim), push_group(scim, "Sales")


CASES: dict[str, tuple[int, Callable[[Scim, str, str], Any]]] = {
    "lookup": (2, lambda scim, key, group: scim.get("/Users", filter=f'userName eq "{ANN}"')),
    "GET": (2, lambda scim, key, group: scim.get(f"/Users/{key}")),
    "list": (3, lambda scim, key, group: scim.get("/Users", filter='title eq "Engineer"')),
    "PATCH title": (7, lambda scim, key, group: set_value(scim, key, "title", "Boss")),
    "PATCH name": (9, lambda scim, key, group: set_value(scim, key, "name.givenName", "Anna")),
    "PATCH active": (11, lambda scim, key, group: set_value(scim, key, "active", False)),
    "add a member": (8, lambda scim, key, group: scim.patch(f"/Groups/{group}", add_members(key))),
    "POST": (13, lambda scim, key, group: scim.post("/Users", person("bob@example.com"))),
}


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_statements(name: str, is_shared: bool) -> None:
    """They do not depend on the number of accounts, or on whether the user is shared."""
    for number in range(3, 30):
        Account.objects.create(name=f"Account {number}")
    for key, label in ((ACME, "Acme Inc."), (GLOBEX, "Globex Corporation")):
        Account.objects.create(pk=key, name=label)
    if is_shared:
        push(client_of(GLOBEX))
    scim = client_of(ACME)
    user, group = _own(scim)
    expected, send = CASES[name]

    with CaptureQueriesContext(connection) as queries:
        send(scim, user, group)

    counted = [query["sql"] for query in queries if query["sql"].startswith(COUNTED)]
    assert len(counted) == expected, "\n".join(counted)
