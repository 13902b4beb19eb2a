"""What a request costs: CPU time of this process and of the database, and memory at its peak."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from tests.wire.client import Answer

# What no request may cost: CPU seconds of the worker, the same of the database, and megabytes.
SECONDS = 2
MEGABYTES = 200

OWN = Path("/proc/self")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a request cost."""

    seconds: float
    database_seconds: float
    megabytes: float

    def is_bounded(self) -> bool:
        return max(self.seconds, self.database_seconds) <= SECONDS and self.megabytes <= MEGABYTES


def bounded(send: Callable[[], Answer]) -> Answer:
    """The answer to a request, which did not cost too much."""
    _forget()
    memory, database, start = _megabytes("VmRSS"), _database_seconds(), time.process_time()
    answer = send()
    cost = Cost(
        time.process_time() - start,
        _database_seconds() - database,
        _megabytes("VmHWM") - memory,
    )
    print(f"{answer.status} {cost}")  # noqa: T201 (for who reads why a test failed)
    assert cost.is_bounded(), cost
    return answer


def _forget() -> None:
    """Give back what earlier requests took, and begin a new peak."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    (OWN / "clear_refs").write_text("5")


def _megabytes(key: str) -> float:
    lines = (OWN / "status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return int(kilobytes) / 1024


def _database_seconds() -> float:
    """The CPU time of this connection's process, if there is one, and it runs on this machine."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[process]] = cursor.fetchall()
    state = Path(f"/proc/{process}/stat")
    if not state.exists() or "postgres" not in state.read_text().partition(")")[0]:
        return 0
    user, system = state.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS
