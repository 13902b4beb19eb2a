"""Send an operation's requests to a server, and take down what they cost."""

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
# Requests by which all workers have imported what an operation needs.
WARM_UP = 6
# In a millisecond.
NANOSECONDS = 1_000_000
# After its answer a worker has still to close the connection and Django's request.
SETTLE_SECONDS = 0.005
# How far the cursor is walked: to the middle.
PAGES_BEFORE = 50
DETAIL_LENGTH = 200


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Args:
        rounds: how often the servers take turns.
        seconds: how long a server's turn takes, about, with one client and again with four.
        most: requests in a turn at most.
        longest: seconds for all rounds of one operation and server, about: of a slow one there are
            fewer rounds.
    """

    rounds: int
    seconds: float
    most: int
    longest: float

    def rounds_at(self, pace: float) -> int:
        """How many turns a server has whose answers take so many seconds; none of a very slow one,
        whose warm-up is measured."""
        return min(self.rounds, math.floor(self.longest / (2 * pace)))

    def requests_at(self, pace: float) -> int:
        """How many requests it has in a turn."""
        return max(1, min(self.most, round(self.seconds / pace)))


QUICK = Extent(rounds=5, seconds=0.12, most=40, longest=3)
FULL = Extent(rounds=9, seconds=0.25, most=80, longest=8)


@dataclass(frozen=True)
class Turn:
    """What a server's requests cost in one turn.

    Args:
        seconds: of each request, with one client.
        worker: milliseconds of processor time a request, of the server's processes.
        database: the same of PostgreSQL's, or None if they run elsewhere.
        throughput: requests a second with four clients, or None where that would take too long.
        failed: how many were not answered as they should be.
    """

    seconds: list[float]
    worker: float
    database: float | None
    throughput: float | None
    failed: int

    @property
    def processor(self) -> float:
        """Milliseconds of worker and database together."""
        return self.worker + (self.database or 0)


@dataclass(frozen=True)
class Look:
    """What one request shows.

    Args:
        statements: how many SQL statements it took.
        idle: bytes that the worker had before, after a few small requests.
        peak: bytes that it had at most.
        bytes: of the answer.
        problem: what the answer lacks; empty if nothing.
        cannot: whether the operation was refused.
    """

    statements: int
    idle: int
    peak: int
    bytes: int
    problem: str = ""
    cannot: bool = False


@dataclass(frozen=True)
class Batch:
    """What several requests cost: the seconds of each, and nanoseconds of processor time of all."""

    seconds: list[float]
    elapsed: float
    worker: int
    database: int | None
    failed: int


class Measurement:
    """Measures operations, one after another.

    Args:
        connection: to PostgreSQL, which tells its processes.
        extent: how much.
    """

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], extent: Extent) -> None:
        self._connection = connection
        self._extent = extent
        self._counters: dict[tuple[str, str], count[int]] = {}
        self._cursors: dict[str, str] = {}

    def look(self, operation: Operation, server: Server) -> Look:
        """Try an operation on a server that counts its statements, with a new worker."""
        server.renew_worker()
        for _ in range(3):
            server.send(Request("GET", "/Users?startIndex=1&count=1"))
        if operation.by_cursor and not self._cursor(server):
            return Look(0, 0, 0, 0, "has no cursors", cannot=True)
        [worker] = server.workers()
        [number] = numbers = self._next(operation, server, 1)
        _send(operation.before(server.subject, numbers, []), server)
        idle = resident(worker)
        reset_peak(worker)
        answer = exchange(server.port, self._encode(operation, server, number))
        high = peak(worker)
        _send(operation.after(server.subject, numbers, [answer]), server)
        return Look(
            statements=int(answer.header(HEADER)),
            idle=idle,
            peak=high,
            bytes=len(answer.content),
            problem=_problem(operation, answer),
            cannot=not answer.is_good,
        )

    def turns(self, operation: Operation, servers: Sequence[Server]) -> dict[str, list[Turn]]:
        """Measure an operation on servers that take turns.

        Returns:
            The turns of each server, by its subject's name: of a slow one there are fewer.
        """
        turns: dict[str, list[Turn]] = {}
        paces = {}
        for server in servers:
            name = server.subject.name
            paces[name], warm_up = self._warm_up(operation, server)
            is_slow = paces[name] > self._extent.longest / 2
            turns[name] = [_turn(warm_up)] if is_slow else []
        for index in range(self._extent.rounds):
            for server in servers:
                pace = paces[server.subject.name]
                if index < self._extent.rounds_at(pace):
                    turns[server.subject.name].append(self._turn(operation, server, pace))
        return turns

    def _warm_up(self, operation: Operation, server: Server) -> tuple[float, Batch]:
        """Have all workers answer; returns the seconds of an answer, and what the last cost."""
        batch = self._batch(operation, server, 1, clients=1)
        if batch.seconds[0] < self._extent.longest / 4:
            batch = self._batch(operation, server, WARM_UP, clients=WORKERS)
        return median(batch.seconds), batch

    def _turn(self, operation: Operation, server: Server, pace: float) -> Turn:
        many = self._extent.requests_at(pace)
        alone = self._batch(operation, server, many, clients=1)
        if pace > self._extent.longest / 10:
            return _turn(alone)
        together = self._batch(operation, server, max(many, CLIENTS), clients=CLIENTS)
        return _turn(alone, together)

    def _batch(self, operation: Operation, server: Server, many: int, clients: int) -> Batch:
        """Send requests, by as many clients at once, between those that are not measured."""
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
        """The numbers of the next requests."""
        counter = self._counters.setdefault((operation.name, server.subject.name), count())
        return list(islice(counter, many))

    def _encode(self, operation: Operation, server: Server, number: int) -> bytes:
        if operation.by_cursor:
            return server.encode(list_by_cursor(server.subject, number, self._cursor(server)))
        return server.encode(operation.build(server.subject, number))

    def _cursor(self, server: Server) -> str:
        """The cursor of a page in the middle, or an empty text from a server that has none."""
        name = server.subject.name
        if name not in self._cursors:
            self._cursors[name] = _walk(server)
        return self._cursors[name]


def _turn(alone: Batch, together: Batch | None = None) -> Turn:
    """The costs of a request, of what one client sent and, if they did, four."""
    many = len(alone.seconds)
    return Turn(
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
    """Send requests that nobody measures.

    Raises:
        BenchmarkError: one is refused, so that the next figures would be of something else.
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
