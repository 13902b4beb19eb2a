"""Requests as Okta sends them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tiled_scim.provider_check.expectations import GROUP_SCHEMA, USER_SCHEMA

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

Json = dict[str, Any]


class Request(NamedTuple):
    """A request, with its path below the base URL."""

    method: str
    path: str
    body: Json | None = None


def user(name: str, **attributes: Any) -> Json:
    return {
        "schemas": [USER_SCHEMA],
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Angel"},
        "emails": [{"primary": True, "value": f"{name}@example.com", "type": "work"}],
        "active": True,
        **attributes,
    }


def group(name: str, *members: str) -> Json:
    return {"schemas": [GROUP_SCHEMA], "displayName": name, "members": _values(members)}


def create_user(name: str, **attributes: Any) -> Request:
    return Request("POST", "/Users", user(name, **attributes))


def create_group(name: str, *members: str) -> Request:
    return Request("POST", "/Groups", group(name, *members))


def replace_user(key: str, name: str, **attributes: Any) -> Request:
    return Request("PUT", f"/Users/{key}", user(name, **attributes))


def replace_group(key: str, name: str, *members: str) -> Request:
    """Return the request of Push Now."""
    return Request("PUT", f"/Groups/{key}", group(name, *members))


def set_attributes(key: str, **attributes: Any) -> Request:
    return _patch(f"/Users/{key}", {"op": "replace", "value": attributes})


def add_members(key: str, *members: str) -> Request:
    return _patch(f"/Groups/{key}", {"op": "add", "path": "members", "value": _values(members)})


def replace_members(key: str, *members: str) -> Request:
    return _patch(f"/Groups/{key}", {"op": "replace", "path": "members", "value": _values(members)})


def remove_members(key: str, *members: str) -> Request:
    operations = [{"op": "remove", "path": f'members[value eq "{member}"]'} for member in members]
    return _patch(f"/Groups/{key}", *operations)


def delete_user(key: str) -> Request:
    return Request("DELETE", f"/Users/{key}")


def delete_group(key: str) -> Request:
    return Request("DELETE", f"/Groups/{key}")


def bulk(*requests: Request) -> Request:
    """Combine several requests in one."""
    operations: list[Json] = []
    for number, (method, path, body) in enumerate(requests):
        operation = {"method": method, "path": path, "bulkId": str(number)}
        operations.append(operation if body is None else {**operation, "data": body})
    return Request("POST", "/Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations})


def _patch(path: str, *operations: Json) -> Request:
    return Request("PATCH", path, {"schemas": [PATCH_SCHEMA], "Operations": list(operations)})


def _values(members: tuple[str, ...]) -> list[Json]:
    return [{"value": member} for member in members]
