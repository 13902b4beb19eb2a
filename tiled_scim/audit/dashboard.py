"""How provisioning goes, at a glance: is Okta connected, how much is there, what failed lately.

Every part is one query, by an index or over the last days, and none is made before it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    TextChoices,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.audit.advice import UNKNOWN_CALLER, advice
from tiled_scim.conf import settings
from tiled_scim.host import objects
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimEvent,
    ScimToken,
    UserLink,
)
from tiled_scim.schemas import GROUP, USER

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FAILURE_DAYS = 7
CHART_DAYS = 14
# Okta calls when something changes: a quiet weekend is nothing to speak of.
SILENT_AFTER = timedelta(days=3)
EXPIRES_SOON = timedelta(days=14)

GONE_WRONG = (Outcome.REFUSED, Outcome.FAILED)
# What failures have in common that are shown as one. Of unknown callers the account is null.
KIND = ("status", "scim_type", "resource_type", "account")
UNAUTHORIZED = 401
TITLES: Mapping[tuple[str, str], StrOrPromise] = {
    (Outcome.REFUSED, UNKNOWN_CALLER): _("Unknown caller refused"),
    (Outcome.REFUSED, USER.name): _("User refused"),
    (Outcome.REFUSED, GROUP.name): _("Group refused"),
    (Outcome.FAILED, USER.name): _("User failed"),
    (Outcome.FAILED, GROUP.name): _("Group failed"),
}
OTHER_TITLES: Mapping[str, StrOrPromise] = {
    Outcome.REFUSED: _("Request refused"),
    Outcome.FAILED: _("Request failed"),
}


class State(TextChoices):
    """How the identity provider of an account is connected."""

    NO_TOKEN = "no_token", _("No token")
    UNUSED = "unused", _("Not connected yet")
    CONNECTED = "connected", _("Connected")
    SILENT = "silent", _("Silent")
    EXPIRED = "expired", _("Token expired")
    REFUSED = "refused", _("Old token")

    @property
    def is_connected(self) -> bool:
        return self in {State.CONNECTED, State.SILENT}

    @property
    def kind(self) -> Literal["good", "bad", ""]:
        """How to feel about it."""
        if self.is_connected:
            return "good"
        return "bad" if self in {State.EXPIRED, State.REFUSED} else ""


def state(token: ScimToken | None, refused_at: datetime | None) -> State:
    """The state of an account's connection.

    Args:
        token: its current token.
        refused_at: when a call with a token of the account that has ended was last refused.
    """
    if token is not None and token.is_expired:
        return State.EXPIRED
    last_good = (token.last_used_at or token.created_at) if token else None
    if refused_at is not None and (last_good is None or refused_at > last_good):
        return State.REFUSED
    if token is None:
        return State.NO_TOKEN
    if token.last_used_at is None:
        return State.UNUSED
    is_silent = timezone.now() - token.last_used_at > SILENT_AFTER
    return State.SILENT if is_silent else State.CONNECTED


@dataclass(frozen=True)
class Counts:
    """How many there are of what SCIM manages now.

    Args:
        active: users who may sign in; `deactivated`: those who may not.
        libraries: those that a group feeds.
        people: active users with access to at least one of these Libraries.
    """

    active: int
    deactivated: int
    libraries: int
    people: int

    @property
    def is_empty(self) -> bool:
        return not (self.active or self.deactivated or self.libraries)


@dataclass(frozen=True)
class Day:
    """The events of one day, in the host's time zone."""

    date: date
    done: int
    failed: int


@dataclass(frozen=True)
class Failure:
    """Failures of one kind.

    Args:
        example: the last of them.
        number: how many requests failed in this way.
    """

    example: ScimEvent
    number: int

    @property
    def title(self) -> str:
        event = self.example
        what = UNKNOWN_CALLER if event.account is None else event.resource_type
        return str(TITLES.get((event.outcome, what)) or OTHER_TITLES[event.outcome])

    @property
    def advice(self) -> str:
        return advice(self.example)

    @property
    def ago(self) -> str:
        """When it last happened."""
        return ago(self.example.created_at)


