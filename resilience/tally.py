"""The results of a scenario in numbers, and their table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

NAME_WIDTH = 44
# The maximum number of problems to show for each scenario.
PROBLEMS_SHOWN = 10

COLUMNS = ("sent", "faults", "retried", "unanswered", "lost", "duplicated", "5xx", "violations")
# The columns that must be zero.
FAILURES = COLUMNS[4:]


@dataclass
class Tally:
    """The results of one scenario. Clients count from several threads.

    The columns are `sent`: requests; `faults`: kills, outages and similar; `retried`: responses
    with 503 and `Retry-After`; `unanswered`: broken connections; `lost`: missing rows;
    `duplicated`: unexpected rows; `5xx`: other server errors; `violations`: of invariants or
    expected responses.
    """

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, column: str, number: int = 1, problem: str = "") -> None:
        with self._lock:
            self.counts[column] += number
            if problem:
                self.problems.append(f"{column}: {problem}")

    def compare(self, expected: Counter[str], found: Counter[str]) -> None:
        """Count missing facts as lost, and unexpected facts as duplicated."""
        for column, difference in (("lost", expected - found), ("duplicated", found - expected)):
            for fact, number in difference.items():
                self.count(column, number, fact)

    @property
    def has_failed(self) -> bool:
        return any(self.counts[column] for column in FAILURES)

    def lines(self) -> list[str]:
        """Return the row of the table, with notes and problems below it."""
        hidden = len(self.problems) - PROBLEMS_SHOWN
        return [
            row(self.name, [str(self.counts[column]) for column in COLUMNS], f"{self.seconds:.1f}"),
            *(f"    {number} {note}" for note, number in sorted(self.notes.items())),
            *(f"    {problem}" for problem in self.problems[:PROBLEMS_SHOWN]),
            *([f"    … and {hidden} more"] if hidden > 0 else []),
        ]


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up tallies, without their problems, which have already been shown."""
    summed = Tally("total")
    for tally in tallies:
        summed.counts.update(tally.counts)
        summed.seconds += tally.seconds
    return summed


def row(name: str, cells: Iterable[str], seconds: str) -> str:
    figures = "".join(
        f"{cell:>{len(column) + 2}}" for cell, column in zip(cells, COLUMNS, strict=True)
    )
    return f"{name:{NAME_WIDTH}}{figures}{seconds:>9}"


def heading() -> str:
    return row("scenario", COLUMNS, "seconds")
