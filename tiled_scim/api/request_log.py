"""What is noted of a request: a line in the log, and events for the host's admin."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest

from tiled_scim.audit.events import Change, Source, record
from tiled_scim.models import ScimToken
from tiled_scim.provisioning.service import Record

logger = logging.getLogger("tiled_scim")

REQUEST_ID_HEADER = "X-Request-ID"
# Of a proxy's, so that its log and ours can be told to be about the same request.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# What ends a path where an id should: somebody's name, maybe.
NO_ID = re.compile(r"(/Users/|/Groups/)(?!\.search/?$|[0-9a-f-]{36}/?$).+", re.IGNORECASE)


class RequestLog:
    """What is noted of one request, from its arrival to its answer.

    Args:
        request: as Django has it, before anything is known of the caller.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.token: ScimToken | None = None
        self.started = self.operation_started = time.monotonic()
        given = request.headers.get(REQUEST_ID_HEADER, "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    def start_operation(self) -> None:
        """Measure the durations of the next events from now on: an operation begins."""
        self.operation_started = time.monotonic()

    def recorder(self, method: str, status: int) -> Record:
        """Return what keeps the event of a change, in the transaction that makes it.

        Args:
            method: of the request, or of one operation of a bulk request.
            status: of its answer, if the transaction is committed.
        """

        def keep(change: Change) -> None:
            record(self._source(method), change, status=status, duration=self._duration())

        return keep

    def record_failure(
        self, change: Change, status: int, error: Mapping[str, Any], *, method: str
    ) -> None:
        """Keep the event of a request, or an operation, that was refused or failed.

        Args:
            change: what was tried.
            error: the body of the Error answer.
        """
        duration = self._duration()
        record(self._source(method), change, status=status, error=error, duration=duration)

    def _duration(self) -> float:
        """Seconds since the request, or its current operation, began; all attempts included."""
        return time.monotonic() - self.operation_started

    def end(self, status: int) -> None:
        """Write the request's line: nothing of bodies and queries, which are about people."""
        fields = {
            "request_id": self.request_id,
            "account": self.token.account if self.token else None,
            "client": client_of(self.request),
            "method": self.request.method,
            "path": _path(self.request),
            "status": status,
            "duration_ms": round((time.monotonic() - self.started) * 1000, 1),
        }
        line = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        logger.log(_level(status), line, extra={"scim": fields})

    def _source(self, method: str) -> Source:
        return Source(
            account=self.token.account if self.token else None,
            token=self.token.last_four if self.token else "",
            client=client_of(self.request),
            address=address_of(self.request),
            request_id=self.request_id,
            method=method,
        )


def client_of(request: HttpRequest) -> str:
    """What the client calls itself."""
    return request.headers.get("User-Agent", "")


def address_of(request: HttpRequest) -> str | None:
    """The IP address of the client, or of the proxy before us; None where it is none."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _path(request: HttpRequest) -> str:
    """The path, with what may be a person's name left out."""
    return NO_ID.sub(r"\1…", request.path)


def _level(status: int) -> int:
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status >= 400 else logging.INFO


def _quoted(value: object) -> str:
    """The value as one word: what a client sent cannot make a line, or a field, of its own."""
    text = "-" if value is None else str(value)
    return text if re.fullmatch(r"[\w./:-]+", text) else repr(text)
