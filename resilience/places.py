"""Places in a request at which its process can be killed: around the event and the COMMIT.

The server process reports that it has reached the place, and waits there. Each operation of a bulk
request has these places.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from django.db import connection, connections

from tiled_scim.models import ScimEvent

from .server import ANNOUNCEMENTS

# Longer than it takes to be killed, and shorter than gunicorn waits for a process.
WAIT_SECONDS = 20

ARRIVAL = "after its arrival"
BEFORE_EVENT = "before the event"
AFTER_EVENT = "after the event"
BEFORE_COMMIT = "before COMMIT"
# Reported just before the COMMIT, without waiting: the kill meets it. The process waits after it.
DURING_COMMIT = "during COMMIT"
AFTER_COMMIT = "after COMMIT"
# Those at which a process can be killed after something was written.
IN_TRANSACTIONS = (BEFORE_EVENT, AFTER_EVENT, BEFORE_COMMIT, DURING_COMMIT, AFTER_COMMIT)
# Where the process waits for the kill, if not at the place itself.
WAITS_AT = {ARRIVAL: None, DURING_COMMIT: AFTER_COMMIT}


class Place(NamedTuple):
    """A place.

    Args:
        name: One of the names in this module.
        number: The number of the operation in a bulk request, from 1.
    """

    name: str
    number: int = 1

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that a header names."""
        name, _, number = text.rpartition(" ")
        return cls(name, int(number))

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


@contextmanager
def reporting(place: Place) -> Iterator[None]:
    """Report when the request that is served in this context reaches a place."""
    watch = _Watch(place)
    watch.reach(ARRIVAL)
    commit = watch.around(connection.commit, BEFORE_COMMIT, DURING_COMMIT, after=AFTER_COMMIT)
    with (
        connection.execute_wrapper(watch.execute),
        # Execute wrappers do not see a COMMIT.
        patch.object(connections[connection.alias], "commit", commit),
    ):
        yield


class _Watch:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.reached: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        """Take note of a place. Report the one to report, and wait where the kill is expected."""
        self.reached[name] += 1
        if self.reached[name] != self.place.number:
            return
        if name == self.place.name:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(str(os.getpid()).encode(), os.environ[ANNOUNCEMENTS])
        if name == WAITS_AT.get(self.place.name, self.place.name):
            time.sleep(WAIT_SECONDS)

    def around(self, call: Callable[..., Any], *before: str, after: str) -> Callable[..., Any]:
        """Return a function that makes a call with places before and after it."""

        def run(*arguments: Any) -> Any:
            for name in before:
                self.reach(name)
            result = call(*arguments)
            self.reach(after)
            return result

        return run

    def execute(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        """Execute a statement; see `execute_wrapper` of Django."""
        if sql.startswith("INSERT") and ScimEvent._meta.db_table in sql:
            execute = self.around(execute, BEFORE_EVENT, after=AFTER_EVENT)
        return execute(sql, *arguments)
