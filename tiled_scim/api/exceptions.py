"""Turn exceptions into SCIM error responses (RFC 7644 section 3.12)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from tiled_scim.errors import (
    RETRY_AFTER,
    Cause,
    ScimError,
    forbidden,
    invalid_syntax,
    invalid_value,
    not_found,
    too_large,
    unavailable,
)
from tiled_scim.words import english_words

logger = logging.getLogger(__name__)


class ErrorResponse(Response):
    """The response for an error, which its event needs."""

    def __init__(self, error: ScimError) -> None:
        super().__init__(error.body, status=error.status, headers=error.headers)
        self.error = error


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    """Return the error response for an exception of a view."""
    return ErrorResponse(as_scim_error(exception))


def as_scim_error(exception: Exception) -> ScimError:
    """Return the error that a client sees for an exception. Bugs are logged and not shown."""
    match exception:
        case ScimError():
            return exception
        case Http404():
            return not_found("There is no such resource.")
        case PermissionDenied():
            product = english_words()["product"]
            return forbidden(
                f"This is not allowed. Ask an administrator of {product} for the reason."
            )
        case SuspiciousOperation():
            return _suspicious(exception)
        case UnreadablePostError():
            # Nobody sees it, because the client has disconnected.
            return invalid_syntax("The connection broke before the whole body had come.")
        case exceptions.APIException():
            return ScimError(
                exception.status_code,
                str(exception.detail),
                headers=_headers(exception),
                cause=getattr(exception, "cause", None),
            )
        case OperationalError() | InterfaceError():
            logger.error("The database does not answer", exc_info=exception)
            return unavailable("The database cannot be reached. Try again.", RETRY_AFTER)
    logger.error("A SCIM request failed", exc_info=exception)
    product = english_words()["product"]
    return ScimError(
        500,
        f"The request failed because of an error in {product}, which was logged. Ask the operator "
        f"of {product} for the cause.",
    )


def _suspicious(exception: SuspiciousOperation) -> ScimError:
    """Return the error for a request that Django refuses because of the host's settings."""
    product = english_words()["product"]
    match exception:
        case RequestDataTooBig():
            return too_large(
                f"The body is larger than {product} accepts. Push fewer members at once, or ask "
                f"the operator of {product} to raise DATA_UPLOAD_MAX_MEMORY_SIZE."
            )
        case TooManyFieldsSent():
            return invalid_value(
                f"The query has more parameters than {product} accepts. Ask its operator to raise "
                "DATA_UPLOAD_MAX_NUMBER_FIELDS.",
                Cause.OPERATOR,
            )
    return ScimError(
        400,
        f"The settings of {product} do not allow this request. Ask its operator for the reason.",
        cause=Cause.OPERATOR,
    )


def _headers(exception: exceptions.APIException) -> dict[str, str]:
    challenge = getattr(exception, "challenge", None) or getattr(exception, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
