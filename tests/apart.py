"""A host with three accounts, and what one of them would see if the others did not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import transaction

from tests.accounts import Apart, client_of
from tests.simple_project.libraries.models import Library
from tests.wire.client import TILED_USER, Answer, Scim
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, ScimEvent, ScimToken, UserLink

ACCOUNTS = list(Apart.accounts())
KINDS = ("Users", "Groups")
ADMIN = {TILED_USER: {"tiledAdmin": True}}

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LOCATION = re.compile(rf"/({'|'.join(KINDS)})/({UUID.pattern})")
# What a request may refer to: a resource of one's own or of another account, by its place among
# them; the version of one, or a cursor.
REFERENCE = re.compile(r"<(mine|theirs)/(Users|Groups)/(\d)(/version|/cursor)?>")


@dataclass(frozen=True)
class Request:
    """What an account sends, with references still to be resolved."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


# The host -----------------------------------------------------------------------------------------


@dataclass
class Resources:
    """What an account knows of resources: their ids, versions, and cursors that lead to them."""

    keys: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    versions: dict[str, str] = field(default_factory=dict)
    cursors: list[str] = field(default_factory=list)


def populate(account: str) -> tuple[Scim, Resources]:
    """People and groups of all kinds: active, inactive and unlinked. The same in each account."""
    scim, known = client_of(account), Resources()
    ann = scim.add_user("ann", externalId="1", title=f"of {account}")
    bob = scim.add_user("bob", externalId="2", emails=[{"value": "bob@example.com"}], **ADMIN)
    cat = scim.add_user("cat", active=False, **ADMIN)
    gone = scim.add_user("gone")
    known.keys["Users"] = [ann, bob, cat, gone]
    groups = [("Sales", (ann, bob)), ("Ops", (ann, cat)), (f"Only {account}", ()), ("Gone", (ann,))]
    known.keys["Groups"] = [scim.add_group(name, *members) for name, members in groups]
    scim.delete(f"/Users/{gone}")
    scim.delete(f"/Groups/{known.keys['Groups'][-1]}")
    for kind in KINDS:
        page = scim.get(f"/{kind}", cursor="", count=1).json
        known.cursors.append(page["nextCursor"])
        for resource in scim.get(f"/{kind}").json["Resources"]:
            known.versions[resource["id"]] = resource["meta"]["version"]
    return scim, known


@dataclass
class Host:
    """A host with three accounts.

    Args:
        clients: that of each account, with what it knows.
    """

    clients: dict[str, tuple[Scim, Resources]]

    def others(self, account: str) -> list[str]:
        return [other for other in ACCOUNTS if other != account]

    def theirs(self, account: str) -> Resources:
        """What the others know."""
        joined = Resources()
        for other in self.others(account):
            known = self.clients[other][1]
            joined.versions |= known.versions
            joined.cursors += known.cursors
            for kind, keys in known.keys.items():
                joined.keys[kind] += keys
        return joined

    def rows(self, account: str) -> list[list[dict[str, Any]]]:
        """All that the database has of the others."""
        others = self.others(account)
        people = User.objects.filter(scim_links__account__in=others)
        libraries = Library.objects.filter(scim_links__account__in=others)
        access = Library.members.through.objects.filter(library__in=libraries)
        kinds: list[Any] = [UserLink, LibraryGroupLink, ScimToken, ScimEvent]
        return [
            list(rows.order_by("pk").values())
            for rows in (
                *(people, libraries, access),
                *(kind.objects.filter(account__in=others) for kind in kinds),
                LibraryGroupMember.objects.filter(group__account__in=others),
                LibraryGroupMember.objects.filter(user__account__in=others),
            )
        ]

    def shown(self, account: str) -> list[Answer]:
        """All that the others see, without the headers that are new every time."""
        answers = []
        for other in self.others(account):
            scim, known = self.clients[other]
            paths = [f"/{kind}/{key}" for kind in KINDS for key in known.keys[kind]]
            answers += [scim.get(path) for path in ("/Users", "/Groups", *paths)]
        return [Answer(a.status, {"ETag": a.headers.get("ETag", "")}, a.json, "") for a in answers]

    def forget_others(self, account: str) -> None:
        """Make it a host where they have never been."""
        others = self.others(account)
        User.objects.filter(scim_links__account__in=others).delete()
        Library.objects.filter(scim_links__account__in=others).delete()
        for kind in (UserLink, LibraryGroupLink, ScimToken, ScimEvent):
            kind._default_manager.filter(account__in=others).delete()


