"""How many queries a request takes: a few, and the same few in a small host and in a large one.

Counted in tests, a write has two more than in a real server: its transaction is a savepoint here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from example_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

from .client import ANN, BOB, TILED_USER, Answer, Scim, add_members, remove_member, user

SAVEPOINT = 2

pytestmark = pytest.mark.in_process


@pytest.fixture(autouse=True)
def _used_before(scim: Scim) -> None:
    """The first request of a minute also notes when the token was used."""
    scim.get("/ServiceProviderConfig")


def add_people(number: int) -> list[str]:
    """Push people without a request for each."""
    first = User.objects.count()
    hosts = User.objects.bulk_create(
        User(username=f"person{index}", email=f"person{index}@example.com")
        for index in range(first, first + number)
    )
    links = UserLink.objects.bulk_create(
        UserLink(
            user=host,
            user_name=host.username,
            user_name_folded=host.username,
            attributes={"emails": [{"type": "work", "primary": True}]},
        )
        for host in hosts
    )
    return [str(link.pk) for link in links]


def add_groups(number: int, members: list[str]) -> list[str]:
    """Push groups, each with the same members, without a request for each."""
    first = Library.objects.count()
    libraries = Library.objects.bulk_create(
        Library(name=f"Library {index}") for index in range(first, first + number)
    )
    groups = LibraryGroupLink.objects.bulk_create(
        LibraryGroupLink(
            library=library, display_name=library.name, display_name_folded=library.name.lower()
        )
        for library in libraries
    )
    users = UserLink.objects.filter(pk__in=members).values_list("pk", "user_id")
    LibraryGroupMember.objects.bulk_create(
        LibraryGroupMember(group=group, user_id=link) for group in groups for link, _ in users
    )
    for library in libraries:
        library.members.add(*(host for _, host in users))
    return [str(group.pk) for group in groups]


def count(request: Callable[[], Answer], status: int = 200) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = request()
    assert answer.status == status, answer.text
    return len(queries)


class TestOneResource:
    @pytest.fixture
    def ann(self, scim: Scim) -> str:
        """One who is in 30 groups, among 50 people."""
        key = scim.add_user(ANN)
        add_groups(30, [key, *add_people(50)])
        return key

    def test_a_lookup_by_user_name_takes_two(
        self, scim: Scim, ann: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for user_name, found in ((ANN.upper(), [ann]), (BOB, [])):
            with django_assert_num_queries(2):
                assert scim.found("/Users", f'userName eq "{user_name}"') == found

    def test_a_group_lookup_takes_as_many_whoever_is_in_the_group(
        self, scim: Scim, ann: str
    ) -> None:
        counts = {
            count(lambda: scim.get("/Groups", filter='displayName eq "library 7"')),
            count(lambda: scim.get("/Groups", filter=f'members.value eq "{ann}"')),
        }

        assert max(counts) <= 4

    def test_get_user_takes_three_at_most(
        self, scim: Scim, ann: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(3):
            answer = scim.get(f"/Users/{ann}")

        assert len(answer.json["groups"]) == 30

    def test_post_user_takes_ten_at_most(
        self, scim: Scim, ann: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        body = user(BOB, externalId="00u1", title="Boss", **{TILED_USER: {"tiledAdmin": True}})
        with django_assert_max_num_queries(10):
            assert scim.post("/Users", body).status == 201

    def test_put_and_patch_user_take_ten_at_most(
        self, scim: Scim, ann: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(10):
            assert scim.put(f"/Users/{ann}", user(ANN, title="Boss")).status == 200
        with django_assert_max_num_queries(10):
            scim.deactivate(ann)

    def test_get_group_takes_as_many_whatever_its_size(self, scim: Scim) -> None:
        [small] = add_groups(1, add_people(1))
        [large] = add_groups(1, add_people(1000))

        counts = {count(partial(scim.get, f"/Groups/{key}")) for key in (small, large)}

        assert len(counts) == 1
        assert max(counts) <= 4

    def test_a_group_without_members_does_not_load_them(
        self, scim: Scim, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        [key] = add_groups(1, add_people(10))

        with django_assert_num_queries(2):
            answer = scim.get(f"/Groups/{key}", excludedAttributes="members")

        assert "members" not in answer.json


class TestMembers:
    @pytest.mark.parametrize("operation", [add_members, remove_member])
    def test_a_patch_of_one_takes_as_many_in_a_group_of_ten_and_of_a_thousand(
        self, scim: Scim, operation: Callable[[str], object]
    ) -> None:
        people = add_people(1001)
        counts = set()
        for size in (10, 1000):
            [key] = add_groups(1, people[:size])
            one = people[-1] if operation is add_members else people[0]
            counts.add(count(partial(scim.patch, f"/Groups/{key}", operation(one)), 204))

        assert len(counts) == 1
        assert max(counts) <= 10 + SAVEPOINT

    def test_a_patch_takes_as_many_for_one_member_and_for_a_hundred(self, scim: Scim) -> None:
        people = add_people(200)
        counts = set()
        for number in (1, 100):
            [key] = add_groups(1, people[:100])
            operations = [*map(remove_member, people[:number]), add_members(*people[100:][:number])]
            counts.add(count(partial(scim.patch, f"/Groups/{key}", *operations), 204))

        assert len(counts) == 1

    def test_a_rename_takes_as_many_in_a_group_of_ten_and_of_a_thousand(self, scim: Scim) -> None:
        people = add_people(1000)
        counts = set()
        for size in (10, 1000):
            [key] = add_groups(1, people[:size])
            value = {"id": key, "displayName": f"Renamed {size}"}
            rename = {"op": "replace", "value": value}
            counts.add(count(partial(scim.patch, f"/Groups/{key}", rename), 204))

        assert len(counts) == 1


class TestLists:
    @pytest.mark.parametrize(
        "query",
        [
            "/Users?startIndex=1&count=100",
            "/Users?startIndex=3&count=5",
            "/Users?filter=active+eq+true&count=5",
            "/Users?filter=emails[type+eq+%22work%22].value+sw+%22person%22&count=5",
            "/Users?sortBy=userName&count=5",
            "/Groups?startIndex=1&count=100",
            "/Groups?count=2&excludedAttributes=members",
        ],
    )
    def test_take_as_many_whatever_the_number_of_rows(self, scim: Scim, query: str) -> None:
        add_groups(8, add_people(8))
        few = count(lambda: scim.send("GET", query))
        add_groups(40, add_people(40))

        many = count(lambda: scim.send("GET", query))

        # A page that is the last one tells the total; before it, the rows are counted.
        assert few <= many <= few + 1
        assert many <= 4
