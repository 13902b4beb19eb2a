"""Who runs a command, for events."""

from __future__ import annotations

from django.contrib.auth.management import get_system_username

from tiled_scim.connections import Actor


def shell_actor(command: str) -> Actor:
    """Return who runs a command: the command, and the user of the shell if it is known."""
    user = get_system_username()
    return Actor(f"{command} (shell user {user})" if user else command)
