"""The roles that groups can give, and those that clients send in the attribute `roles` of users."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tiled_scim.errors import Cause, invalid_value
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import TILED_ADMIN
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.grammar import quoted
from tiled_scim.words import words


def gives_admin(adapter: HostAdapter) -> bool:
    """Return whether Tiled Admin is one more thing that a group can give, and no role."""
    has_field = TILED_ADMIN in adapter.user_fields or TILED_ADMIN in adapter.membership_fields
    return has_field and bool(adapter.roles()) and not adapter.admin_roles()


def role_labels(adapter: HostAdapter) -> dict[str, str]:
    """Return the labels of what a group can give in place of a Library, by key."""
    labels = dict(adapter.roles())
    return {**labels, TILED_ADMIN: words()["admin"]} if gives_admin(adapter) else labels


class RoleKeys:
    """The keys of the roles that clients send in the attribute `roles` of users.

    Args:
        adapter: The host adapter for the account.
    """

    def __init__(self, adapter: HostAdapter) -> None:
        self.roles = adapter.roles()
        self._by_folded_key = {key.lower(): key for key in self.roles}

    def known(self, document: Mapping[str, Any]) -> list[str]:
        """Return the keys of the known roles of a user."""
        found = map(self.key, _values(document))
        return [key for key in found if key is not None]

    def check(self, before: Document, document: Document) -> None:
        """Refuse new values that are no roles.

        Stored values may have become unknown. They have no effect, and are no error, because they
        must not keep a client from deactivating the user.

        Raises:
            ScimError: 400 invalidValue.
        """
        if not self.roles:
            return
        known_before = set(_values(before))
        new = [value for value in _values(document) if value not in known_before]
        unknown = [value for value in new if self.key(value) is None]
        if unknown:
            known = ", ".join(quoted(key) for key in self.roles)
            raise invalid_value(
                f"roles: there is no role {quoted(unknown[0])}. The roles are {known}.",
                Cause.UNKNOWN_ROLE,
            )

    def key(self, value: str) -> str | None:
        """Return the key of the role with this value, ignoring case, or None."""
        value = _plain(value)
        return value if value in self.roles else self._by_folded_key.get(value.lower())


def _values(document: Mapping[str, Any]) -> list[str]:
    values = (element.get("value") for element in document.get("roles", ()))
    return [str(value) for value in values if value]


def _plain(value: str) -> str:
    """Return the value of a role. Entra may send its app role as JSON in a string."""
    if not value.startswith("{"):
        return value
    try:
        return str(json.loads(value).get("value", value))
    except (ValueError, RecursionError):
        return value
