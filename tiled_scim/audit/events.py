"""What happened, as the host's admin sees it: changes, and the events that are kept of them.

The event of a change is written in the transaction that makes the change, so that there is never
one without the other. The event of a request that failed is written after its rollback.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from tiled_scim.attributes import ResourceType
from tiled_scim.database.compiled import insert
from tiled_scim.database.errors import is_aborted, is_lost
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import (
    CLIENT_LENGTH,
    FOLDED_NAME_LENGTH,
    NAME_LENGTH,
    Action,
    LibraryGroupLink,
    Outcome,
    ScimEvent,
    UserLink,
)
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.selection import ALL
from tiled_scim.scim.text import canonical

logger = logging.getLogger(__name__)

# An event is for people to read: of many members it has the number and the first names, of a long
# value, such as a photo, the beginning.
NAMES_KEPT = 100
VALUE_LENGTH = 500
DETAIL_LENGTH = 2000
# Whoever is refused without a look at what they want may come again at once and for ever.
REPEATED_STATUSES = frozenset({401, 429})
REPEATED_WITHIN = timedelta(minutes=1)

LINKS: dict[str, type[UserLink | LibraryGroupLink]] = {
    USER.name: UserLink,
    GROUP.name: LibraryGroupLink,
}


@dataclass(frozen=True)
class Change:
    """What was done to one resource, or tried.

    Args:
        resource_type: its name, such as User; empty where the request was about none.
        key: the SCIM id, as far as it is known, or what a client gave for one.
        name: the userName or displayName.
        action: what happened, of `Action`.
        attributes: the old and the new value of each attribute that changed.
        added: the names of new members of a group.
        removed: the names of members that a group lost.
        skipped: the ids of members that are nobody's.
    """

    resource_type: str = ""
    key: str = ""
    name: str = ""
    action: str = ""
    attributes: Mapping[str, list[Any]] = field(default_factory=dict)
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    skipped: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed."""
        return not (self.action or self.attributes or self.added or self.removed)


def differences(
    before: Document, after: Document, resource_type: ResourceType
) -> dict[str, list[Any]]:
    """Return the old and the new value of each attribute in which two documents differ.

    The values of attributes that are never returned, such as secrets, are not in it.
    """
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not names:
        return {}
    old_part = {name: before[name] for name in names if name in before}
    new_part = {name: after[name] for name in names if name in after}
    old, new = _flat(old_part), _flat(new_part)
    shown_old = _flat(ALL.apply(old_part, resource_type))
    shown_new = _flat(ALL.apply(new_part, resource_type))
    return {
        name: [_short(shown_old.get(name)), _short(shown_new.get(name))]
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }


@dataclass(frozen=True)
class Source:
    """Who asked for something, and how: what all events of one request have in common.

    Args:
        account: None where it is not known whose the request is.
        token: the last four characters of the token.
        client: what the client calls itself, or the person who did it in the host.
        address: the IP address that the request came from.
        request_id: by which the log and a proxy know the request.
        method: of HTTP; empty for what was not done over HTTP.
    """

    account: str | None = ""
    token: str = ""
    client: str = ""
    address: str | None = None
    request_id: str = ""
    method: str = ""


def record(
    source: Source,
    change: Change,
    *,
    status: int | None = None,
    error: Mapping[str, Any] | None = None,
    duration: float = 0,
) -> None:
    """Keep an event of what happened; in the transaction that is running, if one is.

    It has a savepoint of its own: an event that cannot be kept is logged, and breaks nothing.

    Args:
        status: the HTTP status of the answer.
        error: the body of an Error answer; None where the request succeeded.
        duration: in seconds.

    Raises:
        DatabaseError: the running transaction cannot be committed, or is worth another attempt.
    """
    using = router.db_for_write(ScimEvent)
    try:
        event = _event(source, change, status, error)
        event.duration = round(duration * 1000)
        with transaction.atomic(using=using):
            if status not in REPEATED_STATUSES or not _repeats(event):
                _insert(_split(event, change), using)
    except Exception as error:
        if _ends_transaction(error, using):
            raise
        logger.exception("An event could not be kept")


def _ends_transaction(error: Exception, using: str) -> bool:
    """Whether the running transaction has to be rolled back, and tried again where that helps.

    MariaDB ends a deadlock by a rollback of the whole transaction, PostgreSQL by an error, after
    which the savepoint could be rolled back: the change would have no event.
    """
    connection = transaction.get_connection(using)
    if not connection.in_atomic_block:
        return False
    return connection.needs_rollback or is_lost(error) or is_aborted(error)


