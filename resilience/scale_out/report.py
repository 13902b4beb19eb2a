"""Writes the measurements into docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

import django
from django.db import connection

from resilience.server import ROOT

from .throughput import CLIENTS, FULL, PARTS, Results

PERFORMANCE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- scale-out: generated -->", "<!-- scale-out: end -->"
# The number of workers whose costs are shown: one for each of the two servers.
SHOWN = 2
# Requests per second that Microsoft expects a server to accept from each Entra tenant.
ENTRA_RATE = 25
TENANTS = (1, 10, 40, 100)
# The planned load of a core. With a higher one, requests wait for each other.
USE = 0.7
USERS = 1_000_000
# The number of rows for each user, where it is not one.
ROWS_OF_A_USER = {"tiled_scim_librarygroupmember": 10, "tiled_scim_scimevent": 20}


def write(results: Results, row_bytes: Mapping[str, float]) -> None:
    """Write the tables between the marker comments of the document.

    Args:
        results: The throughput.
        row_bytes: The number of bytes of a row, by table.

    Raises:
        LookupError: The document has no marker comments.
    """
    text = PERFORMANCE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise LookupError(f"{PERFORMANCE.name} does not contain {BEGIN} and {END}.")
    tables = "\n\n".join(
        (_conditions(results), _rates(results), _costs(results), _needs(results), _sizes(row_bytes))
    )
    PERFORMANCE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}")


def _conditions(results: Results) -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    processor = model[1] if model else platform.processor()
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgresql = str(cursor.fetchone()[0]).split()[0]
    others = statistics.mean(
        figures.others for kinds in results.values() for figures in kinds.values()
    )
    return (
        f"Measured by `make scale-out` on {os.cpu_count()} cores ({processor}),\n"
        f"which also ran the clients: {CLIENTS} clients, {FULL.users} users, {versions},\n"
        f"PostgreSQL {postgresql}. Other programs used {others:.1f} cores meanwhile."
    )


def _rates(results: Results) -> str:
    heads = (f"{workers} worker{'s' * (workers > 1)}" for workers in results)
    rates = (
        [kind, *(f"{figures[kind].rate:.0f}" for figures in results.values())]
        for kind in results[SHOWN]
    )
    return _table(["requests per second", *heads], rates)


def _costs(results: Results) -> str:
    return _table(
        ["CPU ms per request", *PARTS, "total", "p50, ms", "p95, ms"],
        (
            [
                kind,
                *(f"{figures.cost[part]:.2f}" for part in PARTS),
                f"{sum(figures.cost.values()):.2f}",
                f"{figures.median:.0f}",
                f"{figures.slow:.0f}",
            ]
            for kind, figures in results[SHOWN].items()
        ),
    )


def _needs(results: Results) -> str:
    costs = [figures.cost for figures in results[SHOWN].values()]
    mean = {part: statistics.mean(cost[part] for cost in costs) for part in PARTS}
    rows = []
    for tenants in TENANTS:
        rate = tenants * ENTRA_RATE
        cores = (f"{rate * mean[part] / 1000 / USE:.1f}" for part in PARTS)
        rows.append([f"{tenants}", f"{rate:,}", *cores])
    return _table(
        ["tenants", "requests per second", *(f"cores for {part}" for part in PARTS)], rows
    )


def _sizes(row_bytes: Mapping[str, float]) -> str:
    rows = []
    total = 0.0
    for table, size in row_bytes.items():
        number = ROWS_OF_A_USER.get(table, 1) * USERS
        total += number * size
        rows.append([f"`{table}`", f"{size:.0f}", f"{number:,}", f"{number * size / 1e9:.1f}"])
    rows.append(["total", "", "", f"{total / 1e9:.1f}"])
    return _table(["table", "bytes per row, with indexes", "rows", "GB"], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
