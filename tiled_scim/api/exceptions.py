"""Any exception as the SCIM Error that the client gets (RFC 7644 section 3.12)."""

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
    """Turn whatever a view raised into an Error answer."""
    error = as_scim_error(exception)
    return Response(error.body, status=error.status, headers=error.headers)


def as_scim_error(exception: Exception) -> ScimError:
    """Any exception as the error that a client sees; a bug of ours is logged and not shown."""
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
            # Nobody hears of it: the client is gone.
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
    """What Django refuses by the host's settings; its own words are about these."""
    match exception:
        case RequestDataTooBig():
            return too_large("The body is larger than the host takes; send it in parts.")
        case TooManyFieldsSent():
            return invalid_value("The query has more parameters than the host takes.")
    return ScimError(400, "The host does not take such a request.")


def _headers(exception: exceptions.APIException) -> dict[str, str]:
    challenge = getattr(exception, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
