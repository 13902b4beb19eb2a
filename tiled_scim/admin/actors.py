"""Who makes a change in the Django admin, for events."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tiled_scim.api.request_log import address_of
from tiled_scim.connections import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Return the admin user for events."""
    user: Any = request.user
    return Actor(f"Django admin: {user.get_username()}", user, address_of(request))
