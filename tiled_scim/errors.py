"""The errors of SCIM (RFC 7644 section 3.12)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

# Seconds after which a client may retry if the database was busy or unavailable.
RETRY_AFTER = 5

# The characters of a detail, which may quote what the client sent.
MAX_DETAIL = 2000

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class Cause(StrEnum):
    """Why a request was refused, where status and scimType do not tell what to do about it."""

    NOT_ENABLED = "not_enabled"
    NO_ACCOUNT = "no_account"
    PROTECTED = "protected"
    LAST_ADMIN = "last_admin"
    USER_EXISTS = "user_exists"
    USER_LINKED = "user_linked"
    USERNAME_IN_USE = "username_in_use"
    EMAIL_IN_USE = "email_in_use"
    OUTSIDE_DOMAINS = "outside_domains"
    AMBIGUOUS_USER = "ambiguous_user"
    UNKNOWN_MEMBERS = "unknown_members"
    UNKNOWN_ROLE = "unknown_role"
    GROUP_EXISTS = "group_exists"
    LIBRARY_EXISTS = "library_exists"
    VALUE_IN_USE = "value_in_use"
    NOT_SIGNED = "not_signed"
    SETUP_LINK_ENDED = "setup_link_ended"
    UNKNOWN_CLIENT = "unknown_client"
    CLIENT_SECRET = "client_secret"  # noqa: S105 (not a secret)
    ASSERTION = "assertion"
    ACCESS_TOKEN = "access_token"  # noqa: S105 (not a secret)
    CLIENT = "client"  # The client is wrong, and nobody can change that by a setting.
    OPERATOR = "operator"  # The settings of the product refuse it.


class ScimError(Exception):
    """An error that becomes an error response.

    Args:
        status: The HTTP status code.
        detail: What is wrong and what to do, as Okta shows it to its admin.
        scim_type: A keyword of RFC 7644 table 9, if one fits.
        headers: HTTP headers of the response, such as `Retry-After`.
        cause: Why the request was refused, for the advice. It is not part of the response.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        # The detail may quote the client's text. Lone surrogates cannot be encoded as UTF-8.
        self.detail = detail[:MAX_DETAIL].encode(errors="backslashreplace").decode()
        self.scim_type = scim_type
        self.headers = dict(headers or {})
        self.cause = cause

    @property
    def body(self) -> dict[str, object]:
        """Return the error resource, in which `status` is a string (RFC 7644 section 3.12)."""
        body: dict[str, object] = {
            "schemas": [ERROR_SCHEMA],
            "status": str(self.status),
            "detail": self.detail,
        }
        if self.scim_type:
            body["scimType"] = self.scim_type
        return body


def invalid_filter(detail: str) -> ScimError:
    """Return a 400 error for a filter that is invalid or cannot be searched."""
    return ScimError(400, detail, "invalidFilter")


def invalid_path(detail: str) -> ScimError:
    """Return a 400 error for a PATCH path to an unknown attribute."""
    return ScimError(400, detail, "invalidPath")


def invalid_syntax(detail: str) -> ScimError:
    """Return a 400 error for a body that is not JSON, or not a SCIM message."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_request(detail: str) -> ScimError:
    """Return a 400 error for an invalid value that is no attribute's, but the client's own."""
    return invalid_value(detail, Cause.CLIENT)


def invalid_value(detail: str, cause: Cause | None = None) -> ScimError:
    """Return a 400 error for a missing or invalid value."""
    return ScimError(400, detail, "invalidValue", cause=cause)


def mutability(detail: str) -> ScimError:
    """Return a 400 error for a change of a read-only or immutable attribute."""
    return ScimError(400, detail, "mutability")


def no_target(detail: str) -> ScimError:
    """Return a 400 error for a PATCH path that selects nothing."""
    return ScimError(400, detail, "noTarget")


def forbidden(detail: str, cause: Cause | None = None) -> ScimError:
    """Return a 403 error for a request that is not allowed."""
    return ScimError(403, detail, cause=cause)


def not_found(detail: str) -> ScimError:
    """Return a 404 error for a resource that does not exist for this token."""
    return ScimError(404, detail)


def uniqueness(detail: str, cause: Cause | None = None) -> ScimError:
    """Return a 409 error for a value that another resource has already.

    Args:
        detail: It names the attribute, and what to change.
        cause: Why it was refused, for the advice.
    """
    return ScimError(409, detail, "uniqueness", cause=cause)


def precondition_failed(detail: str) -> ScimError:
    """Return a 412 error for a resource that changed since the client read it."""
    return ScimError(412, detail)


def too_many(detail: str) -> ScimError:
    """Return a 400 error for a filter that would take too long for what is stored."""
    return ScimError(400, detail, "tooMany")


def too_large(detail: str) -> ScimError:
    """Return a 413 error for a request that is too large."""
    return ScimError(413, detail)


def unsupported(content_type: str) -> ScimError:
    """Return a 415 error for a body that is not JSON."""
    return ScimError(415, f"The body is {content_type}; send it as application/scim+json.")


def unavailable(detail: str, retry_after: int) -> ScimError:
    """Return a 503 error for a request to retry later.

    Args:
        detail: What is unavailable.
        retry_after: The number of seconds. Okta does not understand dates in `Retry-After`.
    """
    return ScimError(503, detail, headers={"Retry-After": str(retry_after)})