@dataclass(frozen=True)
class Health:
    """How provisioning goes in one account.

    Args:
        account: its key.
        token: its current token.
        is_only: whether the host has no other account: then unknown callers, too, are its own.
    """

    account: str
    token: ScimToken | None
    is_only: bool = True

    @cached_property
    def state(self) -> State:
        return state(self.token, self._refused_at)

    @cached_property
    def refused(self) -> ScimEvent | None:
        """The last call with a token of the account that has ended."""
        refused = (failure.example for failure in self.failures)
        return next((event for event in refused if _had_token(event)), None)

    @property
    def last_call_ago(self) -> str:
        """When the current token was last used; empty where it never was."""
        return ago(self.token.last_used_at if self.token else None)

    @property
    def _refused_at(self) -> datetime | None:
        return self.refused.created_at if self.refused else None

    @property
    def refused_ago(self) -> str:
        return ago(self._refused_at)

    @property
    def days_left(self) -> int | None:
        """In how many days the token expires; None where that is not soon."""
        expires_at = self.token.expires_at if self.token else None
        if expires_at is None or not timedelta() < expires_at - timezone.now() <= EXPIRES_SOON:
            return None
        return (_local(expires_at).date() - _today()).days

    @cached_property
    def counts(self) -> Counts:
        users = objects(UserLink).filter(UserLink.live, account=self.account)
        groups = objects(LibraryGroupLink).filter(LibraryGroupLink.live, account=self.account)
        memberships = LibraryGroupMember.objects.filter(
            LibraryGroupMember.live, user=OuterRef("pk")
        )
        is_active = self._is_active()
        numbers = _numbers(
            users=users,
            active=users.filter(is_active),
            people=users.filter(is_active, Exists(memberships)),
            libraries=groups,
        )
        return Counts(
            active=numbers["active"],
            deactivated=numbers["users"] - numbers["active"],
            libraries=numbers["libraries"],
            people=numbers["people"],
        )

    @cached_property
    def days(self) -> list[Day]:
        """The last days, today's as the last."""
        dates = [_today() - timedelta(days=number) for number in reversed(range(CHART_DAYS))]
        starts = [_midnight(date) for date in dates]
        # Not the database's own truncation: MariaDB has none where it lacks the time zones.
        latest_first = reversed(list(enumerate(starts)))
        day = Case(*(When(created_at__gte=start, then=Value(at)) for at, start in latest_first))
        rows = self._events(starts[0]).annotate(day=day).values_list("day", "outcome")
        done, failed = [0] * CHART_DAYS, [0] * CHART_DAYS
        for at, outcome, number in rows.annotate(number=Count("pk")).order_by():
            (failed if outcome in GONE_WRONG else done)[at] += number
        return [Day(*values) for values in zip(dates, done, failed, strict=True)]

    @property
    def has_events(self) -> bool:
        """Whether there was any on the last days."""
        return any(day.done or day.failed for day in self.days)

    @cached_property
    def failures(self) -> list[Failure]:
        """What failed on the last days, by kind, the latest first."""
        kind = [F(name) for name in KIND]
        latest_first = ("-created_at", "-pk")
        rows = (
            self._events(failures_since())
            .filter(outcome__in=GONE_WRONG)
            .defer("changes")
            .annotate(
                number=Window(Sum("times"), partition_by=kind),
                place=Window(RowNumber(), partition_by=kind, order_by=latest_first),
            )
            .filter(place=1)
            .order_by(*latest_first)
        )
        return [Failure(event, event.number) for event in rows]

    def _events(self, since: datetime) -> QuerySet[Any]:
        whose = Q(account=self.account)
        if self.is_only:
            whose |= Q(account=None)
        return objects(ScimEvent).filter(whose, created_at__gte=since)

    def _is_active(self) -> Q:
        """What the links of active users fulfil: all, where the host does not tell them apart."""
        path = settings.HOST_ADAPTER(self.account).user_fields.get("active")
        return Q(("suspended", False), (f"user__{path}", True)) if path else Q()


@dataclass(frozen=True)
class Summary:
    """What is told of an account among others.

    Args:
        failures: how many requests failed on the last days.
    """

    token: ScimToken | None
    state: State
    failures: int

    @property
    def last_call_ago(self) -> str:
        return ago(self.token.last_used_at if self.token else None)


def summaries(accounts: Collection[str]) -> tuple[dict[str, Summary], int]:
    """How provisioning goes in several accounts, by their keys.

    Returns:
        Them, and how many requests of unknown callers were refused on the last days.
    """
    rows = objects(ScimToken).filter(current_account__in=accounts)
    tokens = {token.account: token for token in rows}
    failures = (
        objects(ScimEvent)
        .filter(Q(account__in=accounts) | Q(account=None))
        .filter(outcome__in=GONE_WRONG, created_at__gte=failures_since())
        .values_list("account")
        .annotate(number=Sum("times"), refused_at=Max("created_at", filter=Q(status=UNAUTHORIZED)))
        .order_by()
    )
    found = {account: (number, refused_at) for account, number, refused_at in failures}
    unknown, _refused_at = found.pop(None, (0, None))
    return {key: _summary(tokens.get(key), *found.get(key, (0, None))) for key in accounts}, unknown


def ago(moment: datetime | None) -> str:
    """How long ago something was, as people say it; empty for never."""
    if moment is None:
        return ""
    if timezone.now() - moment < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(moment, depth=1)}


def _summary(token: ScimToken | None, failures: int, refused_at: datetime | None) -> Summary:
    return Summary(token, state(token, refused_at), failures)


def _had_token(event: ScimEvent) -> bool:
    """Whether a call was refused for its token, which the account had once."""
    return event.status == UNAUTHORIZED and event.account is not None


def _numbers(**rows: QuerySet[Any]) -> dict[str, int]:
    """How many rows each has, in one query."""
    first, *others = (
        queryset.order_by()
        .annotate(kind=Value(kind))
        .values_list("kind")
        .annotate(number=Count("pk"))
        for kind, queryset in rows.items()
    )
    return dict.fromkeys(rows, 0) | dict(first.union(*others, all=True))


def failures_since() -> datetime:
    """When the days begin of which failures are told."""
    return timezone.now() - timedelta(days=FAILURE_DAYS)


def _local(moment: datetime) -> datetime:
    """The moment by the host's clock, which shows no other where USE_TZ is off."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def _today() -> date:
    return _local(timezone.now()).date()


def _midnight(day: date) -> datetime:
    """When a day begins by the host's clock."""
    midnight = datetime.combine(day, time.min)
    return timezone.make_aware(midnight) if timezone.is_aware(timezone.now()) else midnight
