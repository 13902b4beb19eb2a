"""Send HTTP requests the way an identity provider does, using only the standard library."""

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
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from tiled_scim.provider_check import connection_errors
from tiled_scim.provider_check.providers import ENTRA, OKTA, Provider, ProviderKey

TIMEOUT_SECONDS = 60.0  # after which Okta gives up
MASK = "********"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_RETRIES = 3
_LONGEST_WAIT_SECONDS = 120
_LONGEST_TIMEOUT_SECONDS = 3600
_BLOCK_BYTES = 65536

Json = dict[str, Any]


class UnreachableError(Exception):
    """Raised when a request gets no complete HTTP response.

    The message explains the cause, and `advice` what to do about it. Both are shown to users.
    """

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True)
class Attempt:
    """One request that was sent and its duration. `status` is None if there was no response."""

    method: str
    path: str
    status: int | None
    seconds: float

    @property
    def milliseconds(self) -> int:
        return round(self.seconds * 1000)


@dataclass(frozen=True)
class Exchange:
    """One request and its response."""

    method: str
    url: str
    body: Json | None
    status: int
    headers: Message
    text: str

    @property
    def content_type(self) -> str:
        """Return the media type in lower case without parameters, or "" if there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """Return the parsed response body, or None if it is not valid JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def detail(self) -> str:
        """Return the `detail` of a SCIM error on one line, or "" (RFC 7644 section 3.12)."""
        detail = self.json.get("detail") if isinstance(self.json, dict) else None
        return " ".join(detail.split()) if isinstance(detail, str) else ""

    @property
    def is_redirect(self) -> bool:
        """Return whether the response is a redirect, which providers do not follow."""
        return 300 <= self.status < 400

    @property
    def is_html(self) -> bool:
        """Return whether the response is an HTML page."""
        return "html" in self.content_type or self.text.lstrip()[:1] == "<"


class Watcher:
    """Receive notifications about requests. The default implementation ignores them."""

    def request_finished(self, attempt: Attempt) -> None:
        """Called after a request got a response or failed."""

    def waiting(self, seconds: int) -> None:
        """Called before waiting because the server sent `Retry-After`."""


class _ReturnEveryStatus(urllib.request.HTTPErrorProcessor):
    """Return every response: do not raise on error statuses and do not follow redirects.

    Following a redirect could send the token to another server.
    """

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


class Client:
    """Send requests the way an identity provider does. Subclasses say which one.

    Args:
        base_url: The SCIM base URL, as pasted into the provider.
        token: The bearer token.
        timeout: How long to wait for the server, in seconds.

    `exchanges` holds the requests that got a response, in order. `attempts` holds every request,
    including retried and failed ones. `watcher` is notified of each attempt.

    Raises:
        ValueError: An argument is invalid. The message never contains the token.
    """

    provider: ClassVar[Provider]

    def __init__(self, base_url: str, token: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.base_url = _validated_url(base_url)
        self.exchanges: list[Exchange] = []
        self.attempts: list[Attempt] = []
        self.watcher = Watcher()
        self._token = _validated_token(token)
        self._timeout = _validated_timeout(timeout)
        handlers: list[urllib.request.BaseHandler] = [_ReturnEveryStatus()]
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
        """Send a request and return the response, whatever its status.

        Like the providers, retry after a 429 response whose `Retry-After` is a number of seconds.

        Args:
            path: The path below the base URL, with a leading slash.
            spaces_as_plus: Encode spaces in the query as `+` instead of `%20`. Okta does both.
            authorization: The complete `Authorization` header, to replace the client's own token.

        Raises:
            UnreachableError: There was no complete response.
        """
        url = self.base_url + path
        if query:
            url += "?" + urlencode(query, quote_via=quote_plus if spaces_as_plus else quote)
        request = self._request(method, url, body, authorization or f"Bearer {self._token}")
        exchange = self._recorded(request, body)
        for _attempt in range(_RETRIES):
            seconds = _seconds_to_wait(exchange)
            if seconds is None:
                break
            self.watcher.waiting(seconds)
            time.sleep(seconds)
            exchange = self._recorded(request, body)
        self.exchanges.append(exchange)
        return exchange

    def send_once(self, method: str, path: str, body: Json | None = None) -> Exchange:
        """Send a request that is neither repeated nor recorded. Threads may share the client.

        Raises:
            UnreachableError: There was no complete response.
        """
        url = self.base_url + path
        return self._exchange(self._request(method, url, body, f"Bearer {self._token}"), body)

    def send_bare_token(self, path: str, *, query: Mapping[str, str | int]) -> Exchange:
        """Send a GET whose `Authorization` header is the token without a scheme.

        Okta does this for apps that are configured without "Bearer".
        """
        return self.send("GET", path, query=query, authorization=self._token)

    def mask(self, text: str) -> str:
        """Replace the token in a text that is shown to users."""
        return text.replace(self._token, MASK)

    def _request(
        self, method: str, url: str, body: Json | None, authorization: str
    ) -> urllib.request.Request:
        return urllib.request.Request(  # noqa: S310 (_validated_url allows only http and https)
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self.provider.headers, "Authorization": authorization},
        )

    def _recorded(self, request: urllib.request.Request, body: Json | None) -> Exchange:
        start = time.monotonic()
        try:
            exchange = self._exchange(request, body)
        except UnreachableError:
            self._record(request, None, start)
            raise
        self._record(request, exchange.status, start)
        return exchange

    def _exchange(self, request: urllib.request.Request, body: Json | None) -> Exchange:
        deadline = time.monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = _read_text(response, deadline)
        except (OSError, HTTPException, EOFError, UnicodeError, zlib.error) as error:
            raise self._unreachable(request, error) from error
        method, url = request.get_method(), request.full_url
        return Exchange(method, url, body, response.status, response.headers, text)

    def _record(self, request: urllib.request.Request, status: int | None, start: float) -> None:
        path = request.full_url.removeprefix(self.base_url)
        attempt = Attempt(request.get_method(), path, status, time.monotonic() - start)
        self.attempts.append(attempt)
        self.watcher.request_finished(attempt)

    def _unreachable(self, request: urllib.request.Request, error: Exception) -> UnreachableError:
        host = urlsplit(self.base_url).netloc
        reason, advice = connection_errors.explain(error, host, self._timeout, self.provider)
        sentence = f"{request.get_method()} {request.full_url}: {reason}"
        return UnreachableError(self.mask(sentence), advice)


