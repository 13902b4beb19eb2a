"""Scenarios that kill a server process during a write: it must be complete or have no effect.

Each write is first rehearsed without a kill, to learn its duration and the valid states of the
database. Then it is repeated with other data, and its process is killed: at a random time, or at a
place around its event and its COMMIT. The resulting state must be a valid one, and its events are
part of it. Sending the request again, as Okta does when its admin retries a task, must lead to the
final state.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep
from typing import NamedTuple

from . import state
from .client import Answer, Client, NoAnswerError
from .messages import (
    Request,
    add_members,
    bulk,
    create_group,
    create_user,
    delete_group,
    delete_user,
    remove_members,
    replace_group,
    replace_members,
    replace_user,
    set_attributes,
)
from .places import AFTER_COMMIT, ARRIVAL, DURING_COMMIT, IN_TRANSACTIONS, Place
from .provisioning import check_provisioned, provisioning
from .server import PLACE_HEADER
from .stage import Stage

# The number of people for each write: members of its group, and others.
MEMBERS, OTHERS = 4, 4
REHEARSALS = 2
# The latest time to kill, as a fraction of the write's duration.
LATEST = 1
# About the duration of a COMMIT.
COMMIT_SECONDS = 0.002
REPORTED_WITHIN_SECONDS = 10
# Seconds between two kills under load.
PAUSE = 0.1
# The maximum number of kills that come too late for each one that comes in time.
MOST_MISSES = 9


@dataclass
class Subject:
    """The people and the group that one write changes.

    Args:
        name: The prefix of all names.
        members: The ids of the people in the group.
        others: The ids of the other people.
        group: The id of the group.
    """

    name: str
    members: list[str]
    others: list[str]
    group: str


# Returns the requests of a write. Only a bulk request has several.
Write = Callable[[Subject], list[Request]]

WRITES: dict[str, Write] = {
    "POST of a user": lambda subject: [
        create_user(f"{subject.name}new", title="x", externalId="00u1")
    ],
    "PUT of a user": lambda subject: [
        replace_user(subject.members[0], f"{subject.name}renamed", title="x", nickName="y")
    ],
    "PATCH of a user": lambda subject: [
        set_attributes(subject.members[0], active=False, title="x", name={"familyName": "Other"})
    ],
    "DELETE of a user": lambda subject: [delete_user(subject.members[0])],
    "POST of a group": lambda subject: [
        create_group(f"{subject.name}new", *subject.members, *subject.others),
    ],
    "PUT of a group": lambda subject: [
        replace_group(
            subject.group, f"{subject.name}renamed", *subject.members[:2], *subject.others
        )
    ],
    "PATCH of a group, add": lambda subject: [add_members(subject.group, *subject.others)],
    "PATCH of a group, remove": lambda subject: [remove_members(subject.group, *subject.members)],
    "PATCH of a group, replace": lambda subject: [
        replace_members(subject.group, *subject.members[:2], *subject.others)
    ],
    "DELETE of a group": lambda subject: [delete_group(subject.group)],
    "bulk request": lambda subject: [
        create_user(f"{subject.name}new"),
        set_attributes(subject.members[0], active=False),
        replace_group(
            subject.group, f"{subject.name}renamed", *subject.members[:2], *subject.others
        ),
        delete_user(subject.members[1]),
        create_group(f"{subject.name}new", *subject.members),
        delete_group(subject.group),
    ],
}

State = state.Snapshot


class Rehearsal(NamedTuple):
    """The result of a write without a kill.

    Args:
        states: The states before the write and after each of its requests.
        seconds: The duration of the write.
    """

    states: list[State]
    seconds: float

    def allowed(self, place: Place) -> list[State]:
        """Return the states that a kill at a place can lead to."""
        if place.name == ARRIVAL:
            return self.states
        if place.name == DURING_COMMIT:
            return self.states[place.number - 1 : place.number + 1]
        committed = place.number if place.name == AFTER_COMMIT else place.number - 1
        return [self.states[committed]]


def kills_in_writes(stage: Stage) -> None:
    """Kill processes until enough kills have interrupted a write, the same number for each kind."""
    killer = Killer(stage)
    shares = itertools.cycle(WRITES)
    planned = list(itertools.islice(shares, stage.extent.kills))
    for name in WRITES:
        killer.kill(name, planned.count(name))
        stage.check_invariants()


def kills_around_commits(stage: Stage) -> None:
    """Kill processes at all places around the event and the COMMIT of all writes, in turn."""
    killer = Killer(stage)
    pairs = list(itertools.product(WRITES, IN_TRANSACTIONS))
    stage.chance.shuffle(pairs)
    for name, place in itertools.islice(itertools.cycle(pairs), stage.extent.kills // 2):
        killer.kill_at(name, place)
    stage.check_invariants()


def kills_under_load(stage: Stage) -> None:
    """Kill processes while all clients provision and retry requests without a response."""
    with provisioning(stage) as names:
        for _ in range(stage.extent.kills // 2):
            sleep(PAUSE)
            stage.server.kill(stage.chance.choice(sorted(stage.server.workers())))
            stage.tally.count("faults")
    check_provisioned(stage, names)


class Killer:
    """Kill server processes and check the resulting state."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.numbers = itertools.count()
        self.rehearsals: dict[str, Rehearsal] = {}

    def kill(self, name: str, times: int) -> None:
        """Kill the process of a write until this many kills came before the response."""
        rehearsal, hits = self._rehearsed(name), 0
        for _ in range(times * (1 + MOST_MISSES)):
            if hits == times:
                return
            delay = self.stage.chance.uniform(0, LATEST * rehearsal.seconds)
            hits += self._kill_once(name, Place(ARRIVAL), delay)

    def kill_at(self, name: str, place: str) -> None:
        """Kill the process of a write at a place, in a bulk request that of a random operation."""
        operations = len(self._rehearsed(name).states) - 1
        number = self.stage.chance.randint(1, operations)
        is_moving = place == DURING_COMMIT
        delay = self.stage.chance.uniform(0, COMMIT_SECONDS) if is_moving else 0
        is_killed = self._kill_once(name, Place(place, number), delay)
        if not (is_killed or is_moving):
            self.stage.tally.count("violations", problem=f"{name} was not killed {place}")

    def _rehearsed(self, name: str) -> Rehearsal:
        if name not in self.rehearsals:
            self.rehearsals[name] = self._rehearse(WRITES[name])
        return self.rehearsals[name]

    def _rehearse(self, write: Write) -> Rehearsal:
        """Perform a write without a kill, to learn its states and its duration."""
        subject = self._create_subject()
        states = [state.snapshot(subject.name)]
        for request in write(subject):
            self._client().send(request)
            states.append(state.snapshot(subject.name))
        seconds = []
        for _ in range(REHEARSALS):
            answer = self._client().send(_as_one(write(self._create_subject())))
            seconds.append(answer.ended - answer.began)
        return Rehearsal(states, statistics.median(seconds))

    def _kill_once(self, name: str, place: Place, delay: float) -> bool:
        subject = self._create_subject()
        request = _as_one(WRITES[name](subject))
        rehearsal = self.rehearsals[name]
        answer = self._interrupted(request, place, delay)
        self.stage.wait_until_idle()
        found = state.snapshot(subject.name)
        if answer is None:
            self._compare(f"{name}, killed {place}", rehearsal.allowed(place), found)
            self.stage.tally.count("faults")
            self.stage.tally.notes[_describe_progress(rehearsal.states, found)] += 1
        self._client().send(request)
        self._compare(f"{name}, again", rehearsal.states[-1:], state.snapshot(subject.name))
        return answer is None

    def _interrupted(self, request: Request, place: Place, delay: float) -> Answer | None:
        """Send a request, kill its process at a place after a delay, and return any response."""
        client = self._client()
        client.extra_headers[PLACE_HEADER] = str(place)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.send_once, request)
            worker = self.stage.server.reported(REPORTED_WITHIN_SECONDS)
            sleep(delay)
            if worker is not None:
                self.stage.server.kill(worker)
            try:
                return sent.result()
            except NoAnswerError:
                return None

    def _create_subject(self) -> Subject:
        name = f"subject{next(self.numbers)}-"
        people = [create_user(f"{name}person{number}") for number in range(MEMBERS + OTHERS)]
        members = [f"bulkId:{number}" for number in range(MEMBERS)]
        answer = self._client().send(bulk(*people, create_group(f"{name}group", *members)))
        *keys, group = (
            operation["location"].rpartition("/")[2] for operation in answer.json["Operations"]
        )
        return Subject(name, keys[:MEMBERS], keys[MEMBERS:], group)

    def _client(self) -> Client:
        return self.stage.client()

    def _compare(self, name: str, allowed: list[State], found: State) -> None:
        if found not in allowed:
            rows = state.difference(allowed[-1], found)
            self.stage.tally.count("lost", problem=f"{name}, is half done: {rows}")


def _describe_progress(states: list[State], found: State) -> str:
    """Describe how much of a killed write was done."""
    if found == states[0]:
        return "of the killed writes had no effect"
    return f"of them were {'complete' if found == states[-1] else 'done in part (bulk)'}"


def _as_one(requests: list[Request]) -> Request:
    return requests[0] if len(requests) == 1 else bulk(*requests)


SCENARIOS = {
    "processes killed during writes": kills_in_writes,
    "processes killed around the COMMIT": kills_around_commits,
    "processes killed under load": kills_under_load,
}
