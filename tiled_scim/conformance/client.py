"""HTTP as Okta speaks it, with the standard library alone."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

TIMEOUT_SECONDS = 60.0  # Okta gives up on a request after a minute.
MASK = "********"

_RETRIES = 3
_LONGEST_WAIT_SECONDS = 120
_LONGEST_TIMEOUT_SECONDS = 3600
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HEADERS = {
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "Accept-Encoding": "gzip,deflate",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}

Json = dict[str, Any]


class UnreachableError(Exception):
    """No HTTP answer came; the message is one sentence for people."""


@dataclass(frozen=True)
class Exchange:
    """One request and the answer to it."""

    method: str
    url: str
    body: Json | None
    status: int
    headers: Message
    text: str

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty where the answer names none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The answer's JSON, or None where it is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class _AnyStatusIsAnAnswer(urllib.request.HTTPErrorProcessor):
    """Neither raises on an error status nor follows a redirect, which could carry the token off."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


class OktaClient:
    """Sends requests the way Okta does.

    Args:
        base_url: the SCIM base URL as it is pasted into Okta.
        token: the bearer token.
        timeout: seconds to wait for the server.

    `journal` has every exchange so far, in order.

    Raises:
        ValueError: an argument cannot be used; the message never has the token in it.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.base_url = _usable_url(base_url)
        self.journal: list[Exchange] = []
        self._token = _usable_token(token)
        self._timeout = _usable_timeout(timeout)
        handlers: list[urllib.request.BaseHandler] = [_AnyStatusIsAnAnswer()]
        if urlsplit(self.base_url).hostname in _LOOPBACK:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        spaces_as_plus: bool = False,
        authorization: str | None = None,
    ) -> Exchange:
        """Send one request and wait for its answer, whatever its status.

        As Okta does, it is sent again after a 429 that says in how many seconds.

        Args:
            path: below the base URL, with its leading slash.
            spaces_as_plus: write spaces of the query as `+` and not `%20`; Okta does both.
            authorization: the whole header, instead of the client's own token.

        Raises:
            UnreachableError: there was no answer.
        """
        url = self.base_url + path
        if query:
            url += "?" + urlencode(query, quote_via=quote_plus if spaces_as_plus else quote)
        request = urllib.request.Request(  # noqa: S310 -- _usable_url lets only http(s) through
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**_HEADERS, "Authorization": authorization or f"Bearer {self._token}"},
        )
        exchange = self._exchange(request, body)
        for _attempt in range(_RETRIES):
            seconds = _seconds_to_wait(exchange)
            if seconds is None:
                break
            time.sleep(seconds)
            exchange = self._exchange(request, body)
        self.journal.append(exchange)
        return exchange

    def send_bare_token(self, path: str, *, query: Mapping[str, str | int]) -> Exchange:
        """GET with the token alone in `Authorization`, as apps set up without a scheme do."""
        return self.send("GET", path, query=query, authorization=self._token)

    def mask(self, text: str) -> str:
        """The text without the token, for showing to people."""
        return text.replace(self._token, MASK)

    def _exchange(self, request: urllib.request.Request, body: Json | None) -> Exchange:
        method, url = request.get_method(), request.full_url
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = _text(response)
        except (OSError, HTTPException, EOFError, zlib.error) as error:
            raise UnreachableError(f"{method} {self.mask(url)}: {self._reason(error)}") from error
        return Exchange(method, url, body, response.status, response.headers, text)

    def _reason(self, error: Exception) -> str:
        cause = error
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
            cause = error.reason
        sentence = next(words for kind, words in _REASONS if isinstance(cause, kind))
        host = urlsplit(self.base_url).netloc
        return sentence.format(host=host, timeout=self._timeout, cause=self.mask(str(cause)))


# The first that fits: from the special to the general.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "The TLS certificate of {host} is not trusted, and Okta would not trust it either: {cause}",
    ),
    (ssl.SSLError, "TLS with {host} failed. Is it https that answers there? {cause}"),
    (ConnectionRefusedError, "Nothing answers at {host}: the connection was refused."),
    (socket.gaierror, "There is no host of the name in {host}: {cause}"),
    (TimeoutError, "{host} gave no answer within {timeout:g} seconds; Okta gives up as well."),
    (ConnectionError, "{host} closed the connection without an answer: {cause}"),
    (gzip.BadGzipFile, "What {host} answered is not compressed as it says: {cause}"),
    (OSError, "{host} cannot be reached: {cause}"),
    (Exception, "What {host} answered is not HTTP, or broken: {cause}"),
)


def _usable_url(text: str) -> str:
    try:
        url = urlsplit(text.strip())
        has_address = bool(url.hostname) and url.port != 0  # reading the port checks it
    except ValueError as error:
        raise ValueError(f"The URL cannot be read: {error}.") from error
    if url.scheme not in {"http", "https"} or not has_address:
        raise ValueError("The URL must look like https://example.com/scim/v2.")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("The URL must be the base URL alone: no user name, query or fragment.")
    if not url.geturl().isascii() or not url.geturl().isprintable() or " " in url.geturl():
        raise ValueError("The URL has a space or a character in it that no URL may have.")
    return url.geturl().rstrip("/")


def _usable_token(text: str) -> str:
    token = text.strip()
    if not token:
        raise ValueError("The token is empty.")
    if not token.isascii() or not token.isprintable():
        raise ValueError("The token has a character in it that no token has: copy it again.")
    return token


def _usable_timeout(seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise ValueError(f"The timeout must be from 0 to {_LONGEST_TIMEOUT_SECONDS} seconds.")
    return seconds


def _seconds_to_wait(exchange: Exchange) -> int | None:
    """How long a 429 asks to wait; None where there is nothing to wait for."""
    seconds = exchange.headers.get("Retry-After", "").strip()
    if exchange.status != 429 or not (seconds.isascii() and seconds.isdigit()):
        return None
    return int(seconds) if int(seconds) <= _LONGEST_WAIT_SECONDS else None


def _text(response: HTTPResponse) -> str:
    content = response.read()
    match response.headers.get("Content-Encoding", "").strip().lower():
        case "gzip":
            content = gzip.decompress(content)
        case "deflate":
            content = zlib.decompress(content)
    return content.decode(errors="replace")
