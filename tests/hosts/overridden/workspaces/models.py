"""What people work in: the host's Libraries."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from tests.hosts.overridden.customers.models import Customer


class Template(models.Model):
    """Came with the first migration: workspaces came later."""

    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title


class Workspace(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="workspaces")
    title = models.CharField(max_length=100)
    people = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Seat", related_name="workspaces"
    )
    followers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="followed")

    objects: ClassVar[models.Manager[Workspace]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("customer", "title"), name="workspace_title"),
        )

    def __str__(self) -> str:
        return self.title


class Seat(models.Model):
    """Somebody's place in a workspace, which is never without a role."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=20)

    objects: ClassVar[models.Manager[Seat]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "person"), name="seat_person"),
            models.CheckConstraint(condition=~models.Q(role=""), name="seat_role"),
        )

    def __str__(self) -> str:
        return self.role
