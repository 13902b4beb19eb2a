"""Query the members of groups, and the groups of a member."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import (
    Case,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils import timezone

from tiled_scim.accounts import is_suspended
from tiled_scim.database.compiled import Parameter, compiled, rows_of_keys
from tiled_scim.database.for_write import locked
from tiled_scim.database.host_models import library_model
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorAccess, UserLink

GROUP_PARAMETER = Parameter("group", LibraryGroupLink._meta.pk)
ACCOUNT_PARAMETER = Parameter("account", LibraryGroupLink._meta.get_field("account"))
LIBRARY_PARAMETER = Parameter("library", PriorAccess._meta.get_field("library"))
ACCESS = ("is_prior", "is_in_another_group")


class Member(NamedTuple):
    """A member of a group, with the columns that tell whether they should be one.

    Args:
        link: The id of the UserLink.
        user: The primary key of the host user.
        name: The userName.
        account: The account of the UserLink.
        unlinked_at: The time when SCIM unlinked the user.
        suspended: Whether the user is inactive in the account.
        belongs: Whether the host user still belongs to the account.
    """

    link: UUID
    user: Any
    name: str
    account: str
    unlinked_at: datetime | None
    suspended: bool
    belongs: bool


MEMBER_COLUMNS = (
    "user_id",
    "user__user_id",
    "user__user_name",
    "user__account",
    "user__unlinked_at",
    "is_suspended",
    "belongs",
)


class GroupUser(NamedTuple):
    """A user who is or becomes a member of a group.

    Args:
        link: The id of the UserLink.
        user: The primary key of the host user.
        name: The userName.
        suspended: Whether the user is inactive in the account, and so has no access.
        display: The display name in the group. None if the user is not a member.
        is_prior: Whether the user has prior access to the Library.
        is_in_another_group: Whether the user is a member of another group of the same Library.
        is_live: Whether SCIM manages the user in the account now.
    """

    link: UUID
    user: Any
    name: str
    suspended: bool
    display: str | None
    is_prior: bool
    is_in_another_group: bool
    is_live: bool

    @property
    def is_given_elsewhere(self) -> bool:
        """Return whether another group gives the user access to the same Library."""
        return self.is_in_another_group and not self.suspended

    @property
    def is_ours(self) -> bool:
        """Return whether only this group gives the user access, if not suspended."""
        return not (self.is_prior or self.is_given_elsewhere)


class MemberQueries:
    """The queries for a group's members. Each is compiled once.

    Args:
        using: The alias of the database to write to.
    """

    def __init__(self, using: str) -> None:
        self.using = using

    def users(self, group: LibraryGroupLink, links: Iterable[UUID]) -> list[GroupUser]:
        """Return the live users of the account with these ids, locked in the order of their ids."""
        return self._read("users to add", self._users, "pk", group, links)

    def members(self, group: LibraryGroupLink, links: Iterable[UUID]) -> list[GroupUser]:
        """Return the members with these ids."""
        return self._read("members", self._members, "user_id", group, links)

    def all_members(self, group: LibraryGroupLink) -> list[GroupUser]:
        """Return all members."""
        query = compiled(("all members", self.using), self._members)
        rows = query.rows(group=group.pk, library=group.library_id, account=group.account)
        return [GroupUser(*row) for row in rows]

    def _read(
        self,
        name: str,
        rows: Callable[[], QuerySet[Any, Any]],
        column: str,
        group: LibraryGroupLink,
        links: Iterable[UUID],
    ) -> list[GroupUser]:
        """Return those of the rows that have one of the links' ids in a column."""
        found = rows_of_keys(
            name,
            lambda is_one_of: rows().filter(is_one_of(F(column))),
            UserLink._meta.pk,
            list(links),
            self.using,
            group=group.pk,
            library=group.library_id,
            account=group.account,
        )
        return [GroupUser(*row) for row in found]

    def _users(self) -> QuerySet[Any, Any]:
        own = LibraryGroupMember.objects.filter(group=GROUP_PARAMETER, user=OuterRef("pk"))
        rows: Any = UserLink.objects.using(self.using)
        rows = rows.live(ACCOUNT_PARAMETER).order_by("pk")
        rows = rows.annotate(
            shown=Subquery(own.values("display")),
            is_live=Value(True),
            is_suspended=_value_of(is_suspended()),
            **self._access(OuterRef("user")),
        )
        names = ("pk", "user_id", "user_name", "is_suspended", "shown", *ACCESS, "is_live")
        return locked(rows).values_list(*names)

    def _members(self) -> QuerySet[Any, Any]:
        rows = LibraryGroupMember.objects.using(self.using).filter(group=GROUP_PARAMETER)
        is_live = Q(user__unlinked_at=None, user__account=ACCOUNT_PARAMETER)
        rows = rows.annotate(
            is_live=_value_of(is_live & LibraryGroupMember.belonging),
            is_suspended=_value_of(is_suspended("user__")),
            **self._access(OuterRef("user__user")),
        )
        names = ("user_id", "user__user_id", "user__user_name", "is_suspended", "display")
        return rows.values_list(*names, *ACCESS, "is_live")

    def _access(self, user: OuterRef) -> dict[str, Any]:
        """Return annotations that tell how a user has access, apart from this group."""
        prior = PriorAccess.objects.filter(library=LIBRARY_PARAMETER, user=user)
        groups = LibraryGroupLink.objects.filter(library=LIBRARY_PARAMETER)
        others = LibraryGroupMember.objects.filter(
            group__library=LIBRARY_PARAMETER, user__user=user
        )
        # Most Libraries have only one group, so that members of others need no search.
        is_shared = Exists(groups.exclude(pk=GROUP_PARAMETER))
        is_in_another = Exists(others.exclude(group=GROUP_PARAMETER))
        return {
            "is_prior": Exists(prior),
            "is_in_another_group": Case(When(is_shared, then=is_in_another), default=Value(False)),
        }


