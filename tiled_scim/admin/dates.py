"""Years, months and days to choose from, above a list of what has a time.

In place of Django's own `date_hierarchy`, which reads every row to find those that there are. Here
they are all between the first row and the last.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

PARTS = ("year", "month", "day")
# How a year, month and day are written, where it is one among others.
FORMATS = {1: "Y", 2: "YEAR_MONTH_FORMAT", 3: "MONTH_DAY_FORMAT"}

# A year, a month in its year, or a day in its month.
Period = tuple[int, ...]


@dataclass(frozen=True)
class Calendar:
    """What leads from one period to the others.

    Args:
        changelist: a list with a `date_hierarchy`, whose parameters are in its query.
        first: the day of the first row; `last`: that of the last one.
    """

    changelist: ChangeList
    first: date
    last: date

    @property
    def chosen(self) -> Period:
        """The period that the list shows; empty for all time."""
        given = (self.changelist.params.get(self._parameter(part)) for part in PARTS)
        period: Period = ()
        for value in given:
            if value is None:
                break
            period += (int(value),)
        return period

    @property
    def back(self) -> dict[str, Any] | None:
        """The link to the period around what the list shows; None where it shows all time."""
        if not any(name.startswith(f"{self._field}__") for name in self.changelist.params):
            return None
        around = self.chosen[:-1]
        title = _title(around) if around else _("All dates")
        return {"link": self._link(around), "title": title}

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The links to the periods inside the chosen one; where it is a day, its name."""
        if len(self.chosen) == len(PARTS):
            return [{"title": _title(self.chosen)}]
        return [
            {"link": self._link(period), "title": _title(period)}
            for period in self._inside(self.chosen or self._common)
        ]

    @property
    def _common(self) -> Period:
        """The period that all rows are in, down to a month."""
        if self.first.year != self.last.year:
            return ()
        if self.first.month != self.last.month:
            return (self.first.year,)
        return (self.first.year, self.first.month)

    def _inside(self, period: Period) -> Iterator[Period]:
        """The periods that a period is made of, as far as there are rows around them."""
        for number in self._numbers(period):
            part = (*period, number)
            if _of(self.first, len(part)) <= part <= _of(self.last, len(part)):
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
    """The day of a moment, by the host's clock, which shows no other where USE_TZ is off."""
    return (timezone.localtime(moment) if timezone.is_aware(moment) else moment).date()


def _of(day: date, length: int) -> Period:
    """The year, month or day that a day is in, according to the length."""
    return (day.year, day.month, day.day)[:length]


def _title(period: Period) -> str:
    day = date(*(*period, 1, 1)[: len(PARTS)])
    return capfirst(date_format(day, FORMATS[len(period)]))
