"""Scenarios with an unavailable database: 503 during the outage, and no loss afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

from django.db import OperationalError, connection, transaction

from tiled_scim.models import LibraryGroupLink

from . import state
from .messages import add_members
from .provisioning import check_provisioned, provisioning
from .proxy import Proxy, proxied
from .server import serving
from .stage import Stage

# Keeps connections alive, as a proxy in front of the server would.
OPTIONS = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", "60")
WORKERS = 2
CLIENTS = 10
# Seconds of undisturbed service before and after.
PEACE = 0.7

# The number of clients that wait for a lock, and how long it is held: longer than five attempts.
WAITING = 4
HELD_SECONDS = 9

# How the server keeps its connections to the database.
CONNECTIONS = {
    "kept": {"CONN_MAX_AGE": "60"},
    "kept and checked": {"CONN_MAX_AGE": "60", "CONN_HEALTH_CHECKS": "1"},
    "new each time": {"CONN_MAX_AGE": "0"},
}
# Terminates all other sessions, as an administrator or a shutdown of the database does.
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
    proxy.stop_forwarding()
    time.sleep(seconds)
    proxy.recover()


def _broken_connections(proxy: Proxy, seconds: float) -> None:
    proxy.break_connections()


def _ended_sessions(proxy: Proxy, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS[connection.vendor])
        for (session,) in cursor.fetchall():
            with suppress(OperationalError):  # it has already ended
                cursor.execute(END_SESSION[connection.vendor], [session])


OUTAGES = (_refusal, _broken_connections, _ended_sessions, _silence)


def database_goes_away(connections: str, stage: Stage) -> None:
    """Clients retry each request until it gets a response, and nothing may be lost."""
    settings = CONNECTIONS[connections]
    with (
        proxied(stage.url) as proxy,
        serving(stage.folder, proxy.url, WORKERS, *OPTIONS, **settings) as server,
    ):
        stage = replace(stage, server=server)
        workers = server.workers()
        with provisioning(replace(stage, crowd=CLIENTS)) as names:
            _disturb(stage, proxy)
        if server.workers() != workers:
            stage.tally.count("violations", problem="a server process has ended")
    if not stage.tally.counts["retried"]:
        stage.tally.count("violations", problem="the outages had no effect")
    check_provisioned(stage, names)


def lock_is_held(stage: Stage) -> None:
    """A group's row is locked for longer than a request retries: 503, then success."""
    with serving(stage.folder, stage.url, WORKERS, *OPTIONS, LOCK_SECONDS="1") as server:
        stage = replace(stage, server=server, crowd=WAITING)
        people = stage.people(WAITING)
        group = stage.group("sales")
        requests = [add_members(group, key) for key in people.values()]
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            LibraryGroupLink.objects.select_for_update().get(pk=group)
            stage.tally.count("faults")
            answers = pool.submit(stage.at_once, requests)
            time.sleep(HELD_SECONDS)
        stage.require(answers.result(), 204)
        if not stage.tally.counts["retried"]:
            stage.tally.count("violations", problem="the lock had no effect")
    stage.check(state.people(people) + state.group("sales", people))


def _disturb(stage: Stage, proxy: Proxy) -> None:
    for _ in range(stage.extent.cuts):
        for outage in OUTAGES:
            time.sleep(PEACE)
            outage(proxy, stage.extent.outage_seconds)
            stage.tally.count("faults")
    time.sleep(PEACE)


Scenario = Callable[[Stage], None]

SCENARIOS: dict[str, Scenario] = {
    **{f"outage, connections {name}": partial(database_goes_away, name) for name in CONNECTIONS},
    "lock held for too long": lock_is_held,
}
