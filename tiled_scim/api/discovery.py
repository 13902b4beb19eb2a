"""The discovery documents, made from the attribute table (RFC 7643 sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tiled_scim.api.base_url import token_url
from tiled_scim.api.bulk import MAX_OPERATIONS, MAX_PAYLOAD_BYTES
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.conf import settings
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import RESOURCE_TYPES, ROLE, USER
from tiled_scim.sql.pages import CURSOR_TIMEOUT

Resource = dict[str, Any]

PASSWORD = USER.schema.attribute("password")
CORE = "urn:ietf:params:scim:schemas:core:2.0"


def service_provider_config(base_url: str) -> Resource:
    """Return the ServiceProviderConfig resource."""
    return {
        "schemas": [f"{CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": MAX_OPERATIONS,
            "maxPayloadSize": MAX_PAYLOAD_BYTES,
        },
        "filter": {"supported": True, "maxResults": settings.MAX_PAGE_SIZE},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": settings.PAGE_SIZE,
            "maxPageSize": settings.MAX_PAGE_SIZE,
            "cursorTimeout": CURSOR_TIMEOUT,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The token that an admin generates under SCIM Configuration.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            },
            {
                "type": "oauth2",
                "name": "OAuth 2.0 client credentials",
                "description": "An access token that a client gets at "
                f"{token_url(base_url)}. An admin creates the client under SCIM Configuration.",
                "specUri": "https://www.rfc-editor.org/info/rfc6749",
                "primary": False,
            },
        ],
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }


def offered_types(adapter: HostAdapter) -> tuple[ResourceType, ...]:
    """Return the resource types of an account: without roles, there is no `/Roles`."""
    return (*RESOURCE_TYPES, ROLE) if adapter.roles() else RESOURCE_TYPES


def resource_types(base_url: str, types: Sequence[ResourceType]) -> list[Resource]:
    """Return the ResourceType resources."""
    return [_resource_type(resource_type, base_url) for resource_type in types]


def schemas(base_url: str, types: Sequence[ResourceType]) -> list[Resource]:
    """Return the Schema resources, each once."""
    unique = {schema.urn: schema for resource_type in types for schema in resource_type.schemas}
    return [_schema(schema, base_url) for schema in unique.values()]


def _resource_type(resource_type: ResourceType, base_url: str) -> Resource:
    return {
        "schemas": [f"{CORE}:ResourceType"],
        "id": resource_type.name,
        "name": resource_type.name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.schema.urn,
        "schemaExtensions": [
            {"schema": extension.urn, "required": False} for extension in resource_type.extensions
        ],
        "meta": _meta("ResourceType", f"{base_url}/ResourceTypes/{resource_type.name}"),
    }


def _schema(schema: Schema, base_url: str) -> Resource:
    return {
        "schemas": [f"{CORE}:Schema"],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": [_attribute(attribute) for attribute in _listed(schema)],
        "meta": _meta("Schema", f"{base_url}/Schemas/{schema.urn}"),
    }


def _listed(schema: Schema) -> Iterator[Attribute]:
    """Yield the attributes of a schema.

    The password is only listed if the host wants it: an import or a mapping has no use for it.
    """
    for attribute in schema.attributes:
        if attribute is not PASSWORD or settings.PASSWORD_IN_SCHEMAS:
            yield attribute


def _attribute(attribute: Attribute) -> Resource:
    description: Resource = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
    }
    if attribute.type in ("string", "reference", "binary"):
        description["caseExact"] = attribute.case_exact
    if attribute.type != "boolean" and attribute.type != "complex":
        description["uniqueness"] = attribute.uniqueness
    if attribute.canonical_values:
        description["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        description["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub_attributes:
        description["subAttributes"] = [_attribute(sub) for sub in attribute.sub_attributes]
    return description


def _meta(resource_type: str, location: str) -> Resource:
    return {"resourceType": resource_type, "location": location}
