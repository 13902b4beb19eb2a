"""The health of provisioning: the connection, the numbers of resources, and recent failures.

Each part is a single lazy query that uses an index or reads only the last days.

The module is long, because the state of a connection is decided in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
from django.utils.translation import gettext_lazy as _

from tiled_scim.accounts import active_links
from tiled_scim.audit.advice import UNKNOWN_CALLER, advice
from tiled_scim.audit.client_use import ClientUse, uses
from tiled_scim.audit.handover import Handover, handover
from tiled_scim.audit.times import ago, days_left, midnight, today
from tiled_scim.conf import settings
from tiled_scim.database.for_write import objects
from tiled_scim.errors import Cause
from tiled_scim.models import (
    CurrentTokens,
    LastUse,
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimClient,
    ScimEvent,
    ScimToken,
    UserLink,
)
from tiled_scim.schemas import GROUP, TILED_ADMIN, USER

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FAILURE_DAYS = 7
CHART_DAYS = 14
# Okta only calls when something changes, so a weekend without calls is normal.
SILENT_AFTER = timedelta(days=3)

FAILED_OUTCOMES = (Outcome.REFUSED, Outcome.FAILED)
# Failures with the same values are shown as one. The account of unknown callers is null.
FAILURE_KIND = ("status", "scim_type", "cause", "resource_type", "account")
UNAUTHORIZED = 401
# Causes of refusals of requests that had another credential than a token.
OTHER_CREDENTIALS = frozenset(
    {Cause.ACCESS_TOKEN, Cause.ASSERTION, Cause.CLIENT_SECRET, Cause.NOT_SIGNED}
)
# The same as `_used_ended_token`, for events of an account.
USED_ENDED_TOKEN = Q(status=UNAUTHORIZED) & ~Q(cause__in=OTHER_CREDENTIALS)
TITLES: Mapping[tuple[str, str], StrOrPromise] = {
    (Outcome.REFUSED, UNKNOWN_CALLER): _("Unknown caller refused"),
    (Outcome.REFUSED, USER.name): _("User refused"),
    (Outcome.REFUSED, GROUP.name): _("Group refused"),
    (Outcome.FAILED, USER.name): _("User failed"),
    (Outcome.FAILED, GROUP.name): _("Group failed"),
}
TITLES_BY_CAUSE: Mapping[str, StrOrPromise] = {Cause.SETUP_LINK_ENDED: _("Setup link refused")}
OTHER_TITLES: Mapping[str, StrOrPromise] = {
    Outcome.REFUSED: _("Request refused"),
    Outcome.FAILED: _("Request failed"),
}


class State(TextChoices):
    """The state of an account's connection to its identity provider."""

    NOT_ENABLED = "not_enabled", _("Not enabled")
    NO_TOKEN = "no_token", _("No token")
    UNUSED = "unused", _("Not connected yet")
    CONNECTED = "connected", _("Connected")
    SILENT = "silent", _("No recent calls")
    EXPIRED = "expired", _("Token expired")
    REFUSED = "refused", _("Old token")

    @property
    def is_connected(self) -> bool:
        return self in {State.CONNECTED, State.SILENT}

    @property
    def kind(self) -> Literal["good", "bad", ""]:
        """Return the kind of badge for the state."""
        if self.is_connected:
            return "good"
        return "bad" if self in {State.EXPIRED, State.REFUSED} else ""


def last_used(credentials: Iterable[LastUse]) -> LastUse | None:
    """Return the credential that was used last, or None if none was."""
    used = {each.last_used_at: each for each in credentials if each.last_used_at is not None}
    return used[max(used)] if used else None


def state(
    tokens: CurrentTokens, clients: Sequence[ClientUse], refused_at: datetime | None
) -> State:
    """Return the state of the connection of an account that may use SCIM.

    Args:
        tokens: The account's current tokens.
        clients: The account's clients.
        refused_at: When a call with a former token of the account was last refused.
    """
    newest, used = tokens.newest, last_used(_credentials(tokens, clients))
    if _is_expired(newest, clients, used):
        return State.EXPIRED
    used_at = used.last_used_at if used else None
    good = (used_at, newest.created_at if newest else None)
    last_good = max((moment for moment in good if moment is not None), default=None)
    if refused_at is not None and (last_good is None or refused_at > last_good):
        return State.REFUSED
    if newest is None and not clients:
        return State.NO_TOKEN
    if used_at is None:
        return State.UNUSED
    is_silent = timezone.now() - used_at > SILENT_AFTER
    return State.SILENT if is_silent else State.CONNECTED


def _credentials(tokens: CurrentTokens, clients: Sequence[ClientUse]) -> list[LastUse]:
    return [*tokens.all(), *(each.client for each in clients)]


