"""What Okta sends, in short."""

from __future__ import annotations

from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA


def person(user_name: str, email: str | None = None, **attributes: object) -> Json:
    """Somebody whose userName is the e-mail address, too, unless another one is given."""
    return {
        "schemas": [USER_SCHEMA],
        "userName": user_name,
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": email or user_name, "type": "work"}],
        "active": True,
        **attributes,
    }


def group(name: str, *members: str) -> Json:
    return {
        "schemas": [GROUP_SCHEMA],
        "displayName": name,
        "members": [{"value": member, "display": None} for member in members],
    }


def patch(*operations: Json) -> Json:
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def add_members(*members: str) -> Json:
    return patch({"op": "add", "path": "members", "value": [{"value": key} for key in members]})
