"""The list of an account's events, and the page of one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.audit.times import local, midnight
from tiled_scim.configuration.access import Account, ConfigurationPage
from tiled_scim.configuration.addresses import Addresses
from tiled_scim.configuration.lists import FilterForm, ListPage
from tiled_scim.database.for_write import objects
from tiled_scim.errors import Cause
from tiled_scim.models import LINKS, Action, Outcome, ScimEvent, UserLink
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
from tiled_scim.presentation.searching import found_events
from tiled_scim.schemas import GROUP, USER

# Every database supports these days and the one after.
DAYS = (MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31)))
CAUSES = tuple((cause.value, cause.replace("_", " ")) for cause in Cause)
RESOURCE_TYPES = ((USER.name, _("user")), (GROUP.name, _("group")))


def choices(options: Any) -> Any:
    """Return choices for a filter, with one for all."""
    return lambda: [("", _("All")), *((value, capfirst(str(label))) for value, label in options)]


class DayInput(forms.DateInput):
    """A field for a day, in which browsers show a calendar. They send ISO 8601."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class EventFilterForm(FilterForm):
    hidden = ("status", "scim_type", "cause", "resource", "created_at__gte")

    outcome = forms.ChoiceField(label=_("Outcome"), choices=choices(Outcome.choices))
    action = forms.ChoiceField(label=_("Action"), choices=choices(Action.choices))
    resource_type = forms.ChoiceField(label=_("Resource type"), choices=choices(RESOURCE_TYPES))
    first_day = forms.DateField(label=_("From"), widget=DayInput, validators=DAYS)
    last_day = forms.DateField(label=_("To"), widget=DayInput, validators=DAYS)
    status = forms.IntegerField(label=_("Status"), min_value=100, max_value=599)
    scim_type = forms.SlugField(label="scimType", max_length=32)
    cause = forms.ChoiceField(label=_("Cause"), choices=CAUSES)
    resource = forms.UUIDField(label=_("Resource"))
    created_at__gte = forms.DateTimeField(label=_("Since"))

    def condition(self) -> Q:
        """Return the condition that the filters make."""
        columns = {
            "outcome": "outcome",
            "action": "action",
            "resource_type": "resource_type",
            "status": "status",
            "scim_type": "scim_type",
            "cause": "cause",
            "resource": "resource_id",
            "created_at__gte": "created_at__gte",
        }
        values = ((column, self.cleaned_data[name]) for name, column in columns.items())
        condition = Q(*((column, value) for column, value in values if value))
        if first := self.cleaned_data["first_day"]:
            condition &= Q(created_at__gte=midnight(first))
        if last := self.cleaned_data["last_day"]:
            condition &= Q(created_at__lt=midnight(last + timedelta(days=1)))
        return condition


class EventList(ListPage):
    """The list of events. Filters and search use an index."""

    template_name = "tiled_scim/configuration/events.html"
    form_class = EventFilterForm
    section = "events"

    def rows(self) -> QuerySet[ScimEvent]:
        return events_of(self.account)

    def filtered(self, form: EventFilterForm) -> QuerySet[ScimEvent]:
        return found_events(self.rows().filter(form.condition()), form.term)

    def annotated(self, rows: list[Any]) -> list[Any]:
        return described(rows, self.account, self.urls)

    def value_name(self, name: str, value: Any) -> str:
        if name == "resource":
            names = self.rows().filter(resource_id=value).values_list("resource_name", flat=True)
            return names.first() or ""
        if name == "cause":
            return dict(CAUSES)[value]
        return date_format(local(value), "DATETIME_FORMAT") if name == "created_at__gte" else ""


class EventPage(ConfigurationPage):
    """The page of one event."""

    template_name = "tiled_scim/configuration/event.html"

    def get(self, request: HttpRequest, event_id: int, **arguments: Any) -> HttpResponse:
        event = events_of(self.account).filter(pk=event_id).first()
        if event is None:
            raise Http404
        (shown,) = described([event], self.account, self.urls)
        context = {
            **event_context(event),
            "section": "events",
            "event": event,
            "resource_page": shown["resource_page"],
            "current_name": shown["current_name"],
        }
        return self.render(context)


def events_of(account: Account) -> QuerySet[ScimEvent]:
    """Return the events of an account, the newest first, with unknown callers if it is the only."""
    if not account.is_only:
        return account.connection.events()
    return objects(ScimEvent).filter(Q(account=account.key) | Q(account=None))


def described(events: list[ScimEvent], account: Account, urls: Addresses) -> list[dict[str, Any]]:
    """Return what a list shows of events."""
    keys = {event.resource_id for event in events if event.resource_id}
    names = current_names(keys, lambda links: links.filter(account=account.key))
    return [
        {
            "time": to_the_second(event.created_at),
            "page": urls.to("event", event_id=event.pk),
            "what": what(event),
            "resource": event.resource_name or event.resource_id or "",
            "resource_page": resource_page(event, urls) if event.resource_id in names else "",
            "current_name": current_name(event, names),
            "outcome": outcome_with_times(event),
            "detail": short_detail(event),
            "who": who(event),
        }
        for event in events
    ]


def resource_page(event: ScimEvent, urls: Addresses) -> str:
    """Return the URL of the page of an event's user or group."""
    name = "user" if LINKS.get(event.resource_type) is UserLink else "group"
    return urls.to(name, link_id=event.resource_id)
