"""The token endpoint, and the metadata that describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from tiled_scim.api.authentication import check_account, mark_used
from tiled_scim.api.exceptions import ErrorResponse, as_scim_error
from tiled_scim.api.negotiation import JsonRenderer
from tiled_scim.api.oauth.client_authentication import Authenticated, authenticate
from tiled_scim.api.oauth.errors import (
    OAuthError,
    as_oauth_error,
    invalid_client,
    invalid_request,
)
from tiled_scim.api.oauth.forms import Form, form_of
from tiled_scim.api.oauth.metadata import GRANT_TYPE, SCOPE, metadata
from tiled_scim.api.parsers import check_length
from tiled_scim.api.throttling import CredentialThrottle
from tiled_scim.api.views import ScimView
from tiled_scim.errors import Cause, ScimError
from tiled_scim.models import ClientChangedError, ScimAccessToken
from tiled_scim.secret import Secret


class OAuthView(ScimView):
    """What the views of OAuth have in common: their errors are not those of SCIM."""

    schema = None  # not in the OpenAPI document, which describes SCIM
    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JsonRenderer,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in self.allowed_methods:
            # The view adds the header Allow to every response.
            raise ScimError(
                405, f"{request.method} is not supported here. Send a {self.allowed_methods[0]}."
            )
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate nobody: the view does it, or everybody may use it."""

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        return _error_response


class TokenView(OAuthView):
    """`/oauth/token`: a client gets an access token (RFC 6749 section 4.4)."""

    http_method_names = ("post",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Error reports do not show the form, if a middleware of the host has read it.
        self.log.request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        try:
            check_length(request)
            self.form = form_of(request)
            authenticated = authenticate(request, self.form)
        except ScimError as error:
            self.log.caller = error.caller if isinstance(error, OAuthError) else None
            self.count_stranger(request)
            raise
        request.auth = authenticated
        self.log.authenticate(authenticated)
        self.check_throttle(request, CredentialThrottle)

    def post(self, request: Request) -> Response:
        check_grant(self.form)
        check_account(request, self)
        token, plaintext = issue(cast(Authenticated, request.auth))
        mark_used(token, request)
        body = {
            "access_token": plaintext,
            "token_type": "Bearer",
            "expires_in": (token.expires_at - token.created_at) // timedelta(seconds=1),
            "scope": SCOPE,
        }
        return Response(body, headers={"Pragma": "no-cache"})


class MetadataView(OAuthView):
    """What a client can find out about the token endpoint (RFC 8414).

    A host can route it at the root of its site, too: `docs/protocol.md` says why.
    """

    http_method_names = ("get", "head")

    def get(self, request: Request) -> Response:
        return Response(metadata(self.base_url))


def check_grant(form: Form) -> None:
    """Check what a client asks for.

    Raises:
        OAuthError: invalid_request, unsupported_grant_type, invalid_scope.
    """
    if "grant_type" not in form:
        raise invalid_request(f"Send the parameter grant_type={GRANT_TYPE}.")
    if form["grant_type"] != GRANT_TYPE:
        raise OAuthError(
            "unsupported_grant_type",
            f"The grant_type can only be {GRANT_TYPE}.",
            cause=Cause.CLIENT,
        )
    if form.get("scope", SCOPE).split() != [SCOPE]:
        raise OAuthError(
            "invalid_scope", f"The scope can only be {SCOPE}, or be left out.", cause=Cause.CLIENT
        )


def issue(authenticated: Authenticated) -> tuple[ScimAccessToken, Secret]:
    """Return a new access token, and its plaintext.

    Raises:
        OAuthError: invalid_client if the client was changed since it was authenticated.
    """
    client, secret = authenticated.client, authenticated.secret
    try:
        return ScimAccessToken.objects.issue(client, secret)
    except ClientChangedError:
        detail = f"The client “{client}” was revoked or changed during the request."
        cause = Cause.CLIENT_SECRET if secret else Cause.ASSERTION
        raise invalid_client(detail, cause, caller=client) from None


def _error_response(exception: Exception, context: Mapping[str, Any]) -> Response:
    return ErrorResponse(as_oauth_error(as_scim_error(exception)))
