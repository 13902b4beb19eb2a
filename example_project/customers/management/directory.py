"""Small directories of people and groups, and the requests that push them as Okta does."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, TILED_SCHEMA, USER_SCHEMA
from tiled_scim.provider_check.session import Session, replace


@dataclass(frozen=True)
class Person:
    given_name: str
    family_name: str
    domain: str
    title: str
    is_tiled_admin: bool = False
    has_left: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def user_name(self) -> str:
        return f"{self.given_name}.{self.family_name}@{self.domain}".lower()


@dataclass(frozen=True)
class Directory:
    """The people and groups of a company, as they are in its Okta."""

    people: tuple[Person, ...]
    groups: dict[str, tuple[Person, ...]]


def push(okta: Session, directory: Directory) -> Iterator[str]:
    """Assign the people, push the groups, and unassign people who have left.

    Yields:
        A line for each action.

    Raises:
        MismatchError: A response is not what Okta needs.
        UnreachableError: There was no complete response.
    """
    ids = {}
    for person in directory.people:
        ids[person] = _assign(okta, person)
        role = ", as a Tiled Admin" if person.is_tiled_admin else ""
        yield f"assigned {person.full_name}{role}"
    for name, people in directory.groups.items():
        members = [{"value": ids[person], "display": person.user_name} for person in people]
        _push_group(okta, name, members)
        yield f"pushed the group {name}: {', '.join(person.full_name for person in people)}"
    for person in directory.people:
        if person.has_left:
            okta.patch(f"/Users/{ids[person]}", replace({"active": False}))
            yield f"unassigned {person.full_name}, who has left"


def _assign(okta: Session, person: Person) -> str:
    """Create or update a user, and return its id."""
    body = _user(person)
    found = okta.look_up("/Users", "userName", person.user_name)
    if found and found["active"]:
        user = okta.resource(okta.send("PUT", f"/Users/{found['id']}", found | body), "/Users")
    else:
        body["password"] = secrets.token_urlsafe(18)  # Okta sends a random one
        user = okta.resource(okta.send("POST", "/Users", body), "/Users", {201})
    return str(user["id"])


def _push_group(okta: Session, name: str, members: list[Json]) -> None:
    """Create an empty group if it does not exist, then push its members."""
    found = okta.look_up("/Groups", "displayName", name)
    if found is None:
        body = {"schemas": [GROUP_SCHEMA], "displayName": name, "members": []}
        found = okta.resource(okta.send("POST", "/Groups", body), "/Groups", {201})
    okta.patch(f"/Groups/{found['id']}", replace(members, "members"))


def _user(person: Person) -> Json:
    return {
        "schemas": [USER_SCHEMA, TILED_SCHEMA],
        "userName": person.user_name,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "displayName": person.full_name,
        "title": person.title,
        "emails": [{"primary": True, "value": person.user_name, "type": "work"}],
        "locale": "en-US",
        "groups": [],
        "active": True,
        TILED_SCHEMA: {"tiledAdmin": person.is_tiled_admin},
    }
