"""Who makes a change in the admin."""

from __future__ import annotations

from django.http import HttpRequest

from tiled_scim.api.request_log import address_of
from tiled_scim.connections import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in user as the actor of a change."""
    user = request.user
    name = f"Django admin: {user.get_username()}"
    return Actor(name, user, address_of(request))  # type: ignore[arg-type]
