"""Mending drift: what `drift` finds is put right, one link in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from tiled_scim import signals
from tiled_scim.audit.events import Change, Source, record
from tiled_scim.host import adapter_class, chunks
from tiled_scim.models import Action, LibraryGroupLink, UserLink
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.drift import Finding, Kind
from tiled_scim.provisioning.resources_tmp import GroupProvisioning, UserProvisioning
from tiled_scim.provisioning.service import AnyLink, Precondition, Provisioning
from tiled_scim.provisioning.transactions import atomic
from tiled_scim.scim.member_changes import MemberChange


class Mending(Provisioning[AnyLink]):
    """Mends links of one kind. `name_action` is what it is to mend nothing but the name."""

    name_action: ClassVar[Action]

    @atomic
    def mend(self, key: UUID, precondition: Precondition | None = None) -> None:
        """Put right all that is wrong with a link now, whether it is live or not.

        Raises:
            ScimError: 404; 409 where a name that is needed is taken; what the host refuses.
        """
        link = self._locked_of(self._rows.filter(account=self.account), key, precondition)
        findings = list(drift.of(link, self.adapter))
        if not findings:
            return
        for finding in findings:
            self._mends[finding.kind](link, finding)
        self._save(link)
        is_name = all(finding.kind is drift.NAME for finding in findings)
        self.change.action = self.name_action if is_name else Action.ACCESS_MENDED

    @property
    def _mends(self) -> dict[Kind, Callable[[AnyLink, Finding], None]]:
        return {drift.NAME: self._mend_name}

    def _mend_name(self, link: AnyLink, finding: Finding) -> None:
        before = link.folded_name
        if link.is_live or self._named(link.name) is None:
            self._take_name(link, link.name)
        else:
            link.give_up_name()
        self.change.attributes[self.name_attribute] = [before, link.folded_name]


class UserMending(Mending[UserLink], UserProvisioning):
    name_action = Action.USER_UPDATED


class GroupMending(Mending[LibraryGroupLink], GroupProvisioning):
    name_action = Action.LIBRARY_UPDATED

    @property
    def _mends(self) -> dict[Kind, Callable[[LibraryGroupLink, Finding], None]]:
        return {
            **super()._mends,
            drift.GROUP_LET_GO: self._remove,
            drift.USER_LET_GO: self._remove,
            drift.FOREIGN_USER: self._remove,
            drift.USER_SUSPENDED: self._suspend,
            drift.ACCESS_LACKING: self._give,
            drift.LIBRARY_DELETED: self._renew_library,
        }

    def _remove(self, link: LibraryGroupLink, finding: Finding) -> None:
        self._access(link).remove(finding.people)

    def _suspend(self, link: LibraryGroupLink, finding: Finding) -> None:
        access = self._access(link)
        for chunk in chunks(finding.people):
            for user in UserLink.objects.using(self.using).filter(pk__in=chunk):
                access.suspend(user)
        self.change.removed += finding.people.values()

    def _give(self, link: LibraryGroupLink, finding: Finding) -> None:
        self._access(link).apply(MemberChange(added={str(key) for key in finding.people}))

    def _renew_library(self, link: LibraryGroupLink, finding: Finding) -> None:
        self._take_name(link, link.name)  # which it may have given up meanwhile
        link.library = self._new_library(link.name)
        link.save(using=self.using)
        self.change.attributes["library"] = [None, self.adapter.library_name(link.library)]
        self._announce(signals.library_linked, link, library=link.library)
        self._access(link).enter()


MENDING: dict[type, type[UserMending | GroupMending]] = {
    UserLink: UserMending,
    LibraryGroupLink: GroupMending,
}


def mend(
    link: UserLink | LibraryGroupLink, client: str, precondition: Precondition | None = None
) -> Change:
    """Put right what is wrong with a link, and keep an event of it.

    Args:
        client: who does it, as the event has it.

    Returns:
        What was done; empty where nothing was wrong any more.

    Raises:
        ScimError: see `Mending.mend`. Then all is as it was.
    """
    mending = MENDING[type(link)](adapter_class()(link.account))
    mending.mend(link.pk, precondition)
    if not mending.change.is_empty:
        record(Source(link.account, client=client), mending.change)
    return mending.change
