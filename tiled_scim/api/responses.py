"""What responses have in common: their headers for caches, and the form of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from tiled_scim.errors import Cause, forbidden, not_found
from tiled_scim.scim.selection import Resource
from tiled_scim.sql.pages import Page

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def keep_from_caches(response: HttpResponseBase) -> None:
    """Forbid caches to store a response, so that a revoked token reads nothing from one.

    Django's cache middleware ignores `no-store`, and stores what is not `private`.
    """
    response.headers["Cache-Control"] = "no-store, private"
    patch_vary_headers(response, ("Authorization",))


def list_response(resources: Sequence[Resource], page: Page[Any]) -> Resource:
    """Return a ListResponse (RFC 7644 section 3.4.2), with cursors (RFC 9865 section 2.2)."""
    pagination = {
        "startIndex": page.start_index,
        "nextCursor": page.next_cursor,
        "previousCursor": page.previous_cursor,
    }
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": page.total,
        **{name: value for name, value in pagination.items() if value is not None},
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def unfiltered(request: Request, resources: Sequence[Resource]) -> Resource:
    """Return all resources on one page (RFC 7644 section 4).

    Raises:
        ScimError: 403 if the client sent a filter.
    """
    if "filter" in request.query_params:
        raise forbidden("Discovery endpoints cannot be filtered.", Cause.CLIENT)
    return list_response(resources, Page(list(resources), len(resources), 1))


def named(resources: Sequence[Resource], key: str) -> Resource:
    """Return the resource with an id, ignoring case.

    Raises:
        ScimError: 404.
    """
    for resource in resources:
        if resource["id"].lower() == key.lower():
            return resource
    raise not_found(f"There is no resource with the id {key}.")
