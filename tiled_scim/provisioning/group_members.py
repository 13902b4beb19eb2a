"""Who has access to a Library through which pushed group.

Members are changed as sets: only the rows that change are touched. What people granted by hand in
the host is told apart from what a group granted, and is never taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import models
from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone

from tiled_scim import signals
from tiled_scim.attributes import Attribute
from tiled_scim.audit.events import Change
from tiled_scim.conf import settings
from tiled_scim.errors import invalid_value
from tiled_scim.host import CHUNK, HostAdapter, chunks, library_model
from tiled_scim.models import NAME_LENGTH, LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.schemas import GROUP
from tiled_scim.scim.grammar import Expression, quoted
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.matching import predicate
from tiled_scim.scim.member_changes import MemberChange

# How many unknown ids an error names.
IDS_NAMED = 10


class Member(NamedTuple):
    """A member of a group, with what tells whether they belong there.

    Args:
        link: the id of the UserLink.
        user: the primary key of the host user.
        name: the userName.
        granted: whether the access to the Library is SCIM's.
        account: that of the UserLink.
        unlinked_at: when SCIM let go of the user.
        active: whether the account gives the user access, as far as it alone decides.
    """

    link: UUID
    user: Any
    name: str
    granted: bool
    account: str
    unlinked_at: datetime | None
    active: bool


MEMBER_COLUMNS = (
    "user_id",
    "user__user_id",
    "user__user_name",
    "granted",
    "user__account",
    "user__unlinked_at",
    "user__active",
)


class Access:
    """The members of one group, whose link row whoever changes them has locked.

    Args:
        group: a group; without a Library, its members can only be removed.
        adapter: the host, for the group's account.
        using: the alias of the database to write to.
        change: where it is noted who comes and goes.
    """

    def __init__(
        self, group: LibraryGroupLink, adapter: HostAdapter, using: str, change: Change
    ) -> None:
        self.group = group
        self.change = change
        self.library: Any = group.library
        self.adapter = adapter
        self.using = using
        self.rows = LibraryGroupMember.objects.using(using)

    def apply(self, change: MemberChange) -> bool:
        """Add, remove or overwrite members; tell whether anything changed.

        Raises:
            ScimError: invalidValue for an id that is no user, where `TILED_SCIM_UNKNOWN_MEMBERS`
                is "reject".
        """
        users = self._users(change.added)
        removed: Collection[UUID] = _uuids(change.removed)
        if change.overwrite:
            removed = self._current() - users.keys()
        was_removed = self.remove(removed)
        return self._add(users, change.displays) or was_removed

    def _add(self, users: Mapping[UUID, UserLink], sent_displays: Mapping[str, str]) -> bool:
        """Make users members, and give access to those who lack it.

        A member whose access people took away by hand gets it again: a push says who has access.
        """
        if not users:
            return False
        names = {user.user_id: user.user_name for user in users.values()}
        had_access = self.adapter.members(self.library, names)
        missing = {
            user.user_id
            for user in users.values()
            if user.active and user.user_id not in had_access
        }
        displays = {
            link: name for key, name in sent_displays.items() if (link := as_uuid(key)) in users
        }
        rows = self._rows_of(names)
        members = {row.user_id for row in rows if row.group_id == self.group.pk}
        given = {*missing, *(row.host for row in rows if row.granted)}
        is_changed = self._note_access(rows, given, displays)
        new = [
            LibraryGroupMember(
                group=self.group,
                user=user,
                display=(displays.get(link) or user.user_name)[:NAME_LENGTH],
                granted=user.user_id in given,
            )
            for link, user in users.items()
            if link not in members
        ]
        self.rows.bulk_create(new)
        self.change.added += [
            user.user_name
            for link, user in users.items()
            if link not in members or user.user_id in missing
        ]
        self._grant(missing)
        return bool(new or missing) or is_changed

    def remove(self, links: Collection[UUID]) -> bool:
        """End memberships, and the access that nothing else gives."""
        rows = [
            row
            for chunk in chunks(links)
            for row in self.rows.filter(group=self.group, user__in=chunk).values_list(
                "pk", "granted", "user__user_id", "user__user_name"
            )
        ]
        if not rows:
            return False
        for chunk in chunks([pk for pk, *_ in rows]):
            self.rows.filter(pk__in=chunk).delete()
        self.change.removed += [name for *_, name in rows]
        granted = {key for _, was_granted, key, _ in rows if was_granted}
        self._revoke(granted - self._given(granted, self.rows))
        return True

    def suspend(self, user: UserLink) -> None:
        """Take away the access that the group gives a member, who stays one."""
        given = self.rows.filter(group=self.group, user=user, granted=True)
        if given.update(granted=False):
            self._revoke({user.user_id} - self._given({user.user_id}, self.rows))

    def enter(self) -> None:
        """Give all members access to a Library that the group has just begun to feed.

        Whoever has access there by hand already keeps it when the group goes.
        """
        missing: dict[Any, str] = {}
        for page in self.pages():
            users = [member.user for member in self.settled(page)]
            lacking = {member.user: member.name for member in self.lacking(page)}
            rows = self._rows_of(users)
            others = {row.host for row in rows if row.granted and row.group_id != self.group.pk}
            self._note_access(rows, others | lacking.keys())
            missing |= lacking
        self.change.added += missing.values()
        self._grant(list(missing))

    def leave(self) -> None:
        """Take away the access that the group gives, while its members stay members."""
        losing = self.losing()
        self.change.removed += losing.values()
        self._revoke(losing)

    def losing(self) -> dict[Any, str]:
        """Who has access through this group alone, by primary key of the host, with userNames."""
        if self.library is None:
            return {}
        given = {
            member.user: member.name for page in self.pages() for member in page if member.granted
        }
        kept = self._given(given, self.rows.exclude(group=self.group))
        return {key: name for key, name in given.items() if key not in kept}

    def lacking(self, members: Iterable[Member]) -> list[Member]:
        """Which members should have access to the Library, and have none."""
        settled = self.settled(members)
        have_access = self.adapter.members(self.library, [member.user for member in settled])
        return [member for member in settled if member.user not in have_access]

    def settled(self, members: Iterable[Member]) -> list[Member]:
        """Which members are users whom SCIM manages, and has not suspended, in the account."""
        return [
            member
            for member in members
            if member.unlinked_at is None and member.account == self.group.account and member.active
        ]

    def pages(self) -> Iterator[list[Member]]:
        """All members, in lists that fit into one query."""
        rows = self.rows.filter(group=self.group).order_by("user_id").values_list(*MEMBER_COLUMNS)
        page = [Member(*row) for row in rows[:CHUNK]]
        while page:
            yield page
            if len(page) < CHUNK:
                return
            page = [Member(*row) for row in rows.filter(user_id__gt=page[-1].link)[:CHUNK]]

    def select(self, expression: Expression) -> list[str]:
        """The ids of the members that the filter of a PATCH path fits."""
        fits = predicate(expression, cast(Attribute, GROUP.attribute("members")))
        rows = self.rows.filter(group=self.group).values_list("user_id", "display")
        return [
            str(user)
            for user, display in rows
            if fits({"value": str(user), "display": display, "type": "User"})
        ]

    def remove_all(self) -> None:
        """End every membership."""
        self.remove(self._current())

    def _current(self) -> set[UUID]:
        return set(self.rows.filter(group=self.group).values_list("user_id", flat=True))

    def _rows_of(self, users: Collection[Any]) -> list[Any]:
        """The rows of host users in all groups of the Library, each with `host`, the user's key."""
        return [
            row
            for chunk in chunks(users)
            for row in self.rows.filter(self._feeds_library, user__user__in=chunk).annotate(
                host=F("user__user_id")
            )
        ]

    def _given(self, users: Collection[Any], rows: models.QuerySet[LibraryGroupMember]) -> set[Any]:
        """Which host users have access to the Library by what these rows grant."""
        return {
            key
            for chunk in chunks(users)
            for key in rows.filter(
                self._feeds_library, granted=True, user__user__in=chunk
            ).values_list("user__user_id", flat=True)
        }

    @cached_property
    def _feeds_library(self) -> models.Q:
        """What the rows of the Library's groups fulfil.

        As an alternative, for which PostgreSQL looks up the users that are asked for: by their
        Library it reads all members of a group instead, where that is a large one.
        """
        groups = LibraryGroupLink.objects.using(self.using).filter(library=self.library)
        return models.Q(group=self.group) | models.Q(group__in=groups.exclude(pk=self.group.pk))

    def _note_access(
        self,
        rows: Iterable[Any],
        given: Collection[Any],
        displays: Mapping[UUID | None, str] | None = None,
    ) -> bool:
        """Note on rows of `_rows_of` whether the access is SCIM's; tell whether that is new.

        It is one access, however many groups give it: the rows of all groups agree.

        Args:
            given: the host users whose access is SCIM's.
            displays: the names to show in this group that a push gave, by the id of the user.
        """
        changed = []
        for row in rows:
            display = (displays or {}).get(row.user_id) if row.group_id == self.group.pk else None
            new = (display or row.display)[:NAME_LENGTH], row.host in given
            if new != (row.display, row.granted):
                row.display, row.granted = new
                changed.append(row)
        self.rows.bulk_update(changed, ["display", "granted"], batch_size=CHUNK)
        return bool(changed)

    def _grant(self, users: Collection[Any]) -> None:
        if users:
            self.adapter.grant(self.library, users)
            self._announce(signals.access_granted, users)

    def _revoke(self, users: Collection[Any]) -> None:
        if users and self.library is not None:
            self.adapter.revoke(self.library, users)
            self._announce(signals.access_revoked, users)

    def _users(self, ids: Collection[str]) -> dict[UUID, UserLink]:
        """The live users with these ids, locked, so that none is let go of meanwhile."""
        live = UserLink.objects.using(self.using).live(self.group.account)
        users = {
            user.pk: user
            for chunk in chunks(_uuids(ids))
            for user in live.filter(pk__in=chunk)
            .select_for_update()
            .order_by("pk")
            .only("pk", "user_id", "user_name", "active")
        }
        unknown = {id_ for id_ in ids if as_uuid(id_) not in users}
        if unknown and settings.UNKNOWN_MEMBERS == "reject":
            first = ", ".join(quoted(id_) for id_ in sorted(unknown)[:IDS_NAMED])
            raise invalid_value(f"members: there is no user with the id {first}.")
        self.change.skipped += sorted(unknown)
        return users

    def _announce(self, signal: Signal, users: Collection[Any]) -> None:
        signals.announce(
            signal,
            LibraryGroupLink,
            self.using,
            account=self.group.account,
            link=self.group,
            library=self.library,
            users=list(users),
        )


