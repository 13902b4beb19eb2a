"""Times as people read them: how long ago, and how many days from now."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext

EXPIRES_SOON = timedelta(days=14)


def ago(moment: datetime | None) -> str:
    """Return how long ago a time was, as text, or "" for None."""
    if moment is None:
        return ""
    if timezone.now() - moment < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(moment, depth=1)}


def days_left(expires_at: datetime | None) -> int | None:
    """Return the days until a credential expires, or None if it does not expire soon."""
    if expires_at is None or not timedelta() < expires_at - timezone.now() <= EXPIRES_SOON:
        return None
    return (local(expires_at).date() - today()).days


def today() -> date:
    """Return the date in the current time zone."""
    return local(timezone.now()).date()


def midnight(day: date) -> datetime:
    """Return the start of a day in the current time zone."""
    midnight = datetime.combine(day, time.min)
    return timezone.make_aware(midnight) if timezone.is_aware(timezone.now()) else midnight


def local(moment: datetime) -> datetime:
    """Return a time in the current time zone. Times are already local if USE_TZ is off."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment
