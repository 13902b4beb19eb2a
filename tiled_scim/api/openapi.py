"""Describe the endpoints in an OpenAPI document, if the host has drf-spectacular."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema

from tiled_scim.api.parsers import SCIM_JSON
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.errors import ERROR_SCHEMA
from tiled_scim.scim.operations import PATCH_SCHEMA

JSON = dict[str, Any]

TYPES: dict[str, JSON] = {
    "string": {"type": "string"},
    "reference": {"type": "string"},
    "binary": {"type": "string", "format": "byte"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "dateTime": {"type": "string", "format": "date-time"},
}
SELECTION = ("attributes", "excludedAttributes")
# RFC 7644 section 3.4.2 and RFC 9865 section 2.
QUERY: dict[str, JSON] = {
    "filter": {"type": "string"},
    "sortBy": {"type": "string"},
    "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
    "startIndex": {"type": "integer"},
    "count": {"type": "integer"},
    "cursor": {"type": "string"},
    **{name: {"type": "string"} for name in SELECTION},
}
# RFC 7644 section 3.12.
ERROR: JSON = {
    "type": "object",
    "required": ["schemas", "status", "detail"],
    "properties": {
        "schemas": {"type": "array", "items": {"type": "string", "enum": [ERROR_SCHEMA]}},
        "status": {"type": "string", "pattern": "^[45][0-9][0-9]$"},
        "scimType": {"type": "string"},
        "detail": {"type": "string"},
    },
}
PATCH: JSON = {
    "type": "object",
    "required": ["schemas", "Operations"],
    "properties": {
        "schemas": {"type": "array", "items": {"type": "string", "enum": [PATCH_SCHEMA]}},
        "Operations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["op"],
                "properties": {
                    "op": {"type": "string", "enum": ["add", "remove", "replace"]},
                    "path": {"type": "string"},
                    "value": {},
                },
            },
        },
    },
}
SEARCH: JSON = {
    "type": "object",
    "properties": {
        **{name: schema for name, schema in QUERY.items() if name not in SELECTION},
        **{name: {"type": "array", "items": {"type": "string"}} for name in SELECTION},
    },
}
BULK: JSON = {
    "type": "object",
    "required": ["Operations"],
    "properties": {
        "failOnErrors": {"type": "integer"},
        "Operations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["method", "path"],
                "properties": {
                    "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
                    "path": {"type": "string"},
                    "bulkId": {"type": "string"},
                    "data": {"type": "object"},
                },
            },
        },
    },
}
# draft-parecki-oauth-global-token-revocation, and RFC 9493 section 3.2.
LOGOUT: JSON = {
    "type": "object",
    "required": ["sub_id"],
    "properties": {
        "sub_id": {
            "type": "object",
            "required": ["format"],
            "properties": {
                "format": {"type": "string", "enum": ["email", "iss_sub", "opaque"]},
                **{name: {"type": "string"} for name in ("email", "iss", "sub", "id")},
            },
        }
    },
}
OBJECT: JSON = {"type": "object"}
# The status of success, and the schema of the body, for actions that differ from the default.
STATUSES = {"create": "201", "destroy": "204", "logout": "204"}
BODIES = {"search": SEARCH, "partial_update": PATCH, "post": BULK, "logout": LOGOUT}


class TokenScheme(OpenApiAuthenticationExtension):
    """The bearer token."""

    target_class = "tiled_scim.api.authentication.TokenAuthentication"
    name = "ScimToken"
    match_subclasses = True

    def get_security_definition(self, auto_schema: AutoSchema) -> JSON:
        return {"type": "http", "scheme": "bearer"}


class ScimSchema(AutoSchema):
    """Describe a view by the attribute table, because it has no serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> JSON:
        self.path, self.path_prefix, self.registry = path, path_prefix, registry
        self.path_regex, self.method = path_regex, method.upper()
        operation: JSON = {
            "operationId": "_".join([self.action, *re.findall(r"\w+", path)]),
            "description": (self.view.__doc__ or "").strip(),
            "tags": ["SCIM"],
            "parameters": [*self._path_parameters(), *self._query_parameters()],
            "security": self.get_auth(),
            "responses": {**self._success(), "default": _content(ERROR, "An error.")},
        }
        body = self._request_schema()
        if body is not None:
            operation["requestBody"] = {"content": {SCIM_JSON: {"schema": body}}, "required": True}
        return operation

    @property
    def action(self) -> str:
        """Return the action of a viewset, or the method of another view."""
        return getattr(self.view, "action", None) or self.method.lower()

    @property
    def resource_type(self) -> ResourceType | None:
        return getattr(self.view, "resource_type", None)

    def _path_parameters(self) -> list[JSON]:
        if "{key}" not in self.path:
            return []
        return [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}]

    def _query_parameters(self) -> list[JSON]:
        names: Iterable[str] = QUERY if self.action == "list" else SELECTION
        if self.resource_type is None and self.action != "list":
            names = ()
        return [{"name": name, "in": "query", "schema": QUERY[name]} for name in names]

    def _request_schema(self) -> JSON | None:
        if self.method in {"GET", "DELETE"}:
            return None
        if self.action in BODIES:
            return BODIES[self.action]
        return resource_schema(self.resource_type, is_sent=True) if self.resource_type else OBJECT

    def _success(self) -> JSON:
        status = STATUSES.get(self.action, "200")
        if status == "204":
            return {status: {"description": "Done."}}
        resource = resource_schema(self.resource_type) if self.resource_type else OBJECT
        answers = {status: _content(self._answer_schema(resource), "Done.")}
        if self.action == "partial_update":
            answers["204"] = {"description": "Done; the group is not sent back."}
        return answers

    def _answer_schema(self, resource: JSON) -> JSON:
        if self.action not in {"list", "search"}:
            return resource
        return {
            "type": "object",
            "required": ["schemas", "totalResults"],
            "properties": {
                "totalResults": {"type": "integer"},
                "startIndex": {"type": "integer"},
                "itemsPerPage": {"type": "integer"},
                "nextCursor": {"type": "string"},
                "previousCursor": {"type": "string"},
                "Resources": {"type": "array", "items": resource},
            },
        }


