"""Two customers, and a replica that refuses what a replica must not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from pytest_django.live_server_helper import LiveServer

from tests.hosts.overridden.customers.models import Customer

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def customers(transactional_db: None) -> None:
    Customer.objects.create(key="acme", name="Acme Inc.")
    Customer.objects.create(key="globex", name="Globex Corporation")


@pytest.fixture
def scim_url(live_server: LiveServer) -> str:
    return f"{live_server.url}/sync/people"


def refuse_in_transactions(
    execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """What was just written may not be there yet: a transaction reads where it writes."""
    assert not connections["primary"].in_atomic_block, f"read from the replica: {sql}"
    assert sql.startswith("SELECT"), f"written to the replica: {sql}"
    return execute(sql, params, many, context)


def guard(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if connection.alias == "replica" and refuse_in_transactions not in connection.execute_wrappers:
        connection.execute_wrappers.append(refuse_in_transactions)


@pytest.fixture(autouse=True)
def replica(customers: None) -> Iterator[None]:
    connection_created.connect(guard)
    guard(connections["replica"])
    yield
    connection_created.disconnect(guard)
    connections["replica"].execute_wrappers.clear()