def locked_groups(user: UUID, account: str, using: str) -> list[LibraryGroupLink]:
    """The groups of an account that a user is in, locked; those without a Library, too."""
    libraries = models.Prefetch("library", library_model()._base_manager.using(using))
    groups = LibraryGroupLink.objects.using(using).filter(account=account, unlinked_at=None)
    groups = groups.prefetch_related(libraries)
    return list(groups.filter(members__user=user).order_by("pk").select_for_update())


def note_change_of_member(link: UserLink, using: str) -> None:
    """Give a new version to the groups that show this user, who is renamed or about to go."""
    groups = LibraryGroupLink.objects.using(using).filter(members__user=link.pk)
    keys = list(groups.order_by("pk").values_list("pk", flat=True))
    LibraryGroupLink.objects.using(using).filter(pk__in=keys).update(
        version=F("version") + 1, updated_at=timezone.now()
    )


def note_rename_of_member(link: UserLink, old_name: str, using: str) -> None:
    """Show a user's new userName in groups, where the client gave no other name to show."""
    shown = LibraryGroupMember.objects.using(using).filter(user=link.pk, display=old_name)
    if shown.update(display=link.user_name):
        note_change_of_member(link, using)


def note_deletion_of_member(
    sender: type[UserLink], instance: UserLink, using: str, **kwargs: Any
) -> None:
    """The host deletes a user, and the link with them: a receiver of `pre_delete`."""
    note_change_of_member(instance, using)


def _uuids(ids: Iterable[str]) -> list[UUID]:
    """Those of a MemberChange's ids that can be ids of ours, in order; others are nobody's.

    A list: whoever sends them can choose UUIDs that all have one hash.
    """
    return [uuid for uuid in map(as_uuid, sorted(ids)) if uuid is not None]
