"""Links as SCIM changes them: found, locked, renamed and saved; what users and groups share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar, cast
from uuid import UUID

from django.db import connections, models, router
from django.dispatch import Signal

from tiled_scim import signals
from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import Change
from tiled_scim.errors import ScimError, not_found, uniqueness
from tiled_scim.host import HostAdapter
from tiled_scim.models import Action, LibraryGroupLink, Link, UserLink
from tiled_scim.provisioning import documents
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.text import fold

AnyLink = TypeVar("AnyLink", UserLink, LibraryGroupLink)

# Looks at a locked link before it is changed, and raises where it must not be.
Precondition = Callable[[Link], None]

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


class Provisioning(Generic[AnyLink]):
    """Changes of one kind of link, for one account.

    `host_field` is the link's foreign key to the host's row, which is locked with the link where
    `locks_host` says so, and `name_attribute` what its resources are known by. `change` says what
    the last method did, or what it was about where it raised.

    Args:
        adapter: the host, for the account.
    """

    model: ClassVar[type[UserLink | LibraryGroupLink]]
    host_field: ClassVar[str]
    locks_host: ClassVar[bool] = False
    resource_type: ClassVar[ResourceType]
    name_attribute: ClassVar[str]

    def __init__(self, adapter: HostAdapter) -> None:
        self.adapter = adapter
        self.account = adapter.account
        self.using = router.db_for_write(self.model)
        self.change = Change(self.resource_type.name)

    def delete(self, key: UUID, precondition: Precondition | None = None) -> None:
        """DELETE: let go of what SCIM sees."""
        raise NotImplementedError

    def let_go(self, key: UUID, precondition: Precondition | None = None) -> None:
        """As `delete`, for people, who also see a group whose Library was deleted."""
        self.delete(key, precondition)

    @property
    def _rows(self) -> Any:
        return self.model.objects.using(self.using)

    def _lock(self, rows: models.QuerySet[AnyLink]) -> AnyLink | None:
        """The first of the rows, locked until the transaction ends.

        The host's row behind it is read where it is written to: a replica may lag behind.
        """
        link = rows.select_for_update().first()
        if link is None:
            return None
        setattr(link, self.host_field, self._host_row(getattr(link, f"{self.host_field}_id")))
        return link

    def _host_row(self, key: Any) -> Any:
        """The host's row with this primary key, or None."""
        field = cast("models.ForeignKey[Any, Any]", self.model._meta.get_field(self.host_field))
        host_rows = field.related_model._base_manager.using(self.using)
        if self.locks_host:
            host_rows = self._locking(host_rows)
        return host_rows.filter(pk=key).first()

    def _locking(self, rows: Any) -> Any:
        """The host's rows, locked as they are read; not against rows that refer to them."""
        features = connections[self.using].features
        return rows.select_for_update(no_key=features.has_select_for_no_key_update)

    def _begin(self, document: Document) -> None:
        """Note what an attempt to create is about."""
        self.change.restart()
        self.change.name = cast(str, document[self.name_attribute])

    def _locked(self, key: UUID, precondition: Precondition | None = None) -> AnyLink:
        """The live link with this id, locked."""
        return self._locked_of(self._rows.live(self.account), key, precondition)

    def _locked_of(self, rows: Any, key: UUID, precondition: Precondition | None = None) -> AnyLink:
        """The one of the rows with this id, locked."""
        self.change.restart()
        self.change.key = str(key)
        link = self._lock(rows.filter(pk=key))
        if link is None:
            raise self._unknown(key)
        self.change.name = link.name
        if precondition is not None:
            precondition(self._reread(link))
        return link

    def _unknown(self, key: UUID) -> ScimError:
        return not_found(f"There is no {self.resource_type.name} with the id {key}.")

    def _reread(self, link: AnyLink) -> AnyLink:
        """The link as a GET shows it, from the database that was written to."""
        return link

    def _named(self, name: str) -> AnyLink | None:
        """The link with this name, live or not, locked."""
        return self._lock(self._rows.named(self.account, name))

    def _taken(self, link: AnyLink) -> ScimError:
        return uniqueness(
            f"There is a {self.resource_type.name} “{link.name}” already; its id is {link.pk}."
        )

    def _rename(self, link: AnyLink, name: str) -> bool:
        """Give a link another name; tell whether it is another one."""
        if link.name == name and link.folded_name == fold(name):
            return False
        self._take_name(link, name)
        return True

    def _take_name(self, link: AnyLink, name: str) -> None:
        """Give a link a name; another one that is unlinked gives it up for it."""
        other = self._named(name)
        if other is not None and other.pk != link.pk:
            if other.is_live:
                raise self._taken(other)
            other.give_up_name()
            other.save(using=self.using)
        link.rename(name)

    def _store(self, link: AnyLink, parts: documents.Parts) -> bool:
        """Set the columns and the JSON that differ; tell whether any did. The caller saves."""
        changed = self._rename(link, parts.columns.pop(link.name_field))
        for column, value in (*parts.columns.items(), ("attributes", parts.attributes)):
            if getattr(link, column) != value:
                setattr(link, column, value)
                changed = True
        return changed

    def _save(self, link: AnyLink) -> None:
        """Save a link that changed, or is new."""
        if link._state.adding:
            link.updated_at = link.created_at
        else:
            link.touch()
        link.save(using=self.using)
        self.change.key, self.change.name = str(link.pk), link.name

    def _announce(self, signal: Signal, link: AnyLink, **arguments: Any) -> None:
        self.change.action = ACTIONS[signal]
        signals.announce(
            signal, self.model, self.using, account=self.account, link=link, **arguments
        )