def _is_expired(
    newest: ScimToken | None, clients: Sequence[ClientUse], used: LastUse | None
) -> bool:
    """Return whether what the identity provider has used last does not work any more.

    A token that has expired does not matter if a client was used since. The previous token never
    outlives the newest one.
    """
    client = next((each for each in clients if each.client == used), None)
    if client is not None:
        return not client.is_usable
    return newest is not None and newest.is_expired


@dataclass(frozen=True)
class Counts:
    """The numbers of users and Libraries that SCIM manages.

    Args:
        active: Users who can sign in.
        deactivated: Users who cannot sign in.
        libraries: Libraries that are linked to a group.
        people: Active users with access to at least one of these Libraries.
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
    """The numbers of requests on one day, in the host's time zone."""

    date: date
    done: int
    failed: int


@dataclass(frozen=True)
class Failure:
    """Failures of one kind.

    Args:
        example: The most recent event.
        number: How many requests failed.
    """

    example: ScimEvent
    number: int

    @property
    def title(self) -> str:
        event = self.example
        if event.cause in TITLES_BY_CAUSE:
            return str(TITLES_BY_CAUSE[event.cause])
        what = UNKNOWN_CALLER if event.account is None else event.resource_type
        return str(TITLES.get((event.outcome, what)) or OTHER_TITLES[event.outcome])

    @property
    def advice(self) -> str:
        return advice(self.example)

    @property
    def ago(self) -> str:
        """Return how long ago the most recent failure happened, as text."""
        return ago(self.example.created_at)


