"""Where the host has mounted the SCIM URLs."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from tiled_scim.conf import settings

# The app_name of `urls.py`, which knows the views, and they this.
APP_NAME = "tiled_scim"


def base_url(request: HttpRequest) -> str:
    """The address that clients have, without a slash at its end.

    Args:
        request: to the site, or to one of its SCIM URLs: then it is the address that these have,
            as a host may mount them more than once, each in a namespace.

    Raises:
        NoReverseMatch: the host has not mounted them.
    """
    if settings.BASE_URL:
        return settings.BASE_URL.rstrip("/")
    match = request.resolver_match
    is_ours = match is not None and match.app_names[-1:] == [APP_NAME]
    namespace = match.namespace if match is not None and is_ours else APP_NAME
    return request.build_absolute_uri(reverse(f"{namespace}:root")).rstrip("/")
