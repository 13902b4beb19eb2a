"""The years, months and days to choose from above a list.

They replace those of Django's `date_hierarchy`, which reads every row to find the dates. Here, all
dates between the first and the last row are offered.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from tiled_scim.audit.times import local

PARTS = ("year", "month", "day")
# The formats of a year, a month and a day.
FORMATS = {1: "Y", 2: "YEAR_MONTH_FORMAT", 3: "MONTH_DAY_FORMAT"}

# A year, a month in its year, or a day in its month.
Period = tuple[int, ...]


@dataclass(frozen=True)
class Calendar:
    """The links from one period to the others.

    Args:
        changelist: A list with a `date_hierarchy`.
        first: The day of the first row.
        last: The day of the last row.
    """

    changelist: ChangeList
    first: date
    last: date

    @property
    def chosen(self) -> Period:
        """Return the period that the list shows, or () for all dates."""
        given = (self.changelist.params.get(self._parameter(part)) for part in PARTS)
        period: Period = ()
        for value in given:
            if value is None:
                break
            period += (int(value),)
        return period

    @property
    def back(self) -> dict[str, Any] | None:
        """Return the link to the enclosing period, or None if the list shows all dates."""
        if not any(name.startswith(f"{self._field}__") for name in self.changelist.params):
            return None
        enclosing = self.chosen[:-1]
        title = _title(enclosing) if enclosing else _("All dates")
        return {"link": self._link(enclosing), "title": title}

    @property
    def choices(self) -> list[dict[str, Any]]:
        """Return the links to the periods within the chosen one, or the title of a chosen day."""
        if len(self.chosen) == len(PARTS):
            return [{"title": _title(self.chosen)}]
        return [
            {"link": self._link(period), "title": _title(period)}
            for period in self._inside(self.chosen or self._common)
        ]

    @property
    def _common(self) -> Period:
        """Return the smallest year or month that contains all rows, or ()."""
        if self.first.year != self.last.year:
            return ()
        if self.first.month != self.last.month:
            return (self.first.year,)
        return (self.first.year, self.first.month)

    def _inside(self, period: Period) -> Iterator[Period]:
        """Yield the parts of a period between the first and the last row."""
        for number in self._numbers(period):
            part = (*period, number)
            if _truncate(self.first, len(part)) <= part <= _truncate(self.last, len(part)):
                yield part

    def _numbers(self, period: Period) -> range:
        if not period:
            return range(self.first.year, self.last.year + 1)
        return range(1, 13) if len(period) == 1 else range(1, monthrange(*period)[1] + 1)

    def _link(self, period: Period) -> str:
        parameters = {
            self._parameter(part): number for part, number in zip(PARTS, period, strict=False)
        }
        return self.changelist.get_query_string(parameters, [f"{self._field}__"])

    def _parameter(self, part: str) -> str:
        return f"{self._field}__{part}"

    @property
    def _field(self) -> str:
        return str(self.changelist.date_hierarchy)


def day_of(moment: datetime) -> date:
    """Return the day of a time in the current time zone."""
    return local(moment).date()


def _truncate(day: date, length: int) -> Period:
    """Return the year (length 1), month (2) or day (3) of a date."""
    return (day.year, day.month, day.day)[:length]


def _title(period: Period) -> str:
    day = date(*(*period, 1, 1)[: len(PARTS)])
    return capfirst(date_format(day, FORMATS[len(period)]))
