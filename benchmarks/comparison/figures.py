"""What is told of an operation: medians of turns, and their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .measure import Turn
from .runner import Row
from .subjects import FLOOR

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Figures:
    """What an operation costs one server; None where nothing could be measured.

    Args:
        p50: milliseconds of an answer, with one client.
        p95: the same, of all but one in twenty.
        throughput: requests a second, with four clients.
        statements: of SQL.
        worker: milliseconds of processor time of the worker, for a request.
        database: the same of PostgreSQL.
        peak: megabytes of a worker at most.
        added: the megabytes of these that the answer took, beyond what an idle worker has.
        ratios: of the processor time of worker and database to the floor's, one for each round, in
            order of size.
        problem: what is wrong with the answer; empty if nothing.
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
        """Milliseconds of worker and database together."""
        return None if self.worker is None else self.worker + (self.database or 0)

    @property
    def idle(self) -> float | None:
        """Megabytes that the worker had before."""
        if self.peak is None or self.added is None:
            return None
        return self.peak - self.added

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None


def figures(row: Row) -> dict[str, Figures]:
    """The figures of each server, by the subject's name."""
    floor = row.turns.get(FLOOR.name, ())
    found = {}
    for name, look in row.looks.items():
        if look.cannot:
            found[name] = Figures(problem=look.problem)
            continue
        turns = row.turns[name]
        seconds = sorted(second for turn in turns for second in turn.seconds)
        failed = sum(turn.failed for turn in turns)
        found[name] = Figures(
            p50=median(seconds) * 1_000,
            p95=seconds[math.ceil(0.95 * len(seconds)) - 1] * 1_000,
            throughput=_median([turn.throughput for turn in turns]),
            statements=look.statements,
            worker=_median([turn.worker for turn in turns]),
            database=_median([turn.database for turn in turns]),
            peak=look.peak / MEGABYTE,
            added=(look.peak - look.idle) / MEGABYTE,
            ratios=_ratios(turns, floor),
            problem=_problem(look.problem, failed),
        )
    return found


def _problem(problem: str, failed: int) -> str:
    failures = f"{failed} requests failed" if failed else ""
    return ", ".join(filter(None, [problem, failures]))


def _ratios(turns: Sequence[Turn], floor: Sequence[Turn]) -> tuple[float, ...]:
    """How often the floor's processor time a server needs, round by round."""
    pairs = zip(turns, floor, strict=False)
    return tuple(sorted(turn.processor / least.processor for turn, least in pairs))


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
