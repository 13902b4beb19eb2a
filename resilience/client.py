"""A client that keeps its connection, comes again when it is told to, and counts."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tiled_scim.okta_check.expectations import ERROR_SCHEMA

from .messages import Request
from .tally import Tally

BASE_PATH = "/scim/v2"
SCIM_JSON = "application/scim+json"
# Longer than any answer may take.
TIMEOUT_SECONDS = 60
ATTEMPTS = 10
# Seconds before a client comes again whose connection broke.
PAUSE = 0.2


class StoppedError(Exception):
    """A scenario cannot go on."""


class NoAnswerError(StoppedError):
    """The connection broke."""


@dataclass(frozen=True)
class Answer:
    """What came back, and when; the moments are those of `time.monotonic`.

    Args:
        attempts: how often the request was sent.
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
        return json.loads(self.body) if self.body else None

    @property
    def key(self) -> str:
        """The SCIM id of what was created.

        Raises:
            StoppedError: nothing was.
        """
        if self.status != 201:
            raise StoppedError(f"nothing was created: {self}")
        return str(self.json["id"])

    @property
    def retry_after(self) -> int | None:
        """In how many seconds to come again, if the answer says so."""
        seconds = self.headers.get("retry-after", "")
        return int(seconds) if self.status == 503 and seconds.isdigit() else None

    @property
    def fault(self) -> str:
        """What is wrong with the answer, whatever was asked; empty for nothing."""
        if self.status < 400:
            return ""
        if (
            self.headers.get("content-type") != SCIM_JSON
            or ERROR_SCHEMA not in self.json["schemas"]
        ):
            return f"no SCIM error: {self}"
        return ""

    def __str__(self) -> str:
        request = f"{self.request.method} {self.request.path}"
        return f"{request}: {self.status} {self.body[:200].decode(errors='replace')}"


@dataclass
class Client:
    """One client of many.

    Args:
        port: of the server, on this machine.
        expects_failure: whether 500 is what should come.
        longest_pause: seconds after which it comes again at the latest, whatever it is told.
        attempts: how often it sends one request at most.
        extra_headers: sent with every request.
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
        """Send a request until there is an answer to it that is not “come again”."""
        for attempt in range(1, self.attempts + 1):
            try:
                answer = self.send_once(request, attempt)
            except NoAnswerError:
                time.sleep(PAUSE)
                continue
            if answer.retry_after is None:
                return answer
            time.sleep(min(answer.retry_after, self.longest_pause))
        raise NoAnswerError(f"{request.method} {request.path}: none in {self.attempts} attempts")

    def send_once(self, request: Request, attempt: int = 1) -> Answer:
        """Send a request.

        Raises:
            NoAnswerError: the connection broke.
        """
        self.tally.count("sent")
        began = time.monotonic()
        try:
            answer = self._exchange(request, began, attempt)
        except (OSError, HTTPException) as error:
            self._connection.close()
            self.tally.count("unanswered")
            raise NoAnswerError(f"{request.method} {request.path}") from error
        self._judge(answer)
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

    def _judge(self, answer: Answer) -> None:
        if answer.fault:
            self.tally.count("violations", problem=answer.fault)
        if answer.retry_after is not None:
            self.tally.count("retried")
        elif answer.status >= 500 and not (self.expects_failure and answer.status == 500):
            self.tally.count("5xx", problem=str(answer))


def at_once(clients: list[Client], requests: list[Request]) -> list[Answer]:
    """Send requests from all clients at the same time; the answers, in the requests' order."""
    shares = [requests[number :: len(clients)] for number in range(len(clients))]

    def run(client: Client, share: list[Request]) -> list[Answer]:
        return [client.send(request) for request in share]

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [iter(each) for each in pool.map(run, clients, shares)]
    return [next(answers[number % len(clients)]) for number in range(len(requests))]
