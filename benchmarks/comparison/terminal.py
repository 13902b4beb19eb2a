"""Print a comparison on the terminal while it runs."""

from __future__ import annotations

import sys

from .figures import Figures, figures
from .runner import Row

COLUMNS = ("p50 ms", "p95 ms", "req/s", "SQL", "worker ms", "db ms", "peak MB", "/ floor")
WIDTH = 10


class Terminal:
    """Prints a line for each operation and server."""

    def __init__(self) -> None:
        self._has_heading = False

    def say(self, text: str) -> None:
        print(f"... {text}", file=sys.stderr, flush=True)

    def row(self, row: Row) -> None:
        if not self._has_heading:
            self._has_heading = True
            heading = "".join(f"{name:>{WIDTH}}" for name in COLUMNS)
            print(f"{'':58}{heading}  from - to")
        for name, figure in figures(row).items():
            print(_line(row.operation.title, name, figure), flush=True)


def _line(title: str, name: str, figure: Figures) -> str:
    cells = (
        _number(figure.p50),
        _number(figure.p95),
        _number(figure.throughput, 0),
        _number(figure.statements, 0),
        _number(figure.worker, 2),
        _number(figure.database, 2),
        _number(figure.peak),
        _number(figure.ratio, 2),
    )
    spread = f"{figure.ratios[0]:.2f} - {figure.ratios[-1]:.2f}" if figure.ratios else ""
    line = f"{title[:36]:38}{name:20}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)
    return f"{line}  {spread:13}  {figure.problem}".rstrip()


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
