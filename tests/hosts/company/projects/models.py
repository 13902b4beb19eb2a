"""What people of a company work in: the host's Libraries."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from tests.hosts.company.customers.models import Account


class Project(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="projects")

    objects: ClassVar[models.Manager[Project]] = models.Manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="project_name"),)

    def __str__(self) -> str:
        return self.name
