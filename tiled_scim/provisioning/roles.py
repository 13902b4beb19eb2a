"""Settle the roles that users have in the host: those that SCIM gives, and those that people gave.

SCIM gives somebody who is active in the account the roles of their groups, and those of their own
attribute `roles`. Tiled Admin counts as one more role if a group can give it. What people gave is a
row of `PriorRoles`, which exists as long as SCIM gives something.

Everything that changes what SCIM gives calls `RoleSettling.settle` in its transaction. Links are
locked before memberships and host users, in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Case, QuerySet, Value, When

from tiled_scim import permissions
from tiled_scim.accounts import active_links
from tiled_scim.conf import settings
from tiled_scim.database.compiled import chunks
from tiled_scim.errors import Cause, forbidden
from tiled_scim.host import TILED_ADMIN, HostAdapter, objects
from tiled_scim.models import LibraryGroupMember, PriorRoles, UserLink
from tiled_scim.provisioning.conflicts import becomes_protected
from tiled_scim.provisioning.role_keys import RoleKeys, gives_admin, role_labels
from tiled_scim.sql.rows import locked
from tiled_scim.words import english_words

Roles = frozenset[str]
NO_ROLES: Roles = frozenset()
OfGroups = Iterator[tuple[UUID, str]]


@dataclass(frozen=True)
class Settlement:
    """The roles of one user.

    Args:
        link: The link with its host user.
        given: The roles that SCIM gives.
        prior: The roles that people gave.
        current: The roles that the user has in the host.
        wanted: The roles that the user should have there.
        stored: What is stored of the roles that people gave, if it is stored.
    """

    link: UserLink
    given: Roles
    prior: Roles
    current: Roles
    wanted: Roles
    stored: PriorRoles | None

    @property
    def is_settled(self) -> bool:
        return self.current == self.wanted

    @property
    def is_stored(self) -> bool:
        """Return whether what is stored is still true."""
        stored = self.stored
        return stored is not None and (frozenset(stored.prior), frozenset(stored.left)) == (
            self.prior,
            self.wanted,
        )


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
        for chunk in chunks(sorted(links)):
            rows = UserLink.objects.using(self.using).filter(pk__in=chunk).order_by("pk")
            list(locked(rows, self.using).values_list("pk"))

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
        settlements = self._plan(links, None if gives else {}, lock=True)
        changing = [each for each in settlements if not each.is_settled]
        if not may_remove_last_admin:
            self._check_admin_stays(changing)
        self._write(changing)
        self._check_powers(changing)
        self._keep(settlements)
        return changing

    def plan(
        self, links: Collection[UUID], given: Mapping[UUID, Roles] | None = None
    ) -> list[Settlement]:
        """Return the roles of the users to whom SCIM gives roles, or gave some before.

        Users whom SCIM must not change are left out. Nothing is written.

        Args:
            links: The ids of the links.
            given: The roles that SCIM gives. None reads them.
        """
        return self._plan(links, given, lock=False)

    def given(self, links: Collection[UUID], *, without: UUID | None = None) -> dict[UUID, Roles]:
        """Return the roles that SCIM gives to users, by the ids of their links.

        Args:
            links: The ids of the links.
            without: The id of a group that does not count.
        """
        found = self._own(links)
        for key, role in self.of_groups(links, without):
            if key in found:
                found[key].add(role)
        known = set(role_labels(self.adapter))
        return {key: frozenset(roles & known) for key, roles in found.items()}

    def of_groups(self, links: Collection[UUID], without: UUID | None = None) -> OfGroups:
        """Yield the user and the role of each membership in a group with a role."""
        members = LibraryGroupMember.objects.using(self.using).filter(
            group__unlinked_at=None, group__account=self.adapter.account
        )
        members = members.exclude(group__role="").exclude(group=without)
        for chunk in chunks(links):
            yield from members.filter(user__in=chunk).values_list("user_id", "group__role")

    def mean_admin(self, roles: Collection[str]) -> bool:
        """Return whether somebody with these roles is Tiled Admin."""
        return not {TILED_ADMIN, *self.adapter.admin_roles()}.isdisjoint(roles)

    # Inside

    def _plan(
        self, links: Collection[UUID], given: Mapping[UUID, Roles] | None, *, lock: bool
    ) -> list[Settlement]:
        if not self.adapter.roles():  # a group may have one that the host no longer offers
            return []
        if given is None:
            given = self.given(links)
        kept = {row.pk: row for row in self._kept(links)}
        keys = [key for key in links if given.get(key) or key in kept]
        users = [user for user in self._users(keys) if not self.adapter.is_protected(user.user)]
        current = self._current([user.user_id for user in users], lock=lock)
        return [
            self._settlement(
                user,
                given.get(user.pk, NO_ROLES),
                current.get(user.user_id, NO_ROLES),
                kept.get(user.pk),
            )
            for user in users
        ]

    def _own(self, links: Collection[UUID]) -> dict[UUID, set[str]]:
        """Return the roles of the attribute `roles` of each user who is active in the account."""
        is_active = UserLink.live & active_links(self.adapter)
        keys = RoleKeys(self.adapter)
        return {
            key: set(keys.known(attributes))
            for chunk in chunks(links)
            for key, attributes in UserLink.objects.using(self.using)
            .annotate(is_active=Case(When(is_active, then=Value(True)), default=Value(False)))
            .filter(pk__in=chunk, account=self.adapter.account, is_active=True)
            .values_list("pk", "attributes")
        }

    def _kept(self, links: Collection[UUID]) -> Iterable[PriorRoles]:
        for chunk in chunks(links):
            yield from PriorRoles.objects.using(self.using).filter(pk__in=chunk)

    def _users(self, links: Collection[UUID]) -> list[UserLink]:
        rows: QuerySet[Any] = UserLink.objects.using(self.using).select_related("user")
        rows = rows.annotate(has_powers=permissions.has_powers("user")).order_by("pk")
        found = [link for chunk in chunks(links) for link in rows.filter(pk__in=chunk)]
        for link in found:
            permissions.note(link.user, link.has_powers)
        return found

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
        self, user: UserLink, given: Roles, current: Roles, kept: PriorRoles | None
    ) -> Settlement:
        prior = current if kept is None else _prior(kept, current)
        wanted = self._effective(prior | given)
        if TILED_ADMIN in current ^ wanted and not self._may_change_admin(user, wanted):
            given = given - {TILED_ADMIN}
            wanted = wanted - {TILED_ADMIN} | current & {TILED_ADMIN}
        return Settlement(user, given, prior, current, wanted, kept)

    def _may_change_admin(self, user: UserLink, wanted: Roles) -> bool:
        """Return whether the account may change whether the person is Tiled Admin.

        It may not if that is a value of the person, whom another account has, too.
        """
        if not self.adapter.account or TILED_ADMIN in self.adapter.membership_fields:
            return True
        return self.adapter.may_change_person(user.user, {TILED_ADMIN: TILED_ADMIN in wanted})

    def _effective(self, roles: Roles) -> Roles:
        admin = roles & {TILED_ADMIN}
        return frozenset(self.adapter.effective_roles(sorted(roles - admin))) | admin

    def _write(self, changing: Collection[Settlement]) -> None:
        roles = {
            each.link.user_id: each.wanted - {TILED_ADMIN}
            for each in changing
            if (each.current ^ each.wanted) - {TILED_ADMIN}
        }
        if roles:
            self.adapter.set_roles(roles)
        for each in changing:
            if TILED_ADMIN in each.current ^ each.wanted:
                values = {TILED_ADMIN: TILED_ADMIN in each.wanted}
                self.adapter.update_user(each.link.user, values)

    def _check_powers(self, changed: Collection[Settlement]) -> None:
        """Refuse roles that make a user a protected one, such as groups with permissions.

        SCIM could not take such a role away again, and not even deactivate the user.

        Raises:
            ScimError: 403.
        """
        gaining = [each.link.pk for each in changed if each.wanted - each.current]
        for link in self._users(gaining):
            if self.adapter.is_protected(link.user):
                raise forbidden(becomes_protected(link), Cause.PROTECTED)

    def _keep(self, settlements: Collection[Settlement]) -> None:
        """Store what people gave, for users to whom SCIM gives roles now."""
        rows = PriorRoles.objects.using(self.using)
        over = [each.link.pk for each in settlements if not each.given]
        for chunk in chunks(over):
            rows.filter(pk__in=chunk).delete()
        kept = [
            PriorRoles(link=each.link, prior=sorted(each.prior), left=sorted(each.wanted))
            for each in settlements
            if each.given and not each.is_stored
        ]
        columns = ["prior", "left"]
        features = connections[self.using].features
        unique = ["link"] if features.supports_update_conflicts_with_target else None
        for part in chunks(kept):
            rows.bulk_create(
                part, update_conflicts=True, update_fields=columns, unique_fields=unique
            )

    def _check_admin_stays(self, changing: Collection[Settlement]) -> None:
        """Refuse to take the last active Tiled Admin's role away.

        The admins are locked, so that concurrent requests cannot remove the last two.

        Raises:
            ScimError: 403.
        """
        losing = [
            each.link
            for each in changing
            if self.mean_admin(each.current) and not self.mean_admin(each.wanted)
        ]
        if settings.REMOVE_LAST_ADMIN or not losing:
            return
        losers = {link.user_id for link in losing}
        admins = self.adapter.admins().values("pk")
        rows = objects(get_user_model()).filter(pk__in=admins).order_by("pk")
        locked_admins = set(rows.select_for_update().values_list("pk", flat=True))
        # What a statement that waited for a lock has read may be outdated.
        if locked_admins & losers and not admins.exclude(pk__in=losers).exists():
            admin = english_words()["admin"]
            raise forbidden(
                f"userName “{losing[0].user_name}” is the last active {admin}, and must stay one. "
                f"Make another person {admin} first.",
                Cause.LAST_ADMIN,
            )


def _prior(kept: PriorRoles, current: Roles) -> Roles:
    """Return the roles that people gave, with their changes since SCIM last set the roles."""
    prior, left = frozenset(kept.prior), frozenset(kept.left)
    return prior if current == left else (prior & current) | (current - left)
