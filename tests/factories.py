"""Users and Libraries that people made in the host, before or beside SCIM."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from example_project.libraries.models import Library


def make_user(username: str, **fields: Any) -> User:
    """A host user; without a `password`, one who cannot sign in with one."""
    defaults = {"email": "hope@host.example", "first_name": "Hope", "last_name": "Host"}
    return User.objects.create_user(username, **{**defaults, **fields})


def make_library(name: str, *members: User) -> Library:
    """A Library, with the people who were given access to it by hand."""
    library = Library.objects.create(name=name)
    library.members.add(*members)
    return library
