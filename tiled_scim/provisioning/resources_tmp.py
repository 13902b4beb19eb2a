"""What SCIM does: create, replace, patch and remove users and groups.

Everything that must hold of a change holds here: one transaction, a lock on the link, protected
users left alone, absence never changing access. No HTTP, so that the admin and commands use it too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import timezone

from tiled_scim import signals
from tiled_scim.audit.events import Change
from tiled_scim.conf import settings
from tiled_scim.errors import forbidden, uniqueness
from tiled_scim.host import TILED_ADMIN, normalized, objects
from tiled_scim.models import LibraryGroupLink, ScimToken, UserLink
from tiled_scim.provisioning import documents
from tiled_scim.provisioning.group_members import Access, locked_groups, note_rename_of_member
from tiled_scim.provisioning.multi_account import Sharing
from tiled_scim.provisioning.resources import with_groups
from tiled_scim.provisioning.service import Precondition, Provisioning
from tiled_scim.provisioning.transactions import atomic
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim import patch
from tiled_scim.scim.cleaning import Document, check_immutable
from tiled_scim.scim.member_changes import MemberChange, member_change, split_members
from tiled_scim.scim.patch import Operation
from tiled_scim.scim.text import fold

logger = logging.getLogger(__name__)

# A person who is pushed again after a DELETE may be another one, with the same name.
LET_GO = {"active": False, TILED_ADMIN: False}


class UserProvisioning(Provisioning[UserLink]):
    """Creates, replaces, patches and lets go of users. Each method is one transaction."""

    model = UserLink
    host_field = "user"
    # Accounts may share a person, and people change one by hand: what is read here is saved again.
    locks_host = True
    resource_type = USER
    name_attribute = "userName"

    @atomic
    def create(self, document: Document) -> UserLink:
        """Provision a person: a new host user, one that existed, or an inactive one again.

        Raises:
            ScimError: 409 where the person is active already, or protected.
        """
        self._begin(document)
        self._take_turn()
        document = {"active": True, **document}
        link = self._named(cast(str, document["userName"])) or self._of_host_user(document)
        if link.is_live and not link._state.adding and self._is_active(link):
            raise self._taken(link)
        if self.adapter.is_protected(link.user):
            raise uniqueness(
                f"The user “{document['userName']}” exists in the host and is protected: SCIM may "
                "not take it over."
            )
        signal = signals.user_provisioned if link._state.adding else signals.user_reactivated
        link.unlinked_at = None
        self._write(link, document, force=True)
        self._announce(signal, link, user=link.user)
        return self._reread(link)

    @atomic
    def replace(
        self, key: UUID, document: Document, precondition: Precondition | None = None
    ) -> UserLink:
        """PUT: profile attributes that are absent are cleared, access that is absent stays.

        Raises:
            ScimError: 404, 403 for a protected user, 409 for a userName that is taken, 400 for a
                change of an immutable value.
        """
        link = self._changeable(key, precondition)
        check_immutable(documents.read(link, self.adapter), document, USER)
        self._update(link, document)
        return self._reread(link)

    @atomic
    def patch(
        self,
        key: UUID,
        operations: Sequence[Operation],
        precondition: Precondition | None = None,
    ) -> UserLink:
        """PATCH: all operations in order, or none.

        Raises:
            ScimError: as `replace`, and those of `patch.apply`.
        """
        link = self._changeable(key, precondition)
        document = patch.apply(documents.read(link, self.adapter), operations, USER)
        self._update(link, document, removes=True)
        return self._reread(link)

    @atomic
    def delete(self, key: UUID, precondition: Precondition | None = None) -> None:
        """Let go of a user, who loses all that SCIM gave.

        Raises:
            ScimError: 404, 403 for a protected user.
        """
        # Groups are locked before users, as a PATCH of a group does, so that the two seldom
        # deadlock. Once the user is locked, nobody can add them to another group.
        locked_groups(key, self.account, self.using)
        link = self._changeable(key, precondition)
        self._check_admin_stays(link, LET_GO)
        groups = locked_groups(key, self.account, self.using)
        for group in groups:
            Access(group, self.adapter, self.using, Change()).remove([key])
            group.touch()
            group.save(using=self.using)
        if groups:
            names = ", ".join(group.name for group in groups)
            self.change.attributes["groups"] = [names, None]
        self._announce(signals.user_unlinked, link, user=link.user)
        sharing = Sharing(link, self.adapter, self.using)
        if settings.USER_DELETE == "delete" and not sharing.others and self._delete_host_user(link):
            return
        if not sharing.is_active_elsewhere:
            self.adapter.update_user(link.user, LET_GO)
        link.unlinked_at = timezone.now()
        self._save(link)

    def _delete_host_user(self, link: UserLink) -> bool:
        """Delete for good; tell whether the host lets that be, which may refer to the user."""
        try:
            with transaction.atomic(using=self.using):
                self.adapter.delete_user(link.user)
        except (ProtectedError, RestrictedError):
            logger.warning("The host protects the user of %s from being deleted", link.pk)
            return False
        return True

    def _of_host_user(self, document: Document) -> UserLink:
        """A link to the host user that the person is, who is made where there is none.

        Raises:
            ScimError: 409 where that user is managed under another userName.
        """
        link = UserLink(account=self.account)
        link.rename(cast(str, document["userName"]))
        parts = documents.take_apart(document, link, self.adapter)
        values = {"userName": document["userName"], **parts.host}
        user = self.adapter.find_user(values)
        if user is not None:
            existing = self._lock(self._rows.filter(account=self.account, user=user))
            if existing is not None and existing.is_live and self._is_active(existing):
                raise self._taken(existing)
            if existing is not None:
                return existing
            # People may have deleted the user meanwhile.
            user = self._host_row(user.pk)
        if user is None:
            self.adapter.check_identity(values)
            user = self.adapter.create_user(values)
        link.user = cast(Any, user)
        return link

    def _take_turn(self) -> None:
        """Let one request at a time give people the addresses that they are known by.

        The usernames of an account are unique by a constraint, addresses are not.
        """
        if settings.ADOPT_USERS == "email":
            current = ScimToken.objects.using(self.using).filter(current_account=self.account)
            list(current.select_for_update().values_list("pk"))

    def _changeable(self, key: UUID, precondition: Precondition | None) -> UserLink:
        link = self._locked(key, precondition)
        if self.adapter.is_protected(link.user):
            raise forbidden(
                f"The user “{link.user_name}” is protected in the host: SCIM may not change it."
            )
        return link

    def _update(self, link: UserLink, document: Document, *, removes: bool = False) -> None:
        was_active = self._is_active(link)
        if not self._write(link, document, removes=removes):
            return
        self._announce(signals.user_updated, link, user=link.user)
        is_active = self._is_active(link)
        if was_active and not is_active:
            self._announce(signals.user_deactivated, link, user=link.user)
        if is_active and not was_active:
            self._announce(signals.user_reactivated, link, user=link.user)

    def _write(
        self, link: UserLink, document: Document, *, force: bool = False, removes: bool = False
    ) -> bool:
        """Write what differs, to the host user and the link; tell whether anything did.

        Args:
            force: whether the link is new, or another one now, whatever the values.
            removes: see `documents.take_apart`.
        """
        before = {} if link._state.adding else documents.read(link, self.adapter)
        parts = documents.take_apart(document, link, self.adapter, removes=removes)
        values = documents.differing(parts.host, link, self.adapter)
        if link._state.adding:
            # Of somebody whom people made, what the client does not know stays.
            values = {name: value for name, value in values.items() if value != ""}
        if link.user_name != document["userName"] and self._host_name_follows(link):
            values["userName"] = document["userName"]
        self._check_admin_stays(link, values)
        old_name = link.user_name
        is_changed = self._store(link, parts) or bool(values)
        if link.user_name != old_name:
            note_rename_of_member(link, old_name, self.using)
        renamed = {"userName": link.user_name} if fold(link.user_name) != fold(old_name) else {}
        if "emails.value" in values:
            self._take_turn()
        self.adapter.check_identity({**values, **renamed}, link.user)
        sharing = Sharing(link, self.adapter, self.using)
        self.adapter.update_user(link.user, sharing.settle(values))
        if is_changed or force:
            self._save(link)
        sharing.follow()
        self.change.compare(before, documents.read(link, self.adapter), USER)
        return is_changed

    def _check_admin_stays(self, link: UserLink, values: Mapping[str, Any]) -> None:
        """Let no request leave the account without an administrator.

        The administrators are locked, so that two of them who leave at once see each other go.

        Raises:
            ScimError: 403.
        """
        current = documents.host_values(link, self.adapter)
        if settings.REMOVE_LAST_ADMIN or not _is_admin(current) or _is_admin({**current, **values}):
            return
        admins = self.adapter.admins().values("pk")
        # Not the query itself: a host's may have a DISTINCT or an outer join, which has no lock.
        rows = objects(get_user_model()).filter(pk__in=admins).order_by("pk")
        list(rows.select_for_update().values_list("pk"))
        if not admins.exclude(pk=link.user_id).exists():
            raise forbidden(
                f"“{link.user_name}” is the last active Tiled Admin, and stays so. Make somebody "
                "else Tiled Admin first."
            )

    def _host_name_follows(self, link: UserLink) -> bool:
        """Whether the host's own username is the one that is about to change with userName.

        A user who was adopted by e-mail keeps the username that people gave.
        """
        return fold(link.user.get_username()) == fold(normalized(link.user_name))

    def _is_active(self, link: UserLink) -> bool:
        return bool(documents.host_values(link, self.adapter).get("active", True))

    def _reread(self, link: UserLink) -> UserLink:
        return with_groups(self._rows.select_related("user")).get(pk=link.pk)


class GroupProvisioning(Provisioning[LibraryGroupLink]):
    """Creates, replaces, patches and lets go of groups. Each method is one transaction."""

    model = LibraryGroupLink
    host_field = "library"
    # Several groups may feed one Library: who has access through which must not change meanwhile.
    locks_host = True
    resource_type = GROUP
    name_attribute = "displayName"

    @atomic
    def create(self, document: Document) -> LibraryGroupLink:
        """Link a group to a new Library, or to the one that it had before it was let go.

        Raises:
            ScimError: 409 where a group, or a Library with a unique name, has the name already.
        """
        self._begin(document)
        members, document = split_members(document)
        name = cast(str, document["displayName"])
        link = self._named(name) or LibraryGroupLink(account=self.account)
        if link.is_live:
            raise self._taken(link)
        if link.library is None:
            # The rows of a Library that people deleted say nothing about the new one.
            link.members.all().delete()
            link.library = self._new_library(name)
        else:
            self._rename_library(link.library, link.display_name, name)
        link.unlinked_at = None
        self._write(link, document)
        self._save(link)
        self._announce(signals.library_linked, link, library=link.library)
        self._change_members(link, members)
        return link

    @atomic
    def replace(
        self, key: UUID, document: Document, precondition: Precondition | None = None
    ) -> LibraryGroupLink:
        """PUT: the members are exactly those sent; where none are sent they stay as they are.

        Raises:
            ScimError: 404, 409 for a taken displayName, 400 for a change of an immutable value.
        """
        link = self._locked(key, precondition)
        members, document = split_members(document)
        check_immutable(documents.read(link, self.adapter), document, GROUP)
        self._update(link, document, members)
        return link

    @atomic
    def patch(
        self,
        key: UUID,
        operations: Sequence[Operation],
        precondition: Precondition | None = None,
    ) -> LibraryGroupLink:
        """PATCH: all operations in order, or none; members as sets, whatever the group's size.

        Raises:
            ScimError: as `replace`, and those of `patch.apply`.
        """
        link = self._locked(key, precondition)
        others = [operation for operation in operations if not patch.is_member_operation(operation)]
        document = patch.apply(documents.read(link, self.adapter), others, GROUP)
        members = member_change(operations, self._access(link).select)
        self._update(link, document, members)
        return link

    @atomic
    def delete(self, key: UUID, precondition: Precondition | None = None) -> None:
        """Let go of a group: its members lose the access that it gave, the Library stays.

        Raises:
            ScimError: 404.
        """
        self._end(self._locked(key, precondition))

    @atomic
    def let_go(self, key: UUID, precondition: Precondition | None = None) -> None:
        rows = self._rows.filter(account=self.account, unlinked_at=None)
        self._end(self._locked_of(rows, key, precondition))

    def _end(self, link: LibraryGroupLink) -> None:
        self._access(link).remove_all()
        link.unlinked_at = timezone.now()
        self._save(link)
        self._announce(signals.library_unlinked, link, library=link.library)

    def _update(
        self, link: LibraryGroupLink, document: Document, members: MemberChange | None
    ) -> None:
        old_name = link.display_name
        is_changed = self._write(link, document)
        if link.display_name != old_name:
            self._rename_library(link.library, old_name, link.display_name)
            self._announce(signals.library_renamed, link, library=link.library)
        if self._change_members(link, members) or is_changed:
            self._save(link)

    def _new_library(self, name: str) -> Any:
        """The Library of a group that has none: a new one, or one that it may take over."""
        return self.adapter.find_library(name) or self.adapter.create_library(name)

    def _rename_library(self, library: Any, old_name: str, name: str) -> None:
        """Give a Library its group's new name, unless it has one that people gave."""
        if fold(self.adapter.library_name(library)) == fold(old_name):
            self.adapter.rename_library(library, name)

    def _change_members(self, link: LibraryGroupLink, members: MemberChange | None) -> bool:
        if members is None:
            return False
        return self._access(link).apply(members)

    def _write(self, link: LibraryGroupLink, document: Document) -> bool:
        """Set what differs; tell whether anything did. The caller saves."""
        before = {} if link._state.adding else documents.read(link, self.adapter)
        is_changed = self._store(link, documents.take_apart(document, link, self.adapter))
        self.change.compare(before, documents.read(link, self.adapter), GROUP)
        return is_changed

    def _access(self, link: LibraryGroupLink) -> Access:
        return Access(link, self.adapter, self.using, self.change)


def _is_admin(values: Mapping[str, Any]) -> bool:
    """Whether a host user with these values is an active administrator."""
    return bool(values.get("active", True) and values.get(TILED_ADMIN))
