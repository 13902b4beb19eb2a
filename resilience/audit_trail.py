"""Replay the events of all changes. They must lead to exactly the rows that exist.

This finds a change without its event, and an event without its change: the old values of each event
must be those that the events before it led to, each change increases the version of its resource by
one, and in the end all attributes, members and versions must match.

This is exact for what the scenarios send: one account, whose host users and Libraries nobody else
changes, no Tiled Admins, and not more members in one request than an event has names of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from resilience.state import CHANGES
from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import differences
from tiled_scim.host import adapter_class
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    LibraryGroupMember,
    ScimEvent,
    UserLink,
)
from tiled_scim.provisioning.documents import read_group
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.schemas import GROUP, RESOURCE_TYPES, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import host_fields

UNLINKING = {Action.USER_UNLINKED, Action.LIBRARY_UNLINKED}


@dataclass
class Resource:
    """A user or a group, as far as events tell.

    Args:
        attributes: The value of each attribute, in the form of events.
        version: The number of changes.
        is_live: Whether it has not been unlinked.
        members: The ids of a group's members.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    is_live: bool = True
    members: set[UUID | None] = field(default_factory=set)


def violations() -> Iterator[str]:
    """Describe what events and rows do not agree about."""
    trail = Trail()
    for event in ScimEvent.objects.filter(CHANGES).order_by("pk"):
        yield from trail.replay(event)
    for resource_type in RESOURCE_TYPES:
        yield from trail.compare(resource_type)


class Trail:
    """The resources of an account, as the events that were replayed so far tell."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[UUID, Resource]] = {USER.name: {}, GROUP.name: {}}
        self.names: dict[str, UUID] = {}

    @property
    def groups(self) -> dict[UUID, Resource]:
        return self.resources[GROUP.name]

    def replay(self, event: ScimEvent) -> Iterator[str]:
        """Apply an event, and describe what does not fit the events before it."""
        key = event.resource_id
        if key is None:
            yield f"The event “{event}” has no id."
            return
        resource = self.resources[event.resource_type].setdefault(key, Resource())
        resource.version += 1
        resource.is_live = event.action not in UNLINKING
        attributes = dict(event.changes.get("attributes", {}))
        if event.action == Action.USER_UNLINKED:
            yield from self._leave_groups(event, key, attributes.pop("groups", [""])[0])
            resource.attributes["active"] = False
        yield from _change(event, resource, attributes)
        yield from self._change_members(event, resource)
        if event.resource_type == USER.name:
            self._rename(key, attributes.get("userName"))

    def compare(self, resource_type: ResourceType) -> Iterator[str]:
        """Describe which rows of a kind differ from what the events lead to."""
        expected = self.resources[resource_type.name]
        found = dict(ROWS[resource_type.name]())
        for key in expected.keys() | found.keys():
            for name, (told, there) in _differing(expected.get(key), found.get(key)).items():
                yield (
                    f"The events of the {resource_type.name} {key} lead to the {name} {told}, but "
                    f"it has {there}."
                )

    def _leave_groups(self, event: ScimEvent, user: UUID, names: str) -> Iterator[str]:
        """A user who is unlinked leaves all groups; the event has their names."""
        groups = [group for group in self.groups.values() if user in group.members]
        left = {", ".join(group.attributes.get("displayName", [])) for group in groups}
        if left != set(filter(None, names.split(", "))):
            yield f"The event “{event}” is about the groups {names}, not {left}."
        for group in groups:
            group.members.discard(user)
            group.version += 1

    def _rename(self, user: UUID, names: list[str | None] | None) -> None:
        """Groups show the new name of a member."""
        if names is None:
            return
        old, new = names
        for group in self.groups.values():
            group.version += user in group.members
        if old is not None:
            self.names.pop(old, None)
        self.names[str(new)] = user

    def _change_members(self, event: ScimEvent, group: Resource) -> Iterator[str]:
        added = self._members(event.changes.get("added", {}))
        removed = self._members(event.changes.get("removed", {}))
        if not removed <= group.members:
            yield f"The event “{event}” removes people who were not members."
        group.members = group.members - removed | added

    def _members(self, members: Mapping[str, Any]) -> set[UUID | None]:
        """The ids of members whose names an event has; None for a name that no user had."""
        names = members.get("names", [])
        if len(names) != members.get("number", 0):
            raise ValueError(f"an event does not have all names: {members}")
        return {self.names.get(name) for name in names}


def _change(
    event: ScimEvent, resource: Resource, attributes: dict[str, list[Any]]
) -> Iterator[str]:
    for name, (old, new) in attributes.items():
        was = resource.attributes.pop(name, None)
        if was != _ordered(old):
            yield f"The event “{event}” changes {name} from {old} to {new}, but it was {was}."
        if new is not None:
            resource.attributes[name] = _ordered(new)


def _ordered(value: Any) -> Any:
    """An event shows sub-attributes in the order that the client sent, a row in another one."""
    return sorted(re.split("[,;] ", value)) if isinstance(value, str) else value


def _differing(one: Resource | None, other: Resource | None) -> dict[str, tuple[Any, Any]]:
    """The fields in which two resources differ, with both values."""
    if one is None or other is None:
        return {} if one is other else {"resource": (one, other)}
    values = {
        each.name: (getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    }
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _users() -> Iterator[tuple[UUID, Resource]]:
    """All users, as their rows tell."""
    adapter = adapter_class()("")
    of_host = host_fields(adapter)
    for link in UserLink.objects.select_related("user"):
        document = LockedUser(link, adapter, of_host).document()
        yield link.pk, _resource(link, document, USER)


def _groups() -> Iterator[tuple[UUID, Resource]]:
    """All groups, as their rows tell."""
    members: dict[UUID, set[UUID | None]] = {}
    for member in LibraryGroupMember.objects.all():
        members.setdefault(member.group_id, set()).add(member.user_id)
    for link in LibraryGroupLink.objects.all():
        resource = _resource(link, read_group(link), GROUP)
        resource.members = members.get(link.pk, set())
        yield link.pk, resource


ROWS = {USER.name: _users, GROUP.name: _groups}


def _resource(
    link: UserLink | LibraryGroupLink, document: Document, resource_type: ResourceType
) -> Resource:
    values = differences({}, document, resource_type)
    attributes = {name: _ordered(value) for name, (_, value) in values.items()}
    return Resource(attributes, link.version, link.unlinked_at is None)
