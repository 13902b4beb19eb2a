"""Authenticate clients at the token endpoint (RFC 6749 section 2.3, RFC 7523 section 2.2).

What a caller learns, and how much work it takes, does not depend on whether there is a client with
the client id that was sent.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from rest_framework.request import Request

from tiled_scim.api.oauth.errors import (
    OAuthError,
    invalid_client,
    invalid_request,
    unavailable,
)
from tiled_scim.api.oauth.forms import Form
from tiled_scim.errors import Cause
from tiled_scim.models import ScimClient, ScimClientSecret
from tiled_scim.oauth import assertions
from tiled_scim.secret import Secret, digest

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The form of client ids. What has another form may be of any length.
CLIENT_ID = re.compile(r"[0-9a-f-]{36}")
NO_CLIENT_ID = ""
# Two secrets are compared in any case.
NO_DIGEST = "0" * 64
COMPARED = 2


@dataclass(frozen=True)
class Authenticated:
    """A client that has proved who it is.

    Args:
        client: The client.
        secret: The secret by which it did. None for an assertion.
    """

    client: ScimClient
    secret: ScimClientSecret | None

    @property
    def account(self) -> str:
        return str(self.client.account)

    @property
    def last_four(self) -> str:
        """Return what events show."""
        return str((self.secret or self.client).last_four)

    @property
    def throttle_key(self) -> str:
        """Return the key under which the throttle counts the requests of the client."""
        return self.client.throttle_key


@dataclass(frozen=True)
class _Sent:
    """What a client sent to prove who it is, by one method."""

    client_id: str
    secret: Secret | None = None
    assertion: Secret | None = None


def authenticate(request: Request, form: Form) -> Authenticated:
    """Return the client of a token request.

    Raises:
        OAuthError: invalid_request for a request that uses no method, or several; invalid_client
            for a client that is unknown or was revoked, or does not prove who it is.
    """
    sent = _sent(request, form)
    client_id = sent.client_id if CLIENT_ID.fullmatch(sent.client_id) else NO_CLIENT_ID
    client = ScimClient.objects.with_client_id(client_id)
    if sent.assertion is not None:
        return _by_assertion(client, sent.assertion)
    return _by_secret(client, client_id, sent)


def _sent(request: Request, form: Form) -> _Sent:
    """Return what a client sent to prove who it is.

    Raises:
        OAuthError: invalid_request, invalid_client.
    """
    header = Secret(request.META.get("HTTP_AUTHORIZATION", ""))
    methods = {
        "Authorization": bool(header),
        "client_secret": "client_secret" in form,
        "client_assertion": "client_assertion" in form,
    }
    used = [name for name, is_used in methods.items() if is_used]
    if len(used) > 1:
        raise invalid_request(f"Authenticate by one method only, not by {' and '.join(used)}.")
    if header:
        return _of_header(header, form)
    client_id = form.get("client_id", "")
    if "client_assertion" in form:
        return _of_assertion(client_id, form)
    if not client_id or "client_secret" not in form:
        raise invalid_client("No client id and client secret were sent.", Cause.UNKNOWN_CLIENT)
    return _Sent(client_id, secret=form["client_secret"])


def _of_header(header: Secret, form: Form) -> _Sent:
    """Return the client id and the secret in the header, which are encoded as in a form."""
    scheme, _, encoded = map(Secret, header.partition(" "))
    try:
        pair = Secret(base64.b64decode(encoded.strip(), validate=True).decode())
    except ValueError:  # it is no base64, not even ASCII, or no UTF-8
        pair = Secret()
    client_id, colon, secret = map(Secret, pair.partition(":"))
    if scheme.lower() != "basic" or not colon:
        raise invalid_client(
            "The header Authorization has no client id and client secret.", Cause.UNKNOWN_CLIENT
        )
    client_id = Secret(unquote_plus(client_id))
    if form.get("client_id", client_id) != client_id:
        raise invalid_request("The client_id in the body is not the one in the header.")
    return _Sent(client_id, secret=Secret(unquote_plus(secret)))


def _of_assertion(client_id: str, form: Form) -> _Sent:
    """Return the client id and the assertion in a form.

    The client id is required: two accounts may have clients with the same issuer and subject.
    """
    if form.get("client_assertion_type") != JWT_BEARER:
        raise invalid_request(f"Set client_assertion_type to {JWT_BEARER}.")
    if not client_id:
        raise invalid_request("Send the client_id with the client_assertion.")
    return _Sent(client_id, assertion=form["client_assertion"])


def _by_secret(client: ScimClient | None, client_id: str, sent: _Sent) -> Authenticated:
    secrets = ScimClientSecret.objects.of_client_id(client_id)
    found = _matching(secrets, digest(sent.secret or ""))
    if client is None:
        raise invalid_client("The client id is unknown.", Cause.UNKNOWN_CLIENT)
    problem = _problem(client, found)
    if problem or found is None:
        raise invalid_client(problem, Cause.CLIENT_SECRET, caller=found or client)
    return Authenticated(client, found)


def _matching(secrets: Sequence[ScimClientSecret], sent: str) -> ScimClientSecret | None:
    """Return the secret with a digest, after comparing as many as a client may have."""
    padded = [*secrets, *[None] * COMPARED][:COMPARED]
    matches = [
        (each, hmac.compare_digest(each.digest if each else NO_DIGEST, sent)) for each in padded
    ]
    return next((each for each, is_equal in matches if is_equal), None)


def _problem(client: ScimClient, secret: ScimClientSecret | None) -> str:
    """Return why a client with a secret is refused, for people, or ""."""
    if not client.is_current:
        return f"The client “{client}” was revoked."
    if client.federation is not None:
        return f"The client “{client}” has a federation, and no secrets."
    if secret is None:
        return f"The client secret of “{client}” is wrong, or was revoked."
    if secret.is_expired:
        return f"The client secret {secret} of “{client}” has expired."
    return ""


def _by_assertion(client: ScimClient | None, assertion: Secret) -> Authenticated:
    if client is None:
        raise invalid_client("The client id is unknown.", Cause.UNKNOWN_CLIENT)
    federation = client.federation
    if not client.is_current:
        raise _refused(client, f"The client “{client}” was revoked.")
    if federation is None:
        raise _refused(client, f"The client “{client}” has secrets and no federation.")
    trust = assertions.Trust(
        federation.issuer,
        federation.jwks_url,
        federation.subject,
        assertions.audience_spellings(federation.audience),
    )
    try:
        assertions.verify(assertion, trust)
    except assertions.KeysUnavailable as error:
        raise unavailable(error.reason, client) from None
    except assertions.InvalidAssertion as error:
        raise _refused(client, error.reason) from None
    return Authenticated(client, None)


def _refused(client: ScimClient, detail: str) -> OAuthError:
    return invalid_client(detail, Cause.ASSERTION, caller=client)
