"""Change the members of a group, and their access to its Library.

Members are changed as sets, in a few statements for any number of members. Access that people gave
before SCIM did is a row of `PriorAccess`, and is never revoked. All other access of members is
SCIM's, and is revoked when the last group that gives it goes.

The module is long, because each change of a member is a change of access, in one class. Queries and
roles have modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.dispatch import Signal
from django.utils import timezone

from tiled_scim import signals
from tiled_scim.conf import settings
from tiled_scim.database.bulk import CHUNK, chunks, delete, insert
from tiled_scim.errors import Cause, ScimError, invalid_value, too_large
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    NAME_LENGTH,
    LibraryGroupLink,
    LibraryGroupMember,
    PriorAccess,
)
from tiled_scim.provisioning.member_queries import (
    MEMBER_COLUMNS,
    GroupUser,
    Member,
    MemberQueries,
    member_states,
)
from tiled_scim.provisioning.roles import RoleSettling
from tiled_scim.scim.budget import MAX_ADDED_MEMBERS
from tiled_scim.scim.grammar import quoted
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.member_changes import MemberChange

# The maximum number of unknown ids in an error.
IDS_NAMED = 10


@dataclass(frozen=True)
class MembersChanged:
    """What changed in a group's members.

    Args:
        added: The userNames of new members, and of members who got access again.
        removed: The userNames of removed members, and of members who lost access.
        skipped: Ids that belong to no user.
        is_changed: Whether anything changed that a client can see.
    """

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    is_changed: bool = False

    def __add__(self, other: MembersChanged) -> MembersChanged:
        return MembersChanged(
            self.added + other.added,
            self.removed + other.removed,
            self.skipped + other.skipped,
            self.is_changed or other.is_changed,
        )


NOTHING = MembersChanged()


class GroupMembers:
    """The members of one group. The group and its Library must be locked.

    Args:
        group: The group. Without a Library of the account and a role, its members can only be
            removed.
        adapter: The host adapter for the group's account.
        using: The alias of the database to write to.
    """

    def __init__(self, group: LibraryGroupLink, adapter: HostAdapter, using: str) -> None:
        self.group = group
        self.library: Any = own_library(group, adapter)
        self.adapter = adapter
        self.using = using
        self.rows = LibraryGroupMember.objects.using(using)
        self.queries = MemberQueries(using)
        self.roles = RoleSettling(adapter, using) if group.role else None

    def change(self, change: MemberChange) -> MembersChanged:
        """Add, remove or overwrite members.

        Raises:
            ScimError: invalidValue for an unknown id, if `TILED_SCIM_UNKNOWN_MEMBERS` is "reject";
                or for a list of members of whom nobody is known; 413 for too many changes.
        """
        if self.roles is not None:
            self.roles.lock_for_request(self._affected(change))
        if change.overwrite:
            return self._overwrite(change)
        _check_number(change.added)
        users = self._locked(_uuids(change.added))
        skipped = self._skipped(change.added, users)
        removed = self.remove(_uuids(change.removed))
        return skipped + removed + self._add(users, change.displays)

    def add(self, links: Iterable[UUID]) -> MembersChanged:
        """Add users as members, and give access to those without it."""
        return self._add(self._locked(links), {})

    def remove(self, links: Iterable[UUID]) -> MembersChanged:
        """Remove members, and revoke the access that nothing else gives them."""
        links = list(links)
        if self.roles is not None:
            self.roles.lock(links)
        return self._remove(self.queries.members(self.group, links))

    def remove_all(self) -> MembersChanged:
        """Remove all members.

        Raises:
            ScimError: 413 if the group gives a role to too many.
        """
        if self.roles is not None:
            self.roles.lock_for_request(self.keys())
        return self._remove(self.queries.all_members(self.group))

    def suspend(self, links: Iterable[UUID]) -> None:
        """Revoke the access that the group gives to some members, who remain members."""
        self.revoke([user for user in self.queries.members(self.group, links) if user.is_ours])

    def resume(self, links: Iterable[UUID]) -> None:
        """Give access to members who were suspended. If they have it already, people gave it."""
        if self.library is None:
            return
        users = self._locked(links)
        had_access = self._with_access(user.user for user in users)
        self._note_prior(user for user in users if user.user in had_access)
        self._grant([user for user in users if user.user not in had_access])

    def grant_all(self) -> MembersChanged:
        """Give all members access to a Library that the group feeds from now on."""
        changed = NOTHING
        for page in self.pages():
            users = self._locked(member.link for member in self.eligible(page))
            had_access = self._with_access(user.user for user in users)
            self._note_prior(
                user for user in users if user.user in had_access and not user.is_given_elsewhere
            )
            changed += self._grant([user for user in users if user.user not in had_access])
        return changed

    def revoke_all(self) -> MembersChanged:
        """Revoke the access that the group gives. Its members remain members."""
        if self.library is None:
            return NOTHING
        users = self.queries.all_members(self.group)
        self._forget_prior(users)
        losing = _losing(users)
        self.revoke(losing)
        return MembersChanged(removed=[user.name for user in losing])

    def losing(self) -> list[GroupUser]:
        """Return the members who only have access through this group."""
        return [] if self.library is None else _losing(self.queries.all_members(self.group))

    def lacking(self, members: Iterable[Member]) -> list[Member]:
        """Return the members who should have access to the Library but do not."""
        if self.library is None:
            return []
        eligible = self.eligible(members)
        have_access = self._with_access(member.user for member in eligible)
        return [member for member in eligible if member.user not in have_access]

    def eligible(self, members: Iterable[Member]) -> list[Member]:
        """Return the members who are live users of the account and not suspended."""
        eligible = [
            member
            for member in members
            if member.unlinked_at is None
            and member.account == self.group.account
            and member.belongs
            and not member.suspended
        ]
        own = self.adapter.belonging([member.user for member in eligible])
        return [member for member in eligible if member.user in own]

    def pages(self) -> Iterator[list[Member]]:
        """Yield all members, in lists that fit into one query."""
        members: Any = self.rows.filter(group=self.group).order_by("user_id")
        rows = members.annotate(**member_states()).values_list(*MEMBER_COLUMNS)
        page = [Member(*row) for row in rows[:CHUNK]]
        while page:
            yield page
            if len(page) < CHUNK:
                return
            page = [Member(*row) for row in rows.filter(user_id__gt=page[-1].link)[:CHUNK]]

    def note_prior(self, links: Iterable[UUID]) -> None:
        """Store that these members have prior access to the Library."""
        self._note_prior(self.queries.members(self.group, links))

    def prior_access(self) -> set[UUID]:
        """Return the members with prior access to the Library."""
        return {user.link for user in self.queries.all_members(self.group) if user.is_prior}

    def keys(self) -> list[UUID]:
        """Return the ids of all members."""
        return list(self.rows.filter(group=self.group).values_list("user_id", flat=True))

    # Internals

    def _affected(self, change: MemberChange) -> set[UUID]:
        """Return the users whose roles may change."""
        if change.overwrite:
            return set(_uuids(change.added)).symmetric_difference(self.keys())
        return {*_uuids(change.added), *_uuids(change.removed)}

    def _with_access(self, users: Iterable[Any]) -> set[Any]:
        """Return which of these users have access. Without a Library, nobody lacks it."""
        keys = list(users)
        return set(keys) if self.library is None else self.adapter.members(self.library, keys)

    def _settle(self, users: Iterable[GroupUser]) -> None:
        if self.roles is not None:
            self.roles.settle([user.link for user in users])

    def _overwrite(self, change: MemberChange) -> MembersChanged:
        members = {str(user.link): user for user in self.queries.all_members(self.group)}
        # Members need no lock, because a request that unlinks a user locks all their groups first.
        added = [id_ for id_ in change.added if id_ not in members]
        _check_number(added)
        users = self._locked(_uuids(added))
        staying = [user for id_, user in members.items() if id_ in change.added and user.is_live]
        stays = {user.link for user in staying}
        leaving = [user for user in members.values() if user.link not in stays]
        skipped = self._skipped(change.added, [*staying, *users])
        if change.listed and change.listed.issubset(skipped.skipped):
            raise _unknown_members(skipped.skipped, "Nobody in the list is known. ")
        removed = self._remove(leaving)
        # The roles of those who stay have been settled: groups are large, and few members change.
        return skipped + removed + self._add([*staying, *users], change.displays, settling=users)

    def _locked(self, links: Iterable[UUID]) -> list[GroupUser]:
        """Return the live users of the account with these ids, locked."""
        users = self.queries.users(self.group, links)
        own = self.adapter.belonging([user.user for user in users])
        return [user for user in users if user.user in own]

    def _skipped(self, ids: Collection[str], users: Sequence[GroupUser]) -> MembersChanged:
        """Return the ids that belong to no user.

        Raises:
            ScimError: invalidValue, see `change`.
        """
        if len(users) == len(ids):
            return NOTHING
        known = {user.link for user in users}
        unknown = sorted(id_ for id_ in ids if as_uuid(id_) not in known)
        if unknown and settings.UNKNOWN_MEMBERS == "reject":
            raise _unknown_members(unknown)
        return MembersChanged(skipped=unknown)

    def _add(
        self,
        users: Sequence[GroupUser],
        displays: Mapping[str, str],
        *,
        settling: Sequence[GroupUser] | None = None,
    ) -> MembersChanged:
        """Add users as members, and give access to those without it.

        A member whose access was revoked in the host gets it again: a push says who has access.

        Args:
            users: The users, who may be members already.
            displays: The display names that the client sent, by id.
            settling: Those whose roles may change. None for all.
        """
        if not users:
            return NOTHING
        active = [user for user in users if not user.suspended]
        had_access = self._with_access(user.user for user in active)
        missing = [user for user in active if user.user not in had_access]
        new = [user for user in users if user.display is None]
        self._note_prior(
            user for user in new if user.user in had_access and not user.is_given_elsewhere
        )
        self._insert(new, displays)
        is_renamed = self._rename(users, displays)
        self._grant(missing)
        self._settle(users if settling is None else settling)
        added = {user.link for user in (*new, *missing)}
        names = [user.name for user in users if user.link in added]
        return MembersChanged(names, is_changed=bool(added) or is_renamed)

    def _insert(self, users: Sequence[GroupUser], displays: Mapping[str, str]) -> None:
        now = timezone.now()
        rows = [(self.group.pk, user.link, _shown(user, displays), now) for user in users]
        columns = ("group_id", "user_id", "display", "created_at")
        insert(LibraryGroupMember, columns, rows, self.using)

    def _rename(self, users: Iterable[GroupUser], displays: Mapping[str, str]) -> bool:
        """Store the display names that the client sent. Return whether any of them changed."""
        if not displays:
            return False
        names = {
            user.link: _shown(user, displays)
            for user in users
            if user.display is not None and _shown(user, displays) != user.display
        }
        for chunk in chunks(names):
            rows = list(self.rows.filter(group=self.group, user__in=chunk))
            for row in rows:
                row.display = names[row.user_id]
            self.rows.bulk_update(rows, ["display"])
        return bool(names)

    def _remove(self, users: Sequence[GroupUser]) -> MembersChanged:
        if not users:
            return NOTHING
        links = [user.link for user in users]
        delete(LibraryGroupMember, "group_id", self.group.pk, "user_id", links, self.using)
        self._forget_prior(users)
        self.revoke(_losing(users))
        self._settle(users)
        return MembersChanged(removed=[user.name for user in users], is_changed=True)

    def _grant(self, users: Sequence[GroupUser]) -> MembersChanged:
        """Give access to users who have none. It is SCIM's from now on."""
        if not users:
            return NOTHING
        self._delete_prior(user.user for user in users if user.is_prior)
        keys = [user.user for user in users]
        self.adapter.grant(self.library, keys)
        self._announce(signals.access_granted, keys)
        return MembersChanged([user.name for user in users])

    def revoke(self, users: Sequence[GroupUser]) -> None:
        """Revoke the access of users to the Library, and tell the host."""
        if not users or self.library is None:
            return
        keys = [user.user for user in users]
        self.adapter.revoke(self.library, keys)
        self._announce(signals.access_revoked, keys)

    def _note_prior(self, users: Iterable[GroupUser]) -> None:
        """Store that these users have prior access to the Library."""
        if self.library is None:
            return
        rows = [(self.library.pk, user.user) for user in users if not user.is_prior]
        if not rows:
            return
        insert(PriorAccess, ("library_id", "user_id"), rows, self.using, ignore_conflicts=True)

    def _forget_prior(self, users: Iterable[GroupUser]) -> None:
        """Delete the prior access of users who are in no other group of the Library."""
        self._delete_prior(
            user.user for user in users if user.is_prior and not user.is_in_another_group
        )

    def _delete_prior(self, users: Iterable[Any]) -> None:
        keys = list(users)
        if keys:
            library = self.group.library_id
            delete(PriorAccess, "library_id", library, "user_id", keys, self.using)

    def _announce(self, signal: Signal, users: list[Any]) -> None:
        signals.announce(
            signal,
            LibraryGroupLink,
            self.using,
            account=self.group.account,
            link=self.group,
            library=self.library,
            users=users,
        )


