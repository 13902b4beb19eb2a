"""The database goes away under load and comes back: 503 meanwhile, and afterwards as before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Event
from urllib.parse import urlencode

from django.db import OperationalError, connection

from tiled_scim.models import UserLink

from . import state
from .client import Client
from .messages import Request, add_members, create_user, set_attributes
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
        sales = stage.group("sales")
        over = Event()
        with ThreadPoolExecutor(CLIENTS) as pool:
            lives = [
                pool.submit(Provisioning(stage, sales, number).go_on, over)
                for number in range(CLIENTS)
            ]
            try:
                _disturb(stage, proxy)
            finally:
                over.set()
            names = [name for life in lives for name in life.result()]
        if server.workers() != workers:
            stage.tally.count("violations", problem="a server process has ended")
    _check(stage, names)


def _disturb(stage: Stage, proxy: Proxy) -> None:
    for _ in range(stage.extent.cuts):
        for outage in OUTAGES:
            time.sleep(PEACE)
            outage(proxy, stage.extent.outage_seconds)
            stage.tally.count("faults")
    time.sleep(PEACE)


def _check(stage: Stage, names: list[str]) -> None:
    if not stage.tally.counts["retried"]:
        stage.tally.count("violations", problem="the outages went unnoticed")
    titles = Counter(
        f"{link.user_name} has the title {link.attributes.get('title')}"
        for link in UserLink.objects.all()
    )
    stage.tally.compare(Counter(f"{name} has the title x" for name in names), titles)
    stage.check(state.people(names) + state.group("sales", names))


class Provisioning:
    """One client that makes people, adds them to a group and changes them."""

    def __init__(self, stage: Stage, group: str, number: int) -> None:
        self.stage = stage
        self.group = group
        self.number = number
        self.client: Client = stage.client()
        self.client.longest_pause = IMPATIENCE
        self.client.attempts = ATTEMPTS

    def go_on(self, over: Event) -> list[str]:
        """Returns the names of all whom it has provisioned."""
        names: list[str] = []
        while not over.is_set():
            name = f"person{self.number}.{len(names)}"
            key = self._create(name)
            self._send(add_members(self.group, key), 204)
            self._send(set_attributes(key, title="x"), 200)
            names.append(name)
        return names

    def _create(self, name: str) -> str:
        """Make a person. An answer that was lost is no reason to make another one."""
        answer = self.client.send(create_user(name))
        if answer.status == 201:
            return answer.key
        if answer.attempts == 1:
            self.stage.require([answer], 201)
        self.stage.require([answer], 409)
        query = urlencode({"filter": f'userName eq "{name}"'})
        found = self.client.send(Request("GET", f"/Users?{query}"))
        return str(found.json["Resources"][0]["id"])

    def _send(self, request: Request, status: int) -> None:
        self.stage.require([self.client.send(request)], status)


Scenario = Callable[[Stage], None]

SCENARIOS: dict[str, Scenario] = {
    f"database away, connections {name}": partial(database_goes_away, name) for name in CONNECTIONS
}
