"""Clients that create people, add them to a group and change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from urllib.parse import urlencode

from tiled_scim.models import UserLink

from . import state
from .messages import Request, add_members, create_user, set_attributes
from .stage import Stage

GROUP = "sales"
# The maximum number of seconds before a retry. It is shorter than the server requests, which puts
# more load on the server and ends the test earlier.
IMPATIENCE = 0.3
ATTEMPTS = 60


class Provisioning:
    """One client, which retries each request until it gets a response.

    Args:
        stage: The environment of the scenario.
        group: The id of the group for all people.
        number: The number of the client.
    """

    def __init__(self, stage: Stage, group: str, number: int) -> None:
        self.stage = stage
        self.group = group
        self.number = number
        self.client = stage.client()

    def provision(self, number: int) -> str:
        """Create a person, add it to the group and set a title. Return the name."""
        name = f"person{self.number}.{number}"
        key = self._create(name)
        self._send(add_members(self.group, key), 204)
        self._send(set_attributes(key, title="x"), 200)
        return name

    def _create(self, name: str) -> str:
        """Create a person, or find it if a lost response had created it. Return the id."""
        answer = self.client.send(create_user(name))
        if answer.status == 201:
            return answer.key
        self.stage.require([answer], 201 if answer.attempts == 1 else 409)
        query = urlencode({"filter": f'userName eq "{name}"'})
        found = self.client.send(Request("GET", f"/Users?{query}"))
        return str(found.json["Resources"][0]["id"])

    def _send(self, request: Request, status: int) -> None:
        self.stage.require([self.client.send(request)], status)


@contextmanager
def provisioning(stage: Stage) -> Iterator[list[str]]:
    """Provision continuously with all clients while the context is active.

    Yields:
        A list that contains the names of all provisioned people after the context has ended.
    """
    group, over, names = stage.group(GROUP), Event(), list[str]()
    with ThreadPoolExecutor(stage.crowd) as pool:
        shares = [
            pool.submit(_provision_until, Provisioning(stage, group, number), over)
            for number in range(stage.crowd)
        ]
        try:
            yield names
        finally:
            over.set()
        names += [name for share in shares for name in share.result()]


def check_provisioned(stage: Stage, names: Iterable[str]) -> None:
    """Check that all people, titles and memberships exist."""
    names = list(names)
    links = UserLink.objects.all()
    titles = Counter(
        f"{link.user_name} has the title {link.attributes.get('title')}" for link in links
    )
    stage.tally.compare(Counter(f"{name} has the title x" for name in names), titles)
    stage.check(state.people(names) + state.group(GROUP, names))


def _provision_until(provisioning: Provisioning, over: Event) -> list[str]:
    """Provision people until the event is set, and return their names."""
    provisioning.client.longest_pause = IMPATIENCE
    provisioning.client.attempts = ATTEMPTS
    names: list[str] = []
    while not over.is_set():
        names.append(provisioning.provision(len(names)))
    return names
