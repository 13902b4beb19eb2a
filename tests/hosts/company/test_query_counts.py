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
# PostgreSQL sets the limit of a search's time by a SELECT, before the search and after it.
SEARCH = 5 if connection.vendor == "postgresql" else 3


# The number for a user of one account, and for one whom another account has, too.
CASES: dict[str, tuple[int, int, Callable[[Scim, str, str], Any]]] = {
    "lookup": (2, 2, lambda scim, key, group: scim.get("/Users", filter=f'userName eq "{ANN}"')),
    "GET": (2, 2, lambda scim, key, group: scim.get(f"/Users/{key}")),
    "list": (SEARCH, SEARCH, lambda scim, key, group: scim.get("/Users", filter="title pr")),
    "PATCH title": (7, 7, lambda scim, key, group: set_value(scim, key, "title", "Boss")),
    "PATCH name": (10, 7, lambda scim, key, group: set_value(scim, key, "name.givenName", "A.")),
    "PATCH active": (11, 9, lambda scim, key, group: set_value(scim, key, "active", False)),
    "add a member": (
        8,
        8,
        lambda scim, key, group: scim.patch(f"/Groups/{group}", add_members(key)),
    ),
    "POST": (9, 9, lambda scim, key, group: scim.post("/Users", person("bob@example.com"))),
}


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_statements(name: str, is_shared: bool) -> None:
    """They do not depend on the number of accounts."""
    for number in range(3, 30):
        Account.objects.create(name=f"Account {number}")
    for key, label in ((ACME, "Acme Inc."), (GLOBEX, "Globex Corporation")):
        Account.objects.create(pk=key, name=label)
    if is_shared:
        push(client_of(GLOBEX))
    scim = client_of(ACME)
    user, group = push(scim, title="Engineer"), push_group(scim, "Sales")
    alone, shared, send = CASES[name]
    connection.features.supports_json_field  # noqa: B018 (Django asks SQLite once)

    with CaptureQueriesContext(connection) as queries:
        send(scim, user, group)

    counted = [query["sql"] for query in queries if query["sql"].startswith(COUNTED)]
    assert len(counted) == (shared if is_shared else alone), "\n".join(sql[:150] for sql in counted)
