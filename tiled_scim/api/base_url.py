"""Find the URLs where the host has mounted SCIM and its token endpoint."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import ResolverMatch, reverse

from tiled_scim.conf import settings

# The app_name of `urls.py`, which this module cannot import.
APP_NAME = "tiled_scim"
# The name of the route for all paths below the mount that have no other.
UNKNOWN_ROUTE = "unknown"
# Below the mount.
TOKEN_PATH = "oauth/token"  # noqa: S105 (not a secret)


def base_url(request: HttpRequest) -> str:
    """Return the SCIM base URL for clients, without a slash at the end.

    Args:
        request: A request to the site. A host may mount SCIM several times, in different
            namespaces. For a request to a SCIM URL, its own mount is used.

    Raises:
        NoReverseMatch: if the host has not mounted SCIM.
    """
    if settings.BASE_URL:
        return settings.BASE_URL.rstrip("/")
    return request.build_absolute_uri(mount(request.resolver_match)).rstrip("/")


def mount(match: ResolverMatch | None) -> str:
    """Return the path where the host has mounted SCIM, with a slash at the end.

    Args:
        match: The route of a request. If it is not one of SCIM, the default namespace is used.

    Raises:
        NoReverseMatch: if the host has not mounted SCIM.
    """
    is_ours = match is not None and match.app_names[-1:] == [APP_NAME]
    namespace = match.namespace if match is not None and is_ours else APP_NAME
    return reverse(f"{namespace}:root")


def token_url(base_url: str) -> str:
    """Return the URL where clients get access tokens.

    Args:
        base_url: The SCIM base URL.
    """
    return f"{base_url.rstrip('/')}/{TOKEN_PATH}"
