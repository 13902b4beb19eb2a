"""Create, replace, patch and unlink users."""

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
from tiled_scim.audit.events import differences
from tiled_scim.conf import settings
from tiled_scim.errors import Cause, forbidden, uniqueness
from tiled_scim.host import TILED_ADMIN, objects
from tiled_scim.models import ScimToken, UserLink
from tiled_scim.provisioning import multi_account
from tiled_scim.provisioning.conflicts import linked, protected
from tiled_scim.provisioning.documents import (
    HostValues,
    StoredValues,
    host_input,
    keeps_values,
    split,
)
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.locked_user import LockedUser, Plan
from tiled_scim.provisioning.member_queries import locked_groups, note_rename_of_member
from tiled_scim.provisioning.service import Precondition, Result, Service, recorded
from tiled_scim.provisioning.user_planning import UserPlanner
from tiled_scim.provisioning.user_roles import UserRoles
from tiled_scim.schemas import USER
from tiled_scim.scim import patch
from tiled_scim.scim.cleaning import Document, check_immutable
from tiled_scim.scim.patch import Operation
from tiled_scim.scim.text import canonical
from tiled_scim.sql.host_fields import host_fields
from tiled_scim.sql.rows import lock_user, locked
from tiled_scim.words import english_words

logger = logging.getLogger(__name__)

# What a user loses who is unlinked. Whoever is pushed with the same name later may be another
# person.
UNLINKED: HostValues = {"active": False, TILED_ADMIN: False}


