"""Create, replace, patch and unlink groups, and change their members."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from django.utils import timezone

from tiled_scim import signals
from tiled_scim.audit.events import differences
from tiled_scim.conf import settings
from tiled_scim.database.for_write import locked
from tiled_scim.database.host_models import library_model
from tiled_scim.host import LibraryNameTaken
from tiled_scim.models import NAME_LENGTH, Action, LibraryGroupLink
from tiled_scim.provisioning.documents import read_group, split
from tiled_scim.provisioning.group_members import (
    NOTHING,
    GroupMembers,
    MembersChanged,
    own_library,
)
from tiled_scim.provisioning.member_search import search_members
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.role_keys import role_labels
from tiled_scim.provisioning.service import Precondition, Result, Service, column_changes, recorded
from tiled_scim.schemas import GROUP
from tiled_scim.scim import patch
from tiled_scim.scim.budget import STEPS_OF_MEMBER, STEPS_OF_MEMBER_WITH_ROLE
from tiled_scim.scim.cleaning import Document, check_immutable
from tiled_scim.scim.member_changes import (
    MemberChange,
    member_change,
    searches,
    split_members,
)
from tiled_scim.scim.operations import Operation, is_member_operation
from tiled_scim.scim.text import canonical
from tiled_scim.sql.rows import lock_group

AnyResult = TypeVar("AnyResult")

# How many names are tried for the Library of an unlinked group, before the request is refused.
NAMES_TRIED = 100


class GroupService(Service[LibraryGroupLink]):
    """Create, replace, patch and unlink groups. Each method is one transaction."""

    model = LibraryGroupLink
    resource_type = GROUP

    @recorded
    def create(self, document: Document) -> Result:
        """Create a group with a new Library, or restore an unlinked group with its Library.

        Raises:
            ScimError: 409 if a group has the name already, or a Library with a unique name.
        """
        members, document = split_members(document)
        name = cast(str, document["displayName"])
        lookup_name = LibraryGroupLink.lookup_name(name)
        link = self.lock_by("display_name_canonical", lookup_name) or LibraryGroupLink(
            account=self.account
        )
        if link.is_live:
            raise self.taken(link)
        is_new = link._state.adding
        before = {} if is_new else read_group(link)
        if link.library is None:
            # Members of a Library that was deleted are not members of the new one.
            if not is_new:
                link.members.using(self.using).all().delete()
            self.give_library(link, name)
        else:
            self._rename_library(link.library, link.display_name, name)
        link.unlinked_at = None
        if is_new:
            link.rename(name)
        self.set_columns(link, column_changes(link, split(document, GROUP, ())))
        self.save(link)
        action = self.announce(signals.library_linked, link, library=link.library)
        if members is not None:
            members.overwrite = False  # there are no members, neither of a restored group
        changed = self._change_members(link, members)
        return self._result(link, before, read_group(link), changed, action)

    @recorded
    def replace(
        self, key: UUID, document: Document, precondition: Precondition | None = None
    ) -> Result:
        """Replace a group (PUT). If `members` is absent, the members do not change.

        Raises:
            ScimError: 404; 409 for a taken displayName; 400 for a change of an immutable value.
        """
        link, before = self._changeable(key, precondition)
        members, document = split_members(document)
        check_immutable(before, document, GROUP)
        return self._update(link, before, document, members)

    def patch(
        self,
        key: UUID,
        operations: Sequence[Operation],
        precondition: Precondition | None = None,
    ) -> Result:
        """Apply the operations of a PATCH in order, all or none.

        Filters are evaluated before the group is locked, for the members that it has then.

        Raises:
            ScimError: The errors of `replace`, of `member_change` and of `patch.apply`.
        """
        filters = searches(operations)
        selected = search_members(filters, key, self.account, self.using, self.budget)
        others = [operation for operation in operations if not is_member_operation(operation)]
        return self._patch(key, others, member_change(operations, selected), precondition)

    @recorded
    def _patch(
        self,
        key: UUID,
        operations: Sequence[Operation],
        members: MemberChange | None,
        precondition: Precondition | None,
    ) -> Result:
        link, before = self._changeable(key, precondition)
        document = patch.apply(before, operations, GROUP, self.budget) if operations else before
        return self._update(link, before, document, members)

    @recorded
    def delete(self, key: UUID, precondition: Precondition | None = None) -> Result:
        """Unlink a group. Its members lose the access that it gave, and the Library remains.

        Raises:
            ScimError: 404.
        """
        link, _before = self._changeable(key, precondition)
        return self._unlink(link)

    @recorded
    def unlink(self, key: UUID, precondition: Precondition | None = None) -> Result:
        """Unlink a group as `delete` does, also if its Library was deleted. For the admin.

        Raises:
            ScimError: 404.
        """
        return self._unlink(self.lock_linked(key, precondition))

    def members(self, link: LibraryGroupLink) -> GroupMembers:
        """Return the members of a locked group."""
        return GroupMembers(link, self.adapter, self.using)

    def lock_linked(self, key: UUID, precondition: Precondition | None) -> LibraryGroupLink:
        """Return the linked group with this id, locked, even if its Library was deleted.

        Raises:
            ScimError: 404, and the errors of the precondition.
        """
        link = self.lock_by("pk", key)
        if link is None or link.unlinked_at is not None:
            raise self.unknown(key)
        if precondition is not None:
            precondition(resource_of(link, read_group(link)).version)
        return link

    def read_linked(self, key: UUID) -> LibraryGroupLink:
        """Return the linked group with this id, not locked, even if its Library was deleted.

        Raises:
            ScimError: 404.
        """
        links = self.links.filter(unlinked_at=None).select_related("library")
        link: LibraryGroupLink | None = links.filter(pk=key).first()
        if link is None:
            raise self.unknown(key)
        return link

    def lock_by(self, column: str, value: Any) -> LibraryGroupLink | None:
        """Return the group with a value in a unique column, live or not, locked; or None.

        It has no Library if that is not the account's any more.
        """
        link = lock_group(column, value, self.account, self.using, live=False)
        if link is not None and link.library_id is not None:
            libraries = library_model()._base_manager.using(self.using)
            link.library = locked(libraries).filter(pk=link.library_id).first()
            link.library = own_library(link, self.adapter)
        return cast("LibraryGroupLink | None", link)

    def _changeable(
        self, key: UUID, precondition: Precondition | None
    ) -> tuple[LibraryGroupLink, Document]:
        """Return the live group with this id, locked, and its document.

        Raises:
            ScimError: 404, and the errors of the precondition.
        """
        link = lock_group("pk", key, self.account, self.using) or self._lock_without_library(key)
        if link is None:
            raise self.unknown(key)
        link.library = own_library(link, self.adapter)
        if link.library is None and not link.role:
            raise self.unknown(key)
        document = read_group(link)
        if precondition is not None:
            precondition(resource_of(link, document).version)
        return link, document

    def _lock_without_library(self, key: UUID) -> LibraryGroupLink | None:
        """Return the live group with this id that only gives a role, locked, or None."""
        if not self.adapter.roles():
            return None
        link = self.lock_by("pk", key)
        return link if link is not None and link.is_live else None

    def _unlink(self, link: LibraryGroupLink) -> Result:
        changed = self.members(link).remove_all()
        self._count(link, changed)
        # Whoever pushes a group of the same name later may mean other people.
        attributes = {}
        if link.role:
            attributes["role"] = [role_labels(self.adapter).get(link.role, link.role), None]
        link.role = ""
        link.unlinked_at = timezone.now()
        self.save(link)
        action = self.announce(signals.library_unlinked, link, library=link.library)
        return Result(
            self.changed(link, action=action, removed=changed.removed, attributes=attributes)
        )

    def _update(
        self,
        link: LibraryGroupLink,
        before: Document,
        document: Document,
        members: MemberChange | None,
    ) -> Result:
        old_name, action, columns = link.display_name, "", {}
        if document is not before:  # most requests are about members alone
            columns = column_changes(link, split(document, GROUP, ()))
            self.set_columns(link, columns)
        if link.display_name != old_name:
            if link.library is not None:
                self._rename_library(link.library, old_name, link.display_name)
            action = self.announce(signals.library_renamed, link, library=link.library)
        changed = self._change_members(link, members)
        if columns:
            self.save(link)
        elif changed.is_changed:
            self.touch(link)
        if changed.is_changed and not (action or changed.added or changed.removed):
            action = Action.LIBRARY_UPDATED  # only display names of members changed
        return self._result(link, before, read_group(link), changed, action)

    def _result(
        self,
        link: LibraryGroupLink,
        before: Document,
        after: Document,
        changed: MembersChanged,
        action: str,
    ) -> Result:
        change = self.changed(
            link,
            action=action,
            attributes=differences(before, after, GROUP),
            added=changed.added,
            removed=changed.removed,
            skipped=changed.skipped,
        )
        return Result(change, resource_of(link, after))

    def _change_members(
        self, link: LibraryGroupLink, members: MemberChange | None
    ) -> MembersChanged:
        if members is None:
            return NOTHING
        changed = self.members(link).change(members)
        self._count(link, changed)
        return changed

    def _count(self, link: LibraryGroupLink, changed: MembersChanged) -> None:
        steps = STEPS_OF_MEMBER_WITH_ROLE if link.role else STEPS_OF_MEMBER
        self.budget.take(steps * (len(changed.added) + len(changed.removed)))

    def give_library(self, link: LibraryGroupLink, name: str) -> None:
        """Give a group without a Library one that it may adopt, or a new one."""
        library = self.adapter.find_library(name)
        if library is None:
            library = self._with_free_name(lambda: self.adapter.create_library(name))
        link.library = cast(Any, library)

    def _rename_library(self, library: Any, old_name: str, name: str) -> None:
        """Rename a Library with its group, unless people have renamed it."""
        if canonical(self.adapter.library_name(library)) == canonical(old_name):
            self._with_free_name(lambda: self.adapter.rename_library(library, name))

    def _with_free_name(self, give_name: Callable[[], AnyResult]) -> AnyResult:
        """Give a Library a name that only the Library of an unlinked group may hold.

        Such a Library gets another name, so that it does not block the name for ever.

        Args:
            give_name: Creates or renames the Library.

        Raises:
            LibraryNameTaken: if another Library has the name, and should keep it.
        """
        try:
            return give_name()
        except LibraryNameTaken as error:
            link = self._unlinked_group_of(error.holder)
            if link is None:
                raise
            self._give_up_library_name(link, error.holder)
        return give_name()

    def _unlinked_group_of(self, library: Any) -> LibraryGroupLink | None:
        """Return the unlinked group that a Library is named after, or None if it is in use.

        Another account's group uses it, too, and so do people who gave it a name of their own, or
        who moved it to another account.
        """
        if not self.adapter.has_library(library):
            return None
        groups = LibraryGroupLink.objects.using(self.using)
        fed = groups.filter(LibraryGroupLink.keeping, library=library)
        links = list(fed.select_for_update().order_by("pk"))
        if any(link.account != self.account or link.unlinked_at is None for link in links):
            return None
        name = canonical(self.adapter.library_name(library))
        return next((link for link in links if canonical(link.display_name) == name), None)

    def _give_up_library_name(self, link: LibraryGroupLink, library: Any) -> None:
        """Rename the Library of an unlinked group, with an event of that group."""
        old_name = self.adapter.library_name(library)
        for number in itertools.count(1):
            try:
                self.adapter.rename_library(library, unlinked_name(old_name, number))
                break
            except LibraryNameTaken:
                if number == NAMES_TRIED:
                    raise
        action = self.announce(signals.library_renamed, link, library=library)
        names = [old_name, self.adapter.library_name(library)]
        self.keep(self.changed(link, action=action, attributes={"library": names}))


def unlinked_name(name: str, number: int) -> str:
    """Return the name of an unlinked group's Library whose own name is needed.

    Args:
        name: The old name.
        number: Which attempt this is, from 1. Earlier names are taken.
    """
    suffix = " (unlinked)" if number == 1 else f" (unlinked {number})"
    field = library_model()._meta.get_field(settings.LIBRARY_NAME_FIELD)
    length = getattr(field, "max_length", None) or NAME_LENGTH
    return name[: length - len(suffix)] + suffix


def resource_of(link: LibraryGroupLink, document: Document) -> StoredResource:
    """Return the stored resource of a group."""
    return StoredResource(
        GROUP, str(link.pk), document, link.version, link.created_at, link.updated_at
    )
