"""Find drift: links, members, host users and access to Libraries that do not agree.

SCIM always leaves them in agreement. People may not: they may revoke access, or delete a Library.
Access that people give is not drift, nor is a user that they reactivate, nor a deactivated user who
keeps memberships and access.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar, cast
from uuid import UUID

from django.db import router
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.bulk import CHUNK
from tiled_scim.host import HostAdapter, adapter_class
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.member_queries import Member
from tiled_scim.provisioning.roles import RoleSettling
from tiled_scim.words import with_words, words

AnyLink = TypeVar("AnyLink", UserLink, LibraryGroupLink)

# The maximum number of names in a sentence.
NAMES_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of drift.

    Args:
        problem: A sentence that describes it. It may contain the link's `name`, `people` and the
            host's words.
        repair: What a repair does, as the words after "by".
    """

    problem: str | Promise
    repair: str | Promise


NAME = Kind(
    _("“%(name)s” cannot be found by its name in another letter case."),
    _("keeping the name in lower case again"),
)
GROUP_UNLINKED = Kind(
    _("The group “%(name)s” is unlinked, but still has members: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
USER_UNLINKED = Kind(
    _("The group “%(name)s” has members that are unlinked: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
FOREIGN_USER = Kind(
    _("The group “%(name)s” has members of another account: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
LIBRARY_DELETED = Kind(
    _("The %(library)s of the group “%(name)s” was deleted."),
    with_words(
        _("making a new %(library)s of the group's name, and giving its members access to it")
    ),
)
LIBRARY_MOVED = Kind(
    _("The %(library)s of the group “%(name)s” is not this account's any more."),
    LIBRARY_DELETED.repair,
)
ACCESS_LACKING = Kind(
    _("The group “%(name)s” has members without access to its %(library)s: %(people)s."),
    _("giving them access"),
)
ROLES = Kind(
    _("The roles on this site differ from those that SCIM and people gave: %(people)s."),
    _("setting their roles again"),
)
# The kinds of drift of members, in the order in which they can be repaired.
MEMBER_KINDS = (GROUP_UNLINKED, USER_UNLINKED, FOREIGN_USER, ACCESS_LACKING, ROLES)


@dataclass(frozen=True)
class Finding:
    """Drift of one kind in one link.

    Args:
        kind: The kind of drift.
        link: The link.
        people: The affected members: the ids of their links, with their userNames.
    """

    kind: Kind
    link: UserLink | LibraryGroupLink
    people: Mapping[UUID, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        texts = {**words(), "name": self.link.name, "people": self._names}
        return str(self.kind.problem) % texts

    @property
    def _names(self) -> str:
        names = ", ".join(islice(self.people.values(), NAMES_SHOWN))
        more = len(self.people) - NAMES_SHOWN
        return names if more <= 0 else f"{names}, … (+{more})"


def find(account: str | None = None) -> Iterator[Finding]:
    """Find all drift in one account or in all.

    It takes a few queries for each group, and none for each member. Nothing is locked. A request
    that runs meanwhile may cause findings that are gone when they are checked again.

    Args:
        account: The account, or None for all accounts.
    """
    for link in links(account):
        yield from find_in(link)


def links(account: str | None = None) -> Iterator[UserLink | LibraryGroupLink]:
    """Yield all links that may have drifted, as arguments for `find_in`."""
    yield from _in_pages(_rows(UserLink, account).defer("attributes"))
    yield from _in_pages(_rows(LibraryGroupLink, account).select_related("library"))


def count(account: str | None = None) -> int:
    """Return the number of `links`."""
    return _rows(UserLink, account).count() + _rows(LibraryGroupLink, account).count()


def find_in(
    link: UserLink | LibraryGroupLink, adapter: HostAdapter | None = None
) -> Iterator[Finding]:
    """Find the drift of one link, in the order in which it can be repaired."""
    # A link that is not live may have given up its name.
    if not link.holds_name and (link.canonical_name is not None or link.is_live):
        yield Finding(NAME, link)
    adapter = adapter or adapter_class()(link.account)
    if isinstance(link, LibraryGroupLink):
        yield from _of_members(link, adapter)
    elif _roles_drifted([link.pk], adapter) and not _gets_role_of_group(link):
        yield Finding(ROLES, link, {link.pk: link.name})


def _of_members(group: LibraryGroupLink, adapter: HostAdapter) -> Iterator[Finding]:
    members = GroupMembers(group, adapter, _database())
    people: dict[Kind, dict[UUID, str]] = {kind: {} for kind in MEMBER_KINDS}
    for page in members.pages():
        for kind, member in _of_page(page, members):
            people[kind][member.link] = member.name
    for kind, found in people.items():
        if found:
            yield Finding(kind, group, found)
    if group.unlinked_at is None and members.library is None and not group.role:
        yield without_library(group)


def without_library(group: LibraryGroupLink) -> Finding:
    """Return the finding for a group whose Library was deleted or is another account's now."""
    return Finding(LIBRARY_DELETED if group.library_id is None else LIBRARY_MOVED, group)


def _of_page(page: list[Member], members: GroupMembers) -> Iterator[tuple[Kind, Member]]:
    for member in page:
        if kind := _misplaced(members.group, member):
            yield kind, member
    if members.group.unlinked_at is None:
        yield from ((ACCESS_LACKING, member) for member in members.lacking(page))
    if members.group.role:
        drifted = _roles_drifted([member.link for member in page], members.adapter)
        yield from ((ROLES, member) for member in page if member.link in drifted)


def _roles_drifted(links: Collection[UUID], adapter: HostAdapter) -> set[UUID]:
    """Return the users whose roles in the host are not settled."""
    if not adapter.roles():
        return set()
    settlements = RoleSettling(adapter, _database()).plan(links)
    return {each.key for each in settlements if not each.is_settled}


def _gets_role_of_group(link: UserLink) -> bool:
    """Return whether the drift of a user's roles is found with a group."""
    members = LibraryGroupMember.objects.using(_database()).filter(user=link)
    return members.exclude(group__role="").exists()


def _misplaced(group: LibraryGroupLink, member: Member) -> Kind | None:
    """Return why a user should not be a member, or None."""
    if group.unlinked_at is not None:
        return GROUP_UNLINKED
    if member.account != group.account:
        return FOREIGN_USER
    return USER_UNLINKED if member.unlinked_at is not None else None


def _database() -> str:
    """Return the alias of the database for writes. A replica may lag behind."""
    return router.db_for_write(LibraryGroupLink)


def _rows(model: type[AnyLink], account: str | None) -> QuerySet[AnyLink]:
    rows = cast("QuerySet[AnyLink]", model.objects.using(_database()))
    return rows if account is None else rows.filter(account=account)


def _in_pages(rows: QuerySet[AnyLink]) -> Iterator[AnyLink]:
    """Yield all rows. They are read in parts, so they can be changed meanwhile."""
    rows = rows.order_by("pk")
    page = list(rows[:CHUNK])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:CHUNK])
