"""Summaries of the database as text."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User

from example_project.libraries.models import Library
from tiled_scim.management.columns import aligned


def users() -> Iterator[str]:
    """List all users with their state."""
    yield from aligned([(user.username, user.get_full_name(), _state(user)) for user in _users()])


def libraries() -> Iterator[str]:
    """List all Libraries with their active members."""
    everything = Library.objects.prefetch_related("members")
    yield from aligned([(library.name, _active_members(library)) for library in everything])


def _users() -> Iterator[User]:
    yield from User.objects.order_by("username")


def _state(user: User) -> str:
    if not user.is_active:
        return "deactivated: no access"
    if user.is_superuser:
        return "active, superuser (never changed by SCIM)"
    return "active, Tiled Admin" if user.is_staff else "active"


def _active_members(library: Library) -> str:
    names = sorted(user.get_full_name() for user in library.members.all() if user.is_active)
    return ", ".join(names) or "nobody"
