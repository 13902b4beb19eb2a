"""The companies that use the host, and their people."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class Customer(models.Model):
    key = models.SlugField(primary_key=True)
    name = models.CharField(max_length=100)
    has_scim = models.BooleanField(default=True)

    objects: ClassVar[models.Manager[Customer]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody at one customer. Who works for two has two of these, with the same address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="people")
    email = models.EmailField()
    given_name = models.CharField(max_length=40, blank=True)
    surname = models.CharField(max_length=40, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_curator = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[Person]] = models.Manager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = (models.UniqueConstraint(fields=("customer", "email"), name="person_email"),)
