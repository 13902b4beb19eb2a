"""Requests at the same time, from threads with database connections of their own.

SQLite lets one transaction write at a time, so that there is nothing to race for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.wire.client import Answer, Scim, add_members, group, remove_member, replace_members, user
from tests.wire.state import access, people
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, ScimToken, UserLink

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]

CLIENTS = 20


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {ScimToken.objects.generate()[1]}")


def at_once(scim: Scim, *requests: Callable[[Scim], Answer]) -> list[Answer]:
    """Send the requests at the same time, each as a client of its own."""
    barrier = Barrier(len(requests))

    def send(request: Callable[[Scim], Answer]) -> Answer:
        barrier.wait()
        try:
            return request(Scim(scim.headers["Authorization"]))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_members_added_at_once_are_all_there(scim: Scim) -> None:
    keys = [scim.add_user(f"person{number}@example.com") for number in range(CLIENTS)]
    group_key = scim.add_group("Sales")

    answers = at_once(
        scim,
        *(
            lambda client, key=key: client.patch(f"/Groups/{group_key}", add_members(key))
            for key in keys
        ),
    )

    assert statuses(answers) == {204: CLIENTS}
    assert scim.members(group_key) == sorted(keys)
    assert access() == {"Sales": {f"person{number}@example.com" for number in range(CLIENTS)}}


def test_overlapping_adds_and_removes_in_different_order_lose_nothing(scim: Scim) -> None:
    staying = [scim.add_user(f"staying{number}@example.com") for number in range(10)]
    leaving = [scim.add_user(f"leaving{number}@example.com") for number in range(10)]
    groups = [scim.add_group(f"Group {number}", *leaving) for number in range(2)]

    def change(number: int) -> Callable[[Scim], Answer]:
        order = -1 if number % 2 else 1
        operations = [*map(remove_member, leaving[::order]), add_members(*staying[::order])]
        return lambda client: client.patch(f"/Groups/{groups[number % 2]}", *operations[::order])

    answers = at_once(scim, *map(change, range(CLIENTS)))

    assert statuses(answers) == {204: CLIENTS}
    expected = {f"staying{number}@example.com" for number in range(10)}
    assert access() == {"Group 0": expected, "Group 1": expected}


def test_one_user_name_in_many_spellings_makes_one_person(scim: Scim) -> None:
    spellings = [
        "".join(c.upper() if number >> place & 1 else c for place, c in enumerate("julia"))
        for number in range(CLIENTS)
    ]

    answers = at_once(
        scim,
        *(
            lambda client, name=name: client.post("/Users", user(f"{name}@x.y"))
            for name in spellings
        ),
    )

    assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
    assert {answer.error for answer in answers if answer.status == 409} == {(409, "uniqueness")}
    assert UserLink.objects.count() == User.objects.count() == 1


def test_one_display_name_makes_one_library(scim: Scim) -> None:
    answers = at_once(scim, *[lambda client: client.post("/Groups", group("Sales"))] * CLIENTS)

    assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
    assert LibraryGroupLink.objects.count() == 1
    assert access() == {"Sales": set()}


def test_an_inactive_person_posted_at_once_comes_back_once(scim: Scim) -> None:
    key = scim.add_user("ann@example.com")
    scim.deactivate(key)

    answers = at_once(scim, *[lambda client: client.post("/Users", user("ann@example.com"))] * 10)

    assert statuses(answers) == {201: 1, 409: 9}
    assert [answer.json["id"] for answer in answers if answer.status == 201] == [key]
    assert people() == {"ann@example.com": "active"}


def test_different_attributes_of_one_person_are_all_kept(scim: Scim) -> None:
    key = scim.add_user("ann@example.com")
    names = ["title", "nickName", "locale", "timezone", "userType", "displayName"]

    answers = at_once(
        scim,
        *(
            lambda client, name=name: client.patch(
                f"/Users/{key}", {"op": "replace", "path": name, "value": f"new {name}"}
            )
            for name in names
        ),
    )

    assert statuses(answers) == {200: len(names)}
    resource = scim.get(f"/Users/{key}").json
    assert {name: resource[name] for name in names} == {name: f"new {name}" for name in names}


def test_push_now_against_adds_ends_as_one_order_would(scim: Scim) -> None:
    pushed, added = scim.add_user("pushed@example.com"), scim.add_user("added@example.com")
    group_key = scim.add_group("Sales")

    answers = at_once(
        scim,
        *[lambda client: client.patch(f"/Groups/{group_key}", replace_members(pushed))] * 5,
        *[lambda client: client.patch(f"/Groups/{group_key}", add_members(added))] * 5,
    )

    assert statuses(answers) == {204: 10}
    members = set(scim.members(group_key))
    assert members in ({pushed}, {pushed, added})
    granted = set(LibraryGroupMember.objects.values_list("user__user_name", flat=True))
    assert access() == {"Sales": granted}


def test_deleting_a_person_against_adding_leaves_no_access_behind(scim: Scim) -> None:
    keys = [scim.add_user(f"person{number}@example.com") for number in range(10)]
    group_key = scim.add_group("Sales")

    answers = at_once(
        scim,
        *(
            lambda client, key=key: client.patch(f"/Groups/{group_key}", add_members(key))
            for key in keys
        ),
        *(lambda client, key=key: client.delete(f"/Users/{key}") for key in keys),
    )

    assert statuses(answers) == {204: 20}
    assert scim.members(group_key) == []
    assert access() == {"Sales": set()}
    assert set(people().values()) == {"inactive"}
