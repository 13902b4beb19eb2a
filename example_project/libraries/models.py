"""What people of an account work in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from example_project.customers.models import Account, Membership


class LibraryManager(models.Manager["Library"]):
    def open_to(self, membership: Membership | None) -> models.QuerySet[Library]:
        """Return the Libraries that a person may open in an account.

        An inactive membership opens nothing, whatever the person is a member of.
        """
        if membership is None or not membership.is_active:
            return self.none()
        return self.filter(account=membership.account, members=membership.user)


class Library(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="libraries")
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="libraries")

    objects: ClassVar[LibraryManager] = LibraryManager()

    class Meta:
        ordering = ["name", "pk"]
        # SCIM: its pages and errors use these names.
        verbose_name = "Library"
        verbose_name_plural = "Libraries"

    def __str__(self) -> str:
        return self.name
