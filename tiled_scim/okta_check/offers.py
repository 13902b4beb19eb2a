"""What a server says that it offers, where it says so (RFC 7644 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tiled_scim.okta_check.client import Json, OktaClient
from tiled_scim.okta_check.expectations import TILED_SCHEMA


@dataclass(frozen=True)
class Offers:
    """What the discovery documents say; without them, what most servers have.

    Args:
        is_said: whether there are such documents.
        patch: not ruled out by `patch.supported`.
        groups: not missing among the resource types.
        tiled_admin: whether the extension of Tiled belongs to users.
    """

    is_said: bool
    patch: bool
    groups: bool
    tiled_admin: bool


def read(client: OktaClient) -> Offers:
    """Ask the server.

    Raises:
        UnreachableError: there was no answer.
    """
    config = _document(client, "/ServiceProviderConfig")
    types = _objects(_document(client, "/ResourceTypes").get("Resources"))
    extensions = [one for kind in types for one in _objects(kind.get("schemaExtensions"))]
    return Offers(
        is_said=bool(config and types),
        patch=not _is_ruled_out(config.get("patch")),
        groups=not types or "/Groups" in [kind.get("endpoint") for kind in types],
        tiled_admin=TILED_SCHEMA in [extension.get("schema") for extension in extensions],
    )


def _document(client: OktaClient, path: str) -> Json:
    exchange = client.send("GET", path)
    return exchange.json if exchange.status == 200 and isinstance(exchange.json, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_ruled_out(feature: Any) -> bool:
    return isinstance(feature, dict) and feature.get("supported") is False
