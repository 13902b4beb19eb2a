"""Load tests of a deployment: nothing is lost or duplicated, and no request fails."""

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
from resilience.runner import run_scenario
from resilience.stage import Stage
from resilience.tally import Tally, heading, total
from tiled_scim.models import ScimEvent

from .deployment import HOST, THREADS, Deployment, deployed

WORKERS = 4
CROWD = 20
# The size of the connection pool in docs/operations.md.
POOL = 4
# The number of requests that the throttle allows, and of those sent.
LIMIT, ATTEMPTS = 200, 320
# An unknown token, and the addresses of the clients that use it.
GUESS = "tscim_guess"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
# Seconds of load before and after a server is stopped.
PEACE = 0.7

Scenario = Callable[[Deployment, Stage], None]


def run(folder: Path, url: str, rounds: int, seed: int) -> bool:
    """Run all scenarios and print a table of the results.

    Args:
        folder: The folder for the files of the deployments.
        url: The URL of the database.
        rounds: How often each concurrency scenario runs.
        seed: The seed of the random number generator.

    Returns:
        Whether all scenarios succeeded.
    """
    print(f"\nLoad through nginx, {WORKERS} server processes with {THREADS} threads each, ", end="")
    print(f"{CROWD} clients, seed {seed}", heading(), sep="\n", flush=True)
    tallies: list[Tally] = []
    for throttle, scenarios in (("", LOAD), (f"{LIMIT}/day", THROTTLED)):
        with deployed(folder, url, WORKERS, throttle) as deployment:
            stage = deployment.stage(folder, url, CROWD, seed, rounds)
            tallies += [
                run_scenario(
                    *(name, partial(scenario, deployment), stage),
                    # When nginx reloads its configuration, it closes idle connections.
                    may_break=scenario is server_stopped_under_load,
                )
                for name, scenario in scenarios.items()
            ]
    print(*total(tallies).lines(), sep="\n", flush=True)
    return not any(tally.has_failed for tally in tallies)


def connections_are_shared(deployment: Deployment, stage: Stage) -> None:
    """Both servers answer requests and share a few connections to the database."""
    before = deployment.shares()
    people = stage.people(stage.crowd * 5)
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS["postgresql"])
        connections = len(cursor.fetchall())
    stage.tally.notes[f"connections to PostgreSQL, for {WORKERS * THREADS} threads"] = connections
    _require(stage, connections <= POOL, f"{connections} connections to PostgreSQL, not {POOL}")
    shares = [now - then for now, then in zip(deployment.shares(), before, strict=True)]
    for share in shares:
        stage.tally.notes["requests for each server"] = share
    _require(stage, min(shares) > 0, f"requests of each server: {shares}")
    stage.check(state.people(people))


def locations_match_request(deployment: Deployment, stage: Stage) -> None:
    """Locations have the scheme and the host name of the request."""
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
        _require(stage, location.startswith(expected), f"{location} does not begin with {expected}")


def chunked_body(deployment: Deployment, stage: Stage) -> None:
    """nginx passes a chunked body on with its length."""
    server = HTTPConnection("127.0.0.1", deployment.nginx.port)
    text = json.dumps(user("person")).encode()
    status, _ = _exchange(stage, server, "POST", "/Users", iter([text[:50], text[50:]]))
    _require(stage, status == 201, f"the status is {status}")
    stage.check(state.people(["person"]))


def server_stopped_under_load(deployment: Deployment, stage: Stage) -> None:
    """While one server is stopped, as for a new release, no request fails."""
    with provisioning(stage) as names:
        time.sleep(PEACE)
        deployment.nginx.remove(deployment.servers[0].port)
        os.kill(deployment.servers[0].pid, signal.SIGTERM)
        stage.tally.count("faults")
        time.sleep(PEACE)
    check_provisioned(stage, names)


def throttle_is_shared(deployment: Deployment, stage: Stage) -> None:
    """The throttle counts the requests of all processes of both servers."""
    answers = stage.at_once([Request("GET", "/Users?count=1")] * ATTEMPTS)
    stage.require_statuses(answers, {200: LIMIT, 429: ATTEMPTS - LIMIT})
    shares = deployment.shares()
    _require(stage, min(shares) > 0, f"requests of each server: {shares}")


def addresses_of_clients(deployment: Deployment, stage: Stage) -> None:
    """The throttle and events use the address of the client, and not that of nginx."""
    for address in ADDRESSES:
        statuses = Counter(_guess(deployment, stage, address) for _ in range(LIMIT + 1))
        expected = {401: LIMIT, 429: 1}
        _require(stage, statuses == expected, f"{address}: statuses {statuses}, not {expected}")
    seen = set(ScimEvent.objects.values_list("address", flat=True))
    _require(stage, seen == set(ADDRESSES), f"addresses in events: {seen}")


def _guess(deployment: Deployment, stage: Stage, address: str) -> int:
    """Send an unknown token from an address of this machine. Return the status."""
    server = HTTPConnection("127.0.0.1", deployment.nginx.port, source_address=(address, 0))
    status, _ = _exchange(stage, server, "GET", "/Users", token=GUESS)
    return status


def _on_any_server(scenario: Callable[[Stage], None]) -> Scenario:
    """Adapt a scenario that only needs the stage."""
    return lambda deployment, stage: scenario(stage)


LOAD: dict[str, Scenario] = {
    **{name: _on_any_server(scenario) for name, scenario in concurrency.SCENARIOS.items()},
    "connections to the database shared": connections_are_shared,
    "locations with http and https": locations_match_request,
    "chunked body": chunked_body,
    "server stopped under load": server_stopped_under_load,
}
THROTTLED: dict[str, Scenario] = {
    "throttle shared by all servers": throttle_is_shared,
    "addresses of clients": addresses_of_clients,
}


def _exchange(
    stage: Stage,
    server: HTTPConnection,
    method: str,
    path: str,
    body: Iterator[bytes] | None = None,
    token: str = "",
) -> tuple[int, Any]:
    """Send a request over a new connection. Return the status and the JSON body."""
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
