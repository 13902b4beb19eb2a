"""One run of the check: the conversation with the server, and how each step of it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NoReturn
from urllib.parse import quote

from tiled_scim.okta_check import expectations
from tiled_scim.okta_check.client import Attempt, Exchange, Json, OktaClient, UnreachableError
from tiled_scim.okta_check.diagnosis import Diagnosis, Place, diagnose
from tiled_scim.okta_check.expectations import GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA

Endpoint = Literal["/Users", "/Groups"]
SCHEMAS: dict[Endpoint, str] = {"/Users": USER_SCHEMA, "/Groups": GROUP_SCHEMA}

Need = Literal["user", "group", "no group"]
_OBSTACLES: dict[Need, str] = {
    "user": "Not tried, since there is no test person.",
    "group": "Not tried, since there is no test group.",
    "no group": "Not tried, since the test group is there already.",
}

Feature = Literal["PATCH", "Groups", "Tiled Admin"]
# What a server may leave out, and what that means.
_NOT_OFFERED: dict[Feature, str] = {
    "PATCH": "The server says that it has no PATCH: only apps of Okta's wizard, which PUT, fit it.",
    "Groups": "The server says that it has no groups: leave Push Groups off in Okta.",
    "Tiled Admin": "The server does not name this extension of Tiled's among its resource types.",
}


def replace(value: Any, path: str | None = None) -> Json:
    """A replace operation; Okta mostly sends it without a path."""
    return {"op": "replace", **({"path": path} if path else {}), "value": value}


class Outcome(Enum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Step:
    """One thing that Okta does.

    Args:
        title: what happens, in an Okta admin's words.
        run: plays it; raises `MismatchError`, `NotOfferedError` or `UnreachableError`.
        consequence: what Okta does with such a failure, as a sentence.
        remedy: what the server should do, as a sentence.
        place: where Okta shows the failure.
        refusal: the status of the error that is right here, if one is.
        needs: what earlier steps must have left.
        uses: what a server may leave out, and the step with it.
        is_vital: nothing after it makes sense without it.
    """

    title: str
    run: Callable[[Conversation], None]
    consequence: str
    remedy: str
    place: Place = Place.TASKS
    refusal: int | None = None
    needs: tuple[Need, ...] = ()
    uses: tuple[Feature, ...] = ()
    is_vital: bool = False

    @property
    def name(self) -> str:
        """What programs know it by."""
        return self.run.__name__


@dataclass(frozen=True)
class Result:
    """How a step went.

    Args:
        findings: what was found wrong, or why the step was not played.
        diagnosis: of a failure.
        notes: what is worth mending, and no failure.
        seconds: how long it took, waiting included.
        attempts: every request.
        exchanges: the requests that had an answer, and their answers.
    """

    step: Step
    outcome: Outcome
    findings: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class MismatchError(Exception):
    """An answer, or the server's state, is not what Okta needs."""

    def __init__(self, findings: Collection[str]) -> None:
        super().__init__(" ".join(findings))
        self.findings = tuple(findings)


class NotOfferedError(Exception):
    """The server leaves out what Okta can do without; the message is a sentence on that."""


