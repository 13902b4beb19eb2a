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
    ScimError,
    forbidden,
    invalid_syntax,
    invalid_value,
    not_found,
    too_large,
    unavailable,
)

logger = logging.getLogger(__name__)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    """Return the error response for an exception of a view."""
    error = as_scim_error(exception)
    return Response(error.body, status=error.status, headers=error.headers)


def as_scim_error(exception: Exception) -> ScimError:
    """Return the error that a client sees for an exception. Bugs are logged and not shown."""
    match exception:
        case ScimError():
            return exception
        case Http404():
            return not_found("There is no such resource.")
        case PermissionDenied():
            return forbidden("This is not allowed.")
        case SuspiciousOperation():
            return _suspicious(exception)
        case UnreadablePostError():
            # Nobody sees it, because the client has disconnected.
            return invalid_syntax("The connection broke before the whole body had come.")
        case exceptions.APIException():
            return ScimError(
                exception.status_code, str(exception.detail), headers=_headers(exception)
            )
        case OperationalError() | InterfaceError():
            logger.error("The database does not answer", exc_info=exception)
            return unavailable("The database cannot be reached. Try again.", RETRY_AFTER)
    logger.error("A SCIM request failed", exc_info=exception)
    return ScimError(500, "The server failed to answer this request. The failure was logged.")


def _suspicious(exception: SuspiciousOperation) -> ScimError:
    """Return the error for a request that Django refuses because of the host's settings."""
    match exception:
        case RequestDataTooBig():
            return too_large("The body is larger than the host takes; send it in parts.")
        case TooManyFieldsSent():
            return invalid_value("The query has more parameters than the host takes.")
    return ScimError(400, "The host does not take such a request.")


def _headers(exception: exceptions.APIException) -> dict[str, str]:
    challenge = getattr(exception, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