class ScimViews(OpenApiViewExtension):
    """Describe all SCIM views by `ScimSchema`, whatever the host's default is."""

    target_class = "tiled_scim.api.views.ScimView"
    match_subclasses = True

    def view_replacement(self) -> type[Any]:
        return type(self.target.__name__, (self.target,), {"schema": ScimSchema()})


def resource_schema(resource_type: ResourceType, *, is_sent: bool = False) -> JSON:
    """Return the JSON Schema of a resource.

    Args:
        resource_type: The resource type.
        is_sent: Whether the client sends it, without read-only attributes.
    """
    common = _properties(resource_type.common, is_sent=is_sent)
    core = _properties(resource_type.schema, is_sent=is_sent)
    extensions = {
        extension.urn: {"type": "object", "properties": _properties(extension, is_sent=is_sent)}
        for extension in resource_type.extensions
    }
    required = [
        attribute.name
        for attribute in resource_type.schema.attributes
        if attribute.required and attribute.mutability != "readOnly"
    ]
    schemas = {"schemas": {"type": "array", "items": {"type": "string"}}}
    properties = {**schemas, **common, **core, **extensions}
    # `attributes` may exclude attributes that each resource has.
    described: JSON = {"type": "object", "properties": properties}
    return {**described, "required": required} if is_sent else described


def _properties(schema: Schema, *, is_sent: bool) -> JSON:
    return {
        attribute.name: _attribute_schema(attribute, is_sent=is_sent)
        for attribute in schema.attributes
        if attribute.mutability != "readOnly" or not is_sent
    }


def _attribute_schema(attribute: Attribute, *, is_sent: bool) -> JSON:
    if attribute.type == "complex":
        parts = {
            part.name: _attribute_schema(part, is_sent=is_sent)
            for part in attribute.sub_attributes
            if part.mutability != "readOnly" or not is_sent
        }
        value: JSON = {"type": "object", "properties": parts}
    else:
        value = {**TYPES[attribute.type]}
    if attribute.description:
        value["description"] = attribute.description
    return {"type": "array", "items": value} if attribute.multi_valued else value


def _content(schema: JSON, description: str) -> JSON:
    return {"description": description, "content": {SCIM_JSON: {"schema": schema}}}
