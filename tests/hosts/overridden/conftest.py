"""Two customers, and a replica that refuses what a replica must not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import current_thread, main_thread
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


def refuse(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """What was just written may not be there yet: SCIM reads where it writes."""
    assert sql.split()[0] not in {"INSERT", "UPDATE", "DELETE"}, f"written to the replica: {sql}"
    if " FROM " in sql:
        in_transaction = connections["primary"].in_atomic_block
        assert not in_transaction, f"read from the replica in a transaction: {sql}"
        in_request = current_thread() is not main_thread()
        assert not (in_request and "tiled_scim_" in sql), f"read from the replica: {sql}"
    return execute(sql, params, many, context)


def guard(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if connection.alias == "replica" and refuse not in connection.execute_wrappers:
        connection.execute_wrappers.append(refuse)


@pytest.fixture(autouse=True)
def replica(customers: None) -> Iterator[None]:
    connection_created.connect(guard)
    guard(connections["replica"])
    yield
    connection_created.disconnect(guard)
    connections["replica"].execute_wrappers.clear()
