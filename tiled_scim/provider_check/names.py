"""The names of the test users and the test group, of their own for each account of a server."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

_PLAIN_KEY = re.compile(r"[a-z0-9-]{1,40}")
_KEY_LENGTH = 20


@dataclass(frozen=True)
class Names:
    """What a run creates, by name.

    Args:
        user: The userName and email address of the test user.
        group: The displayName of the test group.
        renamed_group: The displayName that the test group has for a while.
        colleagues: The userNames of two other users, as managers and as members of the group.
    """

    user: str
    group: str
    renamed_group: str
    colleagues: tuple[str, str]

    @property
    def groups(self) -> tuple[str, str]:
        return self.group, self.renamed_group

    @property
    def disabled_user(self) -> str:
        """Return the userName of the test user while it is disabled.

        Entra may put the object id of a person in front.
        """
        return external_id(self.user).replace("-", "") + self.user

    def is_user(self, user_name: str) -> bool:
        """Return whether this is the userName of the test user, in any letter case."""
        return user_name.lower() == self.user.lower()


def names_for(account: str = "", user: str = "") -> Names:
    """Return the names for one account.

    Accounts have names of their own, because usernames and names of groups may be unique among all
    accounts of a server.

    Args:
        account: The key of the account. It is empty if the server has only one.
        user: The userName of the test user, instead of one that is made from the account.
    """
    key = _as_name(account or user)
    local_part = f"tiled-scim-check-{key}" if key else "tiled-scim-check"
    words = f"Tiled SCIM Check {key}" if key else "Tiled SCIM Check"
    return Names(
        user=user or f"{local_part}@example.com",
        group=f"{words} (safe to delete)",
        renamed_group=f"{words} & Co. (safe to delete)",
        # No key has a dot, so that no other account has these names.
        colleagues=(f"{local_part}.1@example.com", f"{local_part}.2@example.com"),
    )


def external_id(name: str) -> str:
    """Return the object id of a test user or group in the directory."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _as_name(key: str) -> str:
    """Return a key as a part of an email address. Different keys have different ones."""
    if not key or _PLAIN_KEY.fullmatch(key):
        return key
    words = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:_KEY_LENGTH].strip("-")
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{words}-{digest}" if words else digest
