"""People whom several accounts of the host have: each account has an `active` of its own.

The host user has one, for all of them. So an account shows a person as active where the host user
is and the account's link is (`UserLink.active`), and what the client of one account says of it
changes nothing that another one shows:

- Who is deactivated in one account while another has them active stays active in the host.
- Who is activated in one account becomes active in the host, and not in the others for which they
  were inactive.

A link that is not active, whatever the host user is, is **suspended**: the person stays a member of
the account's groups, without the access that these give. While one account alone has a person it
suspends nobody, and the host user decides, so that people can activate and deactivate by hand.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tiled_scim.audit.events import Change
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.provisioning.group_members import Access, locked_groups
from tiled_scim.scim.member_changes import MemberChange


class Sharing:
    """One person in one account, and in the others.

    Args:
        link: of the person in the account; locked, and the host user with it.
        adapter: the host, for the account.
        using: the alias of the database to write to.
    """

    def __init__(self, link: UserLink, adapter: HostAdapter, using: str) -> None:
        self.link = link
        self.adapter = adapter
        self.using = using
        self.was_active = link.active

    @cached_property
    def others(self) -> list[UserLink]:
        """The live links of other accounts to the host user."""
        links = UserLink.objects.using(self.using).filter(UserLink.live, user=self.link.user_id)
        return list(links.exclude(account=self.link.account))

    @property
    def is_active_elsewhere(self) -> bool:
        """Whether another account shows the person as active."""
        return self._is_active_in_host and any(other.active for other in self.others)

    def settle(self, values: dict[str, Any]) -> dict[str, Any]:
        """Divide what changes of `active` between link and host user. The caller saves the link.

        Args:
            values: what the account is to have, of what differs from `documents.host_values`.

        Returns:
            What the host user is to have.
        """
        if "active" not in values:
            return values
        is_active, was_active_in_host = values["active"], self._is_active_in_host
        is_active_in_host = is_active or self.is_active_elsewhere
        self.link.active = is_active or not is_active_in_host
        if is_active and not was_active_in_host:
            self._suspend_others()
        if is_active_in_host == was_active_in_host:
            return {name: value for name, value in values.items() if name != "active"}
        return {**values, "active": is_active_in_host}

    def follow(self) -> None:
        """Give or take the access of the account's groups, as the saved link now has it."""
        if self.link.active == self.was_active:
            return
        groups = locked_groups(self.link.pk, self.link.account, self.using)
        for group in (group for group in groups if group.is_live):
            access = Access(group, self.adapter, self.using, Change())
            if self.link.active:
                access.apply(MemberChange(added={str(self.link.pk)}))
            else:
                access.suspend(self.link)

    @property
    def _is_active_in_host(self) -> bool:
        return bool(self.adapter.read_user(self.link.user).get("active", True))

    def _suspend_others(self) -> None:
        """Let those accounts go on without the person for which the host user was inactive."""
        for other in (other for other in self.others if other.active):
            sharing = Sharing(other, type(self.adapter)(other.account), self.using)
            other.active = False
            other.save(using=self.using, update_fields=["active"])
            sharing.follow()