class UserService(Service[UserLink]):
    """Create, replace, patch and unlink users. Each method is one transaction."""

    model = UserLink
    resource_type = USER

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields = host_fields(self.adapter)
        self.planner = UserPlanner(self.adapter, self.fields)
        self.roles = UserRoles(self.adapter, self.using)

    @recorded
    def create(self, document: Document) -> Result:
        """Create a host user, adopt an existing one, or reactivate an inactive user.

        Raises:
            ScimError: 409 if the user is active already, or protected.
        """
        self._take_turn()
        document = {"active": True, **document}
        stored = split(document, USER, self.fields)
        user = self._find(document, stored)
        if user.link.is_live and not user.is_new and user.is_active and user.link.belongs:
            raise self.taken(user.link)
        before, was_new = user.document(), user.is_new
        self.roles.check(before, document)
        if not user.has_host_user:
            self._create_host_user(user, document, stored)
        if self.adapter.is_protected(user.link.user):
            raise uniqueness(protected(user.link), Cause.PROTECTED)
        self._apply(user, self.planner.plan(user, before, document), is_back=True)
        if not was_new:
            self.adapter.user_reactivated(user.link.user)
        signal = signals.user_provisioned if was_new else signals.user_reactivated
        action = self.announce(signal, user.link, user=user.link.user)
        return self._result(user, before, action)

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
        return self._update(user, before, document)

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
        document = patch.apply(before, operations, USER)
        return self._update(user, before, document, removes=True)

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
        self._check_admin_stays(user, UNLINKED)
        groups = locked_groups(key, self.account, self.using)
        for group in groups:
            # `_unlink` withdraws the roles of all groups at once.
            GroupMembers(group, self.adapter, self.using, settles_roles=False).remove([key])
            group.touch()
            group.save(using=self.using)
        names = ", ".join(group.name for group in groups)
        attributes = {"groups": [names, None]} if groups else {}
        action = self.announce(signals.user_unlinked, user.link, user=user.link.user)
        change = self.changed(user.link, action=action, attributes=attributes)
        self._unlink(user)
        return Result(change)

    unlink = delete

    def _unlink(self, user: LockedUser) -> None:
        link = user.link
        may_delete = settings.USER_DELETE == "delete" and not self.adapter.is_shared(link.user)
        if may_delete and self._delete_host_user(link):
            return
        self.roles.settle(user, gives=False, may_remove_last_admin=True)
        is_active_elsewhere = multi_account.is_active_elsewhere(user.host_is_active, user.others)
        if user.owns_active or not is_active_elsewhere:
            self.adapter.update_user(link.user, UNLINKED)
        self.adapter.user_deactivated(link.user)
        link.unlinked_at = timezone.now()
        self.save(link)

    def _delete_host_user(self, link: UserLink) -> bool:
        """Delete the host user. Return False if the host protects it from being deleted."""
        try:
            with transaction.atomic(using=self.using):
                self.adapter.delete_user(link.user)
        except (ProtectedError, RestrictedError):
            logger.warning("The host protects the user of %s from being deleted", link.pk)
            return False
        return True

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
        if not user.link.belongs:
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
            return self._locked(self._of_host_user(name, stored))
        user = self._locked(link)
        return user if user.link.belongs else self._find_again(user, name, stored)

    def _find_again(self, user: LockedUser, name: str, stored: StoredValues) -> LockedUser:
        """Return the user with a name whose link belongs to somebody who has left the account."""
        found = self._of_host_user(name, stored)
        if found.pk != user.link.pk:
            user.link.give_up_name()
            user.link.unlinked_at = user.link.unlinked_at or timezone.now()
            self.save(user.link)
        return self._locked(found)

    def _locked(self, link: UserLink) -> LockedUser:
        return LockedUser(link, self.adapter, self.fields)

    def _of_host_user(self, name: str, stored: StoredValues) -> UserLink:
        """Return the link of the matching host user, or a new link if there is none."""
        link = UserLink(account=self.account)
        link.rename(name)
        host_user = self.adapter.find_user(self._host_input(name, stored))
        if host_user is None:
            return link
        existing = lock_user("user", host_user.pk, self.account, self.using, live=False)
        if existing is None:
            rows = locked(get_user_model()._base_manager.using(self.using), self.using)
            # The user may have been deleted meanwhile.
            link.user = cast(Any, rows.filter(pk=host_user.pk).first())
            return link
        if existing.is_live:
            user = self._locked(existing)
            if user.link.belongs and user.is_active:
                raise linked(existing, name)
        return cast(UserLink, existing)

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
        user.link.membership = self.adapter.membership(user.link.user)
        user.was_created = True
        self._read_host(user)

    # Checking and applying

    def _update(
        self, user: LockedUser, before: Document, document: Document, *, removes: bool = False
    ) -> Result:
        self.roles.check(before, document)
        plan = self.planner.plan(user, before, document, removes=removes)
        if plan.is_empty:
            return Result(self.changed(user.link), user.resource(before))
        was_active = user.is_active
        self._apply(user, plan)
        action = self.announce(signals.user_updated, user.link, user=user.link.user)
        if user.is_active != was_active:
            follow = self.adapter.user_deactivated if was_active else self.adapter.user_reactivated
            follow(user.link.user)
            signal = signals.user_deactivated if was_active else signals.user_reactivated
            action = self.announce(signal, user.link, user=user.link.user)
        return self._result(user, before, action)

    def _apply(self, user: LockedUser, plan: Plan, *, is_back: bool = False) -> None:
        """Check a plan and apply it.

        Args:
            user: The user.
            plan: The plan.
            is_back: Whether the user is created or restored.
        """
        link, old_name = user.link, user.link.user_name
        may_change_roles = self.roles.may_change(user, plan, is_back=is_back)
        if not self.roles.keep_admin(user, plan):
            self._check_admin_stays(user, plan.host)
        if is_back:
            link.unlinked_at = None
        self.set_columns(link, plan.columns)
        if not user.is_new and link.user_name != old_name:
            note_rename_of_member(link, old_name, self.using)
        self._check_identity(user, plan, old_name)
        activation = self._activation(user, plan.host)
        was_suspended = link.suspended
        host = {name: value for name, value in plan.host.items() if name != "active"}
        if activation is not None:
            link.suspended = activation.suspended
            if activation.host is not None:
                host["active"] = activation.host
        if host or is_back:  # a host may add a membership to whom it already has
            self.adapter.update_user(link.user, host_input(host))
        self._save(link, is_whole=bool(plan.columns) or is_back or link.suspended != was_suspended)
        self._follow(link, activation, was_suspended)
        if may_change_roles:
            self.roles.settle(user, may_remove_last_admin=plan.host.get("active") is False)
        self._read_host(user)

    def _read_host(self, user: LockedUser) -> None:
        """Read the values that the host stored, which may differ from those that it got."""
        if user.link.belongs and keeps_values(self.adapter, self.fields):
            user.read_host()
        else:
            user.read_host_again()

    def _save(self, link: UserLink, *, is_whole: bool) -> None:
        if is_whole:
            self.save(link)
        else:
            self.touch(link)

    def _follow(
        self, link: UserLink, activation: multi_account.Activation | None, was_suspended: bool
    ) -> None:
        """Revoke and give access in all accounts, after links were suspended or not."""
        if activation is not None:
            multi_account.suspend_others(activation.suspending, self.adapter, self.using)
        if link.suspended != was_suspended:
            multi_account.follow_suspension(link, self.adapter, self.using)

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
        values = host_input(plan.host)
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

    def _check_admin_stays(self, user: LockedUser, changes: Mapping[str, Any]) -> None:
        """Refuse to remove the account's last active admin.

        The admins are locked, so that concurrent requests cannot remove the last two.

        Raises:
            ScimError: 403.
        """
        if settings.REMOVE_LAST_ADMIN or not _is_admin(user.host):
            return
        if _is_admin({**user.host, **changes}):
            return
        admins = self.adapter.admins().values("pk")
        # A query of its own, because the host's may have a DISTINCT or an outer join, which cannot
        # be locked.
        rows = objects(get_user_model()).filter(pk__in=admins).order_by("pk")
        list(rows.select_for_update().values_list("pk"))
        if not admins.exclude(pk=user.link.user_id).exists():
            admin = english_words()["admin"]
            raise forbidden(
                f"userName “{user.link.user_name}” is the last active {admin}, and must stay one. "
                f"Make another person {admin} first.",
                Cause.LAST_ADMIN,
            )

    def _result(self, user: LockedUser, before: Document, action: str) -> Result:
        after = user.document()
        attributes = differences(before, after, USER)
        change = self.changed(user.link, action=action, attributes=attributes)
        return Result(change, user.resource(after))


def _is_admin(values: Mapping[str, Any]) -> bool:
    """Return whether a host user with these values is an active administrator."""
    return bool(values.get("active", True) and values.get(TILED_ADMIN))
