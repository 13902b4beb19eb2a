"""Users whom several accounts of the host have: each account has an `active` of its own.

The host user has one `active`, for all of them. So an account shows a user as active where the host
user is, and the account's link is not suspended. What one account says of it changes nothing that
another one shows:

- A user who is deactivated in one account, and active in another, stays active in the host.
- A user who is activated in one account becomes active in the host, and is suspended in those that
  showed the user as inactive.

A suspended user stays a member of the account's groups, without the access that these give. Where
one account alone has the user, nobody is suspended: the host user decides, so that people can
activate and deactivate by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.member_queries import locked_groups


@dataclass(frozen=True)
class Activation:
    """What activating or deactivating a user in one account comes to.

    Args:
        suspended: whether the account's link is suspended.
        host: whether the host user is to be active; None where nothing changes.
        suspending: the links of other accounts that are suspended by it.
    """

    suspended: bool
    host: bool | None
    suspending: list[UserLink] = field(default_factory=list)


def activation(active: bool, host_is_active: bool, others: Sequence[UserLink]) -> Activation:
    """Plan what an account's `active` comes to.

    Args:
        active: what the account says.
        host_is_active: whether the host user is active now.
        others: the live links of other accounts to the host user.
    """
    is_active_in_host = active or is_active_elsewhere(host_is_active, others)
    showed_inactive = active and not host_is_active
    return Activation(
        suspended=is_active_in_host and not active,
        host=None if is_active_in_host == host_is_active else is_active_in_host,
        suspending=[other for other in others if not other.suspended] if showed_inactive else [],
    )


def is_active_elsewhere(host_is_active: bool, others: Sequence[UserLink]) -> bool:
    """Whether another account shows the user as active."""
    return host_is_active and any(not other.suspended for other in others)


def links_of_others(link: UserLink, using: str) -> list[UserLink]:
    """Return the live links of other accounts to the host user."""
    links = UserLink.objects.using(using).filter(UserLink.live, user=link.user_id)
    return list(links.exclude(account=link.account))


def suspend_others(links: Sequence[UserLink], adapter: HostAdapter, using: str) -> None:
    """Suspend the links of other accounts, which showed the user as inactive anyway."""
    for link in links:
        link.suspended = True
        link.save(using=using, update_fields=["suspended"])
        follow_suspension(link, type(adapter)(link.account), using)


def follow_suspension(link: UserLink, adapter: HostAdapter, using: str) -> None:
    """Take or give the access of the account's groups, as the saved link now has it."""
    groups = locked_groups(link.pk, link.account, using)
    # The access is one, however many groups of a Library give it.
    by_library = {group.library_id: group for group in groups if group.is_live}
    for group in by_library.values():
        members = GroupMembers(group, adapter, using)
        if link.suspended:
            members.suspend([link.pk])
        else:
            members.resume([link.pk])
