"""What must hold whatever happened: that all that SCIM keeps accounts for all that the host has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User

from example_project.libraries.models import Library
from tiled_scim.models import LibraryGroupMember, ScimToken, UserLink
from tiled_scim.provisioning import drift


def violations() -> Iterator[str]:
    """What does not agree, in sentences: drift, and what would be none where people had a hand."""
    yield from map(str, drift.find())
    for check in (_of_users, _of_libraries, _of_access, _of_tokens):
        yield from check()


def _of_users() -> Iterator[str]:
    users = User.objects.filter(is_superuser=False)
    for user in users.filter(scim_links__isnull=True):
        yield f"The host user {user} has no link."
    for user in users.filter(is_active=True, scim_links__unlinked_at__isnull=False):
        yield f"SCIM has let go of {user}, who is active in the host."
    for link in UserLink.objects.select_related("user"):
        if link.user.username.lower() != link.user_name.lower():
            yield f"The link {link} has the host user {link.user}."


def _of_libraries() -> Iterator[str]:
    for library in Library.objects.filter(scim_links__isnull=True):
        yield f"The Library {library} has no link."


def _of_access() -> Iterator[str]:
    rows = LibraryGroupMember.objects.filter(user__suspended=False)
    granted: set[tuple[Any, ...]] = set(rows.values_list("group__library", "user__user"))
    for access in Library.members.through.objects.values_list("library", "user"):
        if access not in granted:
            yield f"Somebody has access that no group gives: Library and user {access}."


def _of_tokens() -> Iterator[str]:
    current = ScimToken.objects.filter(current_account="").count()
    if current != 1:
        yield f"{current} tokens are current."
