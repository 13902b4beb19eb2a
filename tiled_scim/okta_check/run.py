"""A whole run of the check, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum

from tiled_scim.okta_check.client import Attempt, OktaClient
from tiled_scim.okta_check.conversation import Conversation, Outcome, Result, Step
from tiled_scim.okta_check.sequence import SEQUENCE, clean_up


class Verdict(Enum):
    """What a run says of the server."""

    READY = "ready"
    NOT_READY = "not ready"
    INTERRUPTED = "interrupted"


class Run:
    """Plays the sequence once, and keeps the results.

    `problems` has what could not be cleaned up. `is_interrupted` is set by whoever stops it.
    """

    def __init__(self, client: OktaClient) -> None:
        self.conversation = Conversation(client)
        self.results: list[Result] = []
        self.problems: list[str] = []
        self.is_interrupted = False
        self.started = datetime.now(UTC)
        self._start = time.monotonic()

    def steps(self) -> Iterator[tuple[int, Step]]:
        """The steps to be played, each with its number, up to one that nothing comes after."""
        for number, step in enumerate(SEQUENCE, start=1):
            if self.conversation.has_stopped:
                return
            yield number, step

    def play(self, step: Step) -> Result:
        """Play one step and keep its result."""
        result = self.conversation.play(step)
        self.results.append(result)
        return result

    def clean_up(self) -> None:
        """Put away what the run made, where it got as far as making anything."""
        if not self.has_connected:
            return
        try:
            self.problems = clean_up(self.conversation)
        except KeyboardInterrupt:
            self.is_interrupted = True
            self.problems = ["Interrupted."]

    @property
    def has_connected(self) -> bool:
        return self.conversation.is_connected

    @property
    def verdict(self) -> Verdict:
        """Interrupted, ready, or not: with a failure, or with something left that should not be."""
        if self.is_interrupted:
            return Verdict.INTERRUPTED
        return Verdict.NOT_READY if self.problems or self.failures else Verdict.READY

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def totals(self) -> dict[str, int]:
        """How many of the planned steps went how."""
        outcomes = [result.outcome for result in self.results]
        counts = {outcome.value.lower(): outcomes.count(outcome) for outcome in Outcome}
        return counts | {"not tried": len(SEQUENCE) - len(self.results)}

    @property
    def attempts(self) -> list[Attempt]:
        """Every request of the steps and of the cleaning up."""
        return self.conversation.client.attempts

    @property
    def slowest(self) -> Attempt | None:
        return max(self.attempts, key=lambda attempt: attempt.seconds, default=None)

    @property
    def seconds(self) -> float:
        """How long ago it started."""
        return time.monotonic() - self._start
