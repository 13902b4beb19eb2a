"""A Library and its members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


class LibraryQuerySet(models.QuerySet["Library"]):
    def open_to(self, user: AbstractBaseUser | AnonymousUser) -> LibraryQuerySet:
        """Return the Libraries that a user may open: none if the user is not signed in."""
        return self.filter(members=user.pk) if user.is_authenticated else self.none()


class Library(models.Model):
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="libraries")

    objects = LibraryQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        # SCIM: its pages and errors use these names.
        verbose_name = "Library"
        verbose_name_plural = "Libraries"

    def __str__(self) -> str:
        return self.name
