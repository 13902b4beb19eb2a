"""Where a scenario plays: a server, its database, a token, and the crowd of clients."""

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
    """How much is tried.

    Args:
        rounds: how often each scenario of concurrency is played.
        kills: of server processes in the middle of a write.
        outage_seconds: how long the database is away each time.
        cuts: how often it goes away under each kind of connection.
        left_out: the names of scenarios that are not played.
    """

    rounds: int
    kills: int
    outage_seconds: float
    cuts: int
    left_out: frozenset[str] = frozenset()


@dataclass
class Stage:
    """What a scenario needs.

    Args:
        url: of the database, without a proxy.
        folder: for files of the server's.
        chance: the seeded source of all that is random.
        crowd: how many clients there are at once.
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
        """Send requests from the whole crowd, in a random order; the answers in that given here."""
        order = self.chance.sample(range(len(requests)), len(requests))
        answers = at_once(self.clients(), [requests[place] for place in order])
        return [answer for _, answer in sorted(zip(order, answers, strict=True), key=_place)]

    def people(self, count: int, prefix: str = "person") -> dict[str, str]:
        """Provision people, all at once; their ids by userName."""
        names = [f"{prefix}{number}" for number in range(count)]
        answers = self.at_once([messages.create_user(name) for name in names])
        self.require(answers, 201)
        return {name: answer.key for name, answer in zip(names, answers, strict=True)}

    def group(self, name: str, *members: str) -> str:
        """Push a group with these members (ids); its id."""
        answer = self.client().send(messages.create_group(name, *members))
        self.require([answer], 201)
        return answer.key

    def require(self, answers: Sequence[Answer], *statuses: int) -> None:
        """Count each answer that has none of the statuses."""
        for answer in answers:
            if answer.status not in statuses:
                self.tally.count("violations", problem=f"unexpected: {answer}")

    def require_statuses(self, answers: Sequence[Answer], expected: dict[int, int]) -> None:
        """Count it as one violation where the statuses came in other numbers."""
        found = Counter(answer.status for answer in answers)
        if found != expected:
            self.tally.count("violations", problem=f"statuses {dict(found)}, not {expected}")

    def check(self, expected: state.Facts) -> None:
        """Compare what there is with what there should be, and look at the invariants."""
        self.settle()
        self.tally.compare(expected, state.facts())
        self.check_invariants()

    def check_invariants(self) -> None:
        for violation in invariants.violations():
            self.tally.count("violations", problem=violation)

    def settle(self) -> None:
        """Wait until the database has done with all that was sent, by the killed as well."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while state.running():
            if time.monotonic() > deadline:
                self.tally.count("violations", problem="a transaction stays open")
                return
            time.sleep(0.01)


def _place(pair: tuple[int, Answer]) -> int:
    return pair[0]
