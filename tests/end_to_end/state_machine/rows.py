"""What the model is made of: users and Libraries of the host, and people and groups of SCIM.

Documents are flat here: whole attribute names, with their values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.wire.client import ENTERPRISE_USER, TILED_USER

Document = dict[str, Any]
Address = dict[str, Any]

ADMIN = f"{TILED_USER}:tiledAdmin"
NUMBER = f"{ENTERPRISE_USER}:employeeNumber"

# Who has access changes only when a client says so.
ACCESS = {"active": "is_active", ADMIN: "is_staff"}
NAMES = {"name.givenName": "first_name", "name.familyName": "last_name"}
# What only SCIM has a place for.
KEPT = ["externalId", "title", NUMBER]


@dataclass(eq=False)
class HostUser:
    """A user of the host, with the names of its fields."""

    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False


@dataclass(eq=False)
class Library:
    """A Library of the host, and who may open it."""

    name: str
    members: set[HostUser] = field(default_factory=set)


@dataclass(eq=False)
class Person:
    """Somebody whom the client pushed.

    Args:
        owns_name: false once another person took the name, which only happens when let go of.
        silent: the host's booleans that have no value, since no client gave one or since it was
            removed; another value than this one was given by people, and counts.
        addresses: as they were sent; the host has the value of the main one.
    """

    user: HostUser
    name: str
    is_live: bool = False
    owns_name: bool = True
    kept: Document = field(default_factory=dict)
    silent: dict[str, bool] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)

    @property
    def main_address(self) -> Address:
        """The primary one, else the first for work, else the first, of those with a value."""
        ranks = [
            ("value" not in a, not a.get("primary"), a.get("type") != "work")
            for a in self.addresses
        ]
        return self.addresses[ranks.index(min(ranks))]

    def document(self) -> Document:
        """What SCIM shows; the groups are the model's to tell."""
        document = {"userName": self.name, **self.kept, "emails": self._emails()}
        for name, column in {**NAMES, **ACCESS}.items():
            if getattr(self.user, column) is not self.silent.get(name):
                document[name] = getattr(self.user, column)
        no_value = {"emails": [], "externalId": "", **dict.fromkeys(NAMES, "")}
        return {name: value for name, value in document.items() if value != no_value.get(name)}

    def _emails(self) -> list[Address]:
        main = self.main_address
        shown = [{**a, "value": self.user.email} if a is main else dict(a) for a in self.addresses]
        return [address for address in shown if address.get("value") != ""]

    def take(self, document: Document, *, is_patched: bool, is_new: bool) -> None:
        """Be what the document says.

        Args:
            is_patched: whether a boolean that is absent was removed, and not just not named.
            is_new: whether what is absent may be known to the host all the same.
        """
        self.kept = {name: document[name] for name in KEPT if name in document}
        for name, column in NAMES.items():
            known = getattr(self.user, column) if is_new else ""
            setattr(self.user, column, document.get(name) or known)
        for name, column in ACCESS.items():
            if name in document:
                if not self._is_by_hand(name, document[name]):
                    self.silent.pop(name, None)
                setattr(self.user, column, document[name])
            elif is_patched:
                # Who is to lose access must be told so; what Tiled Admin gave ends with it.
                self.user.is_staff = self.user.is_staff and name != ADMIN
                self.silent[name] = getattr(self.user, column)
        self.addresses = [dict(a) for a in document.get("emails", []) if a]
        if not any("value" in a for a in self.addresses):
            has_primary = any(a.get("primary") for a in self.addresses)
            self.addresses.append({"value": ""} if has_primary else {"primary": True, "value": ""})
        known = self.user.email if is_new else ""
        self.user.email = known or self.main_address["value"]  # people gave it, so it stays

    def _is_by_hand(self, name: str, value: bool) -> bool:
        """Whether this is what people gave instead of no value: to send it back is nothing new."""
        is_shown = getattr(self.user, ACCESS[name]) is value
        return is_shown and self.silent.get(name) is (not value)


@dataclass
class Member:
    """Somebody in a group; the access may be SCIM's, or have been there before."""

    display: str
    is_granted: bool


@dataclass(eq=False)
class Group:
    """A group that the client pushed; people may have deleted its Library."""

    name: str
    library: Library | None = None
    is_linked: bool = False
    owns_name: bool = True
    members: dict[Person, Member] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        return self.is_linked and self.library is not None

    @property
    def open_to(self) -> set[HostUser]:
        """Who may open the Library."""
        assert self.library is not None
        return self.library.members

    def admit(self, person: Person, display: str | None) -> None:
        """Add a member, and give access if it is missing."""
        is_missing = person.user not in self.open_to
        self.open_to.add(person.user)
        member = self.members.setdefault(person, Member(person.name, is_missing))
        member.display = display or member.display
        member.is_granted |= is_missing

    def lose(self, person: Person) -> None:
        """End a membership, and the access that it gave."""
        member = self.members.pop(person, None)
        if member and member.is_granted:
            self.open_to.discard(person.user)


def nested(document: Document) -> Document:
    """The JSON that a flat document stands for."""
    result: Document = {}
    for name, value in document.items():
        urn, _, attribute = name.rpartition(":")
        *parents, leaf = [*filter(None, [urn]), *attribute.split(".")]
        target = result
        for parent in parents:
            target = target.setdefault(parent, {})
        target[leaf] = value
    return result
