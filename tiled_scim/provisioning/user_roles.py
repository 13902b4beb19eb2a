"""The roles of a user that is being changed."""

from __future__ import annotations

from functools import cached_property

from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.role_keys import RoleKeys
from tiled_scim.provisioning.roles import RoleSettling
from tiled_scim.provisioning.user_planning import Plan
from tiled_scim.schemas import TILED_ADMIN
from tiled_scim.scim.cleaning import Document

# The attributes of the host that decide which roles a user has, or show one of them.
AFFECTS_ROLES = {"active", TILED_ADMIN}


class UserRoles:
    """Check and settle the roles of users who are changed. Without roles, it does nothing.

    Args:
        adapter: The host adapter for the account.
        using: The alias of the database to write to.
    """

    def __init__(self, adapter: HostAdapter, using: str) -> None:
        self.adapter = adapter
        self.using = using

    @cached_property
    def keys(self) -> RoleKeys:
        return RoleKeys(self.adapter)

    @cached_property
    def settling(self) -> RoleSettling:
        return RoleSettling(self.adapter, self.using)

    def check(self, before: Document, document: Document) -> None:
        """Refuse new values of `roles` that are no roles.

        Raises:
            ScimError: 400 invalidValue.
        """
        self.keys.check(before, document)

    def may_change(self, user: LockedUser, plan: Plan, *, is_back: bool) -> bool:
        """Return whether a plan may change the roles that SCIM gives, or the user's in the host.

        Args:
            user: The user, before the plan is applied.
            plan: The plan.
            is_back: Whether the user is created or restored.
        """
        attributes = user.link.attributes
        if plan.columns.get("attributes", attributes).get("roles") != attributes.get("roles"):
            return True
        return not user.is_new and (is_back or bool(plan.host.keys() & AFFECTS_ROLES))

    def keep_admin(self, user: LockedUser, plan: Plan) -> bool:
        """Return whether a role makes an active user Tiled Admin whose `tiledAdmin` is false."""
        if plan.host.get(TILED_ADMIN) is not False or plan.host.get("active") is False:
            return False
        if not self.keys.roles:
            return False
        attributes = plan.columns.get("attributes", user.link.attributes)
        of_groups = (role for _user, role in self.settling.of_groups([user.link.pk]))
        return self.settling.mean_admin([*self.keys.known(attributes), *of_groups])

    def forget(self, user: LockedUser) -> None:
        """Drop the attribute `roles`, which was that of another person. The caller settles."""
        if self.keys.roles:
            attributes = user.link.attributes
            user.link.attributes = {
                name: value for name, value in attributes.items() if name != "roles"
            }

    def settle(self, user: LockedUser, **options: bool) -> None:
        """Give the user the roles that SCIM gives, or withdraw them. See `RoleSettling.settle`."""
        link = user.link
        if self.keys.roles and self.settling.settle([link.pk], **options):
            # They were written to other instances.
            link.user.refresh_from_db(using=self.using)
            link.membership = self.adapter.membership(link.user)
