"""Companies, and who belongs to which of them. Users are Django's own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Account(models.Model):
    """A company that has bought the product."""

    name = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Account]] = models.Manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's place in an account. Somebody may belong to several accounts."""

    class Role(models.TextChoices):
        MEMBER = "member"
        ADMIN = "admin"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    # An inactive membership opens nothing. The user can still sign in for other accounts.
    is_active = models.BooleanField(default=True)
    title = models.CharField("job title", max_length=200, blank=True)

    objects: ClassVar[models.Manager[Membership]] = models.Manager()

    class Meta:
        ordering = ["account__name", "user__last_name", "user__first_name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"

    @property
    def is_admin(self) -> bool:
        """Return whether the user may change the account's settings."""
        return self.is_active and self.role == self.Role.ADMIN
