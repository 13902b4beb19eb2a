"""Send the requests of an operation to a server, and measure what they cost."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from statistics import median
from typing import TYPE_CHECKING

from .client import Answer, Request, exchange
from .operations import Operation, list_by_cursor
from .processes import backends, peak, processor_time, reset_peak, resident
from .servers import BenchmarkError, Server
from .statements import HEADER

if TYPE_CHECKING:
    import psycopg

CLIENTS = 4
WORKERS = 2
# Requests after which both workers have imported everything that an operation needs.
WARM_UP = 6
# In a millisecond.
NANOSECONDS = 1_000_000
# After an answer, the worker still closes the connection and Django's request.
SETTLE_SECONDS = 0.005
# The page that cursors are measured at, in the middle of the list.
PAGES_BEFORE = 50
DETAIL_LENGTH = 200


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Args:
        rounds: how often each server is measured.
        seconds: the approximate duration of a round with one client; four clients take as long.
        most: the maximum number of requests in a round.
        longest: the approximate maximum duration of all rounds of an operation on one server, in
            seconds. Slow servers have fewer rounds.
    """

    rounds: int
    seconds: float
    most: int
    longest: float

    def rounds_at(self, pace: float) -> int:
        """Return the number of rounds for a server.

        Args:
            pace: the seconds that an answer takes. If it is very slow, there are no rounds: its
                warm-up is measured.
        """
        return min(self.rounds, math.floor(self.longest / (2 * pace)))

    def requests_at(self, pace: float) -> int:
        """Return the number of requests in a round, for answers that take `pace` seconds."""
        return max(1, min(self.most, round(self.seconds / pace)))


QUICK = Extent(rounds=5, seconds=0.12, most=40, longest=3)
FULL = Extent(rounds=9, seconds=0.25, most=80, longest=8)


@dataclass(frozen=True)
class Round:
    """What the requests to one server cost in one round.

    Args:
        seconds: of each request, with one client.
        worker: processor time of the workers per request, in milliseconds.
        database: processor time of PostgreSQL per request, or None if it runs on another machine.
        throughput: requests per second with four clients, or None if that would take too long.
        failed: the number of requests that were answered with an error.
    """

    seconds: list[float]
    worker: float
    database: float | None
    throughput: float | None
    failed: int

    @property
    def processor(self) -> float:
        """Processor time of workers and database per request, in milliseconds."""
        return self.worker + (self.database or 0)


@dataclass(frozen=True)
class Probe:
    """What a single request shows.

    Args:
        statements: the number of SQL statements.
        idle: memory of the worker before the request, in bytes.
        peak: maximum memory of the worker during the request, in bytes.
        problem: how the answer differs from what was requested, or an empty string.
        cannot: whether the server does not support the operation.
    """

    statements: int
    idle: int
    peak: int
    problem: str = ""
    cannot: bool = False


@dataclass(frozen=True)
class Batch:
    """What several requests cost.

    Args:
        seconds: the duration of each request.
        elapsed: the duration of all requests, in seconds.
        worker: processor time of the workers, in nanoseconds.
        database: processor time of PostgreSQL, in nanoseconds.
        failed: the number of requests that were answered with an error.
    """

    seconds: list[float]
    elapsed: float
    worker: int
    database: int | None
    failed: int


