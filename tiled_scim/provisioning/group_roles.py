"""Set the role that a group gives, instead of a Library or beside it.

A pushed group becomes a Library. Only people give it a role, and only until it is unlinked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from tiled_scim.errors import ScimError
from tiled_scim.models import Action, LibraryGroupLink
from tiled_scim.provisioning.group_members import NOTHING, MembersChanged, own_library
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.role_keys import role_labels
from tiled_scim.provisioning.roles import NO_ROLES, Roles, RoleSettling, Settlement
from tiled_scim.provisioning.service import Precondition, Result, recorded
from tiled_scim.words import words


class RolePreview(NamedTuple):
    """The userNames of the users whose roles and access would change.

    Args:
        gaining: Who would have the new role.
        losing: Who would no longer have the role that the group gives now.
        losing_access: Who would lose access to the Library.
    """

    gaining: list[str]
    losing: list[str]
    losing_access: list[str]


class GroupRoles(GroupService):
    """Set the role of a group, or preview it."""

    @recorded
    def give(
        self,
        key: UUID,
        role: str,
        *,
        keeps_library: bool = True,
        precondition: Precondition | None = None,
    ) -> Result:
        """Set the role that the members of a group get.

        Args:
            key: The id of the group.
            role: The key of the role. Empty for none.
            keeps_library: Whether the group still gives access to its Library.
            precondition: Checks the version of the locked group.

        Raises:
            ScimError: 404 for the group; 409 if it cannot give the role; 413 if it has too many
                members for that; 403 if the account would lose its last active Tiled Admin.
        """
        link = self.lock_linked(key, precondition)
        self._check(link, role, keeps_library=keeps_library)
        settling = RoleSettling(self.adapter, self.using)
        members = self.members(link)
        keys = members.keys()
        settling.lock_for_request(keys)
        attributes = {"role": [self._label(link.role), self._label(role)]}
        changed = NOTHING
        if link.library is not None and not keeps_library:
            attributes["library"] = [self.adapter.library_name(link.library), None]
            changed = members.revoke_all()
            link.library = None
        self.take_name(link, link.name)  # which one without a Library may have given up
        link.role = role
        self.save(link)
        changed += _changed(settling.settle(keys))
        change = self.changed(
            link,
            action=Action.ROLE_CHANGED,
            attributes=attributes,
            added=changed.added,
            removed=changed.removed,
        )
        return Result(change)

    def preview(self, key: UUID, role: str, *, keeps_library: bool = True) -> RolePreview:
        """Return whose roles and access `give` would change. Nothing is written.

        Raises:
            ScimError: 404 for the group; 409 if it cannot give the role.
        """
        link = self.read_linked(key)
        link.library = own_library(link, self.adapter)
        self._check(link, role, keeps_library=keeps_library)
        settlements = self._without(link, frozenset({role}) if role else NO_ROLES)
        losing_access = [] if keeps_library else [user.name for user in self.members(link).losing()]
        return RolePreview(
            _names(each for each in settlements if role in each.wanted - each.current),
            _losing(link, settlements),
            sorted(losing_access),
        )

    def losing(self, link: LibraryGroupLink) -> list[str]:
        """Return the userNames of those who would lose the role without the group."""
        return _losing(link, self._without(link, NO_ROLES))

    def _without(self, link: LibraryGroupLink, new: Roles) -> list[Settlement]:
        """Return the roles of the members if the group gave others than now."""
        settling = RoleSettling(self.adapter, self.using)
        keys = self.members(link).keys()
        return settling.plan(keys, without=link.pk, new=new)

    def _check(self, link: LibraryGroupLink, role: str, *, keeps_library: bool) -> None:
        """Refuse a role that the account does not have, and a group that would give nothing.

        Raises:
            ScimError: 409.
        """
        labels = role_labels(self.adapter)
        names = {**words(), "group": link.name, "role": labels.get(role)}
        if role and role not in labels:
            raise ScimError(409, gettext("There is no such role."))
        has_library = link.library is not None and keeps_library
        if not (role or has_library):
            sentence = gettext(
                "The group “%(group)s” would give nothing. Move it to a %(library)s first."
            )
            raise ScimError(409, sentence % names)
        if role == link.role and has_library == (link.library is not None):
            if not role:
                raise ScimError(409, gettext("The group “%(group)s” gives no role.") % names)
            sentence = gettext("The group “%(group)s” gives the role “%(role)s” already.")
            raise ScimError(409, sentence % names)

    def _label(self, role: str) -> str | None:
        return role_labels(self.adapter).get(role, role) or None


def _changed(settled: list[Settlement]) -> MembersChanged:
    """Return who got a role, and who only lost one."""
    gaining = [each for each in settled if each.wanted - each.current]
    losing = [each for each in settled if not each.wanted - each.current]
    return MembersChanged(_names(gaining), _names(losing))


def _losing(link: LibraryGroupLink, settlements: Iterable[Settlement]) -> list[str]:
    return _names(each for each in settlements if link.role in each.current - each.wanted)


def _names(settlements: Iterable[Settlement]) -> list[str]:
    return sorted(each.user_name for each in settlements)
