"""Write events of provisioning requests, for the host's admin.

The event of a change is written in the transaction of the change, so there is never one without
the other. The event of a request that failed is written after its rollback.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction

from tiled_scim.attributes import ResourceType
from tiled_scim.audit.refusals import NAMELESS_STATUSES, REPEATED_STATUSES, counted
from tiled_scim.database.bulk import insert
from tiled_scim.database.connections import close_if_without_autocommit
from tiled_scim.database.errors import is_aborted, is_lost
from tiled_scim.database.for_write import objects
from tiled_scim.errors import ScimError
from tiled_scim.models import (
    CANONICAL_NAME_LENGTH,
    CLIENT_LENGTH,
    LINKS,
    METHOD_LENGTH,
    NAME_LENGTH,
    Action,
    LogoutIssuer,
    Outcome,
    ScimClient,
    ScimEvent,
    ScimToken,
    SetupLink,
)
from tiled_scim.schemas import GROUP, TILED_ADMIN
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.selection import ALL
from tiled_scim.scim.text import canonical

logger = logging.getLogger(__name__)

# Events are for people to read. They only contain the number and the first names of many members,
# and the beginning of a long value, such as a photo.
NAMES_KEPT = 100
VALUE_LENGTH = 500
DETAIL_LENGTH = 2000


@dataclass(frozen=True)
class Change:
    """A change of one resource that was made or tried.

    Args:
        resource_type: The name of the resource type, such as User, or "".
        key: The SCIM id or what the client sent as one, if it is known.
        name: The userName or displayName.
        action: A value of `Action`, or "".
        attributes: The old and the new value of each attribute that changed.
        added: The names of the members that were added to a group.
        removed: The names of the members that were removed from a group.
        skipped: The ids of members that belong to no user.
        leaves_no_admin: Whether the account has no active admin any more.
    """

    resource_type: str = ""
    key: str = ""
    name: str = ""
    action: str = ""
    attributes: Mapping[str, list[Any]] = field(default_factory=dict)
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    skipped: Sequence[str] = ()
    leaves_no_admin: bool = False

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was changed."""
        return not (self.action or self.attributes or self.added or self.removed)


