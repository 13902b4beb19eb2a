"""Find the URL where the host has mounted SCIM."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from tiled_scim.conf import settings

# The app_name of `urls.py`, which this module cannot import.
APP_NAME = "tiled_scim"


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
    match = request.resolver_match
    is_ours = match is not None and match.app_names[-1:] == [APP_NAME]
    namespace = match.namespace if match is not None and is_ours else APP_NAME
    return request.build_absolute_uri(reverse(f"{namespace}:root")).rstrip("/")
