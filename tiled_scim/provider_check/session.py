"""The state of a run, the requests that steps are made of, and the results of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.parse import quote

from tiled_scim.provider_check import expectations
from tiled_scim.provider_check.client import Attempt, Client, Exchange, Json, UnreachableError
from tiled_scim.provider_check.diagnosis import Diagnosis, diagnose
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA
from tiled_scim.provider_check.names import Names, names_for
from tiled_scim.provider_check.providers import Feature, Place

if TYPE_CHECKING:
    from tiled_scim.provider_check.pace import Load

Endpoint = Literal["/Users", "/Groups"]
SCHEMAS: dict[Endpoint, str] = {"/Users": USER_SCHEMA, "/Groups": GROUP_SCHEMA}

Need = Literal["schemas", "user", "no user", "colleagues", "group", "no group"]
_OBSTACLES: dict[Need, str] = {
    "schemas": "Skipped because the attributes of the server are not known.",
    "user": "Skipped because the test user does not exist.",
    "no user": "Skipped because the test user already exists.",
    "colleagues": "Skipped because the colleagues of the test user do not exist.",
    "group": "Skipped because the test group does not exist.",
    "no group": "Skipped because the test group already exists.",
}


def replace(value: Any, path: str | None = None) -> Json:
    """Return a PATCH operation that replaces a value. Okta usually sends no path."""
    return {"op": "replace", **({"path": path} if path else {}), "value": value}


class Outcome(Enum):
    """The outcome of a step."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Step:
    """One action of a provider.

    Args:
        title: What happens, in the words of the provider's admin.
        run: Performs the step. Raises `MismatchError`, `NotSupportedError` or
            `UnreachableError`.
        consequence: What a failure means in the provider, as a sentence.
        remedy: What the server should do, as a sentence.
        place: Where the provider shows the failure.
        expected_error: The error status that the step expects, if it expects one.
        needs: What earlier steps must have created.
        uses: The optional features that the step uses. It is skipped without them.
        stops_on_failure: Whether a failure ends the run.
        ends_use: Whether the test user is of no use afterwards. A rate is held before.
    """

    title: str
    run: Callable[[Session], None]
    consequence: str
    remedy: str
    place: Place = Place.USERS
    expected_error: int | None = None
    needs: tuple[Need, ...] = ()
    uses: tuple[Feature, ...] = ()
    stops_on_failure: bool = False
    ends_use: bool = False

    @property
    def name(self) -> str:
        """Return the step's name in the JSON report."""
        return self.run.__name__