class Measurement:
    """Measures operations on running servers.

    Args:
        connection: a connection to PostgreSQL, to list its processes.
        extent: how much to measure.
    """

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], extent: Extent) -> None:
        self._connection = connection
        self._extent = extent
        self._counters: dict[tuple[str, str], count[int]] = {}
        self._cursors: dict[str, str] = {}

    def probe(self, operation: Operation, server: Server) -> Probe:
        """Send one request to a new worker of a server that counts statements."""
        server.renew_worker()
        for _ in range(3):
            server.send(Request("GET", "/Users?startIndex=1&count=1"))
        if operation.by_cursor and not self._cursor(server):
            return Probe(0, 0, 0, "has no cursors", cannot=True)
        [worker] = server.workers()
        [number] = numbers = self._next(operation, server, 1)
        _send(operation.before(server.subject, numbers, []), server)
        idle = resident(worker)
        reset_peak(worker)
        answer = exchange(server.port, self._encode(operation, server, number))
        high = peak(worker)
        _send(operation.after(server.subject, numbers, [answer]), server)
        return Probe(
            statements=int(answer.header(HEADER)),
            idle=idle,
            peak=high,
            problem=_problem(operation, answer),
            cannot=not answer.is_good,
        )

    def rounds(self, operation: Operation, servers: Sequence[Server]) -> dict[str, list[Round]]:
        """Measure an operation on all servers, in turns.

        Returns:
            The rounds of each server, by the subject's name.
        """
        rounds: dict[str, list[Round]] = {}
        paces = {}
        for server in servers:
            name = server.subject.name
            paces[name], warm_up = self._warm_up(operation, server)
            is_slow = paces[name] > self._extent.longest / 2
            rounds[name] = [_round(warm_up)] if is_slow else []
        for index in range(self._extent.rounds):
            for server in servers:
                pace = paces[server.subject.name]
                if index < self._extent.rounds_at(pace):
                    rounds[server.subject.name].append(self._round(operation, server, pace))
        return rounds

    def _warm_up(self, operation: Operation, server: Server) -> tuple[float, Batch]:
        """Send requests to all workers; return the seconds of an answer, and the last batch."""
        batch = self._batch(operation, server, 1, clients=1)
        if batch.seconds[0] < self._extent.longest / 4:
            batch = self._batch(operation, server, WARM_UP, clients=WORKERS)
        return median(batch.seconds), batch

    def _round(self, operation: Operation, server: Server, pace: float) -> Round:
        many = self._extent.requests_at(pace)
        alone = self._batch(operation, server, many, clients=1)
        if pace > self._extent.longest / 10:
            return _round(alone)
        together = self._batch(operation, server, max(many, CLIENTS), clients=CLIENTS)
        return _round(alone, together)

    def _batch(self, operation: Operation, server: Server, many: int, clients: int) -> Batch:
        """Measure requests from several clients at once, with their preparation and cleanup."""
        numbers = self._next(operation, server, many)
        _send(operation.before(server.subject, numbers, []), server)
        contents = [self._encode(operation, server, number) for number in numbers]
        pids, database_pids = server.workers(), backends(self._connection, server.database)
        worker, database = processor_time(pids), processor_time(database_pids)
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            results = list(pool.map(lambda content: _timed(server.port, content), contents))
        elapsed = time.perf_counter() - began
        time.sleep(SETTLE_SECONDS)
        worker = processor_time(pids) - worker
        spent = processor_time(database_pids) - database if database_pids else None
        answers = [answer for _, answer in results]
        _send(operation.after(server.subject, numbers, answers), server)
        failed = sum(not answer.is_good for answer in answers)
        return Batch([seconds for seconds, _ in results], elapsed, worker, spent, failed)

    def _next(self, operation: Operation, server: Server, many: int) -> list[int]:
        """Return numbers for the next requests."""
        counter = self._counters.setdefault((operation.name, server.subject.name), count())
        return list(islice(counter, many))

    def _encode(self, operation: Operation, server: Server, number: int) -> bytes:
        if operation.by_cursor:
            return server.encode(list_by_cursor(server.subject, number, self._cursor(server)))
        return server.encode(operation.build(server.subject, number))

    def _cursor(self, server: Server) -> str:
        """Return the cursor of a page in the middle, or an empty string if there are none."""
        name = server.subject.name
        if name not in self._cursors:
            self._cursors[name] = _walk(server)
        return self._cursors[name]


def _round(alone: Batch, together: Batch | None = None) -> Round:
    """Combine the requests of one client and, if there are any, of four."""
    many = len(alone.seconds)
    return Round(
        seconds=alone.seconds,
        worker=alone.worker / many / NANOSECONDS,
        database=None if alone.database is None else alone.database / many / NANOSECONDS,
        throughput=len(together.seconds) / together.elapsed if together else None,
        failed=alone.failed + (together.failed if together else 0),
    )


def _walk(server: Server) -> str:
    cursor = ""
    for _ in range(PAGES_BEFORE):
        page = server.send(list_by_cursor(server.subject, 0, cursor)).json
        cursor = page.get("nextCursor", "")
        if not cursor:
            break
    return cursor


def _send(requests: Iterable[Request], server: Server) -> None:
    """Send requests without measuring them.

    Raises:
        BenchmarkError: a request failed, so that the next results would be wrong.
    """
    for request in requests:
        answer = server.send(request)
        if not answer.is_good:
            raise BenchmarkError(
                f"{server.subject.name}: {request.method} {request.path} answers "
                f"{answer.status}: {answer.text[:DETAIL_LENGTH]}"
            )


def _timed(port: int, content: bytes) -> tuple[float, Answer]:
    began = time.perf_counter()
    answer = exchange(port, content)
    return time.perf_counter() - began, answer


def _problem(operation: Operation, answer: Answer) -> str:
    if not answer.is_good:
        return f"answers {answer.status}"
    document = answer.json
    return operation.check(document) if document else ""
