"""The OAuth clients of accounts as people see them: whether they can be used, and how long."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from django.db.models import Prefetch
from django.utils import timezone

from tiled_scim.audit.handover import Handover, handover
from tiled_scim.audit.times import ago, days_left
from tiled_scim.conf import settings
from tiled_scim.models import ScimClient, ScimClientSecret


@dataclass(frozen=True)
class ClientUse:
    """A client that was not revoked, and the use of it and its secrets.

    Args:
        client: The client, with its secrets.
    """

    client: ScimClient

    @cached_property
    def secrets(self) -> list[ScimClientSecret]:
        """Return the secrets that were not revoked, the newest first. They may have expired."""
        return [secret for secret in self.client.secrets.all() if secret.slot is not None]

    @property
    def current_secrets(self) -> list[ScimClientSecret]:
        """Return the secrets that work, the newest first."""
        return [secret for secret in self.secrets if secret.is_current]

    @property
    def is_usable(self) -> bool:
        """Return whether the client can prove who it is."""
        return self.client.federation is not None or bool(self.current_secrets)

    @property
    def state(self) -> Literal["unusable", "unused", "used"]:
        """Return what the client's badge says."""
        if not self.is_usable:
            return "unusable"
        return "used" if self.client.last_used_at else "unused"

    @property
    def last_used_ago(self) -> str:
        """Return how long ago the client was used, as text, or "" if it never was."""
        return ago(self.client.last_used_at)

    @property
    def days_left(self) -> int | None:
        """Return the days until no secret works any more, or None if that is not soon."""
        return days_left(self._ends_at)

    @property
    def _ends_at(self) -> datetime | None:
        return max((secret.expires_at for secret in self.current_secrets), default=None)

    @property
    def _pair(self) -> tuple[ScimClientSecret | None, ScimClientSecret | None]:
        """Return the newest secret that works and the one before it, if there is one."""
        newest, previous = [*self.current_secrets, None, None][:2]
        return newest, previous

    @property
    def previous(self) -> ScimClientSecret | None:
        """Return the secret that the newest one shall replace, if both work."""
        return self._pair[1]

    @property
    def handover(self) -> Handover | None:
        """Return how far the client has gone over to its newest secret, or None with one secret.

        Access tokens for the previous secret may be used until they expire.
        """
        return handover(*self._pair, overlap=settings.ACCESS_TOKEN_LIFETIME)

    @property
    def previous_used_ago(self) -> str:
        return ago(self.previous.last_used_at if self.previous else None)

    @property
    def newest_first_used_ago(self) -> str:
        newest, _ = self._pair
        return ago(newest.first_used_at if newest else None)

    @property
    def settled_at(self) -> datetime | None:
        """Return when the last access token for the previous secret expires at the latest."""
        newest, _ = self._pair
        first = newest.first_used_at if newest else None
        return first + settings.ACCESS_TOKEN_LIFETIME if first else None

    @property
    def is_settled(self) -> bool:
        settled_at = self.settled_at
        return settled_at is not None and settled_at <= timezone.now()


def uses(accounts: Collection[str]) -> dict[str, list[ClientUse]]:
    """Return the clients of several accounts, the oldest of each first."""
    found: dict[str, list[ClientUse]] = {account: [] for account in accounts}
    secrets = ScimClientSecret.objects.for_write().exclude(slot=None).select_related("created_by")
    clients = ScimClient.objects.for_write().filter(account__in=accounts, revoked_at=None)
    clients = clients.select_related("created_by").order_by("pk")
    for client in clients.prefetch_related(Prefetch("secrets", secrets)):
        found[client.account].append(ClientUse(client))
    return found
