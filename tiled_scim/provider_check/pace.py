"""Hold a rate of requests for some seconds, and measure the responses."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from tiled_scim.provider_check.client import Client, Json, UnreachableError
from tiled_scim.provider_check.expectations import PATCH_SCHEMA
from tiled_scim.provider_check.session import Session, Step, path_of, replace

REFUSALS = {429, 503}
_SUCCESSES = {200, 204}
_THREADS = 64  # how many requests may wait for a response
_LONGEST_DELAY_SECONDS = 5.0  # of the last response, at the end of the time
_HIGHEST_RATE = 1000
_LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Pace:
    """How many requests to send each second, and for how many seconds.

    Raises:
        ValueError: There are too few or too many.
    """

    rate: int
    seconds: int

    def __post_init__(self) -> None:
        if not 1 <= self.rate <= _HIGHEST_RATE:
            raise ValueError(f"The rate must be from 1 to {_HIGHEST_RATE} requests a second.")
        if not 1 <= self.seconds <= _LONGEST_SECONDS:
            raise ValueError(f"A rate can be held for 1 to {_LONGEST_SECONDS} seconds.")

    @property
    def requests(self) -> int:
        return self.rate * self.seconds


class Reply(NamedTuple):
    """The status of a response, or None without one, and the seconds since the request was due."""

    status: int | None
    seconds: float


@dataclass(frozen=True)
class Load:
    """What a server responded while a rate was held.

    Args:
        pace: The rate.
        replies: One for each request.
        delay: How many seconds after the end of the time the last response came.
    """

    pace: Pace
    replies: Sequence[Reply]
    delay: float

    @property
    def refusals(self) -> int:
        """Return how many requests the server refused because there were too many."""
        return sum(reply.status in REFUSALS for reply in self.replies)

    @property
    def failures(self) -> int:
        """Return how many other requests failed."""
        successes = sum(reply.status in _SUCCESSES for reply in self.replies)
        return len(self.replies) - successes - self.refusals

    def milliseconds(self, percentage: int) -> int:
        """Return the time within which this percentage of the requests got their response."""
        times = sorted(reply.seconds for reply in self.replies)
        return round(times[math.ceil(len(times) * percentage / 100) - 1] * 1000)

    def findings(self) -> Iterator[str]:
        """Yield why the server did not hold the rate."""
        statuses = Counter(reply.status for reply in self.replies)
        for status, count in statuses.items():
            if status not in _SUCCESSES:
                answer = f"the status {status}" if status else "no response"
                yield f"{count} of {len(self.replies)} requests got {answer}."
        if self.delay > _LONGEST_DELAY_SECONDS:
            yield (
                f"The last response came {self.delay:.0f} seconds after the last request was due: "
                f"the server does not keep up with {self.pace.rate} requests a second."
            )

    def __str__(self) -> str:
        return (
            f"{len(self.replies)} requests, {self.pace.rate} a second: half were answered within "
            f"{self.milliseconds(50)} ms (p50) and 95 % within {self.milliseconds(95)} ms (p95); "
            f"{self.refusals} were refused, {self.failures} failed."
        )


def step(pace: Pace) -> Step:
    """Return the step that holds a rate."""

    def hold_rate(session: Session) -> None:
        session.load = hold(session.client, pace, _requests(session))
        session.require(list(session.load.findings()))

    return Step(
        f"Hold {pace.rate} requests a second for {pace.seconds} seconds",
        hold_rate,
        "Provisioning of many people at once is slow, or changes are retried much later.",
        "Raise the rate limit and the number of workers. Entra requires 25 requests a second for "
        "each customer of an app in its gallery.",
        needs=("user",),
    )


class Request(NamedTuple):
    method: str
    path: str
    body: Json | None = None


def hold(client: Client, pace: Pace, requests: Sequence[Request]) -> Load:
    """Send the requests in turn, each when it is due, even if earlier ones have no response yet.

    The time of a response counts from when its request was due, so that a server that makes
    requests wait does not look fast.
    """
    start = time.monotonic()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        futures: list[Future[Reply]] = []
        for number in range(pace.requests):
            request = requests[number % len(requests)]
            due = start + number / pace.rate
            time.sleep(max(0.0, due - time.monotonic()))
            futures.append(pool.submit(_reply, client, request, due))
        replies = [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Load(pace, replies, time.monotonic() - start - pace.seconds)


def _reply(client: Client, request: Request, due: float) -> Reply:
    try:
        status: int | None = client.send_once(*request).status
    except UnreachableError:
        status = None
    return Reply(status, time.monotonic() - due)


def _requests(session: Session) -> list[Request]:
    """Return what a provider sends most: lookups, reads and changes of a person."""
    user = path_of("/Users", session.user_id)
    lookup = quote(f'userName eq "{session.names.user}"')
    requests = [
        Request("GET", f"/Users?filter={lookup}"),
        Request("GET", user),
        Request("GET", "/Users?startIndex=1&count=10"),
    ]
    if "PATCH" not in session.missing_features:
        change = replace("SCIM Check (safe to delete)", "displayName")
        requests.append(Request("PATCH", user, {"schemas": [PATCH_SCHEMA], "Operations": [change]}))
    return requests
