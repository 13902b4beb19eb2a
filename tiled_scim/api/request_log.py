"""Log a request, and write its events."""

from __future__ import annotations

import logging
import re
import time
import uuid

from django.http import HttpRequest
from django.urls import NoReverseMatch, ResolverMatch

from tiled_scim.api.base_url import UNKNOWN_ROUTE, mount
from tiled_scim.api.credentials import Caller
from tiled_scim.api.spellings import canonical_path, endpoint_of
from tiled_scim.audit.addresses import normalized
from tiled_scim.audit.events import Change, Source, record
from tiled_scim.errors import ScimError
from tiled_scim.models import CLIENT_LENGTH, METHOD_LENGTH
from tiled_scim.provisioning.service import Record

logger = logging.getLogger("tiled_scim")

REQUEST_ID_HEADER = "X-Request-ID"
# The id of a client with a token may come from a proxy, so that both logs can be matched.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# What the log shows of a path. All others may have the names of people.
ID = re.compile(r"[0-9a-f-]{36}", re.IGNORECASE)
PATH_LENGTH = 200


class RequestLog:
    """The log line and the events of one request.

    Args:
        request: The request, before authentication.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.caller: Caller | None = None
        self.started = self.operation_started = time.monotonic()
        self.request_id = uuid.uuid4().hex

    def authenticate(self, caller: Caller) -> None:
        """Note the valid credential of the client, and take over the id of its request.

        A stranger could choose the id of somebody else's request.
        """
        self.caller = caller
        given = self.request.headers.get(REQUEST_ID_HEADER, "")
        if REQUEST_ID.fullmatch(given):
            self.request_id = given

    def start_operation(self) -> None:
        """Measure the durations of the next events from now on, because an operation starts."""
        self.operation_started = time.monotonic()

    def recorder(self, method: str, status: int) -> Record:
        """Return a function that writes the event of a change.

        Args:
            method: The method of the request, or of an operation of a bulk request.
            status: The status of the response if the transaction is committed.
        """

        def keep(change: Change) -> None:
            record(self._source(method), change, status=status, duration=self._duration())

        return keep

    def record_failure(self, change: Change, error: ScimError, *, method: str) -> None:
        """Write the event of a request, or an operation, that was refused or failed.

        Args:
            change: The change that was tried.
            error: The error that the client sees.
            method: The method of the request, or of an operation of a bulk request.
        """
        duration = self._duration()
        record(self._source(method), change, status=error.status, error=error, duration=duration)

    def _duration(self) -> float:
        """Return the seconds since the request or its current operation started, with retries."""
        return time.monotonic() - self.operation_started

    def end(self, status: int) -> None:
        """Write the log line. It contains no bodies and queries, because they are personal data."""
        fields = {
            "request_id": self.request_id,
            "account": self.caller.account if self.caller else None,
            "client": client_of(self.request),
            "method": (self.request.method or "")[:METHOD_LENGTH],
            "path": _path(self.request),
            "status": status,
            "duration_ms": round((time.monotonic() - self.started) * 1000, 1),
        }
        line = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        logger.log(_level(status), line, extra={"scim": fields})

    def _source(self, method: str) -> Source:
        return Source(
            account=self.caller.account if self.caller else None,
            token=self.caller.last_four if self.caller else "",
            client=client_of(self.request),
            address=address_of(self.request),
            request_id=self.request_id,
            method=method,
        )


def client_of(request: HttpRequest) -> str:
    """Return the client's User-Agent, or its beginning if it is long.

    PostgreSQL cannot store a NUL, which some servers let through.
    """
    return request.headers.get("User-Agent", "").replace("\0", "\\0")[:CLIENT_LENGTH]


def address_of(request: HttpRequest) -> str | None:
    """Return the IP address of the client or of its proxy, or None if it is not valid."""
    return normalized(request.META.get("REMOTE_ADDR", ""))


def _path(request: HttpRequest) -> str:
    """Return the path of the route, with the id of a resource.

    Other parts that a client chooses are left out: they may be names of people, of any length.
    """
    return _route(request)[:PATH_LENGTH]


def _route(request: HttpRequest) -> str:
    match, path = request.resolver_match, request.path
    if match is not None and match.url_name == UNKNOWN_ROUTE:
        mounted, rest = _mount(match), match.kwargs["rest"]
        match, path = endpoint_of(rest), mounted + canonical_path(rest)
    if match is None:
        return f"{_mount(request.resolver_match)}…"
    key = match.kwargs.get("key")
    if key is None or ID.fullmatch(key):
        return path
    return f"{path.rstrip('/').removesuffix(key)}…"


def _mount(match: ResolverMatch | None) -> str:
    try:
        return mount(match)
    except NoReverseMatch:  # a parameter of the host is in the path
        return "/"


def _level(status: int) -> int:
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status >= 400 else logging.INFO


def _quoted(value: object) -> str:
    """Return a value as one word, so that clients cannot inject lines or fields."""
    text = "-" if value is None else str(value)
    return text if re.fullmatch(r"[\w./:-]+", text) else repr(text)
