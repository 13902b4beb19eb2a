"""Processor time and memory of processes, from Linux's `/proc`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

PROC = Path("/proc")
# Resets the maximum memory of a process to its current memory.
RESET_PEAK = "5"


def processor_time(pids: Iterable[int]) -> int:
    """Return the processor time of processes with all their threads, in nanoseconds."""
    return sum(
        int((task / "schedstat").read_text().split()[0])
        for pid in pids
        for task in (PROC / str(pid) / "task").iterdir()
    )


def reset_peak(pid: int) -> None:
    (PROC / str(pid) / "clear_refs").write_text(RESET_PEAK)


def peak(pid: int) -> int:
    """Return the maximum memory of a process since `reset_peak`, in bytes."""
    return _memory(pid, "VmHWM")


def resident(pid: int) -> int:
    """Return the current memory of a process, in bytes."""
    return _memory(pid, "VmRSS")


def _memory(pid: int, name: str) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise KeyError(name)


def backends(connection: psycopg.Connection[tuple[object, ...]], database: str) -> list[int]:
    """Return the PostgreSQL processes of a database, or none if they run on another machine."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
        [database],
    )
    pids = [int(str(pid)) for (pid,) in rows]
    return pids if all(_is_postgresql(pid) for pid in pids) else []


def _is_postgresql(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False
