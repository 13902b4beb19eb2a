"""Draw the plots of a comparison, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .figures import Figures, figures
from .operations import NAMES, SIZES
from .runner import Row
from .subjects import DJANGO_SCIM2, DJANGO_SCIM2_SERVER, FLOOR, TILED_SCIM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Found = Mapping[str, tuple[str, Mapping[str, Figures]]]

# Colours for colour-blind readers (Okabe and Ito), and markers.
STYLES = {
    FLOOR.name: ("#777777", "|"),
    TILED_SCIM.name: ("#0072b2", "o"),
    DJANGO_SCIM2.name: ("#d55e00", "s"),
    DJANGO_SCIM2_SERVER.name: ("#009e73", "^"),
}
BARS = (
    "lookup",
    "get_user",
    "list_first",
    "patch_active",
    "put_user",
    "post_user",
    "add_member_10",
)
ADDS = tuple(f"add_member_{size}" for size in SIZES)
BAR_HEIGHT = 0.2
DOTS_PER_INCH = 150
# Keep text as text, and write the same file for the same figures.
SETTINGS: Any = {"font.size": 10, "svg.fonttype": "none", "svg.hashsalt": "tiled_scim"}


@dataclass(frozen=True)
class Plot:
    """A plot.

    Args:
        name: the name of its files, without the extension.
        size: width and height in inches.
        paint: draws the plot.
        operations: the operations that it shows.
    """

    name: str
    title: str
    size: tuple[float, float]
    paint: Callable[[Axes, Found], None]
    operations: Sequence[str]

    def is_possible(self, rows: Sequence[Row]) -> bool:
        """Whether at least one of its operations was measured."""
        return any(row.operation.name in self.operations for row in rows)

    def draw(self, rows: Sequence[Row], folder: Path) -> None:
        """Write the plot into a folder."""
        # Imported here since it takes a second, which would slow down a quick run.
        import matplotlib as mpl
        from matplotlib.figure import Figure

        found = {row.operation.name: (row.operation.title, figures(row)) for row in rows}
        with mpl.rc_context(SETTINGS):
            figure = Figure(self.size, layout="constrained")
            axes = figure.subplots()
            self.paint(axes, found)
            axes.set_title(self.title, loc="left", fontweight="bold")
            axes.spines[["top", "right"]].set_visible(False)
            figure.legend(loc="outside lower center", ncols=len(STYLES), frameon=False)
            for ending, metadata in {"png": {}, "svg": {"Date": None}}.items():
                path = folder / f"{self.name}.{ending}"
                figure.savefig(path, dpi=DOTS_PER_INCH, metadata=metadata)


def ratios(axes: Axes, found: Found) -> None:
    """Draw the ratio to the floor for each operation, with its spread."""
    axes.axvline(1, color=STYLES[FLOOR.name][0], label=FLOOR.name)
    for name in _names(found):
        if name == FLOOR.name:
            continue
        color, mark = STYLES[name]
        axes.plot([], [], mark, color=color, label=name)
        for place, (_, figure) in enumerate(found.values()):
            _point(axes, figure[name], place, color, mark)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(
        "processor time of worker and database, in relation to the floor\n"
        "(hollow: the answer differs from what was requested)"
    )
    axes.set_yticks(range(len(found)), [title for title, _ in found.values()])
    axes.invert_yaxis()
    axes.grid(axis="both", alpha=0.3)


def _point(axes: Axes, figure: Figures, place: int, color: str, mark: str) -> None:
    """Draw a ratio and its spread."""
    if figure.ratio is None:
        return
    spread = [[figure.ratio - figure.ratios[0]], [figure.ratios[-1] - figure.ratio]]
    inside = "white" if figure.problem else color
    axes.errorbar(
        [figure.ratio], [place], xerr=spread, fmt=mark, color=color, mfc=inside, capsize=2
    )


def sizes(axes: Axes, found: Found) -> None:
    """Draw the cost of adding a member, by the size of the group."""
    for name in _names(found):
        color, mark = STYLES[name]
        points = [
            (size, found[operation][1][name].processor)
            for size, operation in zip(SIZES, ADDS, strict=True)
            if operation in found
        ]
        known = [(size, value) for size, value in points if value is not None]
        axes.plot(
            [size for size, _ in known],
            [value for _, value in known],
            marker=mark,
            color=color,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("members of the group")
    axes.set_ylabel("ms of worker and database")
    axes.grid(alpha=0.3)


def throughput(axes: Axes, found: Found) -> None:
    """Draw the throughput with four clients."""
    shown = [name for name in BARS if name in found]
    for index, name in enumerate(_names(found)):
        values = [found[operation][1][name].throughput for operation in shown]
        bars = axes.barh(
            [place + index * BAR_HEIGHT for place in range(len(shown))],
            [value or 0 for value in values],
            BAR_HEIGHT,
            color=STYLES[name][0],
            label=name,
        )
        labels = [f"{value:,.0f}" if value else "not measured" for value in values]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
    middle = BAR_HEIGHT * (len(_names(found)) - 1) / 2
    axes.set_yticks(
        [place + middle for place in range(len(shown))], [found[name][0] for name in shown]
    )
    axes.invert_yaxis()
    axes.set_xlabel("requests per second, with four clients and two workers")


def _names(found: Found) -> list[str]:
    _, first = next(iter(found.values()))
    return list(first)


PLOTS = (
    Plot("benchmark-ratios", "Processor time in relation to the floor", (9, 9), ratios, NAMES),
    Plot("benchmark-group-size", "Adding one member, by size of the group", (8, 5), sizes, ADDS),
    Plot("benchmark-throughput", "Requests per second", (8, 7), throughput, BARS),
)
