"""What the database holds, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User

from example_project.libraries.models import Library
from tiled_scim.management.columns import aligned


def users() -> Iterator[str]:
    """Every user: name, whether active, whether an admin."""
    yield from aligned([(user.username, user.get_full_name(), _state(user)) for user in _users()])


def libraries() -> Iterator[str]:
    """Every Library, and who can open it: its active members."""
    everything = Library.objects.prefetch_related("members")
    yield from aligned([(library.name, _openers(library)) for library in everything])


def _users() -> Iterator[User]:
    yield from User.objects.order_by("username")


def _state(user: User) -> str:
    if not user.is_active:
        return "deactivated: no access"
    if user.is_superuser:
        return "active, superuser (SCIM never touches those)"
    return "active, Tiled Admin" if user.is_staff else "active"


def _openers(library: Library) -> str:
    names = sorted(user.get_full_name() for user in library.members.all() if user.is_active)
    return ", ".join(names) or "nobody"
