"""Write the results of a comparison into the generated part of `docs/performance.md`."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .figures import Figures, figures
from .plots import PLOTS
from .runner import Row
from .servers import ROOT
from .subjects import FLOOR, TILED_SCIM

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"
LARGEST = "get_group_100000"
NOTHING = "-"

# The heading of a column, and the function that formats its cells.
COLUMNS: Sequence[tuple[str, Callable[[Figures], str]]] = (
    ("p50 ms", lambda figure: number(figure.p50)),
    ("p95 ms", lambda figure: number(figure.p95)),
    ("requests/s", lambda figure: number(figure.throughput, 0)),
    ("statements", lambda figure: number(figure.statements, 0)),
    ("worker ms", lambda figure: number(figure.worker, 2)),
    ("database ms", lambda figure: number(figure.database, 2)),
    ("peak MB", lambda figure: number(figure.peak, 0)),
    ("to the floor", lambda figure: ratio(figure)),
)

WHY_OTHERS_NEED_LESS = """\
For each write, tiled_scim also locks the rows that it changes, compares names with those of all
users in every spelling, and writes an event in the same transaction. The other servers do not:
concurrent requests can overwrite each other, and nobody can see later who changed what."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of a comparison.

    Args:
        postgresql: the version of PostgreSQL.
        versions: the versions of each server's packages, by the subject's name.
        rounds: the number of rounds.
        load: the load average of the machine before the comparison.
    """

    postgresql: str
    versions: Mapping[str, str]
    rounds: int
    load: float


def write(rows: Sequence[Row], conditions: Conditions) -> None:
    """Write the tables into the document, between its markers, and the plots beside it."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    generated = "\n\n".join(sections(rows, conditions))
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{generated}\n\n{END}{after}")
    for plot in PLOTS:
        if plot.is_possible(rows):
            plot.draw(rows, ROOT / "docs" / "images")


def sections(rows: Sequence[Row], conditions: Conditions) -> Iterator[str]:
    """Yield the blocks of the generated part."""
    names = list(rows[0].probes)
    found = {row.operation.name: figures(row) for row in rows}
    titles = {row.operation.name: row.operation.title for row in rows}
    yield _conditions(conditions)
    yield "### Processor time, as a ratio to the floor"
    yield f"![{PLOTS[0].title}](images/{PLOTS[0].name}.svg)"
    yield table(
        ["operation", "floor, ms", *names[1:]],
        [
            [
                titles[operation],
                processor(figure[FLOOR.name]),
                *map(ratio, list(figure.values())[1:]),
            ]
            for operation, figure in found.items()
        ],
    )
    yield from _comparison_with_others(found, titles)
    yield from _memory(found.get(LARGEST, {}))
    for plot in PLOTS[1:]:
        if plot.is_possible(rows):
            yield f"### {plot.title}"
            yield f"![{plot.title}](images/{plot.name}.svg)"
    for name in names:
        yield f"### {name}, in full"
        yield table(
            ["operation", *(heading for heading, _ in COLUMNS)],
            [
                [titles[operation], *(cell(figure[name]) for _, cell in COLUMNS)]
                for operation, figure in found.items()
            ],
        )


def _conditions(conditions: Conditions) -> str:
    versions = "; ".join(f"{name}: {text}" for name, text in conditions.versions.items())
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {_processor()}, Python "
        f"{platform.python_version()}, PostgreSQL {conditions.postgresql}, in "
        f"{conditions.rounds} rounds. {versions}. The load average of the machine was "
        f"{number(conditions.load)} before."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} cores of an {models[0]}" if models else platform.machine()


def _comparison_with_others(
    found: Mapping[str, Mapping[str, Figures]], titles: Mapping[str, str]
) -> Iterator[str]:
    """Yield where another server is faster, and what servers do not support."""
    yield "### Where another server needs less processor time than tiled_scim"
    yield WHY_OTHERS_NEED_LESS
    faster = [
        f"- {titles[operation]}: {name} needs {processor(figure)} ms, "
        f"tiled_scim {processor(all_of_them[TILED_SCIM.name])} ms"
        f"{f'; it {figure.problem}' if figure.problem else ''}."
        for operation, all_of_them in found.items()
        for name, figure in _others(all_of_them)
        if _is_less(figure, all_of_them[TILED_SCIM.name])
    ]
    yield "\n".join(faster) or "Nowhere."
    yield "### Unsupported operations and different answers"
    problems = [
        f"- {titles[operation]}: {name} {figure.problem}."
        for operation, all_of_them in found.items()
        for name, figure in all_of_them.items()
        if figure.problem
    ]
    yield "\n".join(problems) or "None."


def _others(found: Mapping[str, Figures]) -> Iterator[tuple[str, Figures]]:
    for name, figure in found.items():
        if name not in {FLOOR.name, TILED_SCIM.name}:
            yield name, figure


def _is_less(figure: Figures, than: Figures) -> bool:
    if figure.processor is None or than.processor is None:
        return False
    return figure.processor < than.processor


def _memory(found: Mapping[str, Figures]) -> Iterator[str]:
    """Yield the memory that the largest answer needs."""
    if not found:
        return
    yield "### Memory of a worker that returns a group of 100,000 members"
    yield table(
        ["server", "idle, MB", "peak, MB", "over idle, MB"],
        [
            [name, number(figure.idle, 0), number(figure.peak, 0), number(figure.added, 0)]
            for name, figure in found.items()
        ],
    )


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with right-aligned numbers."""
    lines = [heading, ["---", *["--:"] * (len(heading) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float | None, digits: int = 1) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def processor(figure: Figures) -> str:
    """Format the processor time of worker and database."""
    return number(figure.processor, 2)


def ratio(figure: Figures) -> str:
    """Format the median of the ratios, with the lowest and the highest round."""
    if not figure.ratios:
        return NOTHING
    digits = 2 if figure.ratios[-1] < 10 else 0
    low, middle, high = (
        number(value, digits) for value in (figure.ratios[0], figure.ratio, figure.ratios[-1])
    )
    mark = " \\*" if figure.problem else ""
    return f"{middle} ({low} to {high}){mark}" if len(figure.ratios) > 1 else f"{middle}{mark}"
