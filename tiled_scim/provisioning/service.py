"""What the services of users and groups have in common.

A service makes one change in one transaction. It locks the rows, plans the change, checks the plan,
and applies it. It returns what it did, and writes an event in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar, cast
from uuid import UUID

from django.db import router
from django.dispatch import Signal

from tiled_scim import signals
from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import Change, Source, keep, record
from tiled_scim.database.bulk import update
from tiled_scim.errors import Cause, ScimError, not_found, uniqueness
from tiled_scim.host import HostAdapter, adapter_class
from tiled_scim.models import Action, LibraryGroupLink, UserLink
from tiled_scim.provisioning.documents import StoredValues
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.transactions import atomic
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.budget import Budget

AnyLink = TypeVar("AnyLink", UserLink, LibraryGroupLink)
P = ParamSpec("P")

# Takes the version of a locked resource, and raises an error if it must not be changed.
Precondition = Callable[[str], None]
# Keeps an event of a change; called in the transaction that makes it, see `Service.keep`.
Record = Callable[[Change], None]

ACTIONS = {
    signals.user_provisioned: Action.USER_PROVISIONED,
    signals.user_updated: Action.USER_UPDATED,
    signals.user_deactivated: Action.USER_DEACTIVATED,
    signals.user_reactivated: Action.USER_REACTIVATED,
    signals.user_unlinked: Action.USER_UNLINKED,
    signals.library_linked: Action.LIBRARY_LINKED,
    signals.library_renamed: Action.LIBRARY_RENAMED,
    signals.library_unlinked: Action.LIBRARY_UNLINKED,
}


# The attribute of a name, what has it, and the cause of a conflict, by resource type.
TAKEN = {
    USER.name: ("userName", "user", Cause.USER_EXISTS),
    GROUP.name: ("displayName", "group", Cause.GROUP_EXISTS),
}


# What a person can do in Okta about an id that is not known here (any more).
PUSH_AGAIN = {
    USER.name: "If the person should have access, unassign them and assign them again.",
    GROUP.name: "If the group should give access, unlink it and push it again.",
}


def unknown_resource(resource_type: ResourceType, key: object) -> ScimError:
    """Return a 404 error for an id without a resource."""
    name = resource_type.name
    return not_found(f"There is no {name} with the id {key}. {PUSH_AGAIN[name]}")


@dataclass(frozen=True)
class Result:
    """What a service did.

    Args:
        change: What was changed, for the event.
        resource: The resource after the change. None if it is not live any more, or not shown.
    """

    change: Change
    resource: StoredResource | None = None


Self_ = TypeVar("Self_", bound="Service[Any]")


def recorded(
    method: Callable[Concatenate[Self_, P], Result],
) -> Callable[Concatenate[Self_, P], Result]:
    """Run a method in one transaction, and write the event of its change in the same one."""

    @wraps(method)
    def run(self: Self_, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        result = method(self, *args, **kwargs)
        self.keep(result.change)
        return result

    return atomic(run)


class Service(Generic[AnyLink]):
    """Change resources of one type in one account.

    Args:
        adapter: The host adapter for the account.
        record: Writes the event of a change.
        is_push: Whether a client asks for the change, and not a person.
        budget: Counts what the changes cost. None begins a new one.
    """

    model: ClassVar[type[UserLink | LibraryGroupLink]]
    resource_type: ClassVar[ResourceType]

    def __init__(
        self,
        adapter: HostAdapter,
        record: Record,
        *,
        is_push: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self.adapter = adapter
        self.budget = budget or Budget()
        self.record = record
        self.is_push = is_push
        self.account = adapter.account
        self.using = router.db_for_write(self.model)

    @classmethod
    def by_hand(cls, account: str, actor: str = "") -> Self:
        """Return the service for changes that a person makes, who is the actor of their events.

        It writes no event if nothing was changed.
        """
        source = Source(account, actor=actor)

        def write(change: Change) -> None:
            if not change.is_empty:
                record(source, change)

        return cls(adapter_class()(account), write)

    @property
    def links(self) -> Any:
        """Return the links of the account, live or not."""
        return self.model.objects.using(self.using).filter(account=self.account)

    def unknown(self, key: UUID) -> ScimError:
        """Return a 404 error for an id without a resource."""
        return unknown_resource(self.resource_type, key)

    def taken(self, link: AnyLink) -> ScimError:
        """Return a 409 error for a name that a resource has already."""
        attribute, kind, cause = TAKEN[self.resource_type.name]
        return uniqueness(
            f"{attribute} “{link.name}” is already used by another {kind}; its id is {link.pk}. "
            f"Change {attribute} of one of the two in your identity provider.",
            cause,
        )

    def take_name(self, link: AnyLink, name: str) -> None:
        """Give a link a name. Another link that is not live gives it up.

        Raises:
            ScimError: 409 if another live link has it.
        """
        other = self.links.named(self.account, name).select_for_update().first()
        if other is not None and other.pk != link.pk:
            if other.is_live:
                raise self.taken(other)
            other.give_up_name()
            other.save(using=self.using)
        link.rename(name)

    def set_columns(self, link: AnyLink, changes: dict[str, Any]) -> None:
        """Set columns of a link. The caller has to save it.

        Raises:
            ScimError: 409 for a name that another live link has.
        """
        for column, value in changes.items():
            if column == link.name_field:
                self.take_name(link, value)
            else:
                setattr(link, column, value)

    def save(self, link: AnyLink) -> None:
        """Save a new link, or a changed one with a new version."""
        if link._state.adding:
            link.updated_at = link.pushed_at = link.created_at
        else:
            link.touch(is_push=self.is_push)
        link.save(using=self.using)

    def touch(self, link: AnyLink) -> None:
        """Save that a resource changed whose link has no other column to save."""
        link.touch(is_push=self.is_push)
        update(link, ("version", "updated_at", "pushed_at"), self.using)

    def keep(self, change: Change) -> None:
        """Write the event of a change in its transaction."""
        keep(partial(self.record, change), self.using)

    def announce(self, signal: Signal, link: AnyLink, **arguments: Any) -> str:
        """Send a signal after the commit, and return its action for the event."""
        signals.announce(
            signal, self.model, self.using, account=self.account, link=link, **arguments
        )
        return cast(str, ACTIONS[signal])

    def changed(self, link: AnyLink, **what: Any) -> Change:
        """Return the change of a link, for the event."""
        return Change(self.resource_type.name, str(link.pk), link.name, **what)


def column_changes(link: AnyLink, stored: StoredValues) -> dict[str, Any]:
    """Return the columns of a link to change, including its JSON."""
    wanted = {**stored.columns, "attributes": stored.attributes}
    changes = {name: value for name, value in wanted.items() if getattr(link, name) != value}
    if not link.holds_name:
        changes[link.name_field] = wanted[link.name_field]
    return changes
