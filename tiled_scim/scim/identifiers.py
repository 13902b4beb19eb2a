"""Parse ids that clients send: UUIDs in any spelling."""

from __future__ import annotations

import re
from uuid import UUID

CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# `UUID` also reads spaces, underscores and the digits of other scripts.
SPELLING = re.compile(r"[0-9A-Fa-f-]+")


def as_uuid(text: str) -> UUID | None:
    """Return the UUID of a text, or None if it is not a UUID. No resource has such an id."""
    if not SPELLING.fullmatch(text):
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def as_canonical_uuid(text: str) -> UUID | None:
    """Return the UUID of a text in its standard form, or None for any other text."""
    uuid = as_uuid(text)
    return uuid if str(uuid) == text else None


def canonical_id(text: str) -> str:
    """Return the standard form of an id. A text that is not a UUID is returned unchanged."""
    if CANONICAL.fullmatch(text):  # almost always true, and a push may have 100,000 ids
        return text
    uuid = as_uuid(text)
    return text if uuid is None else str(uuid)
