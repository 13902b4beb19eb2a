"""The list of events in the Django admin: everything that was pushed or refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.dates import PARTS, Calendar, day_of
from tiled_scim.admin.lists import (
    AccountFilter,
    AnnotatedChangeList,
    ColumnFilter,
    OnDemandFilter,
    ReadOnlyAdmin,
    as_link,
    change_page_url,
)
from tiled_scim.admin.scope import Scope, scope_of
from tiled_scim.errors import Cause
from tiled_scim.models import LINKS, Action, Outcome, ScimEvent
from tiled_scim.presentation.events import (
    current_name,
    event_context,
    outcome_with_times,
    short_detail,
    to_the_second,
    what,
    who,
)
from tiled_scim.presentation.links import current_names
from tiled_scim.presentation.searching import CappedPaginator, found_events
from tiled_scim.schemas import GROUP, USER

# The value of the account filter for callers with an unknown token. It is not an account key.
UNKNOWN = "?"


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
        scope = scope_of(request)
        if not (scope.is_all and scope.has_several):
            return accounts
        return [*accounts, (UNKNOWN, gettext("Unknown caller"))]

    def condition(self, value: str) -> Q:
        return Q(account=None) if value == UNKNOWN else super().condition(value)


class ResourceFilter(OnDemandFilter):
    title = _("resource")
    parameter_name = "resource"
    column = "resource_id"

    def label(self, value: str, scope: Scope) -> str:
        events = scope.limit(ScimEvent.objects.filter(resource_id=UUID(value)))
        return events.values_list("resource_name", flat=True).first() or value


class StatusFilter(OnDemandFilter):
    title = _("status")
    parameter_name = column = "status"

    def label(self, value: str, scope: Scope) -> str:
        return str(int(value))


class ScimTypeFilter(OnDemandFilter):
    title = "scimType"
    parameter_name = column = "scim_type"

    def label(self, value: str, scope: Scope) -> str:
        if not value.isalpha():
            raise ValueError
        return value


class CauseFilter(OnDemandFilter):
    title = _("cause")
    parameter_name = column = "cause"

    def label(self, value: str, scope: Scope) -> str:
        return Cause(value).replace("_", " ")


class EventChangeList(AnnotatedChangeList):
    @cached_property
    def calendar(self) -> Calendar | None:
        """Return the dates to choose from, or None if there are no events."""
        events = self.root_queryset
        newest = events.order_by("-created_at", "-id").values("created_at")[:1]
        oldest = events.order_by("created_at", "id").annotate(newest=Subquery(newest))
        span = oldest.values_list("created_at", "newest").first()
        return span and Calendar(self, *map(day_of, span))


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
        return (
            (time, "account_name", *others) if scope_of(request).has_accounts else (time, *others)
        )

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
        return found_events(queryset, search_term.strip()), False

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        keys = {event.resource_id for event in rows if event.resource_id}
        scope = scope_of(request)
        names = current_names(keys, scope.limit)
        labels = scope.labels(event.account for event in rows)
        for event in rows:
            model = LINKS.get(event.resource_type)
            event.resource_page = (
                change_page_url(self.admin_site, request, model, event.resource_id)
                if model and event.resource_id in names
                else ""
            )
            event.current_name = current_name(event, names)
            event.account_name = (
                gettext("Unknown")
                if event.account is None
                else labels.get(event.account, event.account)
            )
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **event_context(row),
            "resource_page": row.resource_page,
            "current_name": row.current_name,
            "account_name": row.account_name if scope_of(request).has_accounts else "",
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
        return outcome_with_times(event)

    @admin.display(description=_("detail"))
    def short_detail(self, event: ScimEvent) -> str:
        return short_detail(event)
