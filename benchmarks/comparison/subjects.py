"""The servers that are compared, and the form in which each supports requests."""

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
        name: its name on the command line and in the report.
        package: the Python package with its `settings` and `populate` modules.
        rows: the name of its data; servers with the same name share it.
        base: the path of its SCIM base URL.
        distribution: its name on PyPI, or an empty string for code in this repository.
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
        """Return the body of a PATCH that sets `active`, as Okta sends it."""
        return patch({"op": "replace", "value": {"active": value}})

    def member(self, number: int) -> dict[str, str]:
        return {"value": self.user_id(number)}

    def add(self, numbers: Iterable[int]) -> dict[str, Any]:
        """Return an operation that adds members to a group."""
        return {"op": "add", "path": "members", "value": [self.member(n) for n in numbers]}

    def remove(self, numbers: Iterable[int]) -> dict[str, Any]:
        """Return an operation that removes members from a group."""
        return {"op": "remove", "path": "members", "value": [self.member(n) for n in numbers]}

    def remove_one(self, number: int) -> dict[str, Any]:
        """Return an operation that removes one member, as Okta sends it."""
        return {"op": "remove", "path": f'members[value eq "{self.user_id(number)}"]'}

    def replace(self, numbers: Iterable[int]) -> dict[str, Any]:
        """Return an operation that replaces all members, as Okta's Push Now sends it."""
        return {"op": "replace", "path": "members", "value": [self.member(n) for n in numbers]}


class NumberedSubject(Subject):
    """A server that uses primary keys as ids, and does not support paths with filters."""

    def user_id(self, number: int) -> str:
        return str(FIRST_KEY + number)

    def group_id(self, number: int) -> str:
        return str(FIRST_KEY + number)

    def remove_one(self, number: int) -> dict[str, Any]:
        return self.remove([number])


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a PATCH."""
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
