"""Wait until a request in another thread waits for a lock of this one's transaction.

On MariaDB, the role of the tests needs the PROCESS privilege to see who waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from django.db import connection, connections

# MariaDB refreshes its list of transactions only where nobody has read it for 0.1 seconds.
POLL_SECONDS = 0.2

# The number of sessions of this database that wait for a lock.
BLOCKED_SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' "
    "AND trx_mysql_thread_id IN "
    "(SELECT id FROM information_schema.processlist WHERE db = database())",
}


def closing_connections(send: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function for a thread: it calls `send`, and closes the thread's connections."""

    def run() -> Any:
        try:
            return send()
        finally:
            connections.close_all()

    return run


def wait_until_blocked(sent: Future[Any]) -> None:
    """Return once a session waits for a lock. Fail if `sent` is done without having waited."""
    # PostgreSQL shows a transaction the same list of sessions until it ends.
    with closing(connection.copy()) as outside, outside.cursor() as cursor:
        while not sent.done():
            cursor.execute(BLOCKED_SESSIONS[connection.vendor])
            if cursor.fetchone()[0]:
                return
            time.sleep(POLL_SECONDS)
    raise AssertionError(f"not blocked: {sent.result()}")
