"""The database goes away under load and comes back: 503 meanwhile, and afterwards as before."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Event

from django.db import OperationalError, connection

from .provisioning import GROUP, Provisioning, check_provisioned
from .proxy import Proxy, proxied
from .server import serving
from .stage import Stage

# Keeps connections alive, as a proxy before it would.
OPTIONS = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", "60")
WORKERS = 2
CLIENTS = 10
# Seconds in which a client comes again, sooner than it is told to: it is harder on the server, and
# is over sooner.
IMPATIENCE = 0.3
ATTEMPTS = 60
# Seconds of undisturbed service before and after.
PEACE = 0.7

# How the server keeps its connections to the database.
CONNECTIONS = {
    "kept": {"CONN_MAX_AGE": "60"},
    "kept and checked": {"CONN_MAX_AGE": "60", "CONN_HEALTH_CHECKS": "1"},
    "new each time": {"CONN_MAX_AGE": "0"},
}
# Ends the sessions of all others, as an administrator does, or a database that shuts down.
SESSIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() "
    "AND id <> connection_id()",
}
END_SESSION = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def _refusal(proxy: Proxy, seconds: float) -> None:
    proxy.refuse()
    time.sleep(seconds)
    proxy.recover()


def _silence(proxy: Proxy, seconds: float) -> None:
    proxy.fall_silent()
    time.sleep(seconds)
    proxy.recover()


def _broken_connections(proxy: Proxy, seconds: float) -> None:
    proxy.hang_up()


def _ended_sessions(proxy: Proxy, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS[connection.vendor])
        for (session,) in cursor.fetchall():
            with suppress(OperationalError):  # it has ended by itself
                cursor.execute(END_SESSION[connection.vendor], [session])


OUTAGES = (_refusal, _broken_connections, _ended_sessions, _silence)


def database_goes_away(connections: str, stage: Stage) -> None:
    """Clients go on provisioning, each request until it is answered; nothing may be lost."""
    settings = CONNECTIONS[connections]
    with (
        proxied(stage.url) as proxy,
        serving(stage.folder, proxy.url, WORKERS, *OPTIONS, **settings) as server,
    ):
        stage = replace(stage, server=server)
        workers = server.workers()
        sales = stage.group(GROUP)
        over = Event()
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [
                pool.submit(_go_on, _impatient(Provisioning(stage, sales, number)), over)
                for number in range(CLIENTS)
            ]
            try:
                _disturb(stage, proxy)
            finally:
                over.set()
            names = [name for each in running for name in each.result()]
        if server.workers() != workers:
            stage.tally.count("violations", problem="a server process has ended")
    if not stage.tally.counts["retried"]:
        stage.tally.count("violations", problem="the outages went unnoticed")
    check_provisioned(stage, names)


def _disturb(stage: Stage, proxy: Proxy) -> None:
    for _ in range(stage.extent.cuts):
        for outage in OUTAGES:
            time.sleep(PEACE)
            outage(proxy, stage.extent.outage_seconds)
            stage.tally.count("faults")
    time.sleep(PEACE)


def _impatient(provisioning: Provisioning) -> Provisioning:
    """One whose client does not give up, nor wait as long as it is told to."""
    provisioning.client.longest_pause = IMPATIENCE
    provisioning.client.attempts = ATTEMPTS
    return provisioning


def _go_on(provisioning: Provisioning, over: Event) -> list[str]:
    """Returns the names of all who have been provisioned."""
    names: list[str] = []
    while not over.is_set():
        names.append(provisioning.provision(len(names)))
    return names


Scenario = Callable[[Stage], None]

SCENARIOS: dict[str, Scenario] = {
    f"database away, connections {name}": partial(database_goes_away, name) for name in CONNECTIONS
}
