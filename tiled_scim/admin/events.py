"""The list of events in the Django admin: everything that was pushed or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.dates import PARTS, Calendar, day_of
from tiled_scim.admin.lists import (
    AccountFilter,
    AnnotatedChangeList,
    CappedPaginator,
    ColumnFilter,
    OnDemandFilter,
    ReadOnlyAdmin,
    account_labels,
    accounts_of,
    as_link,
    badge,
    change_page_url,
    has_accounts,
    starts_with,
)
from tiled_scim.audit.advice import advice
from tiled_scim.audit.events import LINKS
from tiled_scim.errors import Cause
from tiled_scim.models import Action, LibraryGroupLink, Outcome, ScimEvent, UserLink
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.identifiers import as_uuid

DETAIL_LENGTH = 80
KINDS = {
    Outcome.DONE: "good",
    Outcome.UNCHANGED: "",
    Outcome.REFUSED: "warn",
    Outcome.FAILED: "bad",
}
# The value of the account filter for callers with an unknown token. It is not an account key.
UNKNOWN = "?"
MEMBERS = {"added": _("Added"), "removed": _("Removed"), "skipped": _("Skipped: unknown here")}


class OutcomeFilter(ColumnFilter):
    title = _("outcome")
    parameter_name = "outcome"
    options = Outcome.choices


class ActionFilter(ColumnFilter):
    title = _("action")
    parameter_name = "action"
    options = Action.choices


class ResourceTypeFilter(ColumnFilter):
    title = _("resource type")
    parameter_name = "resource_type"
    options = ((USER.name, _("user")), (GROUP.name, _("group")))


class CallerFilter(AccountFilter):
    """The account filter, with an additional choice for unknown callers."""

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        accounts = super().lookups(request, model_admin)
        return [*accounts, (UNKNOWN, gettext("Unknown caller"))] if accounts else []

    def condition(self, value: str) -> Q:
        return Q(account=None) if value == UNKNOWN else super().condition(value)


class ResourceFilter(OnDemandFilter):
    title = _("resource")
    parameter_name = "resource"
    column = "resource_id"

    def label(self, value: str) -> str:
        events = ScimEvent.objects.filter(resource_id=UUID(value))
        return events.values_list("resource_name", flat=True).first() or value


class StatusFilter(OnDemandFilter):
    title = _("status")
    parameter_name = column = "status"

    def label(self, value: str) -> str:
        return str(int(value))


class ScimTypeFilter(OnDemandFilter):
    title = "scimType"
    parameter_name = column = "scim_type"

    def label(self, value: str) -> str:
        if not value.isalpha():
            raise ValueError
        return value


class CauseFilter(OnDemandFilter):
    title = _("cause")
    parameter_name = column = "cause"

    def label(self, value: str) -> str:
        return Cause(value).replace("_", " ")


class EventChangeList(AnnotatedChangeList):
    @cached_property
    def calendar(self) -> Calendar | None:
        """Return the dates to choose from, or None if there are no events."""
        newest = ScimEvent.objects.order_by("-created_at", "-id").values("created_at")[:1]
        oldest = ScimEvent.objects.order_by("created_at", "id").annotate(newest=Subquery(newest))
        span = oldest.values_list("created_at", "newest").first()
        return span and Calendar(self, *map(day_of, span))


@dataclass(frozen=True)
class Members:
    """The members in an event. `more` is the number of members whose names were not stored."""

    title: str
    number: int
    names: list[str]

    @property
    def more(self) -> int:
        return self.number - len(self.names)


@admin.register(ScimEvent)
class ScimEventAdmin(ReadOnlyAdmin):
    """The list of events. Every query uses an index, so it is fast with a million rows."""

    list_display = ("time", "what", "resource", "outcome_badge", "short_detail", "who")
    list_filter = (
        OutcomeFilter,
        ActionFilter,
        ResourceTypeFilter,
        CallerFilter,
        ResourceFilter,
        StatusFilter,
        ScimTypeFilter,
        CauseFilter,
    )
    extra_lookups = frozenset({"created_at__gte", "created_at__lt"})
    date_hierarchy = "created_at"
    search_fields = ("resource_name",)
    search_help_text = _(
        "Enter the beginning of a name, or a complete SCIM id, request id or IP address."
    )
    paginator = CappedPaginator
    change_list_template = "tiled_scim/admin/events.html"
    change_form_template = "tiled_scim/admin/event.html"

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        time, *others = (str(name) for name in super().get_list_display(request))
        return (time, "account_name", *others) if has_accounts(request) else (time, *others)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django turns a year, and a month or day within it, into a range that an index supports.
        years = {f"{self.date_hierarchy}__{part}" for part in PARTS}
        if lookup in years:
            return request is not None and f"{self.date_hierarchy}__year" in request.GET
        return super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ScimEvent], search_term: str
    ) -> tuple[QuerySet[ScimEvent], bool]:
        """Search the one column that fits the term, so that an index can be used."""
        term = search_term.strip()
        return (queryset.filter(_condition(term)) if term else queryset), False

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        names = _current_names({event.resource_id for event in rows if event.resource_id})
        accounts = account_labels(accounts_of(request))
        for event in rows:
            model = LINKS.get(event.resource_type)
            name = names.get(event.resource_id, "")
            event.resource_page = (
                change_page_url(self.admin_site, request, model, event.resource_id)
                if model and event.resource_id in names
                else ""
            )
            # A refused request may have asked for another name, and others came later.
            event.current_name = "" if name == event.resource_name else name
            event.account_name = _account_name(event, accounts)
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        attributes = row.changes.get("attributes", {})
        members = [
            Members(str(title), **row.changes[name])
            for name, title in MEMBERS.items()
            if name in row.changes
        ]
        return {
            "title": what(row),
            "badge": outcome(row),
            "time": to_the_second(row.created_at),
            "resource_page": row.resource_page,
            "account": row.account_name if has_accounts(request) else "",
            "advice": advice(row),
            "attributes": [(name, old, new) for name, (old, new) in attributes.items()],
            "members": members,
        }

    @admin.display(description=_("time"))
    def time(self, event: ScimEvent) -> SafeString:
        return to_the_second(event.created_at)

    @admin.display(description=_("account"))
    def account_name(self, event: Any) -> str:
        return str(event.account_name)

    @admin.display(description=_("action"))
    def what(self, event: ScimEvent) -> str:
        return what(event)

    @admin.display(description=_("resource"))
    def resource(self, event: Any) -> str:
        return as_link(event.resource_name or event.resource_id or "", event.resource_page)

    @admin.display(description=_("who"))
    def who(self, event: ScimEvent) -> str:
        return who(event)

    @admin.display(description=_("outcome"))
    def outcome_badge(self, event: ScimEvent) -> SafeString:
        if event.times == 1:
            return outcome(event)
        times = gettext("%(times)s times") % {"times": event.times}
        return format_html("{} {}", outcome(event), times)

    @admin.display(description=_("detail"))
    def short_detail(self, event: ScimEvent) -> str:
        return Truncator(event.detail).chars(DETAIL_LENGTH)


def what(event: ScimEvent) -> str:
    """Return the action of an event, or the outcome and the request if there was no action."""
    if event.action:
        return capfirst(event.get_action_display())
    asked = f"{event.method} {event.resource_type}".strip()
    return (
        f"{capfirst(event.get_outcome_display())}: {asked}"
        if asked
        else capfirst(event.get_outcome_display())
    )


def who(event: ScimEvent) -> str:
    """Return the client and the last characters of its token."""
    parts = [event.client]
    if event.token_last_four:
        parts.append(gettext("token …%(last_four)s") % {"last_four": event.token_last_four})
    if event.account is None:
        parts.insert(0, gettext("Unknown caller"))
    return " · ".join(part for part in parts if part)


def outcome(event: ScimEvent) -> SafeString:
    """Return the outcome as a badge."""
    return badge(capfirst(event.get_outcome_display()), KINDS[Outcome(event.outcome)])


def to_the_second(moment: datetime) -> SafeString:
    """Return a time with its seconds: several requests may come within a minute."""
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    date, time = date_format(local, "DATE_FORMAT"), date_format(local, "H:i:s")
    return format_html('<time datetime="{}">{}, {}</time>', local.isoformat(), date, time)


def _account_name(event: ScimEvent, accounts: Mapping[str, str]) -> str:
    """Return the label of an event's account, or its key if there is no such account any more."""
    if event.account is None:
        return gettext("Unknown")
    return accounts.get(event.account, event.account)


def _current_names(keys: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of the users and groups that still have these SCIM ids."""
    users = UserLink.objects.filter(pk__in=keys).values_list("pk", "user_name")
    groups = LibraryGroupLink.objects.filter(pk__in=keys).values_list("pk", "display_name")
    return dict(users.union(groups))


def _condition(term: str) -> Q:
    """Return the condition for a search term."""
    if address := _address(term):
        return Q(address=address)
    if ScimEvent.objects.filter(request_id=term).exists():
        return Q(request_id=term)
    key = as_uuid(term)
    return Q(resource_id=key) if key else starts_with("resource_name_canonical", term)


def _address(text: str) -> str:
    """Return a text as a normalized IP address, or "" if it is not one."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
