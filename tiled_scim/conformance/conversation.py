"""One run of the check: the conversation with the server, and how each step of it went."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NoReturn

from . import expectations
from .client import Exchange, Json, OktaClient, UnreachableError
from .expectations import GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA

Endpoint = Literal["/Users", "/Groups"]
SCHEMAS: dict[Endpoint, str] = {"/Users": USER_SCHEMA, "/Groups": GROUP_SCHEMA}


def replace(value: Any, path: str | None = None) -> Json:
    """A replace operation; Okta mostly sends it without a path."""
    return {"op": "replace", **({"path": path} if path else {}), "value": value}


class Outcome(Enum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One thing that Okta does.

    Args:
        title: what happens, in an Okta admin's words.
        run: plays it; raises `MismatchError` or `UnreachableError` where it fails.
        consequence: what Okta does with such a failure, as a sentence.
        needs: what earlier steps must have made.
        is_vital: nothing after it makes sense without it.
    """

    title: str
    run: Callable[[Conversation], None]
    consequence: str
    needs: tuple[Literal["user", "group"], ...] = ()
    is_vital: bool = False


@dataclass(frozen=True)
class Result:
    """How a step went: what was found wrong, and the exchanges that show it."""

    step: Step
    outcome: Outcome
    findings: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class MismatchError(Exception):
    """An answer, or the server's state, is not what Okta needs."""

    def __init__(self, findings: Collection[str]) -> None:
        super().__init__(" ".join(findings))
        self.findings = tuple(findings)


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
        self.is_connected = False
        self.has_stopped = False

    def play(self, step: Step) -> Result:
        """Play one step; a failure is in the result and never raised."""
        if obstacle := self._obstacle(step):
            return Result(step, Outcome.SKIPPED, (obstacle,))
        start = len(self.client.journal)
        try:
            step.run(self)
        except MismatchError as mismatch:
            findings, ends_run = mismatch.findings, step.is_vital
        except UnreachableError as unreachable:
            findings, ends_run = (str(unreachable),), True
        else:
            return Result(step, Outcome.PASSED)
        if ends_run:
            self.has_stopped = True
        return Result(step, Outcome.FAILED, findings, tuple(self.client.journal[start:]))

    def _obstacle(self, step: Step) -> str | None:
        if "user" in step.needs and self.user_id is None:
            return "Not tried, since there is no test person."
        if "group" in step.needs and self.group_id is None:
            return "Not tried, since there is no test group."
        return None

    def fail(self, *findings: str) -> NoReturn:
        """End the step: this was found."""
        raise MismatchError(findings)

    def require(self, findings: Collection[str]) -> None:
        """End the step if anything was found."""
        if findings:
            raise MismatchError(findings)

    def resource(
        self, exchange: Exchange, endpoint: Endpoint, statuses: Collection[int] = (200,)
    ) -> Json:
        """The User or Group that the answer must be."""
        self.require(expectations.resource(exchange, SCHEMAS[endpoint], statuses))
        return dict(exchange.json)

    def list_page(self, endpoint: Endpoint, start_index: int, count: int) -> Exchange:
        """One page of everything, checked."""
        exchange = self.send("GET", endpoint, query={"startIndex": start_index, "count": count})
        self.require(expectations.listing(exchange, SCHEMAS[endpoint]))
        return exchange

    def look_up(
        self, endpoint: Endpoint, attribute: str, value: str, *, spaces_as_plus: bool = False
    ) -> Json | None:
        """What Okta finds before it creates: one, or none."""
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        query: dict[str, str | int] = {
            "filter": f'{attribute} eq "{quoted}"',
            "startIndex": 1,
            "count": 100,
        }
        exchange = self.send("GET", endpoint, query=query, spaces_as_plus=spaces_as_plus)
        self.require(expectations.listing(exchange, SCHEMAS[endpoint]))
        found = exchange.json.get("Resources", [])
        if len(found) > 1 or exchange.json["totalResults"] != len(found):
            self.fail(
                f"Found are {len(found)}, or {exchange.json['totalResults']} by totalResults."
            )
        return dict(found[0]) if found else None

    def patch(self, path: str, *operations: Json) -> None:
        """PATCH, answered with 200 and the resource or with 204."""
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        self.require(expectations.answer(self.send("PATCH", path, body), {200, 204}))

    def read(self, endpoint: Endpoint, resource_id: str | None) -> Json:
        """The resource as it is now."""
        return self.resource(self.send("GET", f"{endpoint}/{resource_id}"), endpoint)
