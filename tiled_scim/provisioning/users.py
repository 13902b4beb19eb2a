"""Create, replace, patch and unlink users.

The module is long, because all four change a locked user in the same way. What they plan, check and
announce has modules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils import timezone

from tiled_scim import permissions, signals
from tiled_scim.audit.events import differences
from tiled_scim.conf import settings
from tiled_scim.database.for_write import locked
from tiled_scim.errors import Cause, forbidden, uniqueness
from tiled_scim.models import Action, ScimClient, ScimToken, UserLink
from tiled_scim.provisioning import multi_account
from tiled_scim.provisioning.conflicts import becomes_protected, linked, protected
from tiled_scim.provisioning.documents import (
    HostValues,
    StoredValues,
    host_input,
    split,
)
from tiled_scim.provisioning.domains import check_domains
from tiled_scim.provisioning.leaving import (
    UNLINKED,
    end_sign_in,
    leave_groups,
    takes_last_admin,
)
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.member_queries import locked_groups, note_rename_of_member
from tiled_scim.provisioning.service import Precondition, Result, recorded
from tiled_scim.provisioning.user_planning import Plan, UserPlanner, host_name_follows
from tiled_scim.provisioning.user_transitions import UserTransitions
from tiled_scim.schemas import USER
from tiled_scim.scim import patch
from tiled_scim.scim.budget import STEPS_OF_RENAMED
from tiled_scim.scim.cleaning import Document, check_immutable
from tiled_scim.scim.operations import Operation
from tiled_scim.scim.text import canonical
from tiled_scim.sql.rows import lock_user


class UserService(UserTransitions):
    """Create, replace, patch and unlink users. Each method is one transaction."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.planner = UserPlanner(self.adapter, self.fields)

    @recorded
    def create(self, document: Document) -> Result:
        """Create a host user, adopt an existing one, or reactivate an inactive user.

        Raises:
            ScimError: 409 if the user is active already, or protected.
        """
        self._take_turn()
        document = {"active": True, **document}
        check_domains(self.adapter, self.fields, document)
        stored = split(document, USER, self.fields)
        user = self._find(document, stored)
        was_linked = not user.is_new and user.link.is_live and user.belongs
        if was_linked and user.is_active:
            raise self.taken(user.link)
        before, is_first = user.document(), user.is_new
        self.roles.check(before, document)
        if not user.has_host_user:
            self._create_host_user(user, document, stored)
        elif self.adapter.is_protected(user.link.user):
            raise uniqueness(protected(user.link), Cause.PROTECTED)
        attributes = self.replace_person(user, document)
        if not (is_first or was_linked or user.is_replaced):
            end_sign_in(user)
        leaves_no_admin = self._apply(user, self.planner.plan(user, before, document), is_back=True)
        if is_first and not user.was_created:
            self.adapter.user_adopted(user.link.user)
        action = self.announce_push(user, is_first=is_first or user.is_replaced)
        return self._result(user, before, action, attributes, leaves_no_admin=leaves_no_admin)

    @recorded
    def replace(
        self, key: UUID, document: Document, precondition: Precondition | None = None
    ) -> Result:
        """Replace a user (PUT). Absent profile attributes are cleared, absent booleans are not.

        Raises:
            ScimError: 404; 403 for a protected user; 409 for a taken userName; 400 for a change of
                an immutable value.
        """
        user, before = self._changeable(key, precondition)
        check_immutable(before, document, USER)
        return self._update(user, before, lambda current: document)

    @recorded
    def patch(
        self,
        key: UUID,
        operations: Sequence[Operation],
        precondition: Precondition | None = None,
    ) -> Result:
        """Apply the operations of a PATCH in order, all or none.

        Raises:
            ScimError: The errors of `replace` and of `patch.apply`.
        """
        user, before = self._changeable(key, precondition)
        return self._update(
            user,
            before,
            lambda current: patch.apply(current, operations, USER, self.budget),
            removes=True,
        )

    @recorded
    def delete(self, key: UUID, precondition: Precondition | None = None) -> Result:
        """Unlink a user, who loses everything that SCIM gave.

        Raises:
            ScimError: 404; 403 for a protected user.
        """
        # Groups are locked before users, as in a PATCH of a group, so that the two rarely
        # deadlock. Once the user is locked, no request can add them to another group.
        locked_groups(key, self.account, self.using)
        user, _document = self._changeable(key, precondition)
        leaves_no_admin = takes_last_admin(user, UNLINKED)
        attributes = leave_groups(user.link, self.adapter, self.using, self.budget)
        if user.is_active:
            self.announce(signals.user_deactivated, user.link, user=user.link.user)
        action = self.announce(signals.user_unlinked, user.link, user=user.link.user)
        change = self.changed(
            user.link, action=action, attributes=attributes, leaves_no_admin=leaves_no_admin
        )
        self.end_link(user)
        return Result(change)

    unlink = delete

    # Finding

    def _changeable(
        self, key: UUID, precondition: Precondition | None
    ) -> tuple[LockedUser, Document]:
        """Return the live user with this id, locked, and its document.

        Raises:
            ScimError: 404; 403 for a protected user; the errors of the precondition.
        """
        link = lock_user("pk", key, self.account, self.using)
        if link is None:
            raise self.unknown(key)
        user = self._locked(link)
        if not user.belongs:
            raise self.unknown(key)
        document = user.document()
        if precondition is not None:
            precondition(user.resource(document).version)
        if self.adapter.is_protected(link.user):
            raise forbidden(protected(link), Cause.PROTECTED)
        return user, document

    def _find(self, document: Document, stored: StoredValues) -> LockedUser:
        """Return the user that a client wants to create: an existing one, locked, or a new one.

        Raises:
            ScimError: 409 if SCIM manages the user under another userName.
        """
        name = cast(str, document["userName"])
        lookup_name = UserLink.lookup_name(name)
        link = lock_user("user_name_canonical", lookup_name, self.account, self.using, live=False)
        if link is None:
            return self._of_host_user(name, stored)
        user = self._locked(link)
        has_name = link.is_live or link.keeps_own_values or host_name_follows(link)
        if user.belongs and has_name:
            return user
        return self._find_again(user, name, stored)

    def _find_again(self, user: LockedUser, name: str, stored: StoredValues) -> LockedUser:
        """Return the user with the name of a link that may be outdated.

        People may have given the name to somebody else since the link was unlinked, or they took
        its user out of the account. Then the link gives up its name.
        """
        found = self._of_host_user(name, stored)
        is_same = found.link.user_id == user.link.user_id
        if is_same or (user.belongs and not found.has_host_user):
            return user
        user.link.give_up_name()
        user.link.unlinked_at = user.link.unlinked_at or timezone.now()
        self.save(user.link)
        return found

    def _locked(self, link: UserLink) -> LockedUser:
        return LockedUser(link, self.adapter, self.fields)

    def _of_host_user(self, name: str, stored: StoredValues) -> LockedUser:
        """Return the user whose host user matches, or a new one."""
        link = UserLink(account=self.account)
        link.rename(name)
        host_user = self.adapter.find_user(self._host_input(name, stored))
        if host_user is None:
            return self._locked(link)
        existing = lock_user("user", host_user.pk, self.account, self.using, live=False)
        if existing is None:
            rows = locked(get_user_model()._base_manager.using(self.using))
            # The user may have been deleted meanwhile.
            link.user = cast(Any, rows.filter(pk=host_user.pk).first())
            return self._locked(link)
        user = self._locked(existing)
        if not self._is_known_by(user, name, stored):
            return self._locked(link)
        if existing.is_live and user.belongs and user.is_active:
            raise linked(existing, name)
        return user

    def _is_known_by(self, user: LockedUser, name: str, stored: StoredValues) -> bool:
        """Return whether the name or address that found the host user is one that the account sees.

        If the link keeps the account's own values, the host user may have others.
        """
        if not user.link.keeps_own_values:
            return True
        own = split(user.document(), USER, self.fields)
        known = self.adapter.lookup_identity(self._host_input(user.link.user_name, own))
        return known == self.adapter.lookup_identity(self._host_input(name, stored))

    def _host_input(self, name: str, stored: StoredValues) -> HostValues:
        """Return the values of a user for the host adapter. The host user may not exist yet."""
        values = {
            each.name: stored.host.get(each.name)
            for each in self.fields
            if each.is_writable and not (each.is_boolean and each.name not in stored.host)
        }
        return {"userName": name, **host_input(values)}

    def _create_host_user(self, user: LockedUser, document: Document, stored: StoredValues) -> None:
        values = self._host_input(cast(str, document["userName"]), stored)
        self.adapter.check_identity(values)
        user.link.user = cast(Any, self.adapter.create_user(values))
        self.adapter.check_saved_user(user.link.user)
        user.link.membership = self.adapter.membership(user.link.user)
        permissions.remember_powers(user.link.user, False)
        user.was_created = True
        self.read_host(user)

    # Checking and applying

    def _update(
        self,
        user: LockedUser,
        before: Document,
        revise: Callable[[Document], Document],
        *,
        removes: bool = False,
    ) -> Result:
        """Change a user.

        Args:
            user: The user.
            before: The current document.
            revise: Returns the document that the user should have, for the current one.
            removes: Whether absent booleans are removed, see `UserPlanner.plan`.
        """
        current, document = before, revise(before)
        attributes = self.replace_person(user, document)
        if user.is_replaced:
            current = user.document()  # without what the person before had
            document = revise(current)
        self.roles.check(current, document)
        check_domains(self.adapter, self.fields, document, before)
        plan = self.planner.plan(user, current, document, removes=removes)
        if plan.is_empty and not user.is_resumed:
            return Result(self.changed(user.link), user.resource(before))
        was_active, is_resumed = user.is_active, user.is_resumed
        leaves_no_admin = self._apply(user, plan)
        if user.is_replaced:
            action = self.announce_push(user, is_first=True)
        elif plan.is_empty and is_resumed:
            action = Action.ACCESS_REPAIRED
        else:
            action = self.announce_update(user, was_active=was_active)
        return self._result(user, before, action, attributes, leaves_no_admin=leaves_no_admin)

    def _apply(self, user: LockedUser, plan: Plan, *, is_back: bool = False) -> bool:
        """Check a plan and apply it.

        Args:
            user: The user.
            plan: The plan.
            is_back: Whether the user is created or restored.

        Returns:
            Whether the account has no active admin any more.
        """
        link, old_name = user.link, user.link.user_name
        may_change_roles = self.roles.may_change(user, plan, is_back=is_back) or user.is_resumed
        stays_admin = self.roles.keep_admin(user, plan)
        leaves_no_admin = not stays_admin and takes_last_admin(user, plan.host)
        link.unlinked_at = None
        self.set_columns(link, plan.columns)
        link.last_external_id = link.external_id or link.last_external_id
        if not user.is_new and link.user_name != old_name:
            number = note_rename_of_member(link, old_name, self.using)
            self.budget.take(STEPS_OF_RENAMED * number)
        self._check_identity(user, plan, old_name)
        activation = self._activation(user, plan.host)
        is_resumed = user.is_resumed
        link.suspended = was_suspended = link.suspended and not is_resumed
        host = {name: value for name, value in plan.host.items() if name != "active"}
        if activation is not None:
            link.suspended = activation.suspended
            if activation.host is not None:
                host["active"] = activation.host
        if host or is_back:  # a host may add a membership to whom it already has
            self._update_host_user(link, host)
        is_changed = link.suspended != was_suspended
        self._save(link, is_whole=bool(plan.columns) or is_back or is_changed or is_resumed)
        if activation is not None:
            multi_account.suspend_others(activation.suspending, self.adapter, self.using)
        self._update_access(link, is_changed=is_changed, is_resumed=is_resumed)
        if may_change_roles:
            self.roles.settle(user, may_remove_last_admin=plan.host.get("active") is False)
        self.read_host(user)
        if self.adapter.is_protected(link.user):
            raise forbidden(becomes_protected(link.user_name), Cause.PROTECTED)
        return leaves_no_admin

    def _update_host_user(self, link: UserLink, host: HostValues) -> None:
        identities = self.adapter.identities(link.user)
        self.adapter.update_user(link.user, host_input(host))
        self.adapter.check_saved_user(link.user, identities)

    def _update_access(self, link: UserLink, *, is_changed: bool, is_resumed: bool) -> None:
        """Revoke or give the access of the groups of a user.

        Args:
            link: The link, which is suspended now or not.
            is_changed: Whether the request changed that.
            is_resumed: Whether people had changed that, see `LockedUser.is_resumed`.
        """
        if is_changed:
            multi_account.apply_suspension(link, self.adapter, self.using)
        elif is_resumed:
            multi_account.restore_access(link, self.adapter, self.using)

    def _save(self, link: UserLink, *, is_whole: bool) -> None:
        if is_whole:
            self.save(link)
        else:
            self.touch(link)

    def _activation(self, user: LockedUser, host: HostValues) -> multi_account.Activation | None:
        if "active" not in host:
            return None
        if user.owns_active:
            return multi_account.Activation(suspended=not host["active"], host=host["active"])
        return multi_account.activation(host["active"], user.host_is_active, user.others)

    def _check_identity(self, user: LockedUser, plan: Plan, old_name: str) -> None:
        """Refuse a username or email address of another host user.

        Raises:
            ScimError: 409.
        """
        values = host_input({**plan.host, **plan.own})
        if "emails.value" in values:
            self._take_turn()
        if canonical(user.link.user_name) != canonical(old_name):
            values["userName"] = user.link.user_name
        self.adapter.check_identity(values, user.link.user)

    def _take_turn(self) -> None:
        """Wait for other requests that change email addresses, if users are adopted by them.

        A unique constraint guards userNames, but not email addresses.
        """
        if settings.ADOPT_USERS == "email":
            ScimToken.objects.take_turn(self.account)
            # An account may have clients and no token.
            ScimClient.objects.take_turn(self.account)

    def _result(
        self,
        user: LockedUser,
        before: Document,
        action: str,
        attributes: Mapping[str, list[Any]],
        *,
        leaves_no_admin: bool,
    ) -> Result:
        after = user.document()
        change = self.changed(
            user.link,
            action=action,
            attributes={**differences(before, after, USER), **attributes},
            leaves_no_admin=leaves_no_admin,
        )
        return Result(change, user.resource(after))
