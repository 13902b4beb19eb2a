"""Who is calling: the bearer token, its account and the premium gate."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tiled_scim.api.request_log import address_of, client_of
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.conf import settings
from tiled_scim.errors import forbidden
from tiled_scim.models import ScimToken

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="SCIM"'
# The admin page tells when a token was last used, to the minute.
USED_INTERVAL = timedelta(minutes=1)


class Client(AnonymousUser):
    """The identity provider behind a token. It is nobody among the host's users."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]  # AnonymousUser says Literal[False]
        return True


class InvalidToken(AuthenticationFailed):
    """A token that opens nothing. The answer is the same whether it ever did.

    Args:
        token: the row of one that has ended, so that its account can be told.
    """

    def __init__(self, token: ScimToken | None) -> None:
        super().__init__(
            "The token is not valid: it is unknown, expired, or was replaced by a newer one. "
            "Generate a new one under SCIM Configuration."
        )
        self.token = token


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`, or the token alone: Okta sends both, as the app was set up."""

    def authenticate(self, request: Request) -> tuple[Client, ScimToken]:
        plaintext = _credentials(request)
        if not plaintext:
            raise AuthenticationFailed(
                "No token was sent. Send the header “Authorization: Bearer TOKEN”."
            )
        token = ScimToken.objects.with_plaintext(plaintext)
        if token is None or not token.is_current:
            raise InvalidToken(token)
        _mark_used(token, request)
        return Client(), token

    def authenticate_header(self, request: Request) -> str:
        return REALM


class AccountEnabled(BasePermission):
    """SCIM is a premium feature, which a host can switch off per account (`TILED_SCIM_ENABLED`)."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not settings.ENABLED(account_of(request)):
            raise forbidden(NOT_ENABLED)
        return True


def account_of(request: Request) -> str:
    """The key of the account whose token is calling."""
    return str(cast(ScimToken, request.auth).account)


def _credentials(request: Request) -> str:
    header = str(request.META.get("HTTP_AUTHORIZATION", "")).strip()
    scheme, _, credentials = header.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else header


def _mark_used(token: ScimToken, request: Request) -> None:
    address, client = address_of(request), client_of(request)
    try:
        token.mark_used(timezone.now(), USED_INTERVAL, address=address, client=client)
    except Exception:
        logger.exception("The token's last use could not be noted")
