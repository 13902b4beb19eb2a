"""The URLs of the pages, wherever the host has mounted them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

# The app_name of `urls.py`, which this module cannot import.
APP_NAME = "tiled_scim_configuration"
# Arguments of our own URLs. All others are the host's, from the path of its `include()`.
OWN_ARGUMENTS = frozenset({"client_id", "event_id", "intervention", "link_id", "setup_link_id"})


class Addresses:
    """The URLs of the pages in the same mount as a request. Templates read `urls.events`.

    Args:
        request: A request to one of the pages.
    """

    def __init__(self, request: HttpRequest) -> None:
        match = request.resolver_match
        if match is None:  # pragma: no cover (Django always sets it before it calls a view)
            raise LookupError("The request has not been resolved.")
        self._namespace = match.namespace
        self._current_app = match.namespace
        self._outer = {
            name: value for name, value in match.kwargs.items() if name not in OWN_ARGUMENTS
        }

    def to(self, name: str, **arguments: Any) -> str:
        """Return the URL of a page.

        Args:
            name: The name of its URL.
            arguments: The arguments of the URL.
        """
        return reverse(
            f"{self._namespace}:{name}",
            kwargs={**self._outer, **arguments},
            current_app=self._current_app,
        )

    def __getitem__(self, name: str) -> str:
        return self.to(name)
