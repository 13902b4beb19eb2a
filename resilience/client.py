"""A client that keeps its connection, retries when told to, and counts results."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from tiled_scim.provider_check.expectations import ERROR_SCHEMA

from .messages import Request
from .tally import Tally

BASE_PATH = "/scim/v2"
SCIM_JSON = "application/scim+json"
# Longer than any response may take.
TIMEOUT_SECONDS = 60
ATTEMPTS = 10
# Seconds before a client retries after a broken connection.
PAUSE = 0.2


class StoppedError(Exception):
    """Raised when a scenario cannot continue."""


class NoAnswerError(StoppedError):
    """Raised when the connection broke."""


@dataclass(frozen=True)
class Answer:
    """A response, with its times from `time.monotonic`.

    Args:
        request: The request.
        status: The HTTP status.
        headers: The headers, with names in lower case.
        body: The body.
        began: When the request was sent.
        ended: When the response was complete.
        attempts: How often the request was sent.
    """

    request: Request
    status: int
    headers: dict[str, str]
    body: bytes
    began: float
    ended: float
    attempts: int = 1

    @property
    def json(self) -> Any:
        """Return the value of the body.

        Raises:
            StoppedError: The body is not JSON.
        """
        try:
            return json.loads(self.body) if self.body else None
        except ValueError as error:
            raise StoppedError(f"not JSON: {self}") from error

    @property
    def key(self) -> str:
        """Return the SCIM id of the created resource.

        Raises:
            StoppedError: Nothing was created.
        """
        if self.status != 201:
            raise StoppedError(f"nothing was created: {self}")
        return str(self.json["id"])

    @property
    def retry_after(self) -> int | None:
        """Return the number of seconds after which to retry, or None."""
        seconds = self.headers.get("retry-after", "")
        return int(seconds) if self.status == 503 and seconds.isdigit() else None

    @property
    def fault(self) -> str:
        """Return what is wrong with the format of the response, or ""."""
        if self.status < 400:
            return ""
        if (
            self.headers.get("content-type") != SCIM_JSON
            or ERROR_SCHEMA not in self.json["schemas"]
        ):
            return f"not a SCIM error: {self}"
        return ""

    def __str__(self) -> str:
        request = f"{self.request.method} {self.request.path}"
        return f"{request}: {self.status} {self.body[:200].decode(errors='replace')}"


@dataclass
class Client:
    """One of many clients.

    Args:
        port: The port of the server on this machine.
        token: The bearer token.
        tally: Where results are counted.
        expects_failure: Whether 500 is an expected status.
        longest_pause: The maximum number of seconds before a retry.
        attempts: The maximum number of times that a request is sent.
        extra_headers: Headers to send with every request.
    """

    port: int
    token: str
    tally: Tally
    expects_failure: bool = False
    longest_pause: float = TIMEOUT_SECONDS
    attempts: int = ATTEMPTS
    extra_headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)

    def send(self, request: Request) -> Answer:
        """Send a request, and retry until there is a response without `Retry-After`."""
        for attempt in range(1, self.attempts + 1):
            try:
                answer = self.send_once(request, attempt)
            except NoAnswerError:
                time.sleep(PAUSE)
                continue
            if answer.retry_after is None:
                return answer
            time.sleep(min(answer.retry_after, self.longest_pause))
        raise NoAnswerError(
            f"{request.method} {request.path}: no response in {self.attempts} attempts"
        )

    def send_once(self, request: Request, attempt: int = 1) -> Answer:
        """Send a request once.

        Raises:
            NoAnswerError: The connection broke.
        """
        self.tally.count("sent")
        began = time.monotonic()
        try:
            answer = self._exchange(request, began, attempt)
        except (OSError, HTTPException) as error:
            self._connection.close()
            self.tally.count("unanswered")
            raise NoAnswerError(f"{request.method} {request.path}") from error
        self._count_result(answer)
        return answer

    def _exchange(self, request: Request, began: float, attempt: int) -> Answer:
        content = None if request.body is None else json.dumps(request.body)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": SCIM_JSON}
        path = BASE_PATH + request.path
        self._connection.request(request.method, path, content, headers | self.extra_headers)
        response = self._connection.getresponse()
        body = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(request, response.status, names, body, began, time.monotonic(), attempt)

    def _count_result(self, answer: Answer) -> None:
        if answer.fault:
            self.tally.count("violations", problem=answer.fault)
        if answer.retry_after is not None:
            self.tally.count("retried")
        elif answer.status >= 500 and not (self.expects_failure and answer.status == 500):
            self.tally.count("5xx", problem=str(answer))


def request_access_token(client: Client, client_id: str, secret: str) -> Answer:
    """Request an access token at the token endpoint, by client_secret_post."""
    request = Request("POST", "/oauth/token", None)
    values = {"client_id": client_id, "client_secret": secret}
    form = urlencode({"grant_type": "client_credentials", **values})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection = HTTPConnection("127.0.0.1", client.port, timeout=TIMEOUT_SECONDS)
    client.tally.count("sent")
    began = time.monotonic()
    with closing(connection):
        connection.request("POST", BASE_PATH + request.path, form, headers)
        response = connection.getresponse()
        body = response.read()
    if response.status >= 500:
        client.tally.count("5xx", problem=f"an access token: {response.status}")
    return Answer(request, response.status, {}, body, began, time.monotonic())


def at_once(clients: list[Client], requests: list[Request]) -> list[Answer]:
    """Send requests from all clients concurrently, and return the responses in the same order."""
    shares = [requests[number :: len(clients)] for number in range(len(clients))]

    def run(client: Client, share: list[Request]) -> list[Answer]:
        return [client.send(request) for request in share]

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [iter(each) for each in pool.map(run, clients, shares)]
    return [next(answers[number % len(clients)]) for number in range(len(requests))]
