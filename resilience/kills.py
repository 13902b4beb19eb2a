"""A server process is killed in the middle of a write: the write is whole, or has not been.

Each write is done undisturbed first: so it is known how long it takes, and which states of the
database are whole. Then it is done to others again and again, and the process that has it is killed
at a random moment. What is left must be one of those states, and sending the request again, as Okta
does when its admin says so, must lead to the last of them.
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
from .provisioning import check_provisioned, provisioning
from .server import ANNOUNCED_HEADER
from .stage import Stage

# People of each write's own: those in its group, and others.
MEMBERS, OTHERS = 4, 4
REHEARSALS = 2
# The last moment to kill at, as a part of the time that the write takes undisturbed.
LATEST = 1
ANNOUNCED_WITHIN_SECONDS = 10
# Seconds between two kills under load.
PAUSE = 0.1
# Kills that may come too late, for each that comes in time.
MOST_MISSES = 9


@dataclass
class Cast:
    """The people and the group that one write is about, all with the same beginning of their names.

    Args:
        members: the ids of the people in the group; `others`: of the rest.
        group: the id of the group.
    """

    name: str
    members: list[str]
    others: list[str]
    group: str


# The requests of a write. Only those of a bulk request are several.
Write = Callable[[Cast], list[Request]]

WRITES: dict[str, Write] = {
    "POST of a user": lambda cast: [create_user(f"{cast.name}new", title="x", externalId="00u1")],
    "PUT of a user": lambda cast: [
        replace_user(cast.members[0], f"{cast.name}renamed", title="x", nickName="y")
    ],
    "PATCH of a user": lambda cast: [
        set_attributes(cast.members[0], active=False, title="x", name={"familyName": "Other"})
    ],
    "DELETE of a user": lambda cast: [delete_user(cast.members[0])],
    "POST of a group": lambda cast: [
        create_group(f"{cast.name}new", *cast.members, *cast.others),
    ],
    "PUT of a group": lambda cast: [
        replace_group(cast.group, f"{cast.name}renamed", *cast.members[:2], *cast.others)
    ],
    "PATCH of a group, add": lambda cast: [add_members(cast.group, *cast.others)],
    "PATCH of a group, remove": lambda cast: [remove_members(cast.group, *cast.members)],
    "PATCH of a group, replace": lambda cast: [
        replace_members(cast.group, *cast.members[:2], *cast.others)
    ],
    "DELETE of a group": lambda cast: [delete_group(cast.group)],
    "bulk request": lambda cast: [
        create_user(f"{cast.name}new"),
        set_attributes(cast.members[0], active=False),
        replace_group(cast.group, f"{cast.name}renamed", *cast.members[:2], *cast.others),
        delete_user(cast.members[1]),
        create_group(f"{cast.name}new", *cast.members),
        delete_group(cast.group),
    ],
}

State = list[list[tuple[str, ...]]]


class Rehearsal(NamedTuple):
    """What is known of an undisturbed write.

    Args:
        states: those before it and after each of its requests.
        seconds: how long it takes.
    """

    states: list[State]
    seconds: float


def kills_in_writes(stage: Stage) -> None:
    """Kill until as many as there should be have hit a write, equally many of each kind."""
    killer = Killer(stage)
    shares = itertools.cycle(WRITES)
    planned = list(itertools.islice(shares, stage.extent.kills))
    for name, write in WRITES.items():
        killer.rehearse(name, write)
        killer.kill(name, write, planned.count(name))
        stage.check_invariants()


def kills_under_load(stage: Stage) -> None:
    """Processes are killed while all clients provision, who send again what was not answered."""
    with provisioning(stage) as names:
        for _ in range(stage.extent.kills // 2):
            sleep(PAUSE)
            stage.server.kill(stage.chance.choice(sorted(stage.server.workers())))
            stage.tally.count("faults")
    check_provisioned(stage, names)


class Killer:
    """Kills server processes, and looks at what is left."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.numbers = itertools.count()
        self.rehearsals: dict[str, Rehearsal] = {}

    def rehearse(self, name: str, write: Write) -> None:
        """Do a write undisturbed: request by request for its states, and as it is for its time."""
        cast = self._cast()
        states = [state.snapshot(cast.name)]
        for request in write(cast):
            self._client().send(request)
            states.append(state.snapshot(cast.name))
        seconds = []
        for _ in range(REHEARSALS):
            answer = self._client().send(_as_one(write(self._cast())))
            seconds.append(answer.ended - answer.began)
        self.rehearsals[name] = Rehearsal(states, statistics.median(seconds))

    def kill(self, name: str, write: Write, times: int) -> None:
        """Kill the process that has a write, until so many had not answered it yet."""
        hits = 0
        for _ in range(times * (1 + MOST_MISSES)):
            if hits == times:
                return
            hits += self._kill_once(name, write)

    def _kill_once(self, name: str, write: Write) -> bool:
        cast = self._cast()
        request = _as_one(write(cast))
        rehearsal = self.rehearsals[name]
        answer = self._interrupted(
            request, self.stage.chance.uniform(0, LATEST * rehearsal.seconds)
        )
        self.stage.settle()
        found = state.snapshot(cast.name)
        self._compare(name, rehearsal.states, found)
        if answer is None:
            self.stage.tally.count("faults")
            self.stage.tally.notes[_extent(rehearsal.states, found)] += 1
        self._client().send(request)
        self._compare(f"{name}, again", rehearsal.states[-1:], state.snapshot(cast.name))
        return answer is None

    def _interrupted(self, request: Request, delay: float) -> Answer | None:
        """Send a request, and kill the process that has it after a while; the answer, if any."""
        client = self._client()
        client.extra_headers[ANNOUNCED_HEADER] = "1"
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.send_once, request)
            worker = self.stage.server.announced(ANNOUNCED_WITHIN_SECONDS)
            sleep(delay)
            if worker is not None:
                self.stage.server.kill(worker)
            try:
                return sent.result()
            except NoAnswerError:
                return None

    def _cast(self) -> Cast:
        name = f"cast{next(self.numbers)}-"
        people = [create_user(f"{name}person{number}") for number in range(MEMBERS + OTHERS)]
        members = [f"bulkId:{number}" for number in range(MEMBERS)]
        answer = self._client().send(bulk(*people, create_group(f"{name}group", *members)))
        *keys, group = (
            operation["location"].rpartition("/")[2] for operation in answer.json["Operations"]
        )
        return Cast(name, keys[:MEMBERS], keys[MEMBERS:], group)

    def _client(self) -> Client:
        return self.stage.client()

    def _compare(self, name: str, allowed: list[State], found: State) -> None:
        if found not in allowed:
            self.stage.tally.count("lost", problem=f"{name} is half done: {found}")


def _extent(states: list[State], found: State) -> str:
    """How far a killed write came."""
    if found == states[0]:
        return "of the killed writes had not happened"
    return f"of them had {'happened' if found == states[-1] else 'happened in part (bulk)'}"


def _as_one(requests: list[Request]) -> Request:
    return requests[0] if len(requests) == 1 else bulk(*requests)


SCENARIOS = {
    "processes killed in the middle of writes": kills_in_writes,
    "processes killed under load": kills_under_load,
}
