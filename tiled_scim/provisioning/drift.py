"""Drift: where links, members, host users and access to Libraries do not agree.

Whatever SCIM does leaves them in agreement. People do not always: they take access away by hand,
or delete a Library. What they give by hand is no drift, nor is a person whom they reactivate, nor
a deactivated one who keeps memberships and access.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar, cast
from uuid import UUID

from django.db import router
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.compiled import CHUNK
from tiled_scim.host import HostAdapter, adapter_class
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.member_queries import Member

AnyLink = TypeVar("AnyLink", UserLink, LibraryGroupLink)

# As many names of people as a sentence can have.
NAMES_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Kind:
    """One way in which things do not agree.

    Args:
        problem: a sentence for people, which may have the link's `name`, and `people`.
        mending: what is done about it, as what follows "by".
    """

    problem: str | Promise
    mending: str | Promise


NAME = Kind(
    _("“%(name)s” cannot be found by its name in another letter case."),
    _("keeping the name in lower case again"),
)
GROUP_LET_GO = Kind(
    _("The group “%(name)s” was let go of, and still has members: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
USER_LET_GO = Kind(
    _("The group “%(name)s” has members whom SCIM has let go of: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
FOREIGN_USER = Kind(
    _("The group “%(name)s” has members of another account: %(people)s."),
    _("ending their memberships, and the access that they gave"),
)
LIBRARY_DELETED = Kind(
    _("The Library of the group “%(name)s” was deleted in the host."),
    _("making a new Library of the group's name, and giving its members access to it"),
)
ACCESS_LACKING = Kind(
    _("The group “%(name)s” has members without access to its Library: %(people)s."),
    _("giving them access"),
)
# What can be wrong with members, in the order in which it can be mended.
MEMBER_KINDS = (GROUP_LET_GO, USER_LET_GO, FOREIGN_USER, ACCESS_LACKING)


@dataclass(frozen=True)
class Finding:
    """Drift of one kind, of one link.

    Args:
        people: the members whom it is about: the ids of their links, with their userNames.
    """

    kind: Kind
    link: UserLink | LibraryGroupLink
    people: Mapping[UUID, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return str(self.kind.problem) % {"name": self.link.name, "people": self._names}

    @property
    def _names(self) -> str:
        names = ", ".join(islice(self.people.values(), NAMES_SHOWN))
        more = len(self.people) - NAMES_SHOWN
        return names if more <= 0 else f"{names}, … (+{more})"


def find(account: str | None = None) -> Iterator[Finding]:
    """All drift, of one account or of all: the invariants of what SCIM keeps.

    A few queries a group, and none a member. Nothing is locked: what a request changes meanwhile
    may be found, and is gone when it is looked at again.
    """
    for link in links(account):
        yield from of(link)


def links(account: str | None = None) -> Iterator[UserLink | LibraryGroupLink]:
    """All that may have drifted, to give to `of` one by one."""
    yield from _in_pages(_rows(UserLink, account).defer("attributes"))
    yield from _in_pages(_rows(LibraryGroupLink, account).select_related("library"))


def count(account: str | None = None) -> int:
    """How many `links` there are."""
    return _rows(UserLink, account).count() + _rows(LibraryGroupLink, account).count()


def of(link: UserLink | LibraryGroupLink, adapter: HostAdapter | None = None) -> Iterator[Finding]:
    """The drift of one link, in the order in which it can be mended."""
    # One that SCIM does not see may have given up its name.
    if not link.holds_name and (link.folded_name is not None or link.is_live):
        yield Finding(NAME, link)
    if isinstance(link, LibraryGroupLink):
        yield from _of_members(link, adapter or adapter_class()(link.account))


def _of_members(group: LibraryGroupLink, adapter: HostAdapter) -> Iterator[Finding]:
    members = GroupMembers(group, adapter, _database())
    people: dict[Kind, dict[UUID, str]] = {kind: {} for kind in MEMBER_KINDS}
    for page in members.pages():
        for kind, member in _of_page(page, members):
            people[kind][member.link] = member.name
    for kind, found in people.items():
        if found:
            yield Finding(kind, group, found)
    if group.unlinked_at is None and group.library is None:
        yield Finding(LIBRARY_DELETED, group)


def _of_page(page: list[Member], members: GroupMembers) -> Iterator[tuple[Kind, Member]]:
    for member in page:
        if kind := _misplaced(members.group, member):
            yield kind, member
    if members.group.is_live:
        yield from ((ACCESS_LACKING, member) for member in members.lacking(page))


def _misplaced(group: LibraryGroupLink, member: Member) -> Kind | None:
    """Why somebody should not be a member, or have access by being one."""
    if group.unlinked_at is not None:
        return GROUP_LET_GO
    if member.account != group.account:
        return FOREIGN_USER
    return USER_LET_GO if member.unlinked_at is not None else None


def _database() -> str:
    """Where it is written: a replica may not know yet of what a request did."""
    return router.db_for_write(LibraryGroupLink)


def _rows(model: type[AnyLink], account: str | None) -> QuerySet[AnyLink]:
    rows = cast("QuerySet[AnyLink]", model.objects.using(_database()))
    return rows if account is None else rows.filter(account=account)


def _in_pages(rows: QuerySet[AnyLink]) -> Iterator[AnyLink]:
    """All rows, read in parts, so that they can be changed while they are gone through."""
    rows = rows.order_by("pk")
    page = list(rows[:CHUNK])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:CHUNK])
