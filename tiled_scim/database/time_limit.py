"""Stop statements that take too long.

What a search costs depends on all rows of an account. No limit on its text bounds that, so the
database does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tiled_scim.database.errors import is_out_of_time

# How many instructions of SQLite's virtual machine there are between two looks at the clock.
INSTRUCTIONS = 10_000
_NAME = "'statement_timeout'"
_SET = f"set_config({_NAME}, %s, true)"


@contextmanager
def time_limit(using: str, seconds: float, error: Exception) -> Iterator[None]:
    """Raise an error instead of that of the database if a statement takes too long.

    SQLite runs in this process, so its statements share this time.

    Args:
        using: The database alias.
        seconds: The time for each statement.
        error: The error to raise.
    """
    connection = connections[using]
    connection.ensure_connection()
    limit = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}[connection.vendor]
    try:
        with limit(connection, seconds):
            yield
    except OperationalError as failure:
        if is_out_of_time(failure):
            raise error from failure
        raise


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Limit the statements of a transaction. A pooler may give the next one to somebody else."""
    is_nested = connection.in_atomic_block
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting({_NAME}), {_SET}", [f"{round(seconds * 1000)}ms"])
        (before, _now) = cursor.fetchone()
        yield
        if is_nested:  # the setting ends with the transaction otherwise
            cursor.execute(f"SELECT {_SET}", [before])


@contextmanager
def _mysql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Limit the statements of a session: in seconds on MariaDB, in whole milliseconds on MySQL."""
    name, limit = "max_execution_time", f"{seconds * 1000:.0f}"
    if getattr(connection, "mysql_is_mariadb", False):
        name, limit = "max_statement_time", f"{seconds}"
    with connection.cursor() as cursor:
        cursor.execute(f"SET @tiled_scim_before = @@{name}, SESSION {name} = {limit}")
        try:
            yield
        finally:
            cursor.execute(f"SET SESSION {name} = @tiled_scim_before")


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    end = time.thread_time() + seconds
    set_handler = connection.connection.set_progress_handler
    set_handler(lambda: time.thread_time() > end, INSTRUCTIONS)
    try:
        yield
    finally:
        set_handler(None, 0)
