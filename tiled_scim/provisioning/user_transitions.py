"""What happens when a user is deactivated, unlinked, restored, or replaced by another person."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import timezone

from tiled_scim import permissions, signals
from tiled_scim.conf import settings
from tiled_scim.models import Action, UserLink
from tiled_scim.provisioning import multi_account
from tiled_scim.provisioning.documents import keeps_values
from tiled_scim.provisioning.leaving import (
    NOT_INHERITED,
    UNLINKED,
    end_sign_in,
    forget_admin,
    is_another_person,
    leave_groups,
)
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.service import Service
from tiled_scim.provisioning.user_roles import UserRoles
from tiled_scim.schemas import TILED_ADMIN, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import host_fields

logger = logging.getLogger(__name__)


class UserTransitions(Service[UserLink]):
    """The transitions of users, which run hooks of the host adapter and send signals."""

    model = UserLink
    resource_type = USER

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields = host_fields(self.adapter)
        self.roles = UserRoles(self.adapter, self.using)

    def end_link(self, user: LockedUser) -> None:
        """Unlink a user, and end the access; delete the host user if a setting says so."""
        link = user.link
        may_delete = settings.USER_DELETE == "delete" and not self.adapter.is_shared(link.user)
        if may_delete and self._delete_host_user(link):
            return
        self.roles.settle(user, gives=False, may_remove_last_admin=True)
        stays_active = not user.owns_active and multi_account.is_active_elsewhere(
            user.host_is_active, user.others
        )
        if not stays_active:
            self.adapter.update_user(link.user, UNLINKED)
        if user.owns_active:
            stays_active = user.host_is_active
        if settings.END_SESSIONS and not stays_active:
            self.adapter.disable_password(link.user)
        self._end_access(user, stays_active=stays_active)
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

    def announce_push(self, user: LockedUser, *, is_first: bool) -> str:
        """Announce that a user was created, adopted or restored. Return the action.

        Args:
            user: The user.
            is_first: Whether SCIM has not managed this person before.
        """
        if is_first:
            signal = signals.user_provisioned
        elif user.is_active:
            self.adapter.user_reactivated(user.link.user)
            signal = signals.user_reactivated
        else:
            signal = signals.user_updated
        action = self.announce(signal, user.link, user=user.link.user)
        if not user.is_active:
            self._deactivated(user)
        return Action.USER_REPLACED if user.is_replaced else action

    def announce_update(self, user: LockedUser, *, was_active: bool) -> str:
        """Announce that a user was changed. Return the action."""
        action = self.announce(signals.user_updated, user.link, user=user.link.user)
        if was_active and not user.is_active:
            return self._deactivated(user)
        if user.is_active and not was_active:
            self.adapter.user_reactivated(user.link.user)
            return self.announce(signals.user_reactivated, user.link, user=user.link.user)
        return action

    def _deactivated(self, user: LockedUser) -> str:
        """End the access of a user who is inactive now, and announce it. Return the action."""
        self._end_access(user, stays_active=user.host_stays_active)
        return self.announce(signals.user_deactivated, user.link, user=user.link.user)

    def _end_access(self, user: LockedUser, *, stays_active: bool) -> None:
        """Do what must happen when a user has become inactive in the account.

        Args:
            user: The user.
            stays_active: Whether the host user is still active, such as for another account.
        """
        self.adapter.user_deactivated(user.link.user)
        if settings.END_SESSIONS and not stays_active:
            self.adapter.end_sessions(user.link.user)

    def replace_person(self, user: LockedUser, document: Document) -> dict[str, list[Any]]:
        """Take away what SCIM gave to the person who had the userName before, if it was another.

        Returns:
            The change for the event, apart from attributes.
        """
        if user.is_new or not is_another_person(user, document):
            return {}
        user.is_replaced = True
        attributes = leave_groups(user.link, self.adapter, self.using, self.budget)
        self.roles.forget(user)
        forget_admin(user.link)
        end_sign_in(user)
        is_active_elsewhere = not user.owns_active and multi_account.is_active_elsewhere(
            user.host_is_active, user.others
        )
        if user.host.get(TILED_ADMIN) and not is_active_elsewhere:
            self.adapter.update_user(user.link.user, NOT_INHERITED)
        user.read_membership()
        self.read_host(user)
        self.announce(signals.user_unlinked, user.link, user=user.link.user)
        return attributes

    def read_host(self, user: LockedUser) -> None:
        """Read the values that the host stored, which may differ from those that it got."""
        if user.link.belongs and keeps_values(self.adapter, self.fields):
            user.read_host()
        else:
            user.read_host_again()
            permissions.remember_powers(user.link.user, None)
