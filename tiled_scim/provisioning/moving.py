"""Move a group to another Library. Its members lose access to the old one, and get it to the new.

The old Library remains, with its contents. The new one keeps its name.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from tiled_scim.audit.events import Change
from tiled_scim.database.for_write import locked
from tiled_scim.database.host_models import library_model
from tiled_scim.errors import ScimError
from tiled_scim.models import Action, LibraryGroupLink
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.service import Precondition, Result, recorded
from tiled_scim.words import words


class Preview(NamedTuple):
    """The userNames of the users who would lose access, and of those who would gain it."""

    losing: list[str]
    gaining: list[str]


class GroupMoving(GroupService):
    """Move a group, or preview the move."""

    @recorded
    def move(self, key: UUID, library: Any, precondition: Precondition | None = None) -> Result:
        """Move a group to another Library, also if its own was deleted.

        Users keep access to the old Library that another group or people gave. Access to the new
        Library that people gave becomes prior access.

        Args:
            key: The id of the group.
            library: The primary key of the Library.
            precondition: Checks the version of the locked group.

        Raises:
            ScimError: 404 for the group; 409 if the group may not feed the Library.
        """
        link = self.lock_linked(key, precondition)
        target = self._target(link, locked(self._libraries), library)
        names = [self._name(link.library), self._name(target)]
        changed = self.members(link).revoke_all()
        self.take_name(link, link.name)  # which one without a Library may have given up
        link.library = target
        self.save(link)
        changed += self.members(link).grant_all()
        change = self.changed(
            link,
            action=Action.LIBRARY_MOVED,
            attributes={"library": names},
            added=changed.added,
            removed=changed.removed,
        )
        return Result(change)

    def preview(self, key: UUID, library: Any) -> Preview:
        """Return who would lose and gain access. Nothing is written.

        Args:
            key: The id of the group.
            library: The primary key of the Library.

        Raises:
            ScimError: The errors of `move`.
        """
        link = self.read_linked(key)
        target = self._target(link, self._libraries, library)
        losing = [user.name for user in self.members(link).losing()]
        link.library = target
        members = self.members(link)
        gaining = (member.name for page in members.pages() for member in members.lacking(page))
        return Preview(sorted(losing), sorted(gaining))

    @property
    def _libraries(self) -> Any:
        return library_model()._base_manager.using(self.using)

    def _target(self, link: LibraryGroupLink, libraries: Any, key: Any) -> Any:
        """Return the Library with this key, if the group may feed it.

        Args:
            link: The group.
            libraries: The queryset to read the Library from.
            key: The primary key of the Library.

        Raises:
            ScimError: 409 if the group may not feed the Library.
        """
        library = libraries.filter(pk=key).first()
        if library is None:
            raise _refusal(gettext("There is no such %(library)s any more.") % words())
        names = {**words(), "group": link.name, "name": self._name(library)}
        if library.pk == link.library_id:
            sentence = gettext("The group “%(group)s” feeds the %(library)s “%(name)s” already.")
            raise _refusal(sentence % names)
        groups = LibraryGroupLink.objects.using(self.using)
        others = groups.filter(LibraryGroupLink.keeping, library=library)
        if others.exclude(account=self.account).exists():
            sentence = gettext("The %(library)s “%(name)s” is fed by a group of another account.")
            raise _refusal(sentence % names)
        if not self.adapter.target_libraries().using(self.using).filter(pk=library.pk).exists():
            # `HostAdapter.target_libraries` does not have it.
            sentence = gettext("This group may not be moved to the %(library)s “%(name)s”.")
            raise _refusal(sentence % names)
        return library

    def _name(self, library: Any) -> str | None:
        return library and self.adapter.library_name(library)


def _refusal(detail: str) -> ScimError:
    return ScimError(409, detail)


def move(
    link: LibraryGroupLink, library: Any, actor: str, precondition: Precondition | None = None
) -> Change:
    """Move a group to another Library, with an event.

    Args:
        link: The group.
        library: The primary key of the Library.
        actor: The person who moves it, for the event.
        precondition: Checks the version of the locked group.

    Returns:
        What was changed.

    Raises:
        ScimError: The errors of `GroupMoving.move`. Nothing is changed then.
    """
    moving = GroupMoving.by_hand(link.account, actor)
    return moving.move(link.pk, library, precondition).change