@dataclass(frozen=True)
class Result:
    """The result of a step.

    Args:
        findings: The problems found, or why the step was skipped.
        diagnosis: The explanation of a failure.
        notes: Problems worth fixing that are not failures.
        seconds: The duration, including waits.
        attempts: Every request that was sent.
        exchanges: The requests that got a response, with their responses.
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
    """Raised when a response, or the state of the server, is not what the provider needs."""

    def __init__(self, findings: Collection[str]) -> None:
        super().__init__(" ".join(findings))
        self.findings = tuple(findings)


class NotSupportedError(Exception):
    """Raised when the server does not support an optional feature. The message says which."""


class Session:
    """The state of a run: the client, the test user and group, and whether to continue.

    Steps are built from its methods. Each method checks the response and raises `MismatchError`,
    which ends the step, if it is not what the provider needs.

    Args:
        client: The client.
        names: The names of the test user and group.
    """

    def __init__(self, client: Client, names: Names | None = None) -> None:
        self.client = client
        self.names = names or names_for()
        self.provider = client.provider
        self.send = client.send
        self.user_id: str | None = None
        self.colleague_ids: list[str] = []
        self.group_id: str | None = None
        self.deleted_groups: set[str] = set()
        self.missing_features: set[Feature] = set()
        self.declared: Collection[str] = ()  # what the server's schemas list
        self.load: Load | None = None
        self.is_connected = False
        self.has_met_person = False  # somebody has the test user's name
        self.is_stopped = False
        self._notes: dict[str, None] = {}  # an ordered set

    def play(self, step: Step) -> Result:
        """Perform a step. A failure is returned in the result, not raised."""
        if missing := next(
            (feature for feature in step.uses if feature in self.missing_features), None
        ):
            return Result(step, Outcome.NOT_OFFERED, (self.provider.not_offered[missing],))
        if obstacle := self._obstacle(step):
            return Result(step, Outcome.SKIPPED, (obstacle,))
        exchanges, attempts, notes = self.client.exchanges, self.client.attempts, self._notes
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
            self.require(expectations.speed(self.client.attempts[first:], self.provider))
        except NotSupportedError as error:
            return Outcome.NOT_OFFERED, (str(error),), None
        except MismatchError as mismatch:
            self.is_stopped = self.is_stopped or step.stops_on_failure
            return Outcome.FAILED, mismatch.findings, self._diagnosis(step, first)
        except UnreachableError as unreachable:
            self.is_stopped = True
            diagnosis = Diagnosis(step.consequence, unreachable.advice)
            return Outcome.FAILED, (str(unreachable),), diagnosis
        finally:
            self.note(expectations.speed_notes(self.client.attempts[first:], self.provider))
        return Outcome.PASSED, (), None

    def _diagnosis(self, step: Step, first: int) -> Diagnosis:
        if len(self.client.attempts) == first:  # found without a request
            return Diagnosis(step.consequence, step.remedy)
        return diagnose(self.provider, step, self.client.exchanges[-1])

    def _obstacle(self, step: Step) -> str | None:
        has: dict[Need, bool] = {
            "schemas": bool(self.declared),
            "user": self.user_id is not None,
            "no user": self.user_id is None,
            "colleagues": len(self.colleague_ids) == len(self.names.colleagues),
            "group": self.group_id is not None,
            "no group": self.group_id is None,
        }
        return next((_OBSTACLES[need] for need in step.needs if not has[need]), None)

    def fail(self, *findings: str) -> NoReturn:
        """End the step with these findings.

        Raises:
            MismatchError: Always.
        """
        raise MismatchError(findings)

    def skip_unsupported(self, reason: str) -> NoReturn:
        """End the step because the server does not support an optional feature.

        Raises:
            NotSupportedError: Always.
        """
        raise NotSupportedError(reason)

    def require(self, findings: Collection[str]) -> None:
        """End the step if there are findings.

        Raises:
            MismatchError: There are findings.
        """
        if findings:
            raise MismatchError(findings)

    def note(self, notes: Iterable[str]) -> None:
        """Record problems that are worth fixing but are not failures."""
        self._notes.update(dict.fromkeys(notes))

    def resource(
        self, exchange: Exchange, endpoint: Endpoint, statuses: Collection[int] = (200,)
    ) -> Json:
        """Return the User or Group in a response. End the step if there is none."""
        self.require(expectations.resource(exchange, SCHEMAS[endpoint], statuses))
        self.note(expectations.resource_notes(exchange.json, SCHEMAS[endpoint]))
        return dict(exchange.json)

    def require_error(self, exchange: Exchange, status: int) -> None:
        """End the step unless the response is a SCIM error with this status."""
        self.require(expectations.error(exchange, status))
        self.note(expectations.error_notes(exchange))

    def list_page(self, endpoint: Endpoint, start_index: int, count: int) -> Exchange:
        """Request one page of all resources and check it."""
        exchange = self.send("GET", endpoint, query={"startIndex": start_index, "count": count})
        self.require(expectations.listing(exchange, SCHEMAS[endpoint]))
        return exchange

    def look_up(
        self, endpoint: Endpoint, attribute: str, value: str, *, spaces_as_plus: bool = False
    ) -> Json | None:
        """Look up a resource as providers do before they create one.

        Returns:
            The resource, or None. More than one match ends the step.
        """
        page = self._search(endpoint, attribute, value, spaces_as_plus=spaces_as_plus)
        found = page.get("Resources") or []
        if len(found) > 1 or page["totalResults"] != len(found):
            self.fail(
                f"The lookup found {len(found)} resources (totalResults: {page['totalResults']}). "
                "It should find at most one."
            )
        return dict(found[0]) if found else None

    def find(self, endpoint: Endpoint, attribute: str, value: str) -> list[Json]:
        """Return all resources with this value. Failed runs may have left several."""
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
        """Send a PATCH. The response must be 204, or 200 with the resource."""
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        self.require(expectations.answer(self.send("PATCH", path, body), {200, 204}))

    def read(self, endpoint: Endpoint, resource_id: str | None) -> Json:
        """Read a resource."""
        return self.resource(self.send("GET", path_of(endpoint, resource_id)), endpoint)

    def change(self, endpoint: Endpoint, resource_id: str | None, values: Json) -> None:
        """Replace values with PATCH, or with PUT if the server does not support PATCH."""
        path = path_of(endpoint, resource_id)
        if "PATCH" in self.missing_features:
            body = self.read(endpoint, resource_id) | values
            self.resource(self.send("PUT", path, body), endpoint)
        else:
            self.patch(path, replace(values))


def path_of(endpoint: Endpoint, resource_id: str | None) -> str:
    """Return the path of a resource, with its id escaped."""
    return f"{endpoint}/{quote(str(resource_id), safe='')}"
