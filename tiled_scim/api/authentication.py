"""Authenticate clients by token, and check whether their account may use SCIM."""

from __future__ import annotations

import logging
from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tiled_scim.api import credentials
from tiled_scim.api.credentials import Caller, Credential
from tiled_scim.api.request_log import address_of, client_of
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.conf import settings
from tiled_scim.errors import Cause, forbidden
from tiled_scim.models import USED_INTERVAL, ScimAccessToken
from tiled_scim.secret import Secret

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="SCIM"'
# By the name of the error, clients know that another access token helps (RFC 6750 section 3.1).
CHALLENGE = f'{REALM}, error="invalid_token"'


class Client(AnonymousUser):
    """The identity provider with a token. It is not a user of the host."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]  # AnonymousUser says Literal[False]
        return True


class InvalidToken(AuthenticationFailed):
    """An unknown or ended token. The response does not tell which.

    Args:
        credential: The row of an ended token, to tell its account. None for an unknown token.
    """

    challenge = CHALLENGE
    message = (
        "The token is not valid: it is unknown, expired, or was replaced by a newer one. "
        "Generate a new one under SCIM Configuration."
    )

    def __init__(self, credential: Caller | None) -> None:
        super().__init__(self.message)
        self.credential = credential

    @property
    def is_of_client(self) -> bool:
        """Return whether the token was a client's, which can get another one by itself."""
        return False

    @property
    def is_expected(self) -> bool:
        """Return whether the refusal is a usual one."""
        return False


class InvalidAccessToken(InvalidToken):
    """An unknown or ended access token of a client."""

    message = (
        "The access token is not valid: it is unknown or expired, or its client or client secret "
        "was revoked. Get a new one from the token endpoint."
    )
    cause = Cause.ACCESS_TOKEN

    @property
    def is_of_client(self) -> bool:
        return self.credential is not None

    @property
    def is_expected(self) -> bool:
        """Return whether the access token has only expired. Many clients wait for that."""
        token = self.credential
        return isinstance(token, ScimAccessToken) and token.is_usable


class TokenAuthentication(BaseAuthentication):
    """Authenticate by `Authorization: Bearer TOKEN`, or by the token alone. Okta sends either."""

    def authenticate(self, request: Request) -> tuple[Client, Credential]:
        plaintext = credentials_of(request)
        if not plaintext:
            raise AuthenticationFailed(
                "No token was sent. Send the header “Authorization: Bearer TOKEN”."
            )
        credential = credentials.find(plaintext)
        if credential is None or not credential.is_current:
            is_of_client = credentials.is_access_token(plaintext)
            raise (InvalidAccessToken if is_of_client else InvalidToken)(credential)
        mark_used(credential, request)
        return Client(), credential

    def authenticate_header(self, request: Request) -> str:
        return REALM


class AccountEnabled(BasePermission):
    """Allow only accounts that may use SCIM (`TILED_SCIM_ENABLED`)."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not settings.ENABLED(account_of(request)):
            raise forbidden(NOT_ENABLED, Cause.NOT_ENABLED)
        return True


def check_again(request: Request, view: APIView) -> None:
    """Check in the middle of a long request that its token and its account may still be used.

    Raises:
        InvalidToken: The token was revoked or replaced, or has expired.
        ScimError: 403 for an account that may not use SCIM any more, or no longer exists.
    """
    earlier = cast(Credential, request.auth)
    credential = earlier.read_again()
    if credential is None or not credential.is_current:
        raise (InvalidAccessToken if isinstance(earlier, ScimAccessToken) else InvalidToken)(
            credential
        )
    check_account(request, view)


def check_account(request: Request, view: APIView) -> None:
    """Check that the account may use SCIM, and exists.

    Raises:
        ScimError: 403.
    """
    AccountEnabled().has_permission(request, view)
    settings.HOST_ADAPTER(account_of(request)).check_account()


def account_of(request: Request) -> str:
    """Return the account of the request's credential."""
    return str(cast(Credential, request.auth).account)


def credentials_of(request: Request) -> Secret:
    """Return what the Authorization header has after `Bearer`, or all of it."""
    header = str(request.META.get("HTTP_AUTHORIZATION", "")).strip()
    scheme, _, credentials = header.partition(" ")
    return Secret(credentials.strip() if scheme.lower() == "bearer" else header)


def mark_used(credential: Credential, request: Request) -> None:
    """Note the last use of a credential. A failure is logged, and the request goes on."""
    address, client = address_of(request), client_of(request)
    try:
        credential.mark_used(timezone.now(), USED_INTERVAL, address=address, client=client)
    except Exception:
        logger.exception("The token's last use could not be noted")
