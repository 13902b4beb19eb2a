"""What users lose who leave an account, or whose userName now belongs to another person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F
from django.utils import timezone

from tiled_scim.conf import settings
from tiled_scim.database.bulk import chunks, delete
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorAccess, UserLink
from tiled_scim.provisioning.conflicts import last_admin
from tiled_scim.provisioning.documents import HostValues
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.member_queries import GroupUser, MemberQueries, locked_groups
from tiled_scim.provisioning.roles import lock_admins
from tiled_scim.schemas import TILED_ADMIN, TILED_USER
from tiled_scim.scim.budget import STEPS_OF_GROUP, Budget
from tiled_scim.scim.cleaning import Document

# The values that an unlinked user has. Whoever is pushed with the same name later may be another
# person.
UNLINKED: HostValues = {"active": False, TILED_ADMIN: False}
# The values that a new person does not inherit, who may be active.
NOT_INHERITED: HostValues = {TILED_ADMIN: False}


def is_another_person(user: LockedUser, document: Document) -> bool:
    """Return whether a document is that of another person than the one who had the userName.

    Identity providers never change the externalId of a person, but reuse the userName of one who
    has left. A client that removes the externalId has not changed who it was. An active user has
    not left: there, the administrator has changed the mapping.
    """
    link, new = user.link, document.get("externalId")
    has_left = not (user.link.is_live and user.is_active)
    old = link.external_id or link.last_external_id
    return has_left and bool(old and new) and old != new


def leave_groups(
    link: UserLink, adapter: HostAdapter, using: str, budget: Budget
) -> dict[str, list[Any]]:
    """Remove a locked user from all groups, and revoke the access that they gave.

    It takes a few statements, and those of the host for each Library. The callers settle roles.

    Returns:
        The change for the event.
    """
    groups = locked_groups(link.pk, link.account, using)
    if not groups:
        return {}
    keys = [group.pk for group in groups]
    [user] = MemberQueries(using).members(groups[0], [link.pk])
    delete(LibraryGroupMember, "user_id", link.pk, "group_id", keys, using)
    if not user.suspended:
        _revoke_access(user, groups, adapter, using)
    libraries = {group.library_id for group in groups if group.library_id is not None}
    delete(PriorAccess, "user_id", user.user, "library_id", libraries, using)
    for chunk in chunks(keys):
        rows = LibraryGroupLink.objects.using(using).filter(pk__in=chunk)
        rows.update(version=F("version") + 1, updated_at=timezone.now())
    budget.take(STEPS_OF_GROUP * len(groups))
    return {"groups": [", ".join(group.name for group in groups), None]}


def _revoke_access(
    user: GroupUser, groups: Sequence[LibraryGroupLink], adapter: HostAdapter, using: str
) -> None:
    """Revoke the access to Libraries that only groups have given which the user has left."""
    # A Library needs it only once, even if several groups feed it.
    by_library = {group.library_id: group for group in groups if group.library_id is not None}
    prior = PriorAccess.objects.using(using).filter(user=user.user)
    others = LibraryGroupMember.objects.using(using).filter(user__user=user.user)
    kept = {
        library
        for chunk in chunks(by_library)
        for rows, name in ((prior, "library"), (others, "group__library"))
        for library in rows.filter(**{f"{name}__in": chunk}).values_list(name, flat=True)
    }
    for library in by_library.keys() - kept:
        GroupMembers(by_library[library], adapter, using).revoke([user])


def end_sign_in(user: LockedUser) -> None:
    """Make the password unusable and end all sessions, unless another account has the user."""
    host_user, adapter = user.link.user, user.adapter
    if settings.END_SESSIONS and not user.is_kept_elsewhere:
        adapter.disable_password(host_user)
        adapter.end_sessions(host_user)


def forget_admin(link: UserLink) -> None:
    """Drop Tiled Admin from the values of a link that keeps those of the person."""
    link.attributes = {name: value for name, value in link.attributes.items() if name != TILED_USER}


def takes_last_admin(user: LockedUser, changes: Mapping[str, Any]) -> bool:
    """Return whether a change leaves the account without an active admin.

    Whoever leaves must lose access, so only taking the role alone from the last one is refused. The
    admins are locked, so that of the last two, concurrent requests see the other one go.

    Args:
        user: The user.
        changes: The values of the host user that will change.

    Raises:
        ScimError: 403, see `TILED_SCIM_REMOVE_LAST_ADMIN`.
    """
    after = {**user.host, **changes}
    if not _is_active_admin(user.host) or _is_active_admin(after):
        return False
    admins = user.adapter.admins()
    lock_admins(admins)
    if admins.exclude(pk=user.link.user_id).exists():
        return False
    if after.get("active", True) and not settings.REMOVE_LAST_ADMIN:
        raise last_admin(user.link.user_name)
    return True


def _is_active_admin(values: Mapping[str, Any]) -> bool:
    """Return whether a host user with these values is an active administrator."""
    return bool(values.get("active", True) and values.get(TILED_ADMIN))
