"""What identity providers send, drawn by Hypothesis: bodies, and PATCH operations in every shape.

An operation knows what it means: a change of a flat document, or of members (see `model`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st

from tests.wire.client import CORE_USER, NOBODY

from .model import Kind, MemberChange, Refused
from .rows import ACCESS, ADMIN, NUMBER, Address, Document, nested

Operation = dict[str, Any]

user_names = st.sampled_from(["ann", "Ann", "bob", "BOB", "cat"])
group_names = st.sampled_from(["Sales", "SALES", "Ops", "Field"])
email_values = st.sampled_from(["a@x.example", "A@x.example", "b@x.example"])
email_types = st.sampled_from(["work", "home"])
some_addresses: st.SearchStrategy[list[Address]] = st.lists(
    st.fixed_dictionaries(
        {"value": email_values, "type": email_types}, optional={"primary": st.booleans()}
    ),
    max_size=3,
)
addresses = some_addresses.filter(lambda sent: sum(bool(a.get("primary")) for a in sent) <= 1)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "externalId": st.sampled_from(["00u1", "00u2"]),
    "title": st.sampled_from(["Boss", "Guide", ""]),
    "name.givenName": st.sampled_from(["Ann", "Bo", ""]),
    "name.familyName": st.sampled_from(["Angel", "Bach"]),
    NUMBER: st.sampled_from(["7", "8"]),
    "active": st.booleans(),
    ADMIN: st.booleans(),
    "emails": addresses,
}
# The body of a POST or PUT; None is sent as null.
documents = st.fixed_dictionaries(
    {"userName": user_names},
    optional={name: st.none() | values for name, values in VALUES.items()},
)


class Edit(Protocol):
    """One operation of the PATCH of a User."""

    @property
    def operation(self) -> Operation:
        """What is sent."""

    def __call__(self, document: Document) -> None:
        """What it means.

        Raises:
            Refused: it cannot be carried out.
        """


def as_entra(value: object) -> object:
    """Entra ID sends "True" and "False"."""
    return str(value) if isinstance(value, bool) else value


def in_full(name: str) -> str:
    """A name with its URN: RFC 7644 section 3.10."""
    return name if name.startswith("urn:") else f"{CORE_USER}:{name}"


FORMS: dict[str, Callable[[str, Any], Operation]] = {
    "path": lambda name, value: {"op": "replace", "path": name, "value": value},
    "Entra": lambda name, value: {"op": "Replace", "path": name, "value": as_entra(value)},
    "URN": lambda name, value: {"op": "REPLACE", "path": in_full(name).upper(), "value": value},
    "no path": lambda name, value: {"op": "replace", "value": nested({name: value})},
    "a name as key": lambda name, value: {"op": "Replace", "value": {name: as_entra(value)}},
    "a URN as key": lambda name, value: {"op": "replace", "value": {in_full(name): value}},
}
PATHLESS = {"no path", "a name as key", "a URN as key"}


@dataclass(frozen=True)
class SetValue:
    """Give one attribute another value, or none by null."""

    name: str
    value: Any
    form: str

    @property
    def operation(self) -> Operation:
        return FORMS[self.form](self.name, self.value)

    def __call__(self, document: Document) -> None:
        if self.value is not None:
            document[self.name] = deepcopy(self.value)
        elif self.name not in ACCESS or self.form not in PATHLESS:
            document.pop(self.name, None)


@dataclass(frozen=True)
class Remove:
    """Remove one attribute."""

    name: str

    @property
    def operation(self) -> Operation:
        return {"op": "Remove", "path": self.name}

    def __call__(self, document: Document) -> None:
        document.pop(self.name, None)


@dataclass(frozen=True)
class AddAddresses:
    """Add addresses; one that has the same value and type takes up what is new."""

    addresses: list[Address]

    @property
    def operation(self) -> Operation:
        return {"op": "Add", "path": "emails", "value": self.addresses}

    def __call__(self, document: Document) -> None:
        emails = document.setdefault("emails", [])
        written = []
        for added in self.addresses:
            address = next((a for a in emails if is_same(a, added)), None)
            if address is None:
                address = {}
                emails.append(address)
            address.update(added)
            written.append(address)
        keep_one_primary(emails, written)


@dataclass(frozen=True)
class SetInAddresses:
    """Change the addresses of a type, or make one where there is none."""

    type: str
    part: str
    value: Any
    op: str

    @property
    def operation(self) -> Operation:
        path = f'emails[type eq "{self.type}"].{self.part}'
        if self.op == "no path":
            return {"op": "Replace", "value": {path: self.value}}
        return {"op": self.op, "path": path, "value": self.value}

    def __call__(self, document: Document) -> None:
        emails = document.setdefault("emails", [])
        chosen = [address for address in emails if address.get("type") == self.type]
        if not chosen:
            chosen = [{"type": self.type}]
            emails += chosen
        for address in chosen:
            address[self.part] = self.value
        keep_one_primary(emails, chosen)


@dataclass(frozen=True)
class RemoveAddresses:
    """Remove the addresses of a type or with a value, or a part of each."""

    name: str
    value: str
    part: str

    @property
    def operation(self) -> Operation:
        path = f'emails[{self.name} eq "{self.value}"]'
        return {"op": "remove", "path": f"{path}.{self.part}" if self.part else path}

    def __call__(self, document: Document) -> None:
        emails = document.get("emails", [])
        for address in [a for a in emails if a.get(self.name, "").lower() == self.value.lower()]:
            if self.part:
                address.pop(self.part, None)
            else:
                emails.remove(address)


class RemoveListedAddresses(RemoveAddresses):
    """The same, as Entra ID says it of members."""

    @property
    def operation(self) -> Operation:
        return {"op": "Remove", "path": "emails", "value": [{self.name: self.value}]}


def is_same(address: Address, other: Address) -> bool:
    """Whether two addresses are one, since they have the same value and type."""
    same_value = address.get("value", "").lower() == other.get("value", "").lower()
    return same_value and address.get("type") == other.get("type")


def keep_one_primary(emails: list[Address], written: list[Address]) -> None:
    """Where one of those just written is primary, no other is."""
    primaries = {id(address) for address in written if address.get("primary")}
    if len(primaries) > 1:
        raise Refused(400)
    for address in emails:
        if primaries and address.get("primary") and id(address) not in primaries:
            address["primary"] = False


def _edits() -> Iterator[st.SearchStrategy[Edit]]:
    forms = st.sampled_from(list(FORMS))
    yield st.builds(SetValue, st.just("userName"), user_names, forms)
    for name, values in VALUES.items():
        yield st.builds(SetValue, st.just(name), st.none() | values, forms)
    yield st.builds(Remove, st.sampled_from(list(VALUES)))
    yield st.builds(AddAddresses, addresses)
    ops = st.sampled_from(["Add", "Replace", "no path"])
    yield st.builds(SetInAddresses, email_types, st.just("value"), email_values, ops)
    yield st.builds(SetInAddresses, email_types, st.just("display"), st.just("Desk"), ops)
    yield st.builds(SetInAddresses, email_types, st.just("primary"), st.booleans(), ops)
    parts = st.sampled_from(["", "value", "display"])
    yield st.builds(RemoveAddresses, st.just("type"), email_types, parts)
    yield st.builds(RemoveAddresses, st.just("value"), email_values, parts)
    yield st.builds(RemoveListedAddresses, st.just("value"), email_values, st.just(""))


edits = st.lists(st.one_of(*_edits()), min_size=1, max_size=3)


REMOVE_ALL: Operation = {"op": "remove", "path": "members"}
# Operations on members: what kind of change each is, and how it is said of some elements.
MEMBER_FORMS: dict[str, tuple[Kind, Callable[[list[Document]], Operation]]] = {
    "Okta adds": ("add", lambda sent: on_members("add", sent)),
    "Entra adds": ("add", lambda sent: on_members("Add", [{"$ref": None, **m} for m in sent])),
    "added without a path": ("add", lambda sent: {"op": "add", "value": {"members": sent}}),
    "Okta removes": ("remove", lambda sent: {"op": "remove", "path": f"members[{naming(sent)}]"}),
    "Entra removes": ("remove", lambda sent: on_members("Remove", sent)),
    "Push Now": ("replace", lambda sent: on_members("replace", sent) if sent else REMOVE_ALL),
    "Push Now without a path": (
        "replace",
        lambda sent: {"op": "replace", "value": {"id": NOBODY, "members": sent}},
    ),
}


def on_members(op: str, value: list[Document]) -> Operation:
    return {"op": op, "path": "members", "value": value}


def naming(members: list[Document]) -> str:
    """A filter that names members."""
    keys = [member["value"] for member in members] or [NOBODY]
    return " or ".join(f'value eq "{key}"' for key in keys)


@dataclass(frozen=True)
class MemberEdit:
    """An operation on members.

    Args:
        people: positions in what the provider knows.
        display: the name to show that is sent along.
    """

    form: str
    people: list[int]
    display: str | None

    def operation(self, keys: list[str]) -> Operation:
        sent = [{"value": key, "display": self.display} for key in keys]
        return MEMBER_FORMS[self.form][1](sent)

    def change(self, keys: list[str]) -> MemberChange:
        return MemberChange(MEMBER_FORMS[self.form][0], keys, self.display)


positions = st.integers(0, 6)
some_people = st.lists(positions, max_size=3, unique=True)
displays = st.sampled_from([None, "ann", "Somebody"])
member_edits = st.lists(
    st.builds(MemberEdit, st.sampled_from(list(MEMBER_FORMS)), some_people, displays), max_size=3
)
