"""HTTP as Okta speaks it, with the standard library alone."""

from __future__ import annotations

import gzip
import json
import time
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from tiled_scim.okta_check import silence

TIMEOUT_SECONDS = 60.0  # Okta gives up on a request after a minute.
MASK = "********"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_RETRIES = 3
_LONGEST_WAIT_SECONDS = 120
_LONGEST_TIMEOUT_SECONDS = 3600
_BLOCK_BYTES = 65536
_HEADERS = {
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "Accept-Encoding": "gzip,deflate",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}

Json = dict[str, Any]


class UnreachableError(Exception):
    """No whole HTTP answer came. The message says why, and `advice` what to do, for people."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True)
class Attempt:
    """One request as it went out, and how long it took; `status` is None if no answer came."""

    method: str
    path: str
    status: int | None
    seconds: float

    @property
    def milliseconds(self) -> int:
        return round(self.seconds * 1000)


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
        except (ValueError, RecursionError):
            return None

    @property
    def detail(self) -> str:
        """What an Error says to people, on one line (RFC 7644 section 3.12); empty for nothing."""
        detail = self.json.get("detail") if isinstance(self.json, dict) else None
        return " ".join(detail.split()) if isinstance(detail, str) else ""

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the client elsewhere, which Okta does not follow."""
        return 300 <= self.status < 400

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people and not for programs."""
        return "html" in self.content_type or self.text.lstrip()[:1] == "<"


class Watcher:
    """Is told of requests as they go; this one does nothing with it."""

    def sent(self, attempt: Attempt) -> None:
        """A request has been answered, or has not."""

    def waits(self, seconds: int) -> None:
        """The server asked for a pause, which begins now."""


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

    `journal` has every exchange so far, in order, and `attempts` every request, those too that were
    sent again or had no answer. `watcher` is told of each.

    Raises:
        ValueError: an argument cannot be used; the message never has the token in it.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.base_url = _usable_url(base_url)
        self.journal: list[Exchange] = []
        self.attempts: list[Attempt] = []
        self.watcher = Watcher()
        self._token = _usable_token(token)
        self._timeout = _usable_timeout(timeout)
        handlers: list[urllib.request.BaseHandler] = [_AnyStatusIsAnAnswer()]
        if urlsplit(self.base_url).hostname in LOOPBACK:
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
            self.watcher.waits(seconds)
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
        start = time.monotonic()
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = _text(response, start + self._timeout)
        except (OSError, HTTPException, EOFError, UnicodeError, zlib.error) as error:
            self._remember(request, None, start)
            raise self._unreachable(request, error) from error
        self._remember(request, response.status, start)
        method, url = request.get_method(), request.full_url
        return Exchange(method, url, body, response.status, response.headers, text)

    def _remember(self, request: urllib.request.Request, status: int | None, start: float) -> None:
        path = request.full_url.removeprefix(self.base_url)
        attempt = Attempt(request.get_method(), path, status, time.monotonic() - start)
        self.attempts.append(attempt)
        self.watcher.sent(attempt)

    def _unreachable(self, request: urllib.request.Request, error: Exception) -> UnreachableError:
        reason, advice = silence.explain(error, urlsplit(self.base_url).netloc, self._timeout)
        sentence = f"{request.get_method()} {request.full_url}: {reason}"
        return UnreachableError(self.mask(sentence), advice)


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


def _text(response: HTTPResponse, deadline: float) -> str:
    content = _content(response, deadline)
    match response.headers.get("Content-Encoding", "").strip().lower():
        case "gzip":
            content = gzip.decompress(content)
        case "deflate":
            content = _inflated(content)
    return content.decode(errors="replace")


def _content(response: HTTPResponse, deadline: float) -> bytes:
    """The whole body; neither half of one, nor one that drips in for ever."""
    blocks = []
    while block := response.read1(_BLOCK_BYTES):
        blocks.append(block)
        if time.monotonic() > deadline:
            raise TimeoutError
    content = b"".join(blocks)
    if response.length:  # what Content-Length announced and what did not come
        raise IncompleteRead(content, response.length)
    return content


def _inflated(content: bytes) -> bytes:
    """Some servers leave the zlib wrapper out that RFC 9110 section 8.4.1.2 asks for."""
    try:
        return zlib.decompress(content)
    except zlib.error:
        return zlib.decompress(content, -zlib.MAX_WBITS)
