"""Repair the drift that `drift` finds, one link in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast
from uuid import UUID

from tiled_scim import signals
from tiled_scim.audit.events import Change
from tiled_scim.models import Action, LibraryGroupLink, UserLink
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.documents import read_group
from tiled_scim.provisioning.drift import Finding, Kind
from tiled_scim.provisioning.group_members import NOTHING, MembersChanged
from tiled_scim.provisioning.groups import GroupService, resource_of
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.roles import RoleSettling
from tiled_scim.provisioning.service import (
    AnyLink,
    Precondition,
    Result,
    Service,
    recorded,
)
from tiled_scim.provisioning.users import UserService
from tiled_scim.sql.rows import lock_user

# The changes of members and of attributes.
Repaired = tuple[MembersChanged, dict[str, list[Any]]]


class Repair(Service[AnyLink]):
    """Repair links of one model. `name_action` is the action if only the name was repaired."""

    name_action: ClassVar[Action]
    name_attribute: ClassVar[str]

    @recorded
    def repair(self, key: UUID, precondition: Precondition | None = None) -> Result:
        """Repair all drift of a link, live or not.

        Raises:
            ScimError: 404; 409 if a name is taken; errors of the host adapter.
        """
        link = self.lock_any(key)
        if precondition is not None:
            precondition(self.resource(link).version)
        findings = list(drift.find_in(link, self.adapter))
        if not findings:
            return Result(self.changed(link))
        members = NOTHING
        attributes: dict[str, list[Any]] = {}
        for finding in findings:
            of_members, of_attributes = self.repairs[finding.kind](link, finding)
            members, attributes = members + of_members, attributes | of_attributes
        self.save(link)
        is_name = all(finding.kind is drift.NAME for finding in findings)
        change = self.changed(
            link,
            action=self.name_action if is_name else Action.ACCESS_REPAIRED,
            attributes=attributes,
            added=members.added,
            removed=members.removed,
        )
        return Result(change)

    @property
    def repairs(self) -> dict[Kind, Callable[[AnyLink, Finding], Repaired]]:
        """Return the function that repairs each kind of drift."""
        return {drift.NAME: self._repair_name, drift.ROLES: self._repair_roles}

    def lock_any(self, key: UUID) -> AnyLink:
        """Return the link with this id, live or not, locked.

        Raises:
            ScimError: 404.
        """
        raise NotImplementedError

    def resource(self, link: AnyLink) -> StoredResource:
        """Return the resource of a link."""
        raise NotImplementedError

    def _repair_name(self, link: AnyLink, finding: Finding) -> Repaired:
        before = link.canonical_name
        if link.is_live or not self.links.named(self.account, link.name).exists():
            self.take_name(link, link.name)
        else:
            link.give_up_name()
        return NOTHING, {self.name_attribute: [before, link.canonical_name]}

    def _repair_roles(self, link: AnyLink, finding: Finding) -> Repaired:
        settling = RoleSettling(self.adapter, self.using)
        settling.lock(finding.people)
        settled = settling.settle(finding.people)
        return MembersChanged(added=[each.user_name for each in settled]), {}


class UserRepair(Repair[UserLink], UserService):
    name_action = Action.USER_UPDATED
    name_attribute = "userName"

    def lock_any(self, key: UUID) -> UserLink:
        link: UserLink | None = lock_user("pk", key, self.account, self.using, live=False)
        if link is None:
            raise self.unknown(key)
        return link

    def resource(self, link: UserLink) -> StoredResource:
        user = LockedUser(link, self.adapter, self.fields)
        return user.resource(user.document())


class GroupRepair(Repair[LibraryGroupLink], GroupService):
    name_action = Action.LIBRARY_UPDATED
    name_attribute = "displayName"

    def lock_any(self, key: UUID) -> LibraryGroupLink:
        link = self.lock_by("pk", key)
        if link is None:
            raise self.unknown(key)
        return link

    def resource(self, link: LibraryGroupLink) -> StoredResource:
        return resource_of(link, read_group(link))

    @property
    def repairs(self) -> dict[Kind, Callable[[LibraryGroupLink, Finding], Repaired]]:
        return {
            **super().repairs,
            drift.GROUP_UNLINKED: self._remove,
            drift.USER_UNLINKED: self._remove,
            drift.FOREIGN_USER: self._remove,
            drift.ACCESS_LACKING: self._give,
            drift.LIBRARY_DELETED: self._renew_library,
            drift.LIBRARY_MOVED: self._renew_library,
        }

    def _remove(self, link: LibraryGroupLink, finding: Finding) -> Repaired:
        members = self.members(link)
        prior = members.prior_access()
        removed = members.remove(finding.people)
        # The same host user may also be a member through a link of this account.
        members.note_prior(prior)
        lacking = [each.link for page in members.pages() for each in members.lacking(page)]
        members.add(lacking)
        return removed, {}

    def _give(self, link: LibraryGroupLink, finding: Finding) -> Repaired:
        return self.members(link).add(finding.people), {}

    def _renew_library(self, link: LibraryGroupLink, finding: Finding) -> Repaired:
        self.take_name(link, link.name)  # it may have given it up meanwhile
        self.give_library(link, link.name)
        link.save(using=self.using)
        self.announce(signals.library_linked, link, library=link.library)
        name = self.adapter.library_name(cast(Any, link.library))
        return self.members(link).grant_all(), {"library": [None, name]}


REPAIRS: dict[type, type[UserRepair | GroupRepair]] = {
    UserLink: UserRepair,
    LibraryGroupLink: GroupRepair,
}


def repair(
    link: UserLink | LibraryGroupLink, actor: str, precondition: Precondition | None = None
) -> Change:
    """Repair all drift of a link, with an event.

    Args:
        link: The link.
        actor: The person who repairs it, for the event.
        precondition: Checks the version of the locked resource.

    Returns:
        What was changed. It is empty if there was no drift any more.

    Raises:
        ScimError: The errors of `Repair.repair`. Nothing is changed then.
    """
    service = REPAIRS[type(link)].by_hand(link.account, actor)
    return service.repair(link.pk, precondition).change
