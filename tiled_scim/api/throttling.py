"""Limit the rate of each token and client, and of callers without one (`TILED_SCIM_THROTTLE`).

Requests are counted in Django's cache, in fixed windows. The cache increments the number, so
concurrent processes do not lose requests.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from tiled_scim.api.credentials import Credential
from tiled_scim.api.request_log import address_of
from tiled_scim.audit.addresses import network_of
from tiled_scim.conf import settings

logger = logging.getLogger(__name__)

# Callers without a valid token may call, all together, as often as so many tokens.
STRANGERS_FACTOR = 20


class Throttle(SimpleRateThrottle):
    """Limit the number of requests in a window. An unavailable cache does not stop requests."""

    # How many times the rate of one token or network is allowed.
    factor: ClassVar[int] = 1

    def get_rate(self) -> str | None:
        return settings.THROTTLE

    def allow_request(self, request: Request, view: APIView) -> bool:
        most, seconds = cast("tuple[int, int]", self.parse_rate(self.get_rate()))
        now = self.timer()
        window = int(now // seconds)
        self.rest = (window + 1) * seconds - now
        requests = self._count(f"{self.get_cache_key(request, view)}:{window}", seconds)
        return requests <= most * self.factor

    def wait(self) -> float:
        """Return the seconds until the next window."""
        return self.rest

    def _count(self, key: str, seconds: int) -> int:
        """Count a request in a window, and return the number of its requests."""
        try:
            self.cache.add(key, 0, timeout=2 * seconds)
            return self.cache.incr(key)
        except Exception:
            logger.exception("The throttle's cache does not answer; the request is let through")
            return 0


class CredentialThrottle(Throttle):
    """Count the requests of a token, or of a client with all its access tokens."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"tiled_scim:{cast(Credential, request.auth).throttle_key}"


class EndedThrottle(Throttle):
    """Count the requests of a client with access tokens that have ended.

    Many clients learn by the 401 that they need another one. Strangers on the same network must not
    keep it from them. Nor does such a request count as one of the client: whoever found an old
    access token could stop the client.
    """

    def get_cache_key(self, request: Request, view: APIView) -> str:
        credential = cast(Credential, cast(Any, view).log.caller)
        return f"tiled_scim:ended:{credential.throttle_key}"


class StrangersThrottle(Throttle):
    """Count all requests without a valid token.

    Requests with a valid token are not counted: identity providers call for many customers from
    the same addresses, and the old token of one customer must not stop the others.

    It comes before `NetworkThrottle`, so that the number of keys in the cache is limited, too.
    """

    factor = STRANGERS_FACTOR

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return "tiled_scim:strangers"


class NetworkThrottle(Throttle):
    """Count the requests without a valid token from an IPv4 address, or an IPv6 network."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"tiled_scim:network:{network_of(address_of(request) or '')}"
