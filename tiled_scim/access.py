"""Who has access to a Library through which pushed group.

Members are changed as sets: only the rows that change are touched. What people granted by hand in
the host is told apart from what a group granted, and is never taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone

from . import signals
from .attributes import Attribute
from .conf import settings
from .errors import invalid_value
from .events import Change
from .grammar import Expression
from .host import CHUNK, HostAdapter, chunks
from .matching import predicate
from .membership import MemberChange
from .models import NAME_LENGTH, LibraryGroupLink, LibraryGroupMember, UserLink
from .schemas import GROUP


class Access:
    """The members of one group, whose link row the caller has locked.

    Args:
        group: a group with a Library.
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
        removed = set(_uuids(change.removed))
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
        keys = [user.user_id for user in users.values()]
        had_access = self.adapter.members(self.library, keys)
        missing = [key for key in keys if key not in had_access]
        displays = {_uuid(key): name for key, name in sent_displays.items()}
        members = self._members(users)
        changed = [
            row
            for link, row in members.items()
            if _update(row, displays.get(link), users[link].user_id in had_access)
        ]
        self.rows.bulk_update(changed, ["display", "granted"], batch_size=CHUNK)
        through_others = self._through_other_groups(had_access)
        new = [
            LibraryGroupMember(
                group=self.group,
                user=user,
                display=(displays.get(link) or user.user_name)[:NAME_LENGTH],
                granted=user.user_id not in had_access or user.user_id in through_others,
            )
            for link, user in users.items()
            if link not in members
        ]
        self.rows.bulk_create(new)
        self.change.added += [
            user.user_name
            for link, user in users.items()
            if link not in members or user.user_id not in had_access
        ]
        if missing:
            self.adapter.grant(self.library, missing)
            self._announce(signals.access_granted, missing)
        return bool(new or missing or changed)

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
        lost = granted - self._through_other_groups(granted)
        if lost:
            self.adapter.revoke(self.library, lost)
            self._announce(signals.access_revoked, lost)
        return True

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

    def _members(self, links: Iterable[UUID]) -> dict[UUID, LibraryGroupMember]:
        """Which of the users are members, with the rows that say so."""
        return {
            row.user_id: row
            for chunk in chunks(list(links))
            for row in self.rows.filter(group=self.group, user__in=chunk)
        }

    def _through_other_groups(self, users: Collection[Any]) -> set[Any]:
        """Which host users another group gives access to the same Library."""
        return {
            key
            for chunk in chunks(users)
            for key in self.rows.filter(
                group__library=self.library, granted=True, user__user__in=chunk
            )
            .exclude(group=self.group)
            .values_list("user__user_id", flat=True)
        }

    def _users(self, ids: Collection[str]) -> dict[UUID, UserLink]:
        """The live users with these ids, locked, so that none is let go of meanwhile."""
        live = UserLink.objects.using(self.using).live(self.group.account)
        users = {
            user.pk: user
            for chunk in chunks(sorted(_uuids(ids)))
            for user in live.filter(pk__in=chunk)
            .select_for_update()
            .order_by("pk")
            .only("pk", "user_id", "user_name")
        }
        unknown = {id_ for id_ in ids if _uuid(id_) not in users}
        if unknown and settings.UNKNOWN_MEMBERS == "reject":
            raise invalid_value(
                f"members: there is no user with the id {', '.join(sorted(unknown))}."
            )
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


def _update(row: LibraryGroupMember, display: str | None, had_access: bool) -> bool:
    """Note on a member's row what a push says of them; tell whether that is new."""
    new = (display or row.display)[:NAME_LENGTH], row.granted or not had_access
    if new == (row.display, row.granted):
        return False
    row.display, row.granted = new
    return True


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


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _uuids(texts: Iterable[str]) -> set[UUID]:
    """The ids that can be ids of ours; others are nobody's."""
    return {uuid for uuid in map(_uuid, texts) if uuid is not None}
