"""Activate and deactivate users of several accounts, each of which has its own `active`.

The host user has one `active` for all accounts. An account shows a user as active if the host user
is active and the account's link is not suspended. What one account says about `active` does not
change what another one shows:

- A user who is deactivated in one account and active in another stays active in the host.
- A user who is activated in one account becomes active in the host, and is suspended in the
  accounts that showed the user as inactive.

A suspended user remains a member of the account's groups, but has no access through them. A user of
a single account is never suspended. The host user decides then, so people can activate and
deactivate the user in the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.member_queries import locked_groups
from tiled_scim.provisioning.roles import RoleSettling


@dataclass(frozen=True)
class Activation:
    """The effects of activating or deactivating a user in one account.

    Args:
        suspended: Whether the account's link will be suspended.
        host: Whether the host user will be active. None if that does not change.
        suspending: The links of other accounts to suspend.
    """

    suspended: bool
    host: bool | None
    suspending: list[UserLink] = field(default_factory=list)


def activation(active: bool, host_is_active: bool, others: Sequence[UserLink]) -> Activation:
    """Plan the effects of an account's `active`.

    Args:
        active: The account's value.
        host_is_active: Whether the host user is active now.
        others: The live links of other accounts to the host user.
    """
    is_active_in_host = active or is_active_elsewhere(host_is_active, others)
    showed_inactive = active and not host_is_active
    return Activation(
        suspended=is_active_in_host and not active,
        host=None if is_active_in_host == host_is_active else is_active_in_host,
        suspending=[other for other in others if not other.suspended] if showed_inactive else [],
    )


def is_active_elsewhere(host_is_active: bool, others: Sequence[UserLink]) -> bool:
    """Return whether another account shows the user as active."""
    return host_is_active and any(not other.suspended for other in others)


def links_of_others(link: UserLink, adapter: HostAdapter, using: str) -> list[UserLink]:
    """Return the live links of other accounts to the host user, who must belong to them."""
    links = UserLink.objects.using(using).filter(UserLink.live, user=link.user_id)
    return [
        other
        for other in links.exclude(account=link.account)
        if type(adapter)(other.account).belonging([link.user_id])
    ]


def suspend_others(links: Sequence[UserLink], adapter: HostAdapter, using: str) -> None:
    """Suspend links of other accounts, which showed the user as inactive before."""
    for link in links:
        other = type(adapter)(link.account)
        link.suspended = True
        link.save(using=using, update_fields=["suspended"])
        apply_suspension(link, other, using)
        RoleSettling(other, using).settle([link.pk], may_remove_last_admin=True)


def apply_suspension(link: UserLink, adapter: HostAdapter, using: str) -> None:
    """Revoke or give the access of the account's groups, after the link was suspended or not."""
    for members in _by_library(link, adapter, using):
        if link.suspended:
            members.suspend([link.pk])
        else:
            members.resume([link.pk])


def restore_access(link: UserLink, adapter: HostAdapter, using: str) -> None:
    """Give the access of the account's groups to a member whom people have reactivated.

    A repair may have given it already, so access that is there is not people's.
    """
    for members in _by_library(link, adapter, using):
        members.add([link.pk])


def _by_library(link: UserLink, adapter: HostAdapter, using: str) -> list[GroupMembers]:
    """Return the members of one of a user's groups for each Library, which needs only one."""
    groups = locked_groups(link.pk, link.account, using)
    by_library = {group.library_id: group for group in groups if group.is_live}
    return [GroupMembers(group, adapter, using) for group in by_library.values()]
