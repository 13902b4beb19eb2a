"""What a client proves its account with: a token, or the access token of an OAuth client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol, Self

from tiled_scim.models import ACCESS_TOKEN_PREFIX, ScimAccessToken, ScimToken
from tiled_scim.secret import Secret


class Caller(Protocol):
    """The account of a request and its credential, for the log line and the events."""

    @property
    def account(self) -> str: ...

    @property
    def last_four(self) -> str:
        """Return the characters that events show."""
        ...


class Credential(Caller, Protocol):
    """What a request is authenticated with."""

    @property
    def is_current(self) -> bool:
        """Return whether it is valid."""
        ...

    @property
    def throttle_key(self) -> str:
        """Return the key under which the throttle counts the requests."""
        ...

    def read_again(self) -> Self | None:
        """Return it as it is now, or None if it no longer exists."""
        ...

    def mark_used(
        self, now: datetime, interval: timedelta, *, address: str | None = None, client: str = ""
    ) -> None:
        """Store that it was used, at most once in each interval."""
        ...


def is_access_token(plaintext: str) -> bool:
    """Return whether a text looks like the access token of a client."""
    return plaintext.startswith(ACCESS_TOKEN_PREFIX)


def find(plaintext: Secret) -> ScimToken | ScimAccessToken | None:
    """Return the credential with this plaintext, current or not, or None. Takes one query."""
    if is_access_token(plaintext):
        return ScimAccessToken.objects.with_plaintext(plaintext)
    return ScimToken.objects.with_plaintext(plaintext)
