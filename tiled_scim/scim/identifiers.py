"""Ids as clients write them: UUIDs, which may be spelled in several ways."""

from __future__ import annotations

import re
from uuid import UUID

CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def as_uuid(text: str) -> UUID | None:
    """Return the id that a text is, or None where it is none, and so nobody's."""
    try:
        return UUID(text)
    except ValueError:
        return None


def canonical_id(text: str) -> str:
    """Return an id as SCIM writes it here; what can be none of ours, as it was sent."""
    if CANONICAL.fullmatch(text):  # nearly always: a push may have 100,000 of them
        return text
    uuid = as_uuid(text)
    return text if uuid is None else str(uuid)
