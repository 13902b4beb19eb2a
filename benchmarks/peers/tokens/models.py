from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.db import models

PLAINTEXT = "benchmark"


class Token(models.Model):
    """The digest of a token, and the user that it authenticates."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"token of {self.user_id}"


def digest(plaintext: str) -> str:
    return sha256(plaintext.encode()).hexdigest()
