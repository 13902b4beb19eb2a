"""A user or group, read once for the response, its version and the event."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from tiled_scim.attributes import ResourceType
from tiled_scim.scim.cleaning import Document


@dataclass(frozen=True)
class StoredResource:
    """A user or group as the database has it.

    Args:
        resource_type: The resource type.
        key: The SCIM id.
        document: The values, without groups and members.
        number: The version number of the link.
        created_at: The time when the link was created.
        updated_at: The time of its last change.
        groups: The id and displayName of each group that a user is in, sorted by displayName.
    """

    resource_type: ResourceType
    key: str
    document: Document
    number: int
    created_at: datetime
    updated_at: datetime
    groups: tuple[tuple[str, str], ...] = ()

    @cached_property
    def version(self) -> str:
        return entity_tag(self.number, self.document, self.groups)


def entity_tag(number: int, document: Document, groups: tuple[tuple[str, str], ...]) -> str:
    """Return the weak entity tag of a resource. It changes with everything that a GET shows.

    A group's members are not part of it, because each change of them changes the number.
    """
    content = json.dumps([number, document, groups], sort_keys=True)
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def groups_of_json(rows: Sequence[Mapping[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Return the id and displayName of each group in a JSON array, sorted by name."""
    groups = ((str(UUID(row["value"])), row["display"]) for row in rows or ())
    return tuple(sorted(groups, key=lambda group: group[1]))
