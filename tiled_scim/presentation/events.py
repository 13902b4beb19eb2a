"""Events as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.audit.advice import advice
from tiled_scim.audit.dashboard import TITLES_BY_CAUSE
from tiled_scim.audit.times import local
from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.presentation.badges import Kind, badge

DETAIL_LENGTH = 80
KINDS: dict[Outcome, Kind] = {
    Outcome.DONE: "good",
    Outcome.UNCHANGED: "",
    Outcome.REFUSED: "warn",
    Outcome.FAILED: "bad",
}
MEMBERS = {"added": _("Added"), "removed": _("Removed"), "skipped": _("Skipped: unknown here")}


@dataclass(frozen=True)
class Members:
    """The members in an event. `more` is the number of members whose names were not stored."""

    title: str
    number: int
    names: list[str]

    @property
    def more(self) -> int:
        return self.number - len(self.names)


def what(event: ScimEvent) -> str:
    """Return the action of an event, or the outcome and the request if there was no action."""
    if event.action:
        return capfirst(event.get_action_display())
    if event.cause in TITLES_BY_CAUSE:
        return str(TITLES_BY_CAUSE[event.cause])
    asked = f"{event.method} {event.resource_type}".strip()
    return (
        f"{capfirst(event.get_outcome_display())}: {asked}"
        if asked
        else capfirst(event.get_outcome_display())
    )


def who(event: ScimEvent) -> str:
    """Return the person who made a change by hand, or the token and name of a client.

    A client chooses its name itself. Something that it cannot choose is before it, so that the name
    does not look like a person's.
    """
    if event.actor:
        return event.actor
    parts = [gettext("Unknown caller")] if event.account is None else []
    if event.token_last_four:
        parts.append(gettext("token …%(last_four)s") % {"last_four": event.token_last_four})
    return " · ".join([*parts, event.client] if event.client else parts)


def outcome(event: ScimEvent) -> SafeString:
    """Return the outcome as a badge."""
    return badge(capfirst(event.get_outcome_display()), KINDS[Outcome(event.outcome)])


def outcome_with_times(event: ScimEvent) -> SafeString:
    """Return the outcome as a badge, and how often it happened if that was more than once."""
    if event.times == 1:
        return outcome(event)
    times = gettext("%(times)s times") % {"times": event.times}
    return format_html("{} {}", outcome(event), times)


def to_the_second(moment: datetime) -> SafeString:
    """Return a time with its seconds: several requests may come within a minute."""
    moment = local(moment)
    date, time = date_format(moment, "DATE_FORMAT"), date_format(moment, "H:i:s")
    return format_html('<time datetime="{}">{}, {}</time>', moment.isoformat(), date, time)


def current_name(event: ScimEvent, names: Mapping[UUID, str]) -> str:
    """Return the name that the user or group has now, or "" if the event has the same.

    A refused request may have asked for another name, and others came later.

    Args:
        event: The event.
        names: The `links.current_names` of the users and groups of some events.
    """
    name = names.get(event.resource_id, "") if event.resource_id else ""
    return "" if name == event.resource_name else name


def short_detail(event: ScimEvent) -> str:
    """Return the beginning of the detail."""
    return Truncator(event.detail).chars(DETAIL_LENGTH)


def event_context(event: ScimEvent) -> dict[str, Any]:
    """Return what the fragment `event.html` shows.

    A page adds `resource_page`, `current_name` and, in the admin, `account_name`.
    """
    attributes = event.changes.get("attributes", {})
    return {
        "title": what(event),
        "badge": outcome(event),
        "time": to_the_second(event.created_at),
        "advice": advice(event),
        "attributes": [(name, old, new) for name, (old, new) in attributes.items()],
        "members": [
            Members(str(title), **event.changes[name])
            for name, title in MEMBERS.items()
            if name in event.changes
        ],
    }
