"""A crowd of clients at a deployment: nothing is lost or there twice, and no failure shows."""

from __future__ import annotations

import json
import os
import signal
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

from django.db import connection

from resilience import concurrency, state
from resilience.client import BASE_PATH, SCIM_JSON
from resilience.messages import Request, user
from resilience.outages import SESSIONS
from resilience.provisioning import check_provisioned, provisioning
from resilience.stage import Stage
from resilience.tally import Tally, heading, total
from resilience.trial import play
from tiled_scim.models import ScimEvent

from .deployment import HOST, THREADS, Deployment, deployed

WORKERS = 4
CROWD = 20
# As docs/operations.md sets it for PgBouncer.
POOL = 4
# Requests that the throttle lets through, and those sent.
LIMIT, ATTEMPTS = 200, 320
# A token that nobody has, and where those come from who try it.
GUESS = "tscim_guess"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
# Seconds of load before and after a server is stopped.
PEACE = 0.7

Scenario = Callable[[Deployment, Stage], None]


def run(folder: Path, url: str, rounds: int, seed: int) -> bool:
    """Play all scenarios, and print the table.

    Args:
        folder: where the deployments keep their files.
        url: of the database.
        rounds: how often each scenario of concurrency is played.

    Returns:
        Whether all figures that must be zero are.
    """
    print(f"\nLoad through nginx, {WORKERS} server processes with {THREADS} threads each, ", end="")
    print(f"{CROWD} clients, seed {seed}", heading(), sep="\n", flush=True)
    tallies: list[Tally] = []
    for throttle, scenarios in (("", LOAD), (f"{LIMIT}/day", THROTTLED)):
        with deployed(folder, url, WORKERS, throttle) as deployment:
            stage = deployment.stage(folder, url, CROWD, seed, rounds)
            tallies += [
                play(
                    *(name, partial(scenario, deployment), stage),
                    # nginx closes connections that wait for a request when it is reloaded.
                    may_break=scenario is server_stopped_under_load,
                )
                for name, scenario in scenarios.items()
            ]
    print(*total(tallies).lines(), sep="\n", flush=True)
    return not any(tally.has_failed for tally in tallies)


def connections_are_few(deployment: Deployment, stage: Stage) -> None:
    """Both servers take part, and share a few connections to the database."""
    before = deployment.shares()
    people = stage.people(stage.crowd * 5)
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS["postgresql"])
        connections = len(cursor.fetchall())
    stage.tally.notes[f"connections to PostgreSQL, for {WORKERS * THREADS} threads"] = connections
    _require(stage, connections <= POOL, "the pool is larger than it is to be")
    shares = [now - then for now, then in zip(deployment.shares(), before, strict=True)]
    for share in shares:
        stage.tally.notes["requests, by one of the servers"] = share
    _require(stage, min(shares) > 0, f"the servers have had {shares} requests")
    stage.check(state.people(people))


def locations_are_clients(deployment: Deployment, stage: Stage) -> None:
    """Locations have the scheme and the name that the client has used."""
    nginx = deployment.nginx
    context = ssl.create_default_context(cafile=nginx.certificate)
    context.check_hostname = False
    for scheme, server in (
        ("http", HTTPConnection("127.0.0.1", nginx.port)),
        ("https", HTTPSConnection("127.0.0.1", nginx.tls_port, context=context)),
    ):
        _, answer = _exchange(stage, server, "GET", "/ServiceProviderConfig")
        location = answer["meta"]["location"]
        expected = f"{scheme}://{HOST}{BASE_PATH}/"
        _require(stage, location.startswith(expected), f"{location} is not at {expected}")


def body_in_chunks(deployment: Deployment, stage: Stage) -> None:
    """A body of unknown length, which no WSGI server could hand on, is whole behind nginx."""
    server = HTTPConnection("127.0.0.1", deployment.nginx.port)
    text = json.dumps(user("person")).encode()
    status, _ = _exchange(stage, server, "POST", "/Users", iter([text[:50], text[50:]]))
    _require(stage, status == 201, f"the status is {status}")
    stage.check(state.people(["person"]))


def server_stopped_under_load(deployment: Deployment, stage: Stage) -> None:
    """One server ends, as for a new release; the other one goes on alone, and nobody notices."""
    with provisioning(stage) as names:
        time.sleep(PEACE)
        deployment.nginx.take_out(deployment.servers[0].port)
        os.kill(deployment.servers[0].pid, signal.SIGTERM)
        stage.tally.count("faults")
        time.sleep(PEACE)
    check_provisioned(stage, names)


def limit_is_one(deployment: Deployment, stage: Stage) -> None:
    """All processes of both servers count together."""
    answers = stage.at_once([Request("GET", "/Users?count=1")] * ATTEMPTS)
    stage.require_statuses(answers, {200: LIMIT, 429: ATTEMPTS - LIMIT})
    shares = deployment.shares()
    _require(stage, min(shares) > 0, f"the servers have had {shares} requests")


def addresses_are_clients(deployment: Deployment, stage: Stage) -> None:
    """Who guesses tokens is counted by their own address, and not by nginx's."""
    for address in ADDRESSES:
        statuses = Counter(_guess(deployment, stage, address) for _ in range(LIMIT + 1))
        expected = {401: LIMIT, 429: 1}
        _require(stage, statuses == expected, f"{address} has got {statuses}, not {expected}")
    seen = set(ScimEvent.objects.values_list("address", flat=True))
    _require(stage, seen == set(ADDRESSES), f"events are of {seen}")


def _guess(deployment: Deployment, stage: Stage, address: str) -> int:
    """The status for a token that nobody has, from an address of this machine."""
    server = HTTPConnection("127.0.0.1", deployment.nginx.port, source_address=(address, 0))
    status, _ = _exchange(stage, server, "GET", "/Users", token=GUESS)
    return status


def _on_any_server(scenario: Callable[[Stage], None]) -> Scenario:
    """A scenario that does not look behind what clients talk to."""
    return lambda deployment, stage: scenario(stage)


LOAD: dict[str, Scenario] = {
    **{name: _on_any_server(scenario) for name, scenario in concurrency.SCENARIOS.items()},
    "few connections to the database": connections_are_few,
    "locations, by http and https": locations_are_clients,
    "body in chunks": body_in_chunks,
    "one of the servers stopped under load": server_stopped_under_load,
}
THROTTLED: dict[str, Scenario] = {
    "throttle counted for all servers": limit_is_one,
    "addresses of clients": addresses_are_clients,
}


def _exchange(
    stage: Stage,
    server: HTTPConnection,
    method: str,
    path: str,
    body: Iterator[bytes] | None = None,
    token: str = "",
) -> tuple[int, Any]:
    """Send one request over a connection of its own; the status and what came back."""
    headers = {
        "Authorization": f"Bearer {token or stage.token}",
        "Content-Type": SCIM_JSON,
        "Host": HOST,
    }
    stage.tally.count("sent")
    try:
        server.request(method, BASE_PATH + path, body, headers)
        response = server.getresponse()
        return response.status, json.load(response)
    finally:
        server.close()


def _require(stage: Stage, is_so: bool, problem: str) -> None:
    if not is_so:
        stage.tally.count("violations", problem=problem)