def own_library(group: LibraryGroupLink, adapter: HostAdapter) -> Any:
    """Return the Library of a group, or None if it was deleted or is not the account's any more."""
    library = group.library
    return library if library is not None and adapter.has_library(library) else None


def _check_number(added: Collection[str]) -> None:
    """Require that a request adds no more members than it may.

    Raises:
        ScimError: 413.
    """
    if len(added) > MAX_ADDED_MEMBERS:
        raise too_large(
            f"A request may add {MAX_ADDED_MEMBERS} members at most. Add the others with further "
            "PATCH requests."
        )


def _unknown_members(ids: Sequence[str], why: str = "") -> ScimError:
    """Return the error for ids that belong to no user."""
    first = ", ".join(quoted(id_) for id_ in ids[:IDS_NAMED])
    return invalid_value(
        f"members: there is no user with the id {first}. {why}Assign these people first.",
        Cause.UNKNOWN_MEMBERS,
    )


def _shown(user: GroupUser, displays: Mapping[str, str]) -> str:
    """Return the display name of a user: the one sent, or the old one, or else the userName."""
    return (displays.get(str(user.link)) or user.display or user.name)[:NAME_LENGTH]


def _losing(users: Iterable[GroupUser]) -> list[GroupUser]:
    """Return the users who only have access through this group."""
    return [user for user in users if user.is_ours and not user.suspended]


def _uuids(ids: Iterable[str]) -> list[UUID]:
    """Return the UUIDs among the ids of a MemberChange, sorted. Other ids belong to no user.

    The result is not a set, because a client can choose UUIDs with equal hashes.
    """
    return [uuid for uuid in map(as_uuid, sorted(ids)) if uuid is not None]
