"""Who is calling: the bearer token, its account, the premium gate and the throttle."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext_noop
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from .conf import settings
from .errors import forbidden
from .models import ScimToken

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="SCIM"'
NOT_ENABLED = gettext_noop(
    "SCIM provisioning is not part of this account's plan. Please ask your account manager, or our "
    "support, to switch it on."
)
# The admin page tells when a token was last used, to the minute.
USED_INTERVAL = timedelta(minutes=1)


class Client(AnonymousUser):
    """The identity provider behind a token. It is nobody among the host's users."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]  # AnonymousUser says Literal[False]
        return True


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`, or the token alone: Okta sends both, as the app was set up."""

    def authenticate(self, request: Request) -> tuple[Client, ScimToken]:
        plaintext = _credentials(request)
        if not plaintext:
            raise AuthenticationFailed(
                "No token was sent. Send the header “Authorization: Bearer TOKEN”."
            )
        token = ScimToken.objects.authenticate(plaintext)
        if token is None:
            raise AuthenticationFailed(
                "The token is not valid: it is unknown, expired, or was replaced by a newer one. "
                "Generate a new one under SCIM Configuration."
            )
        _mark_used(token)
        return Client(), token

    def authenticate_header(self, request: Request) -> str:
        return REALM


class AccountEnabled(BasePermission):
    """SCIM is a premium feature, which a host can switch off per account (`TILED_SCIM_ENABLED`)."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not settings.ENABLED(account_of(request)):
            raise forbidden(NOT_ENABLED)
        return True


class TokenThrottle(SimpleRateThrottle):
    """`TILED_SCIM_THROTTLE`, counted per token. A cache that is down does not stop provisioning."""

    scope = "tiled_scim"

    def get_rate(self) -> str | None:
        return settings.THROTTLE

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"tiled_scim:throttle:{cast(ScimToken, request.auth).pk}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except ImproperlyConfigured:
            raise
        except Exception:
            logger.exception("The throttle's cache does not answer; the request is let through")
            return True


def account_of(request: Request) -> str:
    """The key of the account whose token is calling."""
    return str(cast(ScimToken, request.auth).account)


def _credentials(request: Request) -> str:
    header = str(request.META.get("HTTP_AUTHORIZATION", "")).strip()
    scheme, _, credentials = header.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else header


def _mark_used(token: ScimToken) -> None:
    try:
        token.mark_used(timezone.now(), USED_INTERVAL)
    except Exception:
        logger.exception("The token's last use could not be noted")
