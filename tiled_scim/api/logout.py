"""Universal Logout (draft-parecki-oauth-global-token-revocation): end a person's sessions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from tiled_scim.api.authentication import (
    REALM,
    Client,
    InvalidToken,
    TokenAuthentication,
    credentials_of,
)
from tiled_scim.api.base_url import base_url
from tiled_scim.api.views import ScimView
from tiled_scim.audit.events import Change
from tiled_scim.conf import settings
from tiled_scim.errors import (
    RETRY_AFTER,
    Cause,
    ScimError,
    invalid_request,
    not_found,
    unavailable,
)
from tiled_scim.logout import path_of
from tiled_scim.models import LogoutIssuer
from tiled_scim.oauth.assertions import (
    InvalidAssertion,
    KeysUnavailable,
    Trust,
    is_available,
    verify,
)
from tiled_scim.provisioning.logout import FORMATS, LogoutService, Subject, find_person
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import is_storable
from tiled_scim.scim.grammar import quoted
from tiled_scim.scim.identifiers import as_uuid

logger = logging.getLogger("tiled_scim")

# The drafts have “sub_id” since version 04. Okta sends either, after its own version.
SUBJECTS = ("sub_id", "subject")
MAX_LENGTH = 1024
# What Okta writes into the header `typ`.
TYPES = frozenset({"jwt", "global-token-revocation+jwt"})


class InvalidSignature(InvalidToken):
    """A request that the account's issuer has not signed. The response does not tell why."""

    def __init__(self, issuer: LogoutIssuer) -> None:
        AuthenticationFailed.__init__(
            self,
            "The request is not signed by the issuer that is configured for this URL, or its JSON "
            "Web Token is not valid any more. The log of the server says what is wrong.",
        )
        self.credential = issuer


class UnknownSignature(InvalidSignature):
    """A request whose signature cannot be verified now. It may be sent again."""


class SignedRequest(TokenAuthentication):
    """Authenticate by `Authorization: Bearer JWT`, signed by the issuer of the URL's account.

    If the URL has none, a caller without a token learns nothing, as at a path that does not exist.
    """

    def authenticate(self, request: Request) -> tuple[Client, Any]:
        issuer = _issuer_of(request)
        if issuer is None:
            return super().authenticate(request)
        url = f"{base_url(request)}/{path_of(issuer)}"
        audiences = frozenset({url, f"{url}/"})
        trust = Trust(issuer.issuer, issuer.jwks_url, None, audiences, TYPES)
        try:
            verify(credentials_of(request), trust)
        except InvalidAssertion as error:
            logger.warning("A request for Universal Logout was refused: %s", error.reason)
            is_unknown = isinstance(error, KeysUnavailable)
            raise (UnknownSignature if is_unknown else InvalidSignature)(issuer) from None
        return Client(), issuer


class LogoutView(ScimView):
    """What both ways to Universal Logout have in common."""

    action = "logout"
    subject: Subject | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.is_on:
            raise not_found(f"There is nothing at {request.path}.")

    @property
    def is_on(self) -> bool:
        """Return whether the endpoint exists for a caller with valid credentials."""
        raise NotImplementedError

    @property
    def target(self) -> Change:
        return Change(USER.name, name=self.subject.value if self.subject else "")

    def post(self, request: Request, key: str = "") -> Response:
        self.subject = subject_of(request.data)
        person = find_person(self.adapter, self.subject)
        LogoutService(self.adapter, self.log.recorder("POST", 204)).end_sessions(person)
        return Response(status=204)


class SignedLogoutView(LogoutView):
    """`/global-token-revocation/{key}`: the account's issuer signs the request."""

    authentication_classes = (SignedRequest,)

    @property
    def is_on(self) -> bool:
        return isinstance(self.request.auth, LogoutIssuer)

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except UnknownSignature:
            detail = "The signature of the request cannot be verified now. Try again."
            raise unavailable(detail, RETRY_AFTER) from None
        except InvalidSignature as error:
            # Its event must not look like that of an old token.
            raise ScimError(
                error.status_code,
                str(error.detail),
                headers={"WWW-Authenticate": REALM},
                cause=Cause.NOT_SIGNED,
            ) from None


class TokenLogoutView(LogoutView):
    """`/global-token-revocation`: with the account's own credentials, if a setting allows it."""

    @property
    def is_on(self) -> bool:
        return settings.LOGOUT_WITH_TOKEN


def subject_of(body: object) -> Subject:
    """Return the person whom the body of a request names (RFC 9493).

    Raises:
        ScimError: 400.
    """
    given = [body[name] for name in SUBJECTS if name in body] if isinstance(body, Mapping) else []
    if not given or given != [given[0]] * len(given) or not isinstance(given[0], Mapping):
        raise invalid_request(
            "The body must be a JSON object with a subject identifier as “sub_id” or “subject”, "
            'such as {"sub_id": {"format": "email", "email": "ann@example.com"}}.'
        )
    identifier = given[0]
    name = identifier.get("format")
    subject_format = FORMATS.get(name) if isinstance(name, str) else None
    if subject_format is None:
        raise invalid_request(f"The format of the subject must be one of {', '.join(FORMATS)}.")
    for member in (*subject_format.others, subject_format.member):
        if not _is_text(identifier.get(member)):
            raise invalid_request(
                f"A subject with the format {name} must have {quoted(member)}, a string of 1 to "
                f"{MAX_LENGTH} characters that can be stored."
            )
    return Subject(cast(str, name), identifier[subject_format.member])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LENGTH and is_storable(value)


def _issuer_of(request: Request) -> LogoutIssuer | None:
    """Return the issuer to whose URL a request came, if there is one."""
    view = cast(Mapping[str, Any], request.parser_context)["view"]
    key = as_uuid(view.kwargs["key"])
    if key is None or not is_available():
        return None
    return LogoutIssuer.objects.with_key(key)
