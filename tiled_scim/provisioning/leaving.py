"""What users lose who leave an account, or whose userName now belongs to another person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from tiled_scim.conf import settings
from tiled_scim.errors import Cause, forbidden
from tiled_scim.host import TILED_ADMIN, HostAdapter, objects
from tiled_scim.models import UserLink
from tiled_scim.provisioning.documents import HostValues
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.member_queries import locked_groups
from tiled_scim.scim.budget import STEPS_OF_GROUP, Budget
from tiled_scim.scim.cleaning import Document
from tiled_scim.words import english_words

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
    old, new = user.link.last_external_id, document.get("externalId")
    has_left = not (user.link.is_live and user.is_active)
    return has_left and bool(old and new) and old != new


def leave_groups(
    link: UserLink, adapter: HostAdapter, using: str, budget: Budget
) -> dict[str, list[Any]]:
    """Remove a locked user from all groups. Return the change for the event."""
    groups = locked_groups(link.pk, link.account, using)
    for group in groups:
        # The callers settle the roles of all groups at once.
        GroupMembers(group, adapter, using, settles_roles=False).remove([link.pk])
        group.touch()
        group.save(using=using, update_fields=["version", "updated_at"])
    budget.take(STEPS_OF_GROUP * len(groups))
    names = ", ".join(group.name for group in groups)
    return {"groups": [names, None]} if groups else {}


def end_sign_in(user: LockedUser) -> None:
    """Make the password unusable and end all sessions, unless another account has the user."""
    host_user, adapter = user.link.user, user.adapter
    if settings.END_SESSIONS and not user.is_kept_elsewhere:
        adapter.disable_password(host_user)
        adapter.end_sessions(host_user)


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
    admins = user.adapter.admins().values("pk")
    # A query of its own, because the host's may have a DISTINCT or an outer join, which cannot be
    # locked.
    rows = objects(get_user_model()).filter(pk__in=admins).order_by("pk")
    list(rows.select_for_update().values_list("pk"))
    if admins.exclude(pk=user.link.user_id).exists():
        return False
    if after.get("active", True) and not settings.REMOVE_LAST_ADMIN:
        admin = english_words()["admin"]
        raise forbidden(
            f"userName “{user.link.user_name}” is the last active {admin}, and must stay one. "
            f"Make another person {admin} first.",
            Cause.LAST_ADMIN,
        )
    return True


def _is_active_admin(values: Mapping[str, Any]) -> bool:
    """Return whether a host user with these values is an active administrator."""
    return bool(values.get("active", True) and values.get(TILED_ADMIN))
