"""How often a token may call, and how often an address may fail to: `TILED_SCIM_THROTTLE`.

Requests are counted in Django's cache, in windows of the rate's period, by adding one: all server
processes count together, where reading and writing back would lose some.
"""

from __future__ import annotations

import logging
from typing import cast

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from tiled_scim.api.request_log import address_of
from tiled_scim.conf import settings
from tiled_scim.models import ScimToken

logger = logging.getLogger(__name__)


class Throttle(SimpleRateThrottle):
    """A number of requests in a window. A cache that is down does not stop provisioning."""

    def get_rate(self) -> str | None:
        return settings.THROTTLE

    def allow_request(self, request: Request, view: APIView) -> bool:
        most, seconds = cast("tuple[int, int]", self.parse_rate(self.get_rate()))
        now = self.timer()
        window = int(now // seconds)
        self.rest = (window + 1) * seconds - now
        requests = self._count(f"{self.get_cache_key(request, view)}:{window}", seconds)
        return requests <= most

    def wait(self) -> float:
        """Seconds until the next window."""
        return self.rest

    def _count(self, key: str, seconds: int) -> int:
        """One more request in a window; how many there were in it."""
        try:
            self.cache.add(key, 0, timeout=2 * seconds)
            return self.cache.incr(key)
        except Exception:
            logger.exception("The throttle's cache does not answer; the request is let through")
            return 0


class TokenThrottle(Throttle):
    """Counts the requests of a token."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"tiled_scim:token:{cast(ScimToken, request.auth).pk}"


class AddressThrottle(Throttle):
    """Counts the requests of an address that have no valid token.

    Those that have one are not counted: identity providers call for many customers from the same
    addresses, and the old token of one must not stop the others.
    """

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"tiled_scim:address:{address_of(request)}"