def differences(
    before: Document, after: Document, resource_type: ResourceType
) -> dict[str, list[Any]]:
    """Return the old and the new value of each attribute that differs between two documents.

    Values of attributes that are never returned, such as secrets, are omitted.
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
    """The source of a request, which all of its events have in common.

    Args:
        account: The account. None if it is unknown.
        token: The last four characters of the token.
        client: The client's User-Agent. Empty if the change was not made over HTTP.
        actor: The person who made the change in the host. Empty if a client made it.
        address: The IP address of the client.
        request_id: The id of the request in the logs.
        method: The HTTP method. Empty if the change was not made over HTTP.
    """

    account: str | None = ""
    token: str = ""
    client: str = ""
    actor: str = ""
    address: str | None = None
    request_id: str = ""
    method: str = ""


@dataclass(frozen=True)
class Actor:
    """Who makes a change by hand, for its event.

    Args:
        name: The name that events show, with the place: "Django admin: ann".
        user: The host user, if there is one. A token keeps who created it.
        address: The IP address, if it is known. Events of tokens have it.
    """

    name: str
    user: AbstractBaseUser | None = None
    address: str | None = None

    def source(self, account: str) -> Source:
        """Return the source of the events of a change in an account."""
        return Source(account, actor=self.name, address=self.address)


def record(
    source: Source,
    change: Change,
    *,
    status: int | None = None,
    error: ScimError | None = None,
    duration: float = 0,
) -> None:
    """Write the event of a change, in the current transaction if there is one.

    It has its own savepoint. If the event cannot be written, that is logged and nothing else fails.

    Args:
        source: The source of the request.
        change: The change.
        status: The HTTP status of the response.
        error: The error. None if the request succeeded.
        duration: The duration in seconds.

    Raises:
        DatabaseError: if the current transaction cannot be committed, or should be retried.
    """
    using = router.db_for_write(ScimEvent)
    close_if_without_autocommit(using)
    if status in NAMELESS_STATUSES:
        change = Change(change.resource_type)
    try:
        event = _event(source, change, status, error)
        event.duration = round(duration * 1000)
        with transaction.atomic(using=using):
            if not _is_repeated(event) or not counted(event):
                _insert(_split(event, change), using)
    except Exception as error:
        if _ends_transaction(error, using):
            raise
        logger.exception("An event could not be kept")
        close_if_without_autocommit(using)


def keep(write: Callable[[], None], using: str) -> None:
    """Write the event of a change in the transaction of the change.

    If a router stores events in another database, the event is written after the commit. Before, it
    is unknown whether the change will be saved.

    Args:
        write: Writes the event.
        using: The database of the change.
    """
    if router.db_for_write(ScimEvent) == using:
        write()
    else:
        transaction.on_commit(write, using=using)


def record_by_hand(
    row: ScimToken | ScimClient | SetupLink | LogoutIssuer,
    actor: Actor,
    action: Action,
    attributes: Mapping[str, list[Any]] | None = None,
) -> None:
    """Write the event of a change that a person made, in the transaction of the change.

    Args:
        row: What was changed, such as a token.
        actor: The person.
        action: What was done.
        attributes: The old and the new value of each attribute that changed.
    """
    change = Change(name=str(row), action=action, attributes=attributes or {})
    write = partial(record, actor.source(row.account), change)
    keep(write, router.db_for_write(type(row)))


def _is_repeated(event: ScimEvent) -> bool:
    """Return whether the event is of a refusal that anybody can repeat without end."""
    is_of_stranger = event.account is None and event.outcome in {Outcome.REFUSED, Outcome.FAILED}
    return is_of_stranger or event.status in REPEATED_STATUSES


def _ends_transaction(error: Exception, using: str) -> bool:
    """Return whether an error requires a rollback of the current transaction, and perhaps a retry.

    After a deadlock, MariaDB rolls back the whole transaction. PostgreSQL reports an error, after
    which the savepoint could be rolled back, but the change would have no event.
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
    source: Source, change: Change, status: int | None, error: ScimError | None
) -> ScimEvent:
    key, name = as_uuid(change.key), change.name
    if error is not None and key is not None and not name:
        name = _name_of(source.account, change.resource_type, key)
    name = name[:NAME_LENGTH]
    return ScimEvent(
        account=source.account,
        token_last_four=source.token,
        client=source.client[:CLIENT_LENGTH],
        actor=source.actor[:CLIENT_LENGTH],
        address=source.address,
        request_id=source.request_id,
        method=source.method[:METHOD_LENGTH],
        action="" if error else _action(change),
        resource_type=change.resource_type,
        resource_id=key,
        resource_name=name,
        resource_name_canonical=canonical(name)[:CANONICAL_NAME_LENGTH],
        changes={} if error else _changes(change),
        outcome=_outcome(change, status, error),
        status=status,
        scim_type=(error.scim_type or "") if error else "",
        cause=(error.cause or "") if error else "",
        # A detail may quote a NUL that the client sent, which PostgreSQL cannot store.
        detail=error.detail.replace("\0", "\\0")[:DETAIL_LENGTH] if error else "",
    )


def _action(change: Change) -> str:
    if change.action:
        return change.action
    if change.added or change.removed:
        return Action.ACCESS_CHANGED
    is_group = change.resource_type == GROUP.name
    return Action.LIBRARY_UPDATED if is_group and change.attributes else ""


def _outcome(change: Change, status: int | None, error: ScimError | None) -> Outcome:
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
    """Return the event, and a separate one if the account has no active admin any more."""
    events = _split_admin(event, change)
    if change.leaves_no_admin and event.outcome == Outcome.DONE:
        warning = copy(event)
        warning.action, warning.changes = Action.NO_ADMIN_LEFT, {}
        events.append(warning)
    return events


def _split_admin(event: ScimEvent, change: Change) -> list[ScimEvent]:
    """Return the event, and a separate one if Tiled Admin was given or taken away."""
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


def _name_of(account: str | None, resource_type: str, key: UUID) -> str:
    """Return the name of the account's resource with an id, or ""."""
    model = LINKS[resource_type]
    links = objects(model).filter(account=account, pk=key)
    return links.values_list(model.name_field, flat=True).first() or ""


def _flat(document: Document) -> dict[str, Any]:
    """Return the values of a document by the full names of their attributes."""
    return dict(_named(document))


def _named(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            separator = ":" if name.startswith("urn:") else "."
            yield from _named(value, f"{prefix}{name}{separator}")
        else:
            yield prefix + name, value


def _short(value: Any) -> Any:
    """Return a value, shortened if it is long."""
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}…"


def _text(values: Any) -> str:
    """Return the values of a multi-valued attribute on one line."""
    return "; ".join(
        ", ".join(f"{name}: {part}" for name, part in value.items())
        if isinstance(value, Mapping)
        else str(value)
        for value in values
    )