@dataclass(frozen=True)
class Health:
    """The health of provisioning in one account.

    Args:
        account: The key of the account.
        tokens: The account's current tokens.
        is_only: Whether the host has no other account. Unknown callers are then included.
    """

    account: str
    tokens: CurrentTokens
    is_only: bool = True

    @property
    def token(self) -> ScimToken | None:
        """Return the newest current token."""
        return self.tokens.newest

    @cached_property
    def state(self) -> State:
        if not settings.ENABLED(self.account):
            return State.NOT_ENABLED
        return state(self.tokens, self.clients, self._refused_at)

    @cached_property
    def clients(self) -> list[ClientUse]:
        """Return the account's clients, the oldest first."""
        return uses([self.account])[self.account]

    @cached_property
    def used_client(self) -> ScimClient | None:
        """Return the client that the identity provider uses, or None if it uses a token."""
        used = self.last_used
        return used if isinstance(used, ScimClient) else None

    @cached_property
    def refused(self) -> ScimEvent | None:
        """Return the last call with a former token of the account."""
        refused = (failure.example for failure in self.failures)
        return next((event for event in refused if _used_ended_token(event)), None)

    @property
    def last_used(self) -> LastUse | None:
        """Return the current token or the client that was used last, or None if none was."""
        return last_used(_credentials(self.tokens, self.clients))

    @property
    def last_call_ago(self) -> str:
        """Return how long ago a current token or a client was used, as text, or "" if none was."""
        used = self.last_used
        return ago(used.last_used_at if used else None)

    @property
    def handover(self) -> Handover | None:
        """Return how far clients have gone over to a new token, or None if no old one is kept."""
        return handover(*self.tokens)

    @property
    def previous_used_ago(self) -> str:
        """Return how long ago the previous token was used, as text, or "" if it never was."""
        previous = self.tokens.previous
        return ago(previous.last_used_at if previous else None)

    @property
    def newest_first_used_ago(self) -> str:
        """Return how long ago the newest token was first used, as text, or "" if it never was."""
        return ago(self.token.first_used_at if self.token else None)

    @property
    def _refused_at(self) -> datetime | None:
        return self.refused.created_at if self.refused else None

    @property
    def refused_ago(self) -> str:
        return ago(self._refused_at)

    @property
    def days_left(self) -> int | None:
        """Return the days until the newest token expires, or None if it does not expire soon."""
        return _days_left(self.tokens.newest)

    @property
    def previous_days_left(self) -> int | None:
        """Return the days until the previous token ends, or None if there is none."""
        return _days_left(self.tokens.previous)

    @cached_property
    def counts(self) -> Counts:
        users = objects(UserLink).filter(UserLink.live, account=self.account)
        groups = objects(LibraryGroupLink).filter(LibraryGroupLink.live, account=self.account)
        memberships = LibraryGroupMember.objects.filter(
            LibraryGroupMember.live, user=OuterRef("pk"), group__library__isnull=False
        )
        is_active = active_links(settings.HOST_ADAPTER(self.account))
        numbers = _numbers(
            users=users,
            active=users.filter(is_active),
            people=users.filter(is_active, Exists(memberships)),
            libraries=groups.filter(library__isnull=False),
        )
        return Counts(
            active=numbers["active"],
            deactivated=numbers["users"] - numbers["active"],
            libraries=numbers["libraries"],
            people=numbers["people"],
        )

    @cached_property
    def lacks_admin(self) -> bool:
        """Return whether the account has users or groups, but no active admin."""
        adapter = settings.HOST_ADAPTER(self.account)
        is_stored = TILED_ADMIN in {*adapter.user_fields, *adapter.membership_fields}
        return is_stored and not self.counts.is_empty and not adapter.admins().exists()

    @cached_property
    def days(self) -> list[Day]:
        """Return the numbers of requests on the last days, until today.

        What people changed by hand is not pushed, and does not count.
        """
        dates = [today() - timedelta(days=number) for number in reversed(range(CHART_DAYS))]
        starts = [midnight(date) for date in dates]
        # Truncating dates in the database fails in MariaDB without its time zone tables.
        latest_first = reversed(list(enumerate(starts)))
        day = Case(*(When(created_at__gte=start, then=Value(at)) for at, start in latest_first))
        requests = self._events(starts[0]).exclude(method="")
        rows = requests.annotate(day=day).values_list("day", "outcome")
        done, failed = [0] * CHART_DAYS, [0] * CHART_DAYS
        for at, outcome, number in rows.annotate(number=Count("pk")).order_by():
            (failed if outcome in FAILED_OUTCOMES else done)[at] += number
        return [Day(*values) for values in zip(dates, done, failed, strict=True)]

    @property
    def has_requests(self) -> bool:
        """Return whether there were requests on the last days."""
        return any(day.done or day.failed for day in self.days)

    @cached_property
    def failures(self) -> list[Failure]:
        """Return the failures of the last days by kind, the most recent first."""
        kind = [F(name) for name in FAILURE_KIND]
        latest_first = ("-created_at", "-pk")
        rows = (
            self._events(failures_since())
            .filter(outcome__in=FAILED_OUTCOMES)
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


@dataclass(frozen=True)
class Summary:
    """The health of one account in a list of accounts.

    Args:
        tokens: The account's current tokens.
        clients: The account's clients.
        state: The state of the connection.
        failures: How many requests failed on the last days.
    """

    tokens: CurrentTokens
    clients: Sequence[ClientUse]
    state: State
    failures: int

    @property
    def token(self) -> ScimToken | None:
        """Return the newest current token."""
        return self.tokens.newest

    @property
    def last_call_ago(self) -> str:
        used = last_used(_credentials(self.tokens, self.clients))
        return ago(used.last_used_at if used else None)


def summaries(accounts: Collection[str]) -> tuple[dict[str, Summary], int]:
    """Return the summaries of several accounts.

    Returns:
        The summaries by account key, and the number of requests of unknown callers that were
        refused on the last days.
    """
    tokens: dict[str, list[ScimToken]] = {key: [] for key in accounts}
    for token in ScimToken.objects.all_current().filter(account__in=accounts):
        tokens[token.account].append(token)
    clients = uses(accounts)
    failures = (
        objects(ScimEvent)
        .filter(Q(account__in=accounts) | Q(account=None))
        .filter(outcome__in=FAILED_OUTCOMES, created_at__gte=failures_since())
        .values_list("account")
        .annotate(number=Sum("times"), refused_at=Max("created_at", filter=USED_ENDED_TOKEN))
        .order_by()
    )
    found = {account: (number, refused_at) for account, number, refused_at in failures}
    unknown, _refused_at = found.pop(None, (0, None))
    return {
        key: _summarize(
            key, CurrentTokens.of(tokens[key]), clients[key], *found.get(key, (0, None))
        )
        for key in accounts
    }, unknown


def _summarize(
    account: str,
    tokens: CurrentTokens,
    clients: Sequence[ClientUse],
    failures: int,
    refused_at: datetime | None,
) -> Summary:
    is_enabled = settings.ENABLED(account)
    now = state(tokens, clients, refused_at) if is_enabled else State.NOT_ENABLED
    return Summary(tokens, clients, now, failures)


def _used_ended_token(event: ScimEvent) -> bool:
    """Return whether a call was refused because of a former token of the account."""
    is_unauthorized = event.status == UNAUTHORIZED and event.account is not None
    return is_unauthorized and event.cause not in OTHER_CREDENTIALS


def _numbers(**rows: QuerySet[Any]) -> dict[str, int]:
    """Count the rows of several querysets in one query."""
    first, *others = (
        queryset.order_by()
        .annotate(kind=Value(kind))
        .values_list("kind")
        .annotate(number=Count("pk"))
        for kind, queryset in rows.items()
    )
    return dict.fromkeys(rows, 0) | dict(first.union(*others, all=True))


def failures_since() -> datetime:
    """Return the start of the period for which failures are shown."""
    return timezone.now() - timedelta(days=FAILURE_DAYS)


def _days_left(token: ScimToken | None) -> int | None:
    return days_left(token.expires_at if token else None)