class Conversation:
    """What a run knows: the way to the server, what it made there, and whether to go on.

    Steps are written in its methods. Each checks what it gets and ends the step by raising
    `MismatchError` where that is not what Okta needs.
    """

    def __init__(self, client: OktaClient) -> None:
        self.client = client
        self.send = client.send
        self.user_id: str | None = None
        self.group_id: str | None = None
        self.lacks: set[Feature] = set()
        self.is_connected = False
        self.has_stopped = False
        self._notes: dict[str, None] = {}  # in order, and each only once in a run

    def play(self, step: Step) -> Result:
        """Play one step; a failure is in the result and never raised."""
        if missing := next((feature for feature in step.uses if feature in self.lacks), None):
            return Result(step, Outcome.NOT_OFFERED, (_NOT_OFFERED[missing],))
        if obstacle := self._obstacle(step):
            return Result(step, Outcome.SKIPPED, (obstacle,))
        exchanges, attempts, notes = self.client.journal, self.client.attempts, self._notes
        marks = len(exchanges), len(attempts), len(notes)
        start = time.monotonic()
        outcome, findings, diagnosis = self._run(step)
        return Result(
            step,
            outcome,
            findings,
            diagnosis,
            tuple(notes)[marks[2] :],
            time.monotonic() - start,
            tuple(attempts[marks[1] :]),
            tuple(exchanges[marks[0] :]),
        )

    def _run(self, step: Step) -> tuple[Outcome, tuple[str, ...], Diagnosis | None]:
        first = len(self.client.attempts)
        try:
            step.run(self)
            self.require(expectations.speed(self.client.attempts[first:]))
        except NotOfferedError as lack:
            return Outcome.NOT_OFFERED, (str(lack),), None
        except MismatchError as mismatch:
            self.has_stopped = step.is_vital
            return Outcome.FAILED, mismatch.findings, self._diagnosis(step, first)
        except UnreachableError as unreachable:
            self.has_stopped = True
            diagnosis = Diagnosis(step.consequence, unreachable.advice)
            return Outcome.FAILED, (str(unreachable),), diagnosis
        finally:
            self.note(expectations.speed_notes(self.client.attempts[first:]))
        return Outcome.PASSED, (), None

    def _diagnosis(self, step: Step, first: int) -> Diagnosis:
        if len(self.client.attempts) == first:  # found without asking the server
            return Diagnosis(step.consequence, step.remedy)
        return diagnose(step, self.client.journal[-1])

    def _obstacle(self, step: Step) -> str | None:
        has: dict[Need, bool] = {
            "user": self.user_id is not None,
            "group": self.group_id is not None,
            "no group": self.group_id is None,
        }
        return next((_OBSTACLES[need] for need in step.needs if not has[need]), None)

    def fail(self, *findings: str) -> NoReturn:
        """End the step: this was found."""
        raise MismatchError(findings)

    def leave_out(self, reason: str) -> NoReturn:
        """End the step: the server does not offer this, and Okta can do without."""
        raise NotOfferedError(reason)

    def require(self, findings: Collection[str]) -> None:
        """End the step if anything was found."""
        if findings:
            raise MismatchError(findings)

    def note(self, notes: Iterable[str]) -> None:
        """Keep what is worth mending and no failure."""
        self._notes.update(dict.fromkeys(notes))

    def resource(
        self, exchange: Exchange, endpoint: Endpoint, statuses: Collection[int] = (200,)
    ) -> Json:
        """The User or Group that the answer must be."""
        self.require(expectations.resource(exchange, SCHEMAS[endpoint], statuses))
        self.note(expectations.resource_notes(exchange.json, SCHEMAS[endpoint]))
        return dict(exchange.json)

    def require_error(self, exchange: Exchange, status: int) -> None:
        """End the step unless the answer is an Error of this status."""
        self.require(expectations.error(exchange, status))
        self.note(expectations.error_notes(exchange))

    def list_page(self, endpoint: Endpoint, start_index: int, count: int) -> Exchange:
        """One page of everything, checked."""
        exchange = self.send("GET", endpoint, query={"startIndex": start_index, "count": count})
        self.require(expectations.listing(exchange, SCHEMAS[endpoint]))
        return exchange

    def look_up(
        self, endpoint: Endpoint, attribute: str, value: str, *, spaces_as_plus: bool = False
    ) -> Json | None:
        """What Okta finds before it creates: one, or none."""
        page = self._search(endpoint, attribute, value, spaces_as_plus=spaces_as_plus)
        found = page.get("Resources") or []
        if len(found) > 1 or page["totalResults"] != len(found):
            self.fail(
                f"The lookup finds {len(found)}, or {page['totalResults']} by totalResults, where "
                "there should be one at most."
            )
        return dict(found[0]) if found else None

    def find(self, endpoint: Endpoint, attribute: str, value: str) -> list[Json]:
        """What there is of the value, which may be several after runs that have failed."""
        return [*(self._search(endpoint, attribute, value).get("Resources") or ())]

    def _search(
        self, endpoint: Endpoint, attribute: str, value: str, *, spaces_as_plus: bool = False
    ) -> Json:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        query: dict[str, str | int] = {
            "filter": f'{attribute} eq "{quoted}"',
            "startIndex": 1,
            "count": 100,
        }
        exchange = self.send("GET", endpoint, query=query, spaces_as_plus=spaces_as_plus)
        self.require(expectations.listing(exchange, SCHEMAS[endpoint]))
        return dict(exchange.json)

    def patch(self, path: str, *operations: Json) -> None:
        """PATCH, answered with 200 and the resource or with 204."""
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        self.require(expectations.answer(self.send("PATCH", path, body), {200, 204}))

    def read(self, endpoint: Endpoint, resource_id: str | None) -> Json:
        """The resource as it is now."""
        return self.resource(self.send("GET", path_of(endpoint, resource_id)), endpoint)

    def change(self, endpoint: Endpoint, resource_id: str | None, values: Json) -> None:
        """Replace values by PATCH, or by PUT where the server has no PATCH."""
        path = path_of(endpoint, resource_id)
        if "PATCH" in self.lacks:
            body = self.read(endpoint, resource_id) | values
            self.resource(self.send("PUT", path, body), endpoint)
        else:
            self.patch(path, replace(values))


def path_of(endpoint: Endpoint, resource_id: str | None) -> str:
    """The path of a resource, whatever is in its id."""
    return f"{endpoint}/{quote(str(resource_id), safe='')}"