@contextmanager
def undone() -> Iterator[None]:
    """What is done here to the database has not been done."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# One account's requests ---------------------------------------------------------------------------


class Session:
    """One account sends requests; `answers` are the responses, without what differs each time."""

    def __init__(self, host: Host, account: str) -> None:
        self.scim, known = host.clients[account]
        self.mine = Resources(
            {kind: [*keys] for kind, keys in known.keys.items()},
            dict(known.versions),
            list(known.cursors),
        )
        self.theirs = host.theirs(account)
        self.names: dict[str, str] = {}
        self.answers: list[Any] = []

    def send(self, request: Request) -> None:
        path = self.resolved(request.path)
        if request.query:
            path += f"?{urlencode(self.resolved(request.query))}"
        body = None if request.body is None else self.resolved(request.body)
        answer = self.scim.send(request.method, path, body, self.resolved(request.headers))
        self.learn(answer)
        headers = {name: answer.headers.get(name) for name in ("Location", "Content-Type")}
        self.answers.append(self.normal([answer.status, headers, answer.json]))

    def resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.resolved(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        return REFERENCE.sub(self._referred, value) if isinstance(value, str) else value

    def _referred(self, match: re.Match[str]) -> str:
        whose, kind, place, what = match.groups()
        known = self.mine if whose == "mine" else self.theirs
        key = known.keys[kind][int(place) % len(known.keys[kind])]
        if what == "/cursor":
            return known.cursors[KINDS.index(kind)]
        return known.versions.get(key, 'W/"none"') if what else key

    def learn(self, answer: Answer) -> None:
        """Remember the ids of what was created, and all versions."""
        for resource in _objects(answer.json):
            meta = resource.get("meta", {})
            if "version" in meta and "id" in resource:
                self.mine.versions[resource["id"]] = meta["version"]
        created = [answer.json["meta"]["location"]] if answer.status == 201 else []
        if answer.status == 200:
            created += [
                each.get("location", "")
                for each in answer.json.get("Operations", [])
                if each["method"] == "POST"
            ]
        for kind, key in LOCATION.findall(" ".join(created)):
            if key not in self.mine.keys[kind]:
                self.mine.keys[kind].append(key)
                self.names[key] = f"new {kind} {len(self.names)}"

    def normal(self, value: Any) -> Any:
        """An answer without new ids, moments, versions and cursors."""
        if isinstance(value, list):
            return [self.normal(item) for item in value]
        if isinstance(value, dict):
            fresh = {"created", "lastModified", "version", "nextCursor", "previousCursor"}
            parts = {
                name: name if name in fresh else self.normal(item) for name, item in value.items()
            }
            if "members" in parts:  # in the order of ids, where they come at once
                parts["members"].sort(key=repr)
            if "detail" in parts:  # which may have ids in their order, too
                parts["detail"] = sorted(re.split("[ ,.]+", parts["detail"]))
            return parts
        if isinstance(value, str):
            return UUID.sub(lambda match: self.names.get(match[0], match[0]), value)
        return value


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _objects(item)


def answers(host: Host, account: str, requests: Iterable[Request]) -> list[Any]:
    session = Session(host, account)
    for request in requests:
        session.send(request)
    return session.answers


def check_apart(host: Host, account: str, requests: list[Request]) -> None:
    """That the others have no part in what an account does."""
    rows, shown = host.rows(account), host.shown(account)
    # Asking has moved the moments at which their tokens were last used.
    rows = host.rows(account)
    with undone():
        among_others = answers(host, account, requests)
        assert host.rows(account) == rows
        assert host.shown(account) == shown
    with undone():
        host.forget_others(account)
        alone = answers(host, account, requests)
    for request, one, other in zip(requests, among_others, alone, strict=True):
        assert one == other, request
