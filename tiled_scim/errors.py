"""What can go wrong in SCIM's own words: RFC 7644 section 3.12."""

from __future__ import annotations

from collections.abc import Mapping

# Seconds after which a client that found the database busy or away may come again.
RETRY_AFTER = 5

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that gets an Error answer.

    Args:
        status: the HTTP status code.
        detail: one sentence that a person can act on; Okta shows it to its admin.
        scim_type: a keyword of RFC 7644 table 9, where one fits.
        headers: HTTP headers that go with the answer, such as `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        # What a client sent may be quoted here: a lone surrogate cannot be sent back as UTF-8.
        self.detail = detail.encode(errors="backslashreplace").decode()
        self.scim_type = scim_type
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, object]:
        """The Error resource; `status` is a string in it (RFC 7644 section 3.12)."""
        body: dict[str, object] = {
            "schemas": [ERROR_SCHEMA],
            "status": str(self.status),
            "detail": self.detail,
        }
        if self.scim_type:
            body["scimType"] = self.scim_type
        return body


def invalid_filter(detail: str) -> ScimError:
    """400: the filter is not understood, or asks for what cannot be searched."""
    return ScimError(400, detail, "invalidFilter")


def invalid_path(detail: str) -> ScimError:
    """400: a PATCH path, or a name in one, that the resource does not have."""
    return ScimError(400, detail, "invalidPath")


def invalid_syntax(detail: str) -> ScimError:
    """400: the body is not JSON, or not a SCIM message."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_value(detail: str) -> ScimError:
    """400: a required value is missing, or a value does not fit its attribute."""
    return ScimError(400, detail, "invalidValue")


def mutability(detail: str) -> ScimError:
    """400: a change of a read-only attribute was asked for."""
    return ScimError(400, detail, "mutability")


def no_target(detail: str) -> ScimError:
    """400: a PATCH path that selects nothing."""
    return ScimError(400, detail, "noTarget")


def forbidden(detail: str) -> ScimError:
    """403: understood, and not allowed."""
    return ScimError(403, detail)


def not_found(detail: str) -> ScimError:
    """404: there is no such resource, as far as this token can see."""
    return ScimError(404, detail)


def uniqueness(detail: str) -> ScimError:
    """409: another resource has this value already."""
    return ScimError(409, detail, "uniqueness")


def precondition_failed(detail: str) -> ScimError:
    """412: the resource is not the version that the client knows."""
    return ScimError(412, detail)


def too_large(detail: str) -> ScimError:
    """413: more than one request may carry."""
    return ScimError(413, detail)


def unsupported(content_type: str) -> ScimError:
    """415: a body that is no JSON."""
    return ScimError(415, f"The body is {content_type}; send it as application/scim+json.")


def unavailable(detail: str, retry_after: int) -> ScimError:
    """503: not now; `retry_after` is in whole seconds, since Okta reads no dates there."""
    return ScimError(503, detail, headers={"Retry-After": str(retry_after)})