class OktaClient(Client):
    """Send requests the way Okta does."""

    provider = OKTA


class EntraClient(Client):
    """Send requests the way Microsoft Entra ID does."""

    provider = ENTRA


CLIENTS: dict[ProviderKey, type[Client]] = {"okta": OktaClient, "entra": EntraClient}


def _validated_url(text: str) -> str:
    try:
        url = urlsplit(text.strip())
        has_address = bool(url.hostname) and url.port != 0  # reading the port checks it
    except ValueError as error:
        raise ValueError(f"The URL is invalid: {error}.") from error
    if url.scheme not in {"http", "https"} or not has_address:
        raise ValueError("The URL must look like https://example.com/scim/v2.")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("The URL must not contain a user name, a query or a fragment.")
    if not url.geturl().isascii() or not url.geturl().isprintable() or " " in url.geturl():
        raise ValueError("The URL contains a space or an invalid character.")
    return url.geturl().rstrip("/")


def _validated_token(text: str) -> str:
    token = text.strip()
    if not token:
        raise ValueError("The token is empty.")
    if not token.isascii() or not token.isprintable():
        raise ValueError("The token contains an invalid character: copy it again.")
    return token


def _validated_timeout(seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise ValueError(
            f"The timeout must be above 0 and at most {_LONGEST_TIMEOUT_SECONDS} seconds."
        )
    return seconds


def _seconds_to_wait(exchange: Exchange) -> int | None:
    """Return how many seconds a 429 response asks to wait, or None if it should not be retried."""
    seconds = exchange.headers.get("Retry-After", "").strip()
    if exchange.status != 429 or not (seconds.isascii() and seconds.isdigit()):
        return None
    return int(seconds) if int(seconds) <= _LONGEST_WAIT_SECONDS else None


def _read_text(response: HTTPResponse, deadline: float) -> str:
    content = _read_body(response, deadline)
    match response.headers.get("Content-Encoding", "").strip().lower():
        case "gzip":
            content = gzip.decompress(content)
        case "deflate":
            content = _inflate(content)
    return content.decode(errors="replace")


def _read_body(response: HTTPResponse, deadline: float) -> bytes:
    """Read the complete body, until the deadline.

    Raises:
        TimeoutError: The deadline passed before the body was complete.
        IncompleteRead: The body is shorter than its Content-Length.
    """
    blocks = []
    while block := response.read1(_BLOCK_BYTES):
        blocks.append(block)
        if time.monotonic() > deadline:
            raise TimeoutError
    content = b"".join(blocks)
    if response.length:  # bytes of Content-Length still missing
        raise IncompleteRead(content, response.length)
    return content


def _inflate(content: bytes) -> bytes:
    """Decompress deflate data, also without the zlib wrapper.

    RFC 9110 section 8.4.1.2 requires the wrapper, but some servers omit it.
    """
    try:
        return zlib.decompress(content)
    except zlib.error:
        return zlib.decompress(content, -zlib.MAX_WBITS)
