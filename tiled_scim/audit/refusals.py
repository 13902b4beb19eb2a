"""Count repeated refusals instead of listing them.

Callers without a valid token can repeat their requests without end, and from any number of IPv6
addresses. They must not fill the table of events.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from tiled_scim.audit.addresses import network_of
from tiled_scim.database.for_write import objects
from tiled_scim.models import ScimEvent

# Strangers may ask for anything, so the events of their refusals have no names.
NAMELESS_STATUSES = frozenset({401, 429})
# 410 is of setup links that have ended. Their events name the link.
REPEATED_STATUSES = NAMELESS_STATUSES | {410}
REPEATED_WITHIN = timedelta(minutes=1)
# How many events there may be of refusals in this time: of unknown callers, and of the tokens of
# one account. Refusals of further networks are counted together.
MOST_EVENTS = 100


def counted(event: ScimEvent) -> bool:
    """Count a refusal in a recent event of its network, if there is one.

    If there is none, the event is prepared to be written: with the network instead of the address,
    or as the one for all further networks.

    Returns:
        Whether it was counted.
    """
    recent: Any = objects(ScimEvent).filter(
        account=event.account, created_at__gte=timezone.now() - REPEATED_WITHIN
    )
    event.address = event.address and network_of(event.address)
    if _count(recent, event):
        return True
    if event.account is not None:
        recent = recent.filter(status__in=REPEATED_STATUSES)
    if recent.count() < MOST_EVENTS:
        return False
    event.address, event.token_last_four, event.client = None, "", ""
    event.resource_name = event.resource_name_canonical = ""
    return _count(recent, event)


def _count(recent: Any, event: ScimEvent) -> bool:
    alike = recent.filter(
        status=event.status,
        address=event.address,
        token_last_four=event.token_last_four,
        resource_name_canonical=event.resource_name_canonical,
    )
    return bool(alike.update(times=F("times") + 1))
