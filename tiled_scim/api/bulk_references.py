"""References by `bulkId` between the operations of a bulk request (RFC 7644 section 3.7.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tiled_scim.errors import invalid_request

PREFIX = "bulkid:"
# The attribute path of a PATCH operation, whose filter may compare with references.
PATCH_PATH = "path"
IN_FILTER = re.compile(r'(?<=")bulkId:([^"\\]*)(?=")', re.IGNORECASE)


class References:
    """What the bulkIds of a request stand for.

    Args:
        pending: The bulkIds of all resources that the request creates. Whoever creates one removes
            its bulkId, and adds its id to `keys` if that has succeeded.
    """

    def __init__(self, pending: Iterable[str]) -> None:
        self.pending = set(pending)
        self.keys: dict[str, str] = {}

    def resolved(self, value: Any) -> Any:
        """Return a value with ids in place of references. Pending references are left out.

        Raises:
            ScimError: invalidValue for a reference to a resource that was not created.
        """
        if isinstance(value, list):
            items = (self.resolved(item) for item in value if not self._is_pending(item))
            return [item for item in items if item != {}]
        if isinstance(value, dict):
            return {
                name: self._resolved_member(name, item)
                for name, item in value.items()
                if not self._is_pending(item)
            }
        return self._key(_bulk_id(value)) if _is_reference(value) else value

    def _resolved_member(self, name: str, value: Any) -> Any:
        if name.lower() == PATCH_PATH and isinstance(value, str):
            return IN_FILTER.sub(lambda found: self._key(found[1]), value)
        return self.resolved(value)

    def _key(self, bulk_id: str) -> str:
        if bulk_id not in self.keys:
            raise invalid_request(f"Nothing was created with the bulkId {bulk_id}.")
        return self.keys[bulk_id]

    def _is_pending(self, value: Any) -> bool:
        """Return whether a value or element refers to a resource that is not created yet."""
        values = value.values() if isinstance(value, dict) else [value]
        return any(_is_reference(part) and _bulk_id(part) in self.pending for part in values)


def references_in(value: object) -> Iterator[str]:
    """Yield the bulkIds that a value refers to anywhere, in no order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if _is_reference(value):
                yield _bulk_id(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, str) and name.lower() == PATCH_PATH:
                    yield from IN_FILTER.findall(item)
                else:
                    waiting.append(item)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value[: len(PREFIX)].lower() == PREFIX


def _bulk_id(reference: Any) -> str:
    return str(reference)[len(PREFIX) :]
