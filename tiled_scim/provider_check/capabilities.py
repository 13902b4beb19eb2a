"""Read the features that a server declares in its discovery documents (RFC 7644 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tiled_scim.provider_check.client import Client, Json
from tiled_scim.provider_check.expectations import ROLE_SCHEMA, TILED_SCHEMA


@dataclass(frozen=True)
class Capabilities:
    """The features of a server.

    Features that are not declared are assumed, except Tiled Admin and roles.

    Args:
        is_declared: Whether the server has the discovery documents.
        patch: Whether PATCH is supported: true unless `patch.supported` is false.
        groups: Whether groups are supported: true unless the resource types do not list them.
        tiled_admin: Whether the Tiled extension is declared for users.
        roles: The endpoint of the resource type for roles, or "".
    """

    is_declared: bool
    patch: bool
    groups: bool
    tiled_admin: bool
    roles: str


def read(client: Client) -> Capabilities:
    """Read the discovery documents of the server.

    Raises:
        UnreachableError: There was no complete response.
    """
    config = _document(client, "/ServiceProviderConfig")
    types = _objects(_document(client, "/ResourceTypes").get("Resources"))
    extensions = [one for kind in types for one in _objects(kind.get("schemaExtensions"))]
    return Capabilities(
        is_declared=bool(config and types),
        patch=not _is_unsupported(config.get("patch")),
        groups=not types or "/Groups" in [kind.get("endpoint") for kind in types],
        tiled_admin=TILED_SCHEMA in [extension.get("schema") for extension in extensions],
        roles=next((str(kind.get("endpoint")) for kind in types if _is_role(kind)), ""),
    )


def _document(client: Client, path: str) -> Json:
    exchange = client.send("GET", path)
    return exchange.json if exchange.status == 200 and isinstance(exchange.json, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_role(resource_type: Json) -> bool:
    return resource_type.get("schema") == ROLE_SCHEMA


def _is_unsupported(feature: Any) -> bool:
    return isinstance(feature, dict) and feature.get("supported") is False