def member_states() -> dict[str, Any]:
    """Return annotations for members: whether they are suspended, and belong to the account."""
    belonging = LibraryGroupMember.belonging
    return {
        "is_suspended": _value_of(is_suspended("user__")),
        "belongs": _value_of(belonging) if belonging else Value(True),
    }


def _value_of(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def locked_groups(user: UUID, account: str, using: str) -> list[LibraryGroupLink]:
    """Return the groups of an account that a user is in, locked, also those without a Library."""
    libraries = Prefetch("library", library_model()._base_manager.using(using))
    groups = LibraryGroupLink.objects.using(using).filter(account=account, unlinked_at=None)
    groups = groups.prefetch_related(libraries)
    return list(groups.filter(members__user=user).order_by("pk").select_for_update())


def note_change_of_member(link: UserLink, using: str) -> None:
    """Increment the version of the groups that show a user who is renamed or will be deleted."""
    groups = LibraryGroupLink.objects.using(using).filter(members__user=link.pk)
    keys = list(groups.order_by("pk").values_list("pk", flat=True))
    LibraryGroupLink.objects.using(using).filter(pk__in=keys).update(
        version=F("version") + 1, updated_at=timezone.now()
    )


def note_rename_of_member(link: UserLink, old_name: str, using: str) -> int:
    """Show a user's new userName in groups, unless the client sent another display name.

    Returns:
        The number of groups that show it.
    """
    shown = LibraryGroupMember.objects.using(using).filter(user=link.pk, display=old_name)
    number = shown.update(display=link.user_name)
    if number:
        note_change_of_member(link, using)
    return number


def note_deletion_of_member(
    sender: type[UserLink], instance: UserLink, using: str, **kwargs: Any
) -> None:
    """Update the groups of a user that the host deletes. A receiver of `pre_delete`."""
    note_change_of_member(instance, using)
