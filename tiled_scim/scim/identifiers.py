"""Ids as clients write them: UUIDs, which may be spelled in several ways."""

from __future__ import annotations

from uuid import UUID


def as_uuid(text: str) -> UUID | None:
    """The id that a text is; None where it is none, and so nobody's."""
    try:
        return UUID(text)
    except ValueError:
        return None


def canonical_id(text: str) -> str:
    """An id as it is written here; what can be none of ours, as it was sent."""
    uuid = as_uuid(text)
    return text if uuid is None else str(uuid)
