"""Measures the throughput of a deployment and the CPU time of each request."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import connection

from resilience import state
from resilience.client import Client, StoppedError
from resilience.messages import Request, add_members, create_user, set_attributes
from resilience.outages import SESSIONS
from resilience.processes import children
from resilience.stage import Stage

from .deployment import Deployment, deployed

CLIENTS = 8
# The time for requests before each measurement, which fill caches and open connections.
WARM_UP_SECONDS = 0.3
PARTS = ("servers", "nginx", "PgBouncer", "PostgreSQL")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Plan(NamedTuple):
    """What to measure.

    Args:
        workers: The numbers of worker processes to measure with.
        seconds: How long each kind of request is sent.
        users: The number of users.
        groups: The number of groups. Each user is added to each group at most once.
    """

    workers: tuple[int, ...]
    seconds: float
    users: int
    groups: int


SHORT = Plan((2,), 0.3, 40, 40)
FULL = Plan((1, 2, 4), 8, 400, 100)


@dataclass(frozen=True)
class Figures:
    """The measurements of one kind of request.

    Args:
        rate: The number of requests per second.
        median: The median response time in milliseconds.
        slow: The 95th percentile of the response time in milliseconds.
        cost: The CPU milliseconds per request, by part of the deployment.
        others: The number of cores that other programs used.
    """

    rate: float
    median: float
    slow: float
    cost: dict[str, float]
    others: float


# By the number of worker processes and by the kind of request.
Results = dict[int, dict[str, Figures]]


def run(folder: Path, url: str, plan: Plan) -> Results:
    """Measure every kind of request with every number of worker processes.

    Args:
        folder: The folder for the files of the deployments.
        url: The URL of the database.
        plan: What to measure.

    Raises:
        StoppedError: A request failed.
    """
    state.wipe()
    results: Results = {}
    requests: dict[str, Iterator[Request]] = {}
    for workers in plan.workers:
        with deployed(folder, url, workers) as deployment:
            stage = deployment.stage(folder, url, CLIENTS)
            requests = requests or _requests(stage, plan)
            results[workers] = {}
            for name, each in requests.items():
                _send_for(WARM_UP_SECONDS, stage, each)
                results[workers][name] = figures = _measure(plan.seconds, deployment, stage, each)
                print(
                    f"{workers} worker(s), {name}: {figures.rate:.0f} a second, "
                    f"{sum(figures.cost.values()):.1f} ms of CPU",
                    flush=True,
                )
            if stage.tally.has_failed:
                raise StoppedError("\n".join(stage.tally.problems))
    return results


def _requests(stage: Stage, plan: Plan) -> dict[str, Iterator[Request]]:
    """Create users and groups. Return requests of each kind, of which each write has an effect."""
    people = [f"person{number}" for number in range(plan.users)]
    answers = stage.at_once([create_user(name) for name in people])
    stage.require(answers, 201)
    keys = [answer.key for answer in answers]
    groups = [stage.group(f"group{number}") for number in range(plan.groups)]
    filters = [urlencode({"filter": f'userName eq "{name}"'}) for name in people]
    return {
        "lookup by userName": itertools.cycle(
            [Request("GET", f"/Users?{each}") for each in filters]
        ),
        "GET of a user": itertools.cycle([Request("GET", f"/Users/{key}") for key in keys]),
        "PATCH of `active`": itertools.cycle(
            [set_attributes(key, active=active) for active in (False, True) for key in keys]
        ),
        # No user and no group is in two requests at the same time.
        "one member added": (
            add_members(group, keys[(place + shift) % len(keys)])
            for shift in range(len(keys))
            for place, group in enumerate(groups)
        ),
    }


def _measure(
    seconds: float, deployment: Deployment, stage: Stage, requests: Iterator[Request]
) -> Figures:
    processes = _processes(deployment)
    before = {part: _cpu_seconds(pids) for part, pids in processes.items()}
    began, busy, own = time.monotonic(), _busy_seconds(), time.process_time()
    times = _send_for(seconds, stage, requests)
    elapsed, own = time.monotonic() - began, time.process_time() - own
    used = {part: _cpu_seconds(pids) - before[part] for part, pids in processes.items()}
    return Figures(
        rate=len(times) / elapsed,
        median=statistics.median(times) * 1000,
        slow=statistics.quantiles(times, n=20)[-1] * 1000,
        cost={part: each * 1000 / len(times) for part, each in used.items()},
        others=(_busy_seconds() - busy - own - sum(used.values())) / elapsed,
    )


def _send_for(seconds: float, stage: Stage, requests: Iterator[Request]) -> list[float]:
    """Send requests from all clients for a time. Return the response times in seconds."""
    deadline = time.monotonic() + seconds
    lock = Lock()

    def send(client: Client) -> list[float]:
        times = []
        while time.monotonic() < deadline:
            with lock:
                request = next(requests)
            answer = client.send(request)
            stage.require([answer], 200, 204)
            times.append(answer.ended - answer.began)
        return times

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [each for times in pool.map(send, stage.clients()) for each in times]


def _processes(deployment: Deployment) -> dict[str, set[int]]:
    """Return the process ids of each part of the deployment."""
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS["postgresql"])
        sessions = {pid for (pid,) in cursor.fetchall()}
    workers = set().union(*(server.workers() for server in deployment.servers))
    parts = (workers, children(deployment.nginx.pid), {deployment.pgbouncer.pid}, sessions)
    return dict(zip(PARTS, parts, strict=True))


def _cpu_seconds(pids: set[int]) -> float:
    """Return the CPU time that processes have used so far."""
    return sum(map(_ticks, pids)) / TICKS_PER_SECOND


def _ticks(pid: int) -> int:
    # The name in brackets can contain spaces and brackets.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _busy_seconds() -> float:
    """Return the CPU time that all programs have used so far."""
    numbers = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = map(int, numbers[:7])
    return (user + nice + system + interrupts + soft_interrupts) / TICKS_PER_SECOND
