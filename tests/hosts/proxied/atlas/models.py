"""People, collections of maps, and who may do what in which. Keys are texts that mean something."""

from __future__ import annotations

import secrets
from functools import partial
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from tests.hosts.proxied.atlas.fields import KeyField


def new_key(kind: str) -> str:
    """A key that says of what it is, such as `usr_4Zr-oJ0yVZkB`."""
    return f"{kind}_{secrets.token_urlsafe(9)}"


class Person(AbstractUser):
    id = KeyField(primary_key=True, default=partial(new_key, "usr"), editable=False)


class Collection(models.Model):
    id = KeyField(primary_key=True, default=partial(new_key, "col"), editable=False)
    name = models.CharField(max_length=100)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")

    objects: ClassVar[models.Manager[Collection]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=20)
    seats = models.PositiveSmallIntegerField()

    objects: ClassVar[models.Manager[Membership]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("collection", "person"), name="membership_person"),
            models.CheckConstraint(condition=~models.Q(role=""), name="membership_role"),
        )

    def __str__(self) -> str:
        return self.role
