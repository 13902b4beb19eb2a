"""The users and groups of all servers, by number. Imports no Django."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

# Users with groups, and users without groups that are added to some.
PEOPLE = range(10_000)
OUTSIDERS = range(10_000, 10_500)
# Users that are created later, for the group of 100,000 members.
MORE_PEOPLE = range(10_500, 100_500)

# The number of the user and the group whose rows are copied for all others.
PROTOTYPE = 9_999_999
DIGITS = len(str(PROTOTYPE))
# The first primary key of copied rows, above those that the database generates.
FIRST_KEY = 1_000_000

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass(frozen=True)
class Group:
    """A group.

    Args:
        number: the number of the group.
        members: the numbers of its members.
        more: the numbers of further members.
    """

    number: int
    members: range
    more: range = range(0)

    @property
    def size(self) -> int:
        return len(self.members) + len(self.more)


def _groups(size: int, first: int) -> list[Group]:
    """Return up to a hundred groups of a size, which share no members."""
    starts = PEOPLE[: 100 * size : size]
    return [Group(first + index, range(start, start + size)) for index, start in enumerate(starts)]


# 100 groups of 10, 10 of 1,000 and one of 10,000: each user is in two or three.
GROUPS = [*_groups(10, 0), *_groups(1_000, 100), *_groups(10_000, 110)]
LARGE_GROUP = Group(111, PEOPLE, MORE_PEOPLE)


def groups_of(size: int) -> list[Group]:
    """Return the groups with this number of members."""
    return [group for group in [*GROUPS, LARGE_GROUP] if group.size == size]


def padded(number: int) -> str:
    """Return a number as it is used in names, with a fixed length."""
    return f"{number:0{DIGITS}}"


def user_name(number: int) -> str:
    return f"person{padded(number)}@example.com"


def group_name(number: int) -> str:
    return f"Group {padded(number)}"


def uuid_of(kind: str, number: int) -> UUID:
    """Return the id of a user or group, which is `md5('user' || number)::uuid` in SQL."""
    return UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def person(number: int, name: str = "", family_name: str = "") -> dict[str, object]:
    """Return a user as Okta sends it.

    Args:
        name: the userName, by default that of the number.
        family_name: the family name, by default that of the number.
    """
    name = name or user_name(number)
    given, family = f"Given{padded(number)}", family_name or f"Family{padded(number)}"
    return {
        "schemas": [USER_SCHEMA],
        "userName": name,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": f"{given} {family}",
        "locale": "en-US",
        "externalId": f"00u{padded(number)}",
        "active": True,
    }