def _insert(events: Sequence[ScimEvent], using: str) -> None:
    names = [field.attname for field in ScimEvent._meta.concrete_fields if not field.primary_key]
    rows = [[getattr(event, name) for name in names] for event in events]
    insert(ScimEvent, names, rows, using)


def _event(
    source: Source, change: Change, status: int | None, error: Mapping[str, Any] | None
) -> ScimEvent:
    key, name = as_uuid(change.key), change.name
    if error is not None and key is not None and not name:
        name = _name_of(source.account, change.resource_type, key)
    name = name[:NAME_LENGTH]
    return ScimEvent(
        account=source.account,
        token_last_four=source.token,
        client=source.client[:CLIENT_LENGTH],
        address=source.address,
        request_id=source.request_id,
        method=source.method,
        action="" if error else _action(change),
        resource_type=change.resource_type,
        resource_id=key,
        resource_name=name,
        resource_name_folded=canonical(name)[:FOLDED_NAME_LENGTH],
        changes={} if error else _changes(change),
        outcome=_outcome(change, status, error),
        status=status,
        scim_type=error.get("scimType", "") if error else "",
        # PostgreSQL keeps no NUL, which a client may have sent and be told of.
        detail=error.get("detail", "").replace("\0", "\\0")[:DETAIL_LENGTH] if error else "",
    )


def _action(change: Change) -> str:
    if change.action:
        return change.action
    if change.added or change.removed:
        return Action.ACCESS_CHANGED
    is_group = change.resource_type == GROUP.name
    return Action.LIBRARY_UPDATED if is_group and change.attributes else ""


def _outcome(change: Change, status: int | None, error: Mapping[str, Any] | None) -> Outcome:
    if error is not None:
        return Outcome.FAILED if status is None or status >= 500 else Outcome.REFUSED
    return Outcome.UNCHANGED if change.is_empty else Outcome.DONE


def _changes(change: Change) -> dict[str, Any]:
    members = {"added": change.added, "removed": change.removed, "skipped": change.skipped}
    counted = {
        name: {"number": len(names), "names": [part[:NAME_LENGTH] for part in names[:NAMES_KEPT]]}
        for name, names in members.items()
        if names
    }
    return ({"attributes": dict(change.attributes)} if change.attributes else {}) | counted


def _split(event: ScimEvent, change: Change) -> list[ScimEvent]:
    """The event, and one of its own where somebody became or ceased to be a Tiled Admin."""
    old, new = event.changes.get("attributes", {}).get(TILED_ADMIN, (None, None))
    if bool(old) == bool(new):
        return [event]
    others = {name: pair for name, pair in change.attributes.items() if name != TILED_ADMIN}
    admin = copy(event)
    admin.action = Action.ADMIN_GRANTED if new else Action.ADMIN_REVOKED
    admin.changes = {"attributes": {TILED_ADMIN: [old, new]}}
    if not others and event.action == Action.USER_UPDATED:
        return [admin]
    event.changes = {**event.changes, "attributes": others}
    return [event, admin]


def _repeats(event: ScimEvent) -> bool:
    """Count the event as one more of another, which the same caller caused a moment ago."""
    alike = ScimEvent.objects.using(router.db_for_write(ScimEvent)).filter(
        created_at__gte=timezone.now() - REPEATED_WITHIN,
        account=event.account,
        status=event.status,
        address=event.address,
        token_last_four=event.token_last_four,
    )
    return bool(alike.update(times=F("times") + 1))


def _name_of(account: str | None, resource_type: str, key: UUID) -> str:
    """The name of the account's resource with this id, if there is one."""
    model = LINKS[resource_type]
    links = model.objects.using(router.db_for_write(model)).filter(account=account, pk=key)
    return links.values_list(model.name_field, flat=True).first() or ""


def _flat(document: Document) -> dict[str, Any]:
    """The document's values, each by the full name of its attribute."""
    return dict(_named(document))


def _named(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            separator = ":" if name.startswith("urn:") else "."
            yield from _named(value, f"{prefix}{name}{separator}")
        else:
            yield prefix + name, value


def _short(value: Any) -> Any:
    """The value, or the beginning of one that nobody would read."""
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}…"


def _text(values: Any) -> str:
    """A multi-valued attribute on one line."""
    return "; ".join(
        ", ".join(f"{name}: {part}" for name, part in value.items())
        if isinstance(value, Mapping)
        else str(value)
        for value in values
    )
