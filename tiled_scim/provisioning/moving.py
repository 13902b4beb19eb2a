"""Moving a group to another Library: its members lose access to the one, and gain it to the other.

The old Library stays, with all that is in it. The new one keeps its name.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from tiled_scim.audit.events import Change, Source, record
from tiled_scim.errors import ScimError
from tiled_scim.host import adapter_class, library_model
from tiled_scim.models import Action, LibraryGroupLink
from tiled_scim.provisioning.resources_tmp import GroupProvisioning
from tiled_scim.provisioning.service import Precondition
from tiled_scim.provisioning.transactions import atomic


class Preview(NamedTuple):
    """The userNames of those whom a move takes access from, and of those whom it gives access."""

    losing: list[str]
    gaining: list[str]


class GroupMoving(GroupProvisioning):
    """Moves a group, or tells what that would do."""

    @atomic
    def move(
        self, key: UUID, library: Any, precondition: Precondition | None = None
    ) -> LibraryGroupLink:
        """Feed a group into another Library, or into one where its own was deleted.

        Whoever has access to the old Library through another group, or by hand, keeps it. Whoever
        has access to the new one by hand will keep that when the group goes.

        Args:
            key: the id of the group.
            library: the primary key of the Library.

        Raises:
            ScimError: 404 for the group, 409 for a Library that may not be fed by it.
        """
        link = self._locked_of(self._movable, key, precondition)
        target = self._target(link, self._locking(self._libraries), library)
        self.change.attributes["library"] = [self._name(link.library), self._name(target)]
        self._access(link).leave()
        self._take_name(link, link.name)  # which one without a Library may have given up
        link.library = target
        self._save(link)
        self._access(link).enter()
        self.change.action = Action.LIBRARY_MOVED
        return link

    def preview(self, key: UUID, library: Any) -> Preview:
        """Tell who would lose access, and who would gain it, without a write.

        Args:
            key: the id of the group.
            library: the primary key of the Library.

        Raises:
            ScimError: as `move`.
        """
        link = self._movable.select_related("library").filter(pk=key).first()
        if link is None:
            raise self._unknown(key)
        target = self._target(link, self._libraries, library)
        losing = self._access(link).losing()
        link.library = target
        access = self._access(link)
        gaining = (member.name for page in access.pages() for member in access.lacking(page))
        return Preview(sorted(losing.values()), sorted(gaining))

    @property
    def _movable(self) -> Any:
        return self._rows.filter(account=self.account, unlinked_at=None)

    @property
    def _libraries(self) -> Any:
        return library_model()._base_manager.using(self.using)

    def _target(self, link: LibraryGroupLink, libraries: Any, key: Any) -> Any:
        """The Library with this key, if the group may feed it.

        Args:
            libraries: from which it is read.
        """
        library = libraries.filter(pk=key).first()
        if library is None:
            raise _refusal("There is no such Library in the host any more.")
        name = self._name(library)
        if library.pk == link.library_id:
            raise _refusal(f"The group “{link.name}” feeds the Library “{name}” already.")
        others = LibraryGroupLink.objects.using(self.using).filter(library=library)
        if others.exclude(account=self.account).exists():
            raise _refusal(f"The Library “{name}” is fed by a group of another account.")
        if not self.adapter.target_libraries().using(self.using).filter(pk=library.pk).exists():
            raise _refusal(
                f"The Library “{name}” may not be fed by this group: target_libraries() of the "
                "host's adapter does not have it."
            )
        return library

    def _name(self, library: Any) -> str | None:
        return library and self.adapter.library_name(library)


def _refusal(detail: str) -> ScimError:
    return ScimError(409, detail)


def move(
    link: LibraryGroupLink, library: Any, client: str, precondition: Precondition | None = None
) -> Change:
    """Feed a group into another Library, and keep an event of it.

    Args:
        library: the primary key of the Library.
        client: who does it, as the event has it.

    Returns:
        What was done.

    Raises:
        ScimError: see `GroupMoving.move`. Then all is as it was.
    """
    moving = GroupMoving(adapter_class()(link.account))
    moving.move(link.pk, library, precondition)
    record(Source(link.account, client=client), moving.change)
    return moving.change
