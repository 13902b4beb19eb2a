"""Run the whole check and collect the results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum

from tiled_scim.provider_check import cleaning
from tiled_scim.provider_check.client import Attempt, Client
from tiled_scim.provider_check.names import Names
from tiled_scim.provider_check.pace import Pace
from tiled_scim.provider_check.providers import Provider
from tiled_scim.provider_check.sequences import SEQUENCES
from tiled_scim.provider_check.session import Outcome, Result, Session, Step


class Verdict(Enum):
    """The verdict of a run on the server."""

    READY = "ready"
    NOT_READY = "not ready"
    INTERRUPTED = "interrupted"


class Run:
    """One run of the sequence, and its results.

    `problems` lists what could not be cleaned up. The caller sets `is_interrupted` when it stops
    the run, and adds to `remarks` what it knows of things that the deleted test group left.

    Args:
        client: The client, which plays one provider.
        names: The names of the test user and group.
        pace: The rate of requests to hold, if any.
    """

    def __init__(
        self, client: Client, names: Names | None = None, pace: Pace | None = None
    ) -> None:
        sequence = SEQUENCES[client.provider.key]
        self.sequence = sequence.holding(pace) if pace else sequence
        self.session = Session(client, names)
        self.results: list[Result] = []
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self.is_interrupted = False
        self.started = datetime.now(UTC)
        self._start = time.monotonic()

    def steps(self) -> Iterator[tuple[int, Step]]:
        """Yield the numbered steps, until the end or a failure that stops the run."""
        for number, step in enumerate(self.sequence.steps, start=1):
            if self.session.is_stopped:
                return
            yield number, step

    def play(self, step: Step) -> Result:
        """Perform a step and keep its result."""
        result = self.session.play(step)
        self.results.append(result)
        return result

    def clean_up(self) -> None:
        """Clean up what the run created, if it connected at all."""
        if not self.has_connected:
            return
        try:
            self.problems = cleaning.clean_up(self.session, self.sequence.clean_up)
        except KeyboardInterrupt:
            self.is_interrupted = True
            self.problems = ["Interrupted."]

    @property
    def provider(self) -> Provider:
        return self.session.provider

    @property
    def has_connected(self) -> bool:
        return self.session.is_connected

    @property
    def verdict(self) -> Verdict:
        """Return the verdict. A server is not ready if a step or the clean-up failed."""
        if self.is_interrupted:
            return Verdict.INTERRUPTED
        return Verdict.NOT_READY if self.problems or self.failures else Verdict.READY

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def totals(self) -> dict[str, int]:
        """Return the number of steps for each outcome."""
        outcomes = [result.outcome for result in self.results]
        counts = {outcome.value.lower(): outcomes.count(outcome) for outcome in Outcome}
        return counts | {"not tried": len(self.sequence.steps) - len(self.results)}

    @property
    def attempts(self) -> list[Attempt]:
        """Return every request of the steps and the clean-up."""
        return self.session.client.attempts

    @property
    def slowest(self) -> Attempt | None:
        return max(self.attempts, key=lambda attempt: attempt.seconds, default=None)

    @property
    def seconds(self) -> float:
        """Return the seconds since the run started."""
        return time.monotonic() - self._start
