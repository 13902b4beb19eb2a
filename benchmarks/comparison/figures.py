"""Summarize measurements: medians of rounds, and their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .measure import Round
from .runner import Row
from .subjects import FLOOR

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Figures:
    """The results of an operation on one server; None if there is no measurement.

    Args:
        p50: the median response time with one client, in milliseconds.
        p95: the 95th percentile of the response time, in milliseconds.
        throughput: requests per second with four clients.
        statements: the number of SQL statements.
        worker: processor time of the workers per request, in milliseconds.
        database: processor time of PostgreSQL per request, in milliseconds.
        peak: the maximum memory of a worker, in megabytes.
        added: the part of it that exceeds the memory of an idle worker, in megabytes.
        ratios: processor time of worker and database in relation to the floor, for each round, in
            ascending order.
        problem: how the answer differs from what was requested, or an empty string.
    """

    p50: float | None = None
    p95: float | None = None
    throughput: float | None = None
    statements: int | None = None
    worker: float | None = None
    database: float | None = None
    peak: float | None = None
    added: float | None = None
    ratios: tuple[float, ...] = ()
    problem: str = ""

    @property
    def processor(self) -> float | None:
        """Processor time of worker and database per request, in milliseconds."""
        return None if self.worker is None else self.worker + (self.database or 0)

    @property
    def idle(self) -> float | None:
        """The memory of the worker before the request, in megabytes."""
        if self.peak is None or self.added is None:
            return None
        return self.peak - self.added

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None


def figures(row: Row) -> dict[str, Figures]:
    """Return the figures of each server, by the subject's name."""
    floor = row.rounds.get(FLOOR.name, ())
    found = {}
    for name, probe in row.probes.items():
        if probe.cannot:
            found[name] = Figures(problem=probe.problem)
            continue
        rounds = row.rounds[name]
        seconds = sorted(second for round_ in rounds for second in round_.seconds)
        failed = sum(round_.failed for round_ in rounds)
        found[name] = Figures(
            p50=median(seconds) * 1_000,
            p95=seconds[math.ceil(0.95 * len(seconds)) - 1] * 1_000,
            throughput=_median([round_.throughput for round_ in rounds]),
            statements=probe.statements,
            worker=_median([round_.worker for round_ in rounds]),
            database=_median([round_.database for round_ in rounds]),
            peak=probe.peak / MEGABYTE,
            added=(probe.peak - probe.idle) / MEGABYTE,
            ratios=_ratios(rounds, floor),
            problem=_problem(probe.problem, failed),
        )
    return found


def _problem(problem: str, failed: int) -> str:
    failures = f"{failed} requests failed" if failed else ""
    return ", ".join(filter(None, [problem, failures]))


def _ratios(rounds: Sequence[Round], floor: Sequence[Round]) -> tuple[float, ...]:
    """Return the processor time in relation to the floor, for each round."""
    pairs = zip(rounds, floor, strict=False)
    return tuple(sorted(round_.processor / least.processor for round_, least in pairs))


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
