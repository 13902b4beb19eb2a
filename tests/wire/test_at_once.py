"""Tests of concurrent requests: nothing is lost, done by half or stored twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from pytest_django import Settings

from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

from .client import ANN, Scim, add_members, group, remove_member, replace_members, user
from .state import access, people

THREADS = 8

Send = Callable[[Scim], int]


@pytest.fixture(autouse=True)
def _committed(transactional_db: None) -> None:
    """Threads have connections of their own, which see only what was committed."""
    if connection.vendor == "sqlite":
        pytest.skip("threads cannot share SQLite's database in memory")


@pytest.fixture
def at_once(token: str) -> Callable[[list[Send]], Counter[int]]:
    """Send requests in threads; returns how often each status came."""

    def run(send: Send) -> int:
        try:
            return send(Scim(token))
        finally:
            connections.close_all()

    def run_all(requests: list[Send]) -> Counter[int]:
        with ThreadPoolExecutor(THREADS) as pool:
            return Counter(pool.map(run, requests))

    return run_all


AtOnce = Callable[[list[Send]], Counter[int]]


def posting(path: str, body: object) -> Send:
    return lambda scim: scim.post(path, body).status


def patching(path: str, *operations: object) -> Send:
    return lambda scim: scim.patch(path, *operations).status


def deleting(path: str) -> Send:
    return lambda scim: scim.delete(path).status


def test_one_person_is_made_once(at_once: AtOnce) -> None:
    assert at_once([posting("/Users", user(ANN))] * THREADS) == {201: 1, 409: THREADS - 1}

    assert people() == {ANN: "active"}
    assert UserLink.objects.count() == 1


def test_one_user_name_in_many_spellings_makes_one_person(at_once: AtOnce) -> None:
    spellings = [
        "".join(
            letter.upper() if number >> place & 1 else letter
            for place, letter in enumerate("julia")
        )
        for number in range(20)
    ]

    assert at_once([posting("/Users", user(name)) for name in spellings]) == {201: 1, 409: 19}

    assert UserLink.objects.count() == User.objects.count() == 1


def test_one_address_is_one_persons(scim: Scim, at_once: AtOnce, settings: Settings) -> None:
    settings.TILED_SCIM_ADOPT_USERS = "email"
    ann = [{"value": ANN, "primary": True}]

    posts = [posting("/Users", user(f"ann{number}", emails=ann)) for number in range(THREADS)]
    assert at_once(posts) == {201: 1, 409: THREADS - 1}

    keys = [scim.add_user(f"bob{number}", emails=[]) for number in range(THREADS)]
    change = {"op": "replace", "path": "emails", "value": [{"value": "bob@example.com"}]}
    statuses = at_once([patching(f"/Users/{key}", change) for key in keys])
    assert statuses == {200: 1, 409: THREADS - 1}
    assert User.objects.filter(email="bob@example.com").count() == 1


def test_different_attributes_of_one_person_are_all_kept(scim: Scim, at_once: AtOnce) -> None:
    key = scim.add_user(ANN)
    names = ["title", "nickName", "locale", "timezone", "userType", "displayName"]
    operations = [{"op": "replace", "path": name, "value": f"new {name}"} for name in names]

    statuses = at_once([patching(f"/Users/{key}", operation) for operation in operations])

    assert statuses == {200: len(names)}
    resource = scim.get(f"/Users/{key}").json
    assert {name: resource[name] for name in names} == {name: f"new {name}" for name in names}


def test_an_inactive_person_comes_back_once(scim: Scim, at_once: AtOnce) -> None:
    scim.deactivate(scim.add_user(ANN))

    assert at_once([posting("/Users", user(ANN))] * THREADS) == {201: 1, 409: THREADS - 1}

    assert people() == {ANN: "active"}
    assert UserLink.objects.count() == 1


def test_one_group_is_made_once(at_once: AtOnce) -> None:
    assert at_once([posting("/Groups", group("Sales"))] * THREADS) == {201: 1, 409: THREADS - 1}

    assert access() == {"Sales": set()}
    assert LibraryGroupLink.objects.count() == 1


def test_many_people_are_all_made(at_once: AtOnce) -> None:
    names = [f"person{number}" for number in range(32)]

    assert at_once([posting("/Users", user(name)) for name in names]) == {201: 32}

    assert people() == dict.fromkeys(names, "active")


def test_changes_of_one_group_lose_nobody(scim: Scim, at_once: AtOnce) -> None:
    keys = [scim.add_user(f"person{number}") for number in range(24)]
    sales = scim.add_group("Sales", *keys[:8])
    operations = [*map(remove_member, keys[:8]), *map(add_members, keys[8:])]

    statuses = at_once([patching(f"/Groups/{sales}", operation) for operation in operations])

    assert statuses == {204: 24}
    assert scim.members(sales) == sorted(keys[8:])
    assert access() == {"Sales": {f"person{number}" for number in range(8, 24)}}


def test_changes_of_many_groups_in_any_order_of_members(scim: Scim, at_once: AtOnce) -> None:
    keys = [scim.add_user(f"person{number}") for number in range(20)]
    groups = [scim.add_group(f"Group {number}") for number in range(THREADS)]
    requests = [
        patching(f"/Groups/{key}", add_members(*(keys if number % 2 else keys[::-1])))
        for number, key in enumerate(groups)
    ]

    assert at_once(requests) == {204: THREADS}

    assert all(len(names) == 20 for names in access().values())


def test_people_are_changed_while_they_are_added_and_removed(scim: Scim, at_once: AtOnce) -> None:
    keys = [scim.add_user(f"person{number}") for number in range(8)]
    sales = scim.add_group("Sales", *keys[:4])
    requests = [
        request
        for number, key in enumerate(keys)
        for request in (
            patching(f"/Users/{key}", {"op": "replace", "value": {"title": "Boss"}}),
            patching(f"/Groups/{sales}", (remove_member if number < 4 else add_members)(key)),
            patching(f"/Users/{key}", {"op": "replace", "value": {"active": False}}),
        )
    ]

    assert at_once(requests) == {200: 16, 204: 8}

    assert scim.members(sales) == sorted(keys[4:])
    assert access() == {"Sales": {f"person{number}" for number in range(4, 8)}}
    assert set(people().values()) == {"inactive"}
    assert all(link.attributes["title"] == "Boss" for link in UserLink.objects.all())


def test_people_and_groups_are_deleted_while_they_are_changed(scim: Scim, at_once: AtOnce) -> None:
    keys = [scim.add_user(f"person{number}") for number in range(8)]
    groups = [scim.add_group(f"Group {number}", *keys) for number in range(4)]
    requests = [
        *(deleting(f"/Users/{key}") for key in keys[:4]),
        *(patching(f"/Groups/{key}", replace_members(*keys)) for key in groups),
        *(deleting(f"/Groups/{key}") for key in groups[:2]),
        *(patching(f"/Groups/{key}", add_members(*keys[::-1])) for key in groups),
    ]

    statuses = at_once(requests)

    assert statuses.keys() <= {204, 404}
    # Whoever came last: what is granted, what SCIM shows and what the host has are the same.
    for link in LibraryGroupLink.objects.all():
        members = LibraryGroupMember.objects.filter(group=link).values_list("user__user", flat=True)
        library = Library.objects.get(scim_links=link)
        assert set(library.members.values_list("pk", flat=True)) == set(members)
        assert link.is_live or not members
    gone = User.objects.filter(scim_links__pk__in=keys[:4])
    assert not gone.filter(libraries__isnull=False).exists()
    assert not gone.filter(is_active=True).exists()
