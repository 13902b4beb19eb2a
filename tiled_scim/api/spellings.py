"""Find the endpoint of a path that is spelled in another way.

Clients send endpoints in other letter case, and two slashes if their base URL has one at its end.
"""

from __future__ import annotations

from django.urls import ResolverMatch, resolve

from tiled_scim.api.base_url import UNKNOWN_ROUTE

URLCONF = "tiled_scim.urls"

ENDPOINTS = {
    name.lower(): name
    for name in (
        ".search",
        "Bulk",
        "Groups",
        "Me",
        "ResourceTypes",
        "Roles",
        "Schemas",
        "ServiceProviderConfig",
        "ServiceProviderConfigs",
        "Users",
        "global-token-revocation",
    )
}


def endpoint_of(path: str) -> ResolverMatch | None:
    """Return the endpoint that a path means, or None.

    Args:
        path: The path below the mount, without its first slash.
    """
    canonical = canonical_path(path)
    if canonical == path:
        return None
    match = resolve(f"/{canonical}", urlconf=URLCONF)
    return None if match.url_name == UNKNOWN_ROUTE else match


def canonical_path(path: str) -> str:
    """Return a path with its endpoint in the RFC's letter case, and without empty segments."""
    segments = [segment for segment in path.split("/") if segment]
    if segments:
        segments[0] = ENDPOINTS.get(segments[0].lower(), segments[0])
    if len(segments) == 2 and segments[1].lower() == ".search":
        segments[1] = ".search"
    return "/".join(segments)
