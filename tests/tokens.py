"""Tokens for tests that are not about how tokens are made: without an event, for any account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tiled_scim.models import ScimToken


def new_token(
    account: str = "",
    *,
    created_by: Any = None,
    lifetime: timedelta | None = None,
    keep: timedelta | None = None,
) -> tuple[ScimToken, str]:
    """Return the row and the plaintext of a new token. The account's current one may be kept."""
    new = ScimToken.objects.renew(account, created_by=created_by, lifetime=lifetime, keep=keep)
    return new.token, new.plaintext
