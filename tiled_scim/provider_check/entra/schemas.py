"""Read which attributes a server declares in `/Schemas` (RFC 7643 section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.entra.attributes import declaration_of, type_of
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, USER_SCHEMA

_CORE = {USER_SCHEMA.lower(), GROUP_SCHEMA.lower()}


def declared(page: Json, schema: str) -> dict[str, Json]:
    """Return the attributes of a resource by name, in lower case: names have no letter case.

    Args:
        page: The response to `GET /Schemas`.
        schema: The core schema of the resource. Attributes of extensions start with their URN.
    """
    others = _CORE - {schema.lower()}
    return {
        name: attribute
        for each in _objects(page.get("Resources"))
        if str(each.get("id")).lower() not in others
        for name, attribute in _named(each)
    }


def has(attributes: dict[str, Json], path: str) -> bool:
    """Return whether the server declares the attribute of a path of a mapping.

    An element such as `emails[type eq "work"]` needs its type among the canonical values, if there
    are any.
    """
    name = declaration_of(path)
    types = attributes.get(f"{name.rpartition('.')[0]}.type", {}).get("canonicalValues")
    return name in attributes and (not types or type_of(path) in {"", *types})


def _named(schema: Json) -> Iterator[tuple[str, Json]]:
    schema_id = str(schema.get("id")).lower()
    prefix = "" if schema_id in _CORE else f"{schema_id}:"
    for attribute in _objects(schema.get("attributes")):
        name = prefix + str(attribute.get("name")).lower()
        yield name, attribute
        for part in _objects(attribute.get("subAttributes")):
            yield f"{name}.{str(part.get('name')).lower()}", part


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
