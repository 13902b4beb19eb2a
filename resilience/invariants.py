"""Invariants: the data of SCIM, its events, and the data of the host must match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User

from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupMember, ScimToken, Slot, UserLink
from tiled_scim.provisioning import drift

from . import audit_trail


def violations(*, with_events: bool = True) -> Iterator[str]:
    """Describe all violations: drift, lost events, and host data that SCIM did not create.

    Without manual changes, all host data must have been created by SCIM.

    Args:
        with_events: Whether each change must have its event.
    """
    yield from map(str, drift.find())
    if with_events:
        yield from audit_trail.violations()
    for check in (_user_violations, _library_violations, _access_violations, _token_violations):
        yield from check()


def _user_violations() -> Iterator[str]:
    users = User.objects.filter(is_superuser=False)
    for user in users.filter(scim_links__isnull=True):
        yield f"The host user {user} has no link."
    for user in users.filter(is_active=True, scim_links__unlinked_at__isnull=False):
        yield f"The user {user} is unlinked, but active in the host."
    for link in UserLink.objects.select_related("user"):
        if link.user.username.lower() != link.user_name.lower():
            yield f"The link {link} has the host user {link.user}."


def _library_violations() -> Iterator[str]:
    for library in Library.objects.filter(scim_links__isnull=True):
        yield f"The Library {library} has no link."


def _access_violations() -> Iterator[str]:
    rows = LibraryGroupMember.objects.filter(user__suspended=False)
    granted: set[tuple[Any, ...]] = set(rows.values_list("group__library", "user__user"))
    for access in Library.members.through.objects.values_list("library", "user"):
        if access not in granted:
            yield f"A user has access that no group gives: Library and user {access}."


def _token_violations() -> Iterator[str]:
    current = ScimToken.objects.filter(account="", slot=Slot.NEWEST).count()
    if current != 1:
        yield f"There are {current} current tokens."
