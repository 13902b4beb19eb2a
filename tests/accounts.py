"""Tests of the page for hosts with several accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import models

from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim.host import ALL_ACCOUNTS, TILED_ADMIN, HostAdapter, objects

ACME, GLOBEX = "acme", "globex"


class SeenByStaff(HostAdapter):
    """A host where everybody who may see a page of the admin sees all accounts there."""

    @classmethod
    def accounts_of(cls, user: Any) -> Any:
        return ALL_ACCOUNTS


class Apart(HostAdapter):
    """Three accounts that have nobody in common; a collation could treat two keys as equal."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "ACME": "", "acmé": "Acmé"}

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        # Usernames of the host are unique among all accounts.
        return super().create_user({**values, "userName": str(uuid4())})


class Together(HostAdapter):
    """Two accounts that may have the same people."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {ACME: "Acme Inc.", GLOBEX: "Globex Corporation"}

    def adoptable_users(self) -> models.QuerySet[Any]:
        return objects(User)


class WithAdmins(Together):
    """Two accounts that may have the same people, with Tiled Admin in a field of the person."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, TILED_ADMIN: "is_staff"}


def client_of(account: str) -> Scim:
    """An account's identity provider, with a new token."""
    return Scim(f"Bearer {new_token(account)[1]}")
