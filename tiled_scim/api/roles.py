"""The roles of an account as resources, which Okta Identity Governance reads as entitlements.

They are read from the host adapter. There are few of them, so they are filtered, sorted and divided
into pages in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tiled_scim.api.filters import is_descending
from tiled_scim.attributes import Attribute
from tiled_scim.errors import invalid_request, not_found
from tiled_scim.schemas import ROLE
from tiled_scim.scim.grammar import parse
from tiled_scim.scim.grammar import quoted as in_quotes
from tiled_scim.scim.matching import comparable, predicate
from tiled_scim.scim.selection import Resource
from tiled_scim.sql.pages import Page, page_size, start_index

# What a filter can name.
SEARCHED = Attribute(
    ROLE.name,
    "complex",
    sub_attributes=tuple(
        attribute
        for schema in (ROLE.common, ROLE.schema)
        for attribute in schema.attributes
        if attribute.name in {"id", "displayName"}
    ),
)


def role_resources(roles: Mapping[str, str], base_url: str) -> list[Resource]:
    """Return the Role resources.

    Args:
        roles: The labels of the roles, by key.
        base_url: The SCIM base URL, without a slash at the end.
    """
    return [_role(key, label, base_url) for key, label in roles.items()]


def role_named(resources: list[Resource], key: str) -> Resource:
    """Return the role with an id.

    Raises:
        ScimError: 404.
    """
    for resource in resources:
        if resource["id"] == key:
            return resource
    raise not_found(f"There is no Role with the id {key}.")


def role_page(resources: list[Resource], parameters: Mapping[str, str]) -> Page[Resource]:
    """Return the page of roles that a query asks for.

    Raises:
        ScimError: invalidFilter; invalidValue for a page or an order that is not supported.
    """
    if "cursor" in parameters:
        raise invalid_request("Send startIndex and count: there are no cursors for roles.")
    if "filter" in parameters:
        fits = predicate(parse(parameters["filter"]), SEARCHED)
        resources = [resource for resource in resources if fits(resource)]
    resources = _sorted(resources, parameters)
    first, count = start_index(parameters), page_size(parameters)
    return Page(resources[first - 1 : first - 1 + count], len(resources), first)


def _sorted(resources: list[Resource], parameters: Mapping[str, str]) -> list[Resource]:
    """Return the roles in the order of the query, or in that of the host."""
    descending = is_descending(parameters.get("sortOrder") or "ascending")
    name = parameters.get("sortBy", "").rpartition(":")[2]
    if not name:
        return resources
    attribute = SEARCHED.sub_attribute(name)
    if attribute is None:
        raise invalid_request(f"Roles cannot be sorted by {in_quotes(name)}.")
    found = attribute

    def order(resource: Resource) -> Any:
        return comparable(found, resource[found.name])

    return sorted(resources, key=order, reverse=descending)


def _role(key: str, label: str, base_url: str) -> Resource:
    content = json.dumps([key, label])
    return {
        "schemas": [ROLE.schema.urn],
        "id": key,
        "displayName": label,
        "meta": {
            "resourceType": ROLE.name,
            "location": f"{base_url}{ROLE.endpoint}/{quote(key, safe='')}",
            "version": f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"',
        },
    }
