"""The people and the groups that every server has, by number. Knows neither Django nor a server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

# Who is in groups, and who is in none and is added to some.
PEOPLE = range(10_000)
OUTSIDERS = range(10_000, 10_500)
# Who comes later, so that a group can have 100,000 members.
MORE_PEOPLE = range(10_500, 100_500)

# The number of the person, and of the group, whose rows are copied for all others.
PROTOTYPE = 9_999_999
DIGITS = len(str(PROTOTYPE))
# Primary keys of rows that are copied: beyond those that the database gives meanwhile.
FIRST_KEY = 1_000_000

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass(frozen=True)
class Group:
    """A group.

    Args:
        number: of the group.
        members: the numbers of the people in it, one after another.
        more: the numbers of others.
    """

    number: int
    members: range
    more: range = range(0)

    @property
    def size(self) -> int:
        return len(self.members) + len(self.more)


def _groups(size: int, first: int) -> list[Group]:
    """Groups of one size that have all people up to a hundred groups."""
    starts = PEOPLE[: 100 * size : size]
    return [Group(first + index, range(start, start + size)) for index, start in enumerate(starts)]


# A hundred groups of 10, ten of 1,000 and one of 10,000: everybody is in two or three.
GROUPS = [*_groups(10, 0), *_groups(1_000, 100), *_groups(10_000, 110)]
LARGE_GROUP = Group(111, PEOPLE, MORE_PEOPLE)


def groups_of(size: int) -> list[Group]:
    """The groups with this many members."""
    return [group for group in [*GROUPS, LARGE_GROUP] if group.size == size]


def padded(number: int) -> str:
    """The number as it stands in names: always as long."""
    return f"{number:0{DIGITS}}"


def user_name(number: int) -> str:
    return f"person{padded(number)}@example.com"


def group_name(number: int) -> str:
    return f"Group {padded(number)}"


def uuid_of(kind: str, number: int) -> UUID:
    """The id of the user or group with a number, as `md5('user' || number)::uuid` in SQL."""
    return UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def person(number: int, name: str = "", family_name: str = "") -> dict[str, object]:
    """What Okta pushes of a person.

    Args:
        name: the userName, if it is not the one that the person has by number.
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
