"""A user or group as the database has it, read once for the answer, its version and the event."""

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
    """One user or group as it is in the database, read once.

    Args:
        key: the SCIM id.
        document: its values, without groups and members.
        number: the version of the link.
        groups: the id and displayName of each group that a user is in, by displayName.
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
        """The weak entity tag: it changes with all that a GET shows of the resource.

        Of a group's members nothing is looked at: every change of them changes `number`.
        """
        content = json.dumps([self.number, self.document, self.groups], sort_keys=True)
        return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def groups_of_json(rows: Sequence[Mapping[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Return the id and displayName of each group in a JSON array of the database, by name."""
    groups = ((str(UUID(row["value"])), row["display"]) for row in rows or ())
    return tuple(sorted(groups, key=lambda group: group[1]))
