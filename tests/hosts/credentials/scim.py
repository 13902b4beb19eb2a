"""How SCIM sees this host: two customers, and whom one has may work for the other, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import models

from tiled_scim.errors import unavailable
from tiled_scim.host import HostAdapter


class SharedPeople(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": "Globex Corporation"}

    def adoptable_users(self) -> models.QuerySet[Any]:
        return User.objects.all()


class Unavailable(SharedPeople):
    """Fails after it ended what a user was signed in with, which is then not ended."""

    def end_sessions(self, user: AbstractBaseUser) -> None:
        super().end_sessions(user)
        raise unavailable("The seats of this person cannot be counted.", 5)
