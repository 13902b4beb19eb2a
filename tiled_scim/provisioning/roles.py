"""Settle the roles that users have in the host: those that SCIM gives, and those that people gave.

SCIM gives somebody who is active in the account the roles of their groups, and those of their own
attribute `roles`. Tiled Admin counts as one more role if a group can give it. What people gave is a
row of `PriorRoles`, which exists as long as SCIM gives something.

Everything that changes what SCIM gives calls `RoleSettling.settle` in its transaction. Links are
locked before memberships and host users, in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Case, Q, QuerySet, Value, When

from tiled_scim.accounts import active_links
from tiled_scim.conf import settings
from tiled_scim.database.bulk import insert
from tiled_scim.database.compiled import of_keys
from tiled_scim.database.for_write import locked, objects
from tiled_scim.errors import Cause, forbidden, too_large
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupMember, PriorRoles, UserLink
from tiled_scim.provisioning.conflicts import becomes_protected, last_admin
from tiled_scim.provisioning.role_keys import RoleKeys, gives_admin, role_labels
from tiled_scim.schemas import TILED_ADMIN
from tiled_scim.scim.budget import MAX_ROLE_CHANGES

Roles = frozenset[str]
NO_ROLES: Roles = frozenset()
OfGroups = Iterator[tuple[UUID, str]]


class Person(NamedTuple):
    """A user whose roles may be settled.

    Args:
        key: The id of the link.
        user_name: The userName.
        user: The primary key of the host user.
        is_active: Whether the user is active in the account.
        roles: The attribute `roles`, if there is one.
    """

    key: UUID
    user_name: str
    user: Any
    is_active: bool
    roles: list[dict[str, Any]] | None


class Stored(NamedTuple):
    """A row of `PriorRoles`."""

    prior: Roles
    left: Roles


@dataclass(frozen=True)
class Settlement:
    """The roles of one user.

    Args:
        key: The id of the link.
        user_name: The userName.
        user: The primary key of the host user.
        given: The roles that SCIM gives.
        prior: The roles that people gave.
        current: The roles that the user has in the host.
        wanted: The roles that the user should have there.
        stored: What is stored of the roles that people gave, if it is stored.
    """

    key: UUID
    user_name: str
    user: Any
    given: Roles
    prior: Roles
    current: Roles
    wanted: Roles
    stored: Stored | None

    @property
    def is_settled(self) -> bool:
        return self.current == self.wanted

    @property
    def changes_admin(self) -> bool:
        return TILED_ADMIN in self.current ^ self.wanted

    @property
    def is_stored(self) -> bool:
        """Return whether what is stored is still true."""
        return self.stored == Stored(self.prior, self.wanted)


class RoleSettling:
    """Settle the roles of users in one account.

    Args:
        adapter: The host adapter for the account.
        using: The alias of the database to write to.
    """

    def __init__(self, adapter: HostAdapter, using: str) -> None:
        self.adapter = adapter
        self.using = using

    def lock(self, links: Iterable[UUID]) -> None:
        """Lock links, so that concurrent requests settle them one after another."""
        rows = UserLink.objects.using(self.using).order_by("pk")
        for part in of_keys(locked(rows), "pk", sorted(links)):
            list(part.values_list("pk"))

    def lock_for_request(self, links: Collection[UUID]) -> None:
        """Lock links as `lock` does, if a request may change the roles of so many users.

        Raises:
            ScimError: 413.
        """
        if len(links) > MAX_ROLE_CHANGES:
            raise too_large(
                f"The request would change the roles of {len(links)} members. In a group that "
                f"gives a role, at most {MAX_ROLE_CHANGES} members can change in a request. Add or "
                "remove them first, with several PATCH requests."
            )
        self.lock(links)

    def settle(
        self,
        links: Collection[UUID],
        *,
        gives: bool = True,
        may_remove_last_admin: bool = False,
    ) -> list[Settlement]:
        """Give users the roles that they should have. Their links must be locked.

        Args:
            links: The ids of the links.
            gives: Whether SCIM gives them roles. False for users who will be unlinked.
            may_remove_last_admin: Whether the account may lose its last active Tiled Admin.

        Returns:
            The users whose roles were changed.

        Raises:
            ScimError: 403 for the last active Tiled Admin, and for a role that protects its users.
        """
        people = self._people(links)
        given = self._given(people) if gives else {}
        settlements = self._plan(people, given, lock=True)
        changing = [each for each in settlements if not each.is_settled]
        if not may_remove_last_admin:
            self._check_admin_stays(changing)
        self._write(changing)
        self._check_powers(changing)
        self._keep(settlements)
        return changing

    def plan(
        self, links: Collection[UUID], *, without: UUID | None = None, new: Roles = NO_ROLES
    ) -> list[Settlement]:
        """Return the roles of the users to whom SCIM gives roles, or gave some before.

        Users whom SCIM must not change are left out. Nothing is written.

        Args:
            links: The ids of the links.
            without: The id of a group that does not count.
            new: Roles that all who are active would get besides.
        """
        people = self._people(links)
        given = {key: roles | new for key, roles in self._given(people, without).items()}
        return self._plan(people, given, lock=False)

    def of_groups(self, links: Collection[UUID], without: UUID | None = None) -> OfGroups:
        """Yield the user and the role of each membership in a group with a role."""
        members = LibraryGroupMember.objects.using(self.using).filter(
            group__unlinked_at=None, group__account=self.adapter.account
        )
        members = members.exclude(group__role="").exclude(group=without)
        for part in of_keys(members, "user", links):
            yield from part.values_list("user_id", "group__role")

    def mean_admin(self, roles: Collection[str]) -> bool:
        """Return whether somebody with these roles is Tiled Admin."""
        return not {TILED_ADMIN, *self.adapter.admin_roles()}.isdisjoint(roles)

    # Internals

    def _people(self, links: Collection[UUID]) -> dict[UUID, Person]:
        """Return who has these links. Nobody, if the host offers no roles any more."""
        if not self.adapter.roles():
            return {}
        is_active = UserLink.live & active_links(self.adapter)
        is_active &= Q(account=self.adapter.account)
        rows = UserLink.objects.using(self.using).order_by("pk")
        rows = rows.annotate(
            is_active=Case(When(is_active, then=Value(True)), default=Value(False))
        )
        names = ("pk", "user_name", "user_id", "is_active", "attributes__roles")
        people = (
            Person(*row) for part in of_keys(rows, "pk", links) for row in part.values_list(*names)
        )
        return {person.key: person for person in people}

    def _given(
        self, people: Mapping[UUID, Person], without: UUID | None = None
    ) -> dict[UUID, Roles]:
        """Return the roles that SCIM gives to people who are active in the account.

        Args:
            people: The people, by the ids of their links.
            without: The id of a group that does not count.
        """
        keys = RoleKeys(self.adapter)
        found = {
            key: set(keys.known({"roles": person.roles or ()}))
            for key, person in people.items()
            if person.is_active
        }
        for key, role in self.of_groups(people, without):
            if key in found:
                found[key].add(role)
        known = set(role_labels(self.adapter))
        return {key: frozenset(roles & known) for key, roles in found.items()}

    def _plan(
        self, people: Mapping[UUID, Person], given: Mapping[UUID, Roles], *, lock: bool
    ) -> list[Settlement]:
        kept = self._kept(people)
        found = [each for key, each in people.items() if given.get(key) or key in kept]
        protected = self.adapter.protected_among([each.user for each in found])
        found = [each for each in found if each.user not in protected]
        current = self._current([each.user for each in found], lock=lock)
        settlements = [
            self._settlement(
                each, given.get(each.key, NO_ROLES), current.get(each.user), kept.get(each.key)
            )
            for each in found
        ]
        return self._without_foreign_admins(settlements)

    def _kept(self, links: Collection[UUID]) -> dict[UUID, Stored]:
        rows = PriorRoles.objects.using(self.using)
        return {
            key: Stored(frozenset(prior), frozenset(left))
            for part in of_keys(rows, "link", links)
            for key, prior, left in part.values_list("pk", "prior", "left")
        }

    def _host_users(self, keys: Collection[Any]) -> dict[Any, AbstractBaseUser]:
        rows: QuerySet[Any] = get_user_model()._base_manager.using(self.using)
        return {user.pk: user for part in of_keys(rows, "pk", keys) for user in part}

    def _current(self, users: Collection[Any], *, lock: bool) -> dict[Any, Roles]:
        if not users:
            return {}
        roles_of = self.adapter.roles_of(users, lock=lock)
        found = {key: set(roles) for key, roles in roles_of.items()}
        if gives_admin(self.adapter):
            for key in self.adapter.admins_among(users):
                found.setdefault(key, set()).add(TILED_ADMIN)
        return {key: frozenset(roles) for key, roles in found.items()}

    def _settlement(
        self, person: Person, given: Roles, current: Roles | None, stored: Stored | None
    ) -> Settlement:
        current = current or NO_ROLES
        prior = current if stored is None else _prior(stored, current)
        wanted = self._effective(prior | given)
        return Settlement(
            person.key, person.user_name, person.user, given, prior, current, wanted, stored
        )

    def _without_foreign_admins(self, settlements: list[Settlement]) -> list[Settlement]:
        """Leave Tiled Admin as it is for users whom another account has, too.

        The account may not change it if it is a value of the person.
        """
        if not self.adapter.account or TILED_ADMIN in self.adapter.membership_fields:
            return settlements
        changing = [each.user for each in settlements if each.changes_admin]
        users = self._host_users(changing)
        return [
            each
            if each.user not in users or self._may_change_admin(users[each.user], each)
            else replace(
                each,
                given=each.given - {TILED_ADMIN},
                wanted=each.wanted - {TILED_ADMIN} | each.current & {TILED_ADMIN},
            )
            for each in settlements
        ]

    def _may_change_admin(self, user: AbstractBaseUser, settlement: Settlement) -> bool:
        is_admin = TILED_ADMIN in settlement.wanted
        return self.adapter.may_change_person(user, {TILED_ADMIN: is_admin})

    def _effective(self, roles: Roles) -> Roles:
        admin = roles & {TILED_ADMIN}
        return frozenset(self.adapter.effective_roles(sorted(roles - admin))) | admin

    def _write(self, changing: Collection[Settlement]) -> None:
        roles = {
            each.user: each.wanted - {TILED_ADMIN}
            for each in changing
            if (each.current ^ each.wanted) - {TILED_ADMIN}
        }
        if roles:
            self.adapter.set_roles(roles)
        admins = {each.user: TILED_ADMIN in each.wanted for each in changing if each.changes_admin}
        for key, user in self._host_users(admins).items():
            self.adapter.update_user(user, {TILED_ADMIN: admins[key]})

    def _check_powers(self, changed: Collection[Settlement]) -> None:
        """Refuse roles that make a user a protected one, such as groups with permissions.

        SCIM could not take such a role away again, and not even deactivate the user.

        Raises:
            ScimError: 403.
        """
        gaining = [each for each in changed if each.wanted - each.current]
        protected = self.adapter.protected_among([each.user for each in gaining])
        for each in gaining:
            if each.user in protected:
                raise forbidden(becomes_protected(each.user_name), Cause.PROTECTED)

    def _keep(self, settlements: Collection[Settlement]) -> None:
        """Store what people gave, for users to whom SCIM gives roles now."""
        rows = PriorRoles.objects.using(self.using)
        over = [each.key for each in settlements if each.stored and not each.given]
        for part in of_keys(rows, "link", over):
            part.delete()
        changed = [each for each in settlements if each.given and not each.is_stored]
        new = [
            (each.key, sorted(each.prior), sorted(each.wanted))
            for each in changed
            if not each.stored
        ]
        insert(PriorRoles, ("link_id", "prior", "left"), new, self.using)
        by_roles: dict[Stored, list[UUID]] = {}
        for each in changed:
            if each.stored:
                by_roles.setdefault(Stored(each.prior, each.wanted), []).append(each.key)
        for (prior, left), keys in by_roles.items():
            for part in of_keys(rows, "link", keys):
                part.update(prior=sorted(prior), left=sorted(left))

    def _check_admin_stays(self, changing: Collection[Settlement]) -> None:
        """Refuse to take the last active Tiled Admin's role away.

        The admins are locked, so that concurrent requests cannot remove the last two.

        Raises:
            ScimError: 403.
        """
        losing = [
            each
            for each in changing
            if self.mean_admin(each.current) and not self.mean_admin(each.wanted)
        ]
        if settings.REMOVE_LAST_ADMIN or not losing:
            return
        losers = {each.user for each in losing}
        admins = self.adapter.admins()
        if lock_admins(admins) & losers and not admins.exclude(pk__in=losers).exists():
            raise last_admin(losing[0].user_name)


def lock_admins(admins: QuerySet[Any]) -> set[Any]:
    """Lock the admins of an account, and return their primary keys.

    Read `admins` again afterwards: what the statement read while it waited may be outdated.
    """
    # A query of its own, because the host's may have a DISTINCT or an outer join, which cannot be
    # locked.
    rows = objects(get_user_model()).filter(pk__in=admins.values("pk")).order_by("pk")
    return set(rows.select_for_update().values_list("pk", flat=True))


def _prior(stored: Stored, current: Roles) -> Roles:
    """Return the roles that people gave, with their changes since SCIM last set the roles."""
    prior, left = stored
    return prior if current == left else (prior & current) | (current - left)
