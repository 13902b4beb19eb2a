"""The environment of a scenario: a server, its database, a token and the clients."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from . import invariants, messages, state
from .client import Answer, Client, at_once
from .messages import Request
from .server import Server
from .tally import Tally

SETTLE_SECONDS = 20


class Extent(NamedTuple):
    """The extent of a run.

    Args:
        rounds: How often each concurrency scenario runs.
        kills: The number of processes to kill during a write.
        outage_seconds: The duration of each outage of the database.
        cuts: The number of outages for each kind of connection.
        left_out: The names of scenarios to skip.
    """

    rounds: int
    kills: int
    outage_seconds: float
    cuts: int
    left_out: frozenset[str] = frozenset()


@dataclass
class Stage:
    """The environment of a scenario.

    Args:
        server: The server.
        token: The current token.
        url: The URL of the database, without a proxy.
        folder: The folder for the server's files.
        extent: The extent of the run.
        chance: The seeded random number generator.
        tally: Where results are counted.
        crowd: The number of concurrent clients.
    """

    server: Server
    token: str
    url: str
    folder: Path
    extent: Extent
    chance: random.Random
    tally: Tally
    crowd: int

    def client(self, *, expects_failure: bool = False) -> Client:
        return Client(self.server.port, self.token, self.tally, expects_failure)

    def clients(self) -> list[Client]:
        return [self.client() for _ in range(self.crowd)]

    def at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests from all clients in random order, and return the responses in order."""
        order = self.chance.sample(range(len(requests)), len(requests))
        answers = at_once(self.clients(), [requests[place] for place in order])
        return [answer for _, answer in sorted(zip(order, answers, strict=True), key=_place)]

    def people(self, count: int, prefix: str = "person") -> dict[str, str]:
        """Provision people concurrently, and return their ids by userName."""
        names = [f"{prefix}{number}" for number in range(count)]
        answers = self.at_once([messages.create_user(name) for name in names])
        self.require(answers, 201)
        return {name: answer.key for name, answer in zip(names, answers, strict=True)}

    def group(self, name: str, *members: str) -> str:
        """Push a group with these members (ids), and return its id."""
        answer = self.client().send(messages.create_group(name, *members))
        self.require([answer], 201)
        return answer.key

    def require(self, answers: Sequence[Answer], *statuses: int) -> None:
        """Count each response with another status as a violation."""
        for answer in answers:
            if answer.status not in statuses:
                self.tally.count("violations", problem=f"unexpected: {answer}")

    def require_statuses(self, answers: Sequence[Answer], expected: dict[int, int]) -> None:
        """Count one violation if the numbers of responses by status differ."""
        found = Counter(answer.status for answer in answers)
        if found != expected:
            self.tally.count("violations", problem=f"statuses {dict(found)}, not {expected}")

    def check(self, expected: state.Facts, *, with_events: bool = True) -> None:
        """Compare the state with the expected facts, and check the invariants.

        Args:
            expected: The facts.
            with_events: Whether each change must have its event.
        """
        self.wait_until_idle()
        self.tally.compare(expected, state.facts())
        self.check_invariants(with_events=with_events)

    def check_invariants(self, *, with_events: bool = True) -> None:
        for violation in invariants.violations(with_events=with_events):
            self.tally.count("violations", problem=violation)

    def wait_until_idle(self) -> None:
        """Wait until the database has finished all statements, also of killed processes."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while state.running():
            if time.monotonic() > deadline:
                self.tally.count("violations", problem="a transaction stays open")
                return
            time.sleep(0.01)


def _place(pair: tuple[int, Answer]) -> int:
    return pair[0]
