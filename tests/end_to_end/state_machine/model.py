"""A model of the server and its host, in memory: what a request should come to.

It says what docs/design.md and docs/protocol.md say, with none of the server's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from tests.wire.client import CORE_GROUP, CORE_USER, ENTERPRISE_USER, TILED_USER

from .rows import ADMIN, Document, Group, HostUser, Library, Person, nested

# A change of a document; raises Refused where it cannot be carried out.
Edit = Callable[[Document], None]
Kind = Literal["add", "remove", "replace"]

Row = TypeVar("Row", Person, Group)


class Refused(Exception):  # noqa: N818 (it is an answer)
    """The server should refuse, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class MemberChange:
    """One operation on members: their ids, and the name to show of each that was sent along."""

    kind: Kind
    keys: list[str]
    display: str | None = None


class Model:
    """The server and its host."""

    def __init__(self) -> None:
        self.users: list[HostUser] = []
        self.libraries: list[Library] = []
        # By id, in order of creation.
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}

    # People

    def create_person(self, document: Document) -> Person:
        """POST of a user who is new, exists in the host, or is inactive or unlinked."""
        name = document["userName"]
        person = _owner(self.people, name) or self._of_host(name)
        if (person.is_live and person.user.is_active) or person.user.is_superuser:
            raise Refused(409)
        if person.user.is_staff and not person.is_live:
            raise Refused(409)  # people gave it, and not SCIM
        is_new = person not in self.people.values()
        self._write(person, {"active": True, **document}, is_patched=False, is_new=is_new)
        person.is_live = True
        if person.user not in self.users:
            self.users.append(person.user)
        return person

    def _of_host(self, name: str) -> Person:
        users = [user for user in self.users if user.username.lower() == name.lower()]
        if len(users) > 1:
            raise Refused(409)
        user = users[0] if users else HostUser(name)
        for person in self.people.values():
            if person.user is user:
                if person.is_live and user.is_active:
                    raise Refused(409)  # SCIM manages that user by another name
                return person
        return Person(user, name, silent={ADMIN: False})

    def replace_person(self, key: str, document: Document, *, is_current: bool) -> None:
        """PUT."""
        self._write(self._changeable(key, is_current), document, is_patched=False)

    def patch_person(self, key: str, edits: Iterable[Edit], *, is_current: bool) -> None:
        """PATCH."""
        person = self._changeable(key, is_current)
        document = person.document()
        for edit in edits:
            edit(document)
        self._write(person, document, is_patched=True)

    def delete_person(self, key: str, *, is_current: bool) -> None:
        """DELETE: nothing that SCIM gave is left."""
        person = self._changeable(key, is_current)
        self._check_admin_stays(person.user, is_active=False, is_staff=False)
        for group in self.groups.values():
            if group.is_live:
                group.lose(person)
        person.is_live = person.user.is_active = person.user.is_staff = False

    def _changeable(self, key: str, is_current: bool) -> Person:
        person = _live(self.people, key, is_current)
        if person.user.is_superuser:
            raise Refused(403)
        return person

    def _write(
        self, person: Person, document: Document, *, is_patched: bool, is_new: bool = False
    ) -> None:
        user = person.user
        self._check_admin_stays(
            user,
            is_active=document.get("active", user.is_active),
            is_staff=document.get(ADMIN, user.is_staff and not is_patched),
        )
        if document["userName"] != person.name or not person.owns_name:
            self._rename(person, document["userName"])
        person.take(document, is_patched=is_patched, is_new=is_new)

    def _check_admin_stays(self, user: HostUser, *, is_active: bool, is_staff: bool) -> None:
        """SCIM does not remove the last administrator."""
        was_admin, is_admin = user.is_active and user.is_staff, is_active and is_staff
        others = (u for u in self.users if u is not user and u.is_active)
        if was_admin and not (is_admin or any(u.is_staff or u.is_superuser for u in others)):
            raise Refused(403)

    def _rename(self, person: Person, name: str) -> None:
        """Take a name; the host's follows, unless it was another one already."""
        user, old_name = person.user, person.name
        _check_free(self.people, person, name)
        others = {other.username.lower() for other in self.users if other is not user}
        if name.lower() != old_name.lower() and name.lower() in others:
            raise Refused(409)
        if user.username.lower() == old_name.lower():
            user.username = name
        _take_name(self.people, person, name)
        for group in self.groups.values():
            member = group.members.get(person)
            if member and member.display == old_name:
                member.display = name

    # Groups

    def create_group(self, name: str, members: list[MemberChange]) -> Group:
        """POST of a group: with a new Library, or the one that it had when it was unlinked."""
        group = _owner(self.groups, name) or Group(name)
        if group.is_live:
            raise Refused(409)
        if group.library is None:
            group.library = Library(name)
            group.members = {}
            self.libraries.append(group.library)
        group.is_linked = True
        self._rename_group(group, name)
        self._change_members(group, members)
        return group

    def change_group(
        self, key: str, name: str | None, members: list[MemberChange], *, is_current: bool
    ) -> None:
        """PUT and PATCH; without a name it stays as it is."""
        group = _live(self.groups, key, is_current)
        if name is not None and name != group.name:
            _check_free(self.groups, group, name)
        self._check_somebody_is_known(members)
        if name is not None and name != group.name:
            self._rename_group(group, name)
        self._change_members(group, members)

    def delete_group(self, key: str, *, is_current: bool) -> None:
        """DELETE: the members lose what the group gave; the Library stays."""
        group = _live(self.groups, key, is_current)
        for person in list(group.members):
            group.lose(person)
        group.is_linked = False

    def _rename_group(self, group: Group, name: str) -> None:
        """Take a name; the Library's follows, unless people gave it another one."""
        assert group.library is not None
        if group.library.name.lower() == group.name.lower():
            group.library.name = name
        _take_name(self.groups, group, name)

    def _check_somebody_is_known(self, changes: list[MemberChange]) -> None:
        """Refuse to overwrite the members if all new ones are unknown."""
        listed = set[str]()
        for change in changes:
            if change.kind == "replace":
                listed = set(change.keys)
            elif change.kind == "remove":
                listed -= set(change.keys)
        people = [self.people.get(key) for key in listed]
        if people and not any(person and person.is_live for person in people):
            raise Refused(400)

    def _change_members(self, group: Group, changes: list[MemberChange]) -> None:
        """All changes are one; who was named in it and is a member has access afterwards."""
        wanted, named = set(group.members), set[Person]()
        displays: dict[Person, str] = {}
        for change in changes:
            found = (self.people.get(key) for key in change.keys)
            people = {person for person in found if person is not None and person.is_live}
            come = set() if change.kind == "remove" else people
            gone = {"add": set(), "remove": people, "replace": wanted - people}[change.kind]
            wanted, named = (wanted - gone) | come, (named - gone) | come
            displays = {person: name for person, name in displays.items() if person not in gone}
            if change.display:
                displays |= dict.fromkeys(come, change.display)
        for person in set(group.members) - wanted:
            group.lose(person)
        for person in named:
            group.admit(person, displays.get(person))

    # By hand, in the host

    def delete_user(self, user: HostUser) -> None:
        self.users.remove(user)
        for library in self.libraries:
            library.members.discard(user)
        for key, person in list(self.people.items()):
            if person.user is user:
                del self.people[key]
                for group in self.groups.values():
                    group.members.pop(person, None)

    def delete_library(self, library: Library) -> None:
        self.libraries.remove(library)
        for group in self.groups.values():
            group.library = None if group.library is library else group.library

    # What SCIM shows

    def shown_people(self) -> dict[str, Document]:
        """Resources by id, without `meta` and `$ref`."""
        return {key: self._person(key) for key, person in self.people.items() if person.is_live}

    def _person(self, key: str) -> Document:
        person = self.people[key]
        document = nested(person.document())
        urns = [urn for urn in (ENTERPRISE_USER, TILED_USER) if urn in document]
        groups = [
            {"value": group_key, "display": group.name, "type": "direct"}
            for group_key, group in self.groups.items()
            if group.is_live and person in group.members
        ]
        shown_groups = {"groups": groups} if groups else {}
        return {"schemas": [CORE_USER, *urns], "id": key, **document, **shown_groups}

    def shown_groups(self) -> dict[str, Document]:
        """Resources by id, without `meta` and `$ref`."""
        keys = {person: key for key, person in self.people.items()}
        return {
            group_key: {
                "schemas": [CORE_GROUP],
                "id": group_key,
                "displayName": group.name,
                "members": [
                    {"value": keys[person], "display": member.display, "type": "User"}
                    for person, member in group.members.items()
                ],
            }
            for group_key, group in self.groups.items()
            if group.is_live
        }


def _owner(rows: dict[str, Row], name: str) -> Row | None:
    """Whose name this is, in any letter case, live or not."""
    owners = (row for row in rows.values() if row.owns_name)
    return next((row for row in owners if row.name.lower() == name.lower()), None)


def _live(rows: dict[str, Row], key: str, is_current: bool) -> Row:
    """What has this id and is managed; `is_current` is whether If-Match names its version."""
    row = rows.get(key)
    if row is None or not row.is_live:
        raise Refused(404)
    if not is_current:
        raise Refused(412)
    return row


def _check_free(rows: dict[str, Row], row: Row, name: str) -> None:
    owner = _owner(rows, name)
    if owner is not None and owner is not row and owner.is_live:
        raise Refused(409)


def _take_name(rows: dict[str, Row], row: Row, name: str) -> None:
    """Give a row a name. An unlinked row with the name gives it up."""
    owner = _owner(rows, name)
    if owner is not None:
        owner.owns_name = False
    row.owns_name, row.name = True, name
