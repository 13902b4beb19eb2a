"""Companies, their people, and who belongs to which company."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class Person(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[Person]] = models.Manager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Account(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)

    objects: ClassVar[models.Manager[Account]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    # No role is the default: whoever creates a membership has to choose.
    role = models.CharField(
        max_length=20, choices=[(name, name) for name in ("member", "admin", "owner")]
    )
    is_active = models.BooleanField(default=True)
    title = models.CharField(max_length=100, blank=True)
    badge = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001 (null and not "", because many have none)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects: ClassVar[models.Manager[Membership]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("account", "person"), name="membership_person"),
            models.UniqueConstraint(fields=("account", "badge"), name="membership_badge"),
            models.CheckConstraint(condition=~models.Q(role=""), name="membership_role"),
        )

    def __str__(self) -> str:
        return f"{self.person} in {self.account}"
