"""Users and Libraries that people made in the host, before or beside SCIM."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth.models import User

from tests.simple_project.libraries.models import Library


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A host user; without a `password`, one who cannot sign in with one."""

    class Meta:
        model = User

    email = "hope@host.example"
    first_name = "Hope"
    last_name = "Host"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(*args, **kwargs)


class LibraryFactory(factory.django.DjangoModelFactory[Library]):
    """A Library."""

    class Meta:
        model = Library


def make_user(username: str, **fields: Any) -> User:
    """A host user with this username."""
    user: User = UserFactory.create(username=username, **fields)
    return user


def make_library(name: str, *members: User) -> Library:
    """A Library, with the people who were given access to it by hand."""
    library: Library = LibraryFactory.create(name=name)
    library.members.add(*members)
    return library
