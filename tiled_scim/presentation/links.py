"""Users and groups that SCIM manages, as lists and pages show them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from tiled_scim.audit.events import differences
from tiled_scim.conf import settings
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    LINKS,
    LibraryGroupLink,
    LibraryGroupMember,
    Link,
    PriorAccess,
    UserLink,
)
from tiled_scim.presentation.states import GroupState, UserState
from tiled_scim.provisioning.documents import read_user
from tiled_scim.provisioning.group_members import own_library
from tiled_scim.provisioning.reading import document_of, host_values_of, read_memberships
from tiled_scim.provisioning.role_keys import role_labels
from tiled_scim.schemas import GROUP, TILED_ADMIN, USER
from tiled_scim.sql.host_fields import host_fields

MEMBERS_SHOWN = 100


def annotate_users(rows: list[Any]) -> list[Any]:
    """Add `state`, `is_tiled_admin` and `library_count` to user links.

    They must be read with the `user_relations`.
    """
    adapters = {link.account: settings.HOST_ADAPTER(link.account) for link in rows}
    libraries = _library_counts(rows)
    own = belonging_links(rows, adapters)
    for link in rows:
        belongs = link.pk in own
        values = host_values_of(link, adapters[link.account]) if link.is_live and belongs else {}
        link.state = UserState.for_link(link, values, belongs=belongs)
        link.is_tiled_admin = bool(values.get(TILED_ADMIN))
        link.library_count = libraries.get(link.pk, 0)
    return rows


def annotate_groups(rows: list[Any]) -> list[Any]:
    """Add `state`, `members_count`, `library_label` and `role_label` to group links.

    They must be read with their Libraries.
    """
    adapters = {link.account: settings.HOST_ADAPTER(link.account) for link in rows}
    members = _member_counts(rows)
    for link in rows:
        adapter = adapters[link.account]
        library = own_library(link, adapter)  # that of another account is not named
        link.state = GroupState.for_link(link, library)
        link.members_count = members.get(link.pk, 0)
        link.library_label = "" if library is None else adapter.library_name(library)
        link.role_label = _role_label(link, adapter)
    return rows


def group_count(link: UserLink) -> int:
    """Return the number of groups of a user."""
    return int(_live_memberships(link).count())


def groups_of(link: UserLink) -> list[dict[str, Any]]:
    """Return the first groups of a user by name, with their Libraries and who gives access."""
    shown = _live_memberships(link).select_related("group__library")
    adapter = settings.HOST_ADAPTER(link.account)
    prior = set(_prior_access(user=link.user_id).values_list("library", flat=True))
    groups = [
        member.group for member in shown.order_by("group__display_name", "pk")[:MEMBERS_SHOWN]
    ]
    for group in groups:
        group.library = own_library(group, adapter)  # that of another account is not named
    return [
        {
            "key": group.pk,
            "name": group.name,
            "library": adapter.library_name(group.library) if group.library else "",
            "role": _role_label(group, adapter),
            "library_key": group.library_id,
            "granted": group.library_id not in prior,
        }
        for group in groups
    ]


def members_of(link: LibraryGroupLink) -> list[dict[str, Any]]:
    """Return the first members of a group, with who gives them access."""
    rows: Any = LibraryGroupMember.objects.filter(
        LibraryGroupMember.belonging, group=link, user__account=link.account
    )
    members = list(rows.select_related("user").order_by("pk")[:MEMBERS_SHOWN])
    users = [member.user.user_id for member in members]
    prior = _prior_access(library=link.library_id, user__in=users)
    prior = set(prior.values_list("user", flat=True))
    return [
        {
            "key": member.user_id,
            "name": member.user.user_name,
            "display": member.display,
            "granted": member.user.user_id not in prior,
        }
        for member in members
    ]


def attributes_of(link: Link) -> list[tuple[str, Any]]:
    """Return the attributes of a resource, without those that are never returned."""
    adapter = settings.HOST_ADAPTER(link.account)
    if isinstance(link, UserLink):
        belongs = link.pk in belonging_links([link], {link.account: adapter})
        values = host_values_of(link, adapter) if belongs else {}
        resource_type, document = USER, read_user(link, values, host_fields(adapter))
    else:
        resource_type, document = GROUP, document_of(link, adapter)
    attributes = differences({}, {"id": str(link.pk), **document}, resource_type)
    return [(name, value) for name, (_nothing, value) in attributes.items()]


def belonging_links(links: Collection[UserLink], adapters: Mapping[str, HostAdapter]) -> set[UUID]:
    """Return the ids of the links whose users still belong to the account of the link."""
    read_memberships(links)
    users: dict[str, list[Any]] = {}
    for link in links:
        users.setdefault(link.account, []).append(link.user_id)
    own = {account: adapters[account].belonging(found) for account, found in users.items()}
    return {link.pk for link in links if link.belongs and link.user_id in own[link.account]}


def current_names(
    keys: Collection[UUID], limit: Callable[[QuerySet[Any]], QuerySet[Any]]
) -> dict[UUID, str]:
    """Return the names of the users and groups that still have these SCIM ids.

    Args:
        keys: The SCIM ids.
        limit: Returns those of some links that may be seen.
    """
    users, groups = (
        limit(model.objects.filter(pk__in=keys)).values_list("pk", model.name_field)
        for model in LINKS.values()
    )
    return dict(users.union(groups))


def _role_label(group: LibraryGroupLink, adapter: HostAdapter) -> str:
    """Return the label of the role that a group gives, or ""."""
    return role_labels(adapter).get(group.role, group.role) if group.role else ""


def _live_memberships(link: UserLink) -> Any:
    own = LibraryGroupMember.live & Q(group__account=link.account)
    return LibraryGroupMember.objects.filter(own, user=link)


def _prior_access(**of: Any) -> Any:
    """Return the prior access of users to Libraries."""
    return PriorAccess.objects.filter(**of)


def _library_counts(users: Collection[UserLink]) -> dict[UUID, int]:
    """Return the number of Libraries that each user has access to."""
    members = LibraryGroupMember.objects.filter(LibraryGroupMember.live, user__in=users)
    number = Count("group__library", distinct=True)
    return dict(members.order_by().values_list("user").annotate(number=number))


def _member_counts(groups: Collection[LibraryGroupLink]) -> dict[UUID, int]:
    """Return the number of members of each group."""
    members = LibraryGroupMember.objects.filter(group__in=groups)
    return dict(members.order_by().values_list("group").annotate(number=Count("pk")))
