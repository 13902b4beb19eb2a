"""Connections to a database that broke, and views without a transaction around them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import Error, connections, transaction


def close_if_without_autocommit(using: str) -> None:
    """Close a connection that broke at the end of a transaction, so that the next query opens one.

    Django turns autocommit on again after each transaction, which may need the database. If that
    fails, `transaction.atomic()` takes autocommit to be turned off on purpose: it begins with a
    savepoint, fails, and leaves the connection inside a block that never ends. Then all later
    requests of the process fail. Django closes such a connection only before the next request.

    Args:
        using: the alias of the database. Inside of an atomic block, nothing is closed.
    """
    connection = connections[using]
    if connection.connection is None or connection.in_atomic_block:
        return
    if connection.get_autocommit() != connection.settings_dict["AUTOCOMMIT"]:
        with suppress(Error):
            connection.close()


def non_atomic_requests(view: Callable[..., Any]) -> Callable[..., Any]:
    """Exempt a view from ATOMIC_REQUESTS on all databases.

    A refused request must leave an event, and a retry needs its own transaction.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
