"""The errors of the token endpoint (RFC 6749 section 5.2)."""

from __future__ import annotations

import re

from tiled_scim.api.credentials import Caller
from tiled_scim.errors import RETRY_AFTER, Cause, ScimError

# Every 401 has a challenge (RFC 9110 section 15.5.2). The other methods are no schemes of HTTP.
CHALLENGE = 'Basic realm="SCIM"'
# Characters that a description may not have.
_FORBIDDEN = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")
# What to call the errors that any request may have. The RFC has no names for those of the server,
# but in section 4.1.2.1.
_BUSY = "temporarily_unavailable"
_NAMES = {403: "unauthorized_client", 429: _BUSY, 503: _BUSY}
_SERVER_ERROR = "server_error"


class OAuthError(ScimError):
    """An error that becomes an error response of OAuth.

    Args:
        error: The name of the error in RFC 6749.
        description: What is wrong, as the client sees it.
        status: The HTTP status code.
        detail: What is wrong, as people see it in the event. The default is the description.
        caller: Whose the request is, if it is known.
        cause: Why it was refused, for the advice.
        headers: HTTP headers of the response.
    """

    def __init__(
        self,
        error: str,
        description: str,
        status: int = 400,
        *,
        detail: str = "",
        caller: Caller | None = None,
        cause: Cause | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail or description, headers=headers, cause=cause)
        self.error = error
        self.description = description
        self.caller = caller

    @property
    def body(self) -> dict[str, object]:
        return {"error": self.error, "error_description": _FORBIDDEN.sub("'", self.description)}


def invalid_request(description: str) -> OAuthError:
    """Return an error for a request with a missing, a repeated or an invalid parameter."""
    return OAuthError("invalid_request", description, cause=Cause.CLIENT)


def invalid_client(detail: str, cause: Cause, *, caller: Caller | None = None) -> OAuthError:
    """Return an error for a client that could not be authenticated.

    The response is always the same, so that nobody learns which clients there are.

    Args:
        detail: What is wrong, as people see it in the event.
        cause: Why it was refused, for the advice.
        caller: The client, if there is one with the client id that was sent.
    """
    return OAuthError(
        "invalid_client",
        "The client could not be authenticated: the client id is unknown, or the client secret or "
        "the assertion is not valid.",
        401,
        detail=detail,
        caller=caller,
        cause=cause,
        headers={"WWW-Authenticate": CHALLENGE},
    )


def unavailable(detail: str, caller: Caller) -> OAuthError:
    """Return an error for a client that nobody can authenticate now. It may retry.

    Args:
        detail: What is wrong, as people see it in the event.
        caller: The client.
    """
    return OAuthError(
        _BUSY,
        "The client cannot be authenticated now. Try again.",
        503,
        detail=detail,
        caller=caller,
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def as_oauth_error(error: ScimError) -> OAuthError:
    """Return an error in the form of OAuth."""
    if isinstance(error, OAuthError):
        return error
    name = _SERVER_ERROR if error.status >= 500 else "invalid_request"
    return OAuthError(
        _NAMES.get(error.status, name),
        error.detail,
        400 if error.status == 403 else error.status,
        cause=error.cause,
        headers=error.headers,
    )
