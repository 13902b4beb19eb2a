"""The state of the host's database, in a form that tests can spell out."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model

from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

from .client import Answer, Scim

Row = tuple[Any, ...]
Snapshot = list[list[Row]]

MODELS: list[type[Model]] = [
    User,
    Library,
    Library.members.through,
    UserLink,
    LibraryGroupLink,
    LibraryGroupMember,
]


# Who set SCIM up.
ADMINISTRATOR = "root"


def people() -> dict[str, str]:
    """Every other host user by username, as "active", "inactive", "active admin" and so on."""
    return {
        person.username: ("active" if person.is_active else "inactive")
        + (" admin" if person.is_staff else "")
        for person in User.objects.exclude(username=ADMINISTRATOR)
    }


def access() -> dict[str, set[str]]:
    """Every Library by name, with the usernames of its members."""
    return {
        library.name: {member.username for member in library.members.all()}
        for library in Library.objects.prefetch_related("members")
    }


def snapshot() -> Snapshot:
    """Every row of every table that a request may change."""
    return [_rows(model) for model in MODELS]


def _rows(model: type[Model]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_select(model))
        return list(cursor.fetchall())


@cache
def _select(model: type[Model]) -> str:
    """Return the statement that reads a table: many tests do so twice."""
    return str(model._default_manager.order_by("pk").query)


def refused(scim: Scim, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """The answer to a request that must not have written anything."""
    before = snapshot()
    answer = scim.send(method, path, body, headers)
    assert snapshot() == before
    return answer
