"""Verify the signed assertions of identity providers (RFC 7523 section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InvalidAssertion(Exception):
    """An assertion that proves nothing.

    Args:
        reason: What is wrong and what would be right, for logs. It contains nothing of the
            assertion.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Trust:
    """Whose assertions are accepted, and for what.

    Args:
        issuer: The claim `iss`.
        jwks_url: The URL of the issuer's public keys (JWKS).
        subject: The claim `sub`. None accepts any.
        audiences: The claim `aud` has to name one of these.
    """

    issuer: str
    jwks_url: str
    subject: str | None
    audiences: frozenset[str]


def is_available() -> bool:
    """Return whether the optional extra is installed."""
    raise NotImplementedError


def audience_spellings(audience: str) -> frozenset[str]:
    """Return the spellings of the audience of one app of Entra, which sends any of them."""
    raise NotImplementedError


def verify(assertion: str, trust: Trust) -> Mapping[str, Any]:
    """Return the claims of an assertion.

    Raises:
        InvalidAssertion: The assertion is not valid, or was used before.
    """
    raise NotImplementedError
