"""Events a day as a chart: the rectangles of an SVG, which needs no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiled_scim.audit.dashboard import Day

# In units of the SVG, which is stretched to the room that there is, and as `chart.html` has them.
# They are whole numbers, since templates write others with the comma of the reader's language.
HEIGHT = 100
SLOT = 10
BAR = 6
LEAST = 2  # what is there can be seen


@dataclass(frozen=True)
class Bar:
    """The rectangles of one day: what was done, and on top of it what was not."""

    day: Day
    slot_x: int
    done_height: int
    failed_height: int

    @property
    def x(self) -> int:
        return self.slot_x + (SLOT - BAR) // 2

    @property
    def done_y(self) -> int:
        return HEIGHT - self.done_height

    @property
    def failed_y(self) -> int:
        return self.done_y - self.failed_height


@dataclass(frozen=True)
class Chart:
    """Days side by side."""

    days: Sequence[Day]

    @property
    def top(self) -> int:
        """The number that the upper edge stands for."""
        most = max(day.done + day.failed for day in self.days)
        return next(mark for mark in _ruler() if mark >= most)

    @property
    def bars(self) -> Iterator[Bar]:
        top = self.top
        for place, day in enumerate(self.days):
            failed = _height(day.failed, top)
            done = min(_height(day.done, top), HEIGHT - failed)
            yield Bar(day, place * SLOT, done, failed)

    @property
    def done(self) -> int:
        return sum(day.done for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def width(self) -> int:
        return len(self.days) * SLOT


def _height(number: int, top: int) -> int:
    return max(LEAST, round(HEIGHT * number / top)) if number else 0


def _ruler() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, and so on."""
    unit = 1
    while True:
        yield from (unit, 2 * unit, 5 * unit)
        unit *= 10
