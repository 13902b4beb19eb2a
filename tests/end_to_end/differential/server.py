"""The server, as the differential tests use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from tests.end_to_end.differential.reference import Document, written
from tests.wire.client import CORE_USER, Scim


def person(scim: Scim, user_name: str, **attributes: object) -> Document:
    """Assign a person, and return the user."""
    answer = scim.post("/Users", {"schemas": [CORE_USER], "userName": user_name, **attributes})
    assert answer.status == 201, answer.text
    user: Document = answer.json
    return user


def read(scim: Scim, user_id: str) -> Document:
    user: Document = scim.get(f"/Users/{user_id}").json
    return user


def patched(scim: Scim, user: Document, operation: Document) -> Document | None:
    """Return what a user is after an operation, or None if it is refused and changed nothing."""
    answer = scim.patch(f"/Users/{user['id']}", operation)
    after = read(scim, user["id"])
    if answer.status == 200:
        assert answer.json == after
        return written(after)
    assert answer.status == 400, answer.text
    assert after == user
    return None


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Undo what was written, so that each example finds an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
