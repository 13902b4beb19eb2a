"""The servers that are compared: how each is started, and how each wants its requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .dataset import FIRST_KEY, uuid_of

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Subject:
    """A server.

    Args:
        name: as the command line and the report have it.
        package: the Python package with its settings and its `populate`.
        rows: what its rows are; servers with the same have the same.
        base: the path of its SCIM base URL.
        distribution: its name on PyPI; empty for what is here.
    """

    name: str
    package: str
    rows: str
    base: str = "/scim/v2"
    distribution: str = ""

    def user_id(self, number: int) -> str:
        return str(uuid_of("user", number))

    def group_id(self, number: int) -> str:
        return str(uuid_of("group", number))

    def active(self, value: bool) -> dict[str, Any]:
        """A PATCH that activates or deactivates a user, as Okta sends it."""
        return patch({"op": "replace", "value": {"active": value}})

    def member(self, number: int) -> dict[str, str]:
        return {"value": self.user_id(number)}

    def add(self, numbers: Iterable[int]) -> dict[str, Any]:
        """An operation that makes users members of a group."""
        return {"op": "add", "path": "members", "value": [self.member(n) for n in numbers]}

    def remove(self, numbers: Iterable[int]) -> dict[str, Any]:
        """An operation that removes members from a group."""
        return {"op": "remove", "path": "members", "value": [self.member(n) for n in numbers]}

    def remove_one(self, number: int) -> dict[str, Any]:
        """An operation that removes one member, as Okta sends it."""
        return {"op": "remove", "path": f'members[value eq "{self.user_id(number)}"]'}

    def replace(self, numbers: Iterable[int]) -> dict[str, Any]:
        """An operation that replaces all members: Okta's Push Now."""
        return {"op": "replace", "path": "members", "value": [self.member(n) for n in numbers]}


class NumberedSubject(Subject):
    """A server whose ids are the host's primary keys, and that knows no path with a filter."""

    def user_id(self, number: int) -> str:
        return str(FIRST_KEY + number)

    def group_id(self, number: int) -> str:
        return str(FIRST_KEY + number)

    def remove_one(self, number: int) -> dict[str, Any]:
        return self.remove([number])


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """The body of a PATCH."""
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


FLOOR = Subject("floor", "benchmarks.floor", "tiled_scim", "/floor")
TILED_SCIM = Subject("tiled_scim", "benchmarks.floor", "tiled_scim")
DJANGO_SCIM2 = NumberedSubject(
    "django-scim2",
    "benchmarks.peers.django_scim2",
    "django-scim2",
    distribution="django-scim2",
)
DJANGO_SCIM2_SERVER = Subject(
    "django-scim2-server",
    "benchmarks.peers.django_scim2_server",
    "django-scim2-server",
    distribution="django-scim2-server",
)
SUBJECTS = (FLOOR, TILED_SCIM, DJANGO_SCIM2, DJANGO_SCIM2_SERVER)
