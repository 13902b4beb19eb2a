"""The form of a published PATCH: what a user is before and after, or the error.

Attributes of RFC 7643 take the place of those that the others have of their own. Where they differ
from each other, RFC 7644 decides, and docs/protocol.md where it is silent. A path that is broken in
or behind its brackets is `invalidFilter` here, and `invalidPath` in Ping's SDK.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Document = dict[str, Any]


class Patch(NamedTuple):
    """One case.

    Args:
        before: The attributes of the user, without its userName.
        operations: What is sent.
        changes: The attributes that are different afterwards. None stands for those that are gone.
    """

    before: Document
    operations: list[Document]
    changes: Document


class Refused(NamedTuple):
    """A PATCH that gets a 400, and changes nothing."""

    before: Document
    operations: list[Document]
    scim_type: str


def add(path: str | None, value: object) -> Document:
    return {"op": "add", "value": value} | ({"path": path} if path is not None else {})


def replace(path: str | None, value: object) -> Document:
    return add(path, value) | {"op": "replace"}


def remove(path: str) -> Document:
    return {"op": "remove", "path": path}
