"""Secrets, such as tokens: created, hidden from error reports, and stored as digests."""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32


class Secret(str):
    """A string whose `repr()` does not show it.

    Error reports of Django and Sentry show local variables by their `repr()`. What is made of a
    secret, such as a part of it or a longer text, is an ordinary string again.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>"


def new_secret(prefix: str) -> Secret:
    """Return a new random secret.

    Args:
        prefix: What it begins with, by which secret scanners recognize it.
    """
    return Secret(prefix + secrets.token_urlsafe(SECRET_BYTES))


def digest(plaintext: str) -> str:
    """Return what is stored of a secret.

    256 random bits need neither a salt nor a slow hash.
    """
    return hashlib.sha256(plaintext.encode()).hexdigest()
