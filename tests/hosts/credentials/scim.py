"""How SCIM sees this host: two customers, and whom one has may work for the other, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from tiled_scim.host import HostAdapter


class SharedPeople(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": "Globex Corporation"}

    def adoptable_users(self) -> models.QuerySet[Any]:
        return User.objects.all()
