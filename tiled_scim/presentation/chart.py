"""The chart of requests per day, drawn as the rectangles of an SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiled_scim.audit.dashboard import Day

# Sizes in units of the SVG, which is scaled to fit. `chart.html` repeats some of them. They are
# integers, because templates would localize the decimal point of other numbers.
HEIGHT = 100
SLOT = 10
BAR = 6
MIN_HEIGHT = 2  # makes the smallest numbers visible


@dataclass(frozen=True)
class Bar:
    """The rectangles of one day: requests that were done, and failed ones on top of them."""

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
    """A chart with a bar for each day."""

    days: Sequence[Day]

    @property
    def top(self) -> int:
        """Return the number of requests at the upper edge."""
        most = max(day.done + day.failed for day in self.days)
        return next(mark for mark in _scale() if mark >= most)

    @property
    def bars(self) -> Iterator[Bar]:
        top = self.top
        for index, day in enumerate(self.days):
            failed = _height(day.failed, top)
            done = min(_height(day.done, top), HEIGHT - failed)
            yield Bar(day, index * SLOT, done, failed)

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
    return max(MIN_HEIGHT, round(HEIGHT * number / top)) if number else 0


def _scale() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50, and so on."""
    unit = 1
    while True:
        yield from (unit, 2 * unit, 5 * unit)
        unit *= 10
