"""Count the SQL statements of requests: a few, and as many in a small host as in a large one.

In these tests, the transaction of a request is a savepoint: SAVEPOINT and RELEASE SAVEPOINT take
the place of BEGIN and COMMIT.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests.documented.pages import ROOT, table_rows
from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

from .client import (
    ANN,
    BOB,
    TILED_USER,
    Answer,
    Scim,
    add_members,
    group,
    remove_member,
    replace_members,
    user,
)

DESIGN = ROOT / "docs" / "design.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
# Statements that only start, end or divide a transaction.
TRANSACTION_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE SAVEPOINT", "COMMIT")
# The columns of the table in docs/performance.md, by Django's name of the database.
COLUMNS = {"postgresql": "PostgreSQL", "mysql": "MariaDB and MySQL", "sqlite": "SQLite"}

Request = Callable[[], Answer]

pytestmark = pytest.mark.in_process


@pytest.fixture(autouse=True)
def _used_before(scim: Scim) -> None:
    """Send what also notes when the token was used, and asks the database what it can do.

    The first happens once in a minute, and the other once in a process.
    """
    scim.get("/Users")
    scim.found("/Users", f'userName eq "{BOB}"')


def add_people(number: int) -> list[str]:
    """Push people without a request for each."""
    first = User.objects.count()
    hosts = insert(
        User(username=f"person{index}", email=f"person{index}@example.com")
        for index in range(first, first + number)
    )
    links = UserLink.objects.bulk_create(
        UserLink(
            user=host,
            user_name=host.username,
            user_name_canonical=host.username,
            attributes={"emails": [{"type": "work", "primary": True}]},
        )
        for host in hosts
    )
    return [str(link.pk) for link in links]


def add_groups(number: int, members: list[str]) -> list[str]:
    """Push groups, each with the same members, without a request for each."""
    first = Library.objects.count()
    libraries = insert(Library(name=f"Library {index}") for index in range(first, first + number))
    groups = LibraryGroupLink.objects.bulk_create(
        LibraryGroupLink(
            library=library, display_name=library.name, display_name_canonical=library.name.lower()
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


def statements(request: Request, status: int = 200) -> list[str]:
    """Return the SQL statements of a request, in order."""
    with CaptureQueriesContext(connection) as queries:
        answer = request()
    assert answer.status == status, answer.text
    return [query["sql"] for query in queries.captured_queries]


def count(request: Request, status: int = 200) -> int:
    """Return the number of SQL statements of a request."""
    return len(statements(request, status))


def find_user(scim: Scim) -> Request:
    [key] = add_people(1)
    add_groups(3, [key])
    return partial(scim.get, "/Users", filter='userName eq "person0"')


def find_nobody(scim: Scim) -> Request:
    return partial(scim.get, "/Users", filter='userName eq "nobody"')


def get_user(scim: Scim) -> Request:
    [key] = add_people(1)
    add_groups(3, [key])
    return partial(scim.get, f"/Users/{key}")


def get_group(scim: Scim) -> Request:
    [key] = add_groups(1, add_people(1000))
    return partial(scim.get, f"/Groups/{key}")


def get_group_without_members(scim: Scim) -> Request:
    [key] = add_groups(1, add_people(10))
    return partial(scim.get, f"/Groups/{key}", excludedAttributes="members")


def list_first_page(scim: Scim) -> Request:
    add_groups(3, add_people(150))
    return partial(scim.get, "/Users", startIndex=1, count=100)


def list_deep_page(scim: Scim) -> Request:
    add_groups(3, add_people(150))
    return partial(scim.get, "/Users", startIndex=21, count=100)


def list_by_cursor(scim: Scim) -> Request:
    add_groups(3, add_people(250))
    first = scim.get("/Users", cursor="", count=100)
    return partial(scim.get, "/Users", cursor=first.json["nextCursor"], count=100)


def list_groups(scim: Scim) -> Request:
    add_groups(150, add_people(10))
    return partial(scim.get, "/Groups", count=100, excludedAttributes="members")


def post_user(scim: Scim) -> Request:
    body = user(BOB, externalId="00u1", title="Boss", **{TILED_USER: {"tiledAdmin": True}})
    return partial(scim.post, "/Users", body)


def deactivate_user(scim: Scim) -> Request:
    key = scim.add_user(ANN)
    deactivation = {"op": "replace", "value": {"active": False}}
    return partial(scim.patch, f"/Users/{key}", deactivation)


def put_user(scim: Scim) -> Request:
    key = scim.add_user(ANN)
    body = user(ANN, title="Boss", name={"givenName": "Anna", "familyName": "Angel"})
    return partial(scim.put, f"/Users/{key}", body)


def add_one_member(scim: Scim) -> Request:
    *members, added = add_people(1001)
    [key] = add_groups(1, members)
    return partial(scim.patch, f"/Groups/{key}", add_members(added))


def remove_one_member(scim: Scim) -> Request:
    people = add_people(1000)
    [key] = add_groups(1, people)
    return partial(scim.patch, f"/Groups/{key}", remove_member(people[0]))


def change_1000_members(scim: Scim) -> Request:
    people = add_people(1000)
    [key] = add_groups(1, people[:500])
    removed = map(remove_member, people[:500])
    return partial(scim.patch, f"/Groups/{key}", *removed, *map(add_members, people[500:]))


def push_now(scim: Scim) -> Request:
    people = add_people(1010)
    [key] = add_groups(1, people[:1000])
    return partial(scim.patch, f"/Groups/{key}", replace_members(*people[10:]))


def post_group(scim: Scim) -> Request:
    return partial(scim.post, "/Groups", group("Large", *add_people(1000)))


WRITES = ("POST", "PATCH", "PUT", "Add", "Remove", "Push Now")
# Each prepares the rows of an operation, and returns its request with the expected status.
OPERATIONS: dict[str, tuple[Callable[[Scim], Request], int]] = {
    "Look up a user by `userName`, found": (find_user, 200),
    "Look up a user by `userName`, not found": (find_nobody, 200),
    "GET a user": (get_user, 200),
    "GET a group without members": (get_group_without_members, 200),
    "GET a group of 1,000 with its members": (get_group, 200),
    "List 100 users, first page": (list_first_page, 200),
    "List 100 users, deep page by index": (list_deep_page, 200),
    "List 100 users by cursor": (list_by_cursor, 200),
    "List 100 groups without members": (list_groups, 200),
    "POST a user": (post_user, 201),
    "PATCH `active` of a user": (deactivate_user, 200),
    "PUT a user": (put_user, 200),
    "Add one member to a group": (add_one_member, 204),
    "Remove one member from a group": (remove_one_member, 204),
    "PATCH of 1,000 mixed changes of members": (change_1000_members, 204),
    "Push Now of 1,000 members, 1 % changed": (push_now, 204),
    "POST a group with 1,000 members": (post_group, 201),
}


def documented_counts() -> dict[str, int]:
    """Return the numbers of statements in docs/performance.md for the database of this run."""
    column = list(COLUMNS).index(connection.vendor) + 1
    rows = table_rows(PERFORMANCE, f"operation | {' | '.join(COLUMNS.values())}")
    return {row[0]: int(row[column]) for row in rows}


class TestDocumentedCounts:
    @pytest.fixture(autouse=True)
    def _written_before(self, scim: Scim, _used_before: None) -> None:
        """Ask the database for what only writes ask once in a process, such as a collation."""
        scim.add_user("first@example.com")

    def test_every_operation_is_documented(self) -> None:
        assert list(documented_counts()) == list(OPERATIONS)

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_request_takes_as_many_as_documented(self, scim: Scim, operation: str) -> None:
        prepare, status = OPERATIONS[operation]

        sent = statements(prepare(scim), status)

        control = [statement for statement in sent if statement.startswith(TRANSACTION_CONTROL)]
        assert len(sent) - len(control) == documented_counts()[operation]
        # The transaction of the request, and the savepoint of its event.
        assert len(control) == (4 if operation.startswith(WRITES) else 0)

    def test_one_added_member_takes_the_statements_of_the_design(self, scim: Scim) -> None:
        cells = [row[-1] for row in table_rows(DESIGN, "module | functions")]
        documented = re.findall(r"\d+\. (\w+)", " ".join(cells))
        in_tests = {"BEGIN": "SAVEPOINT", "COMMIT": "RELEASE"}

        sent = statements(add_one_member(scim), 204)

        assert [sql.split()[0] for sql in sent] == [in_tests.get(w, w) for w in documented]


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
        assert count(lambda: scim.get("/Groups", filter='displayName eq "library 7"')) <= 4

    def test_a_search_takes_five_more_for_its_time_and_the_size_of_the_page(
        self, scim: Scim, ann: str
    ) -> None:
        """Only because the transaction of the test is around it, the old time is set again."""
        assert count(lambda: scim.get("/Groups", filter=f'members.value eq "{ann}"')) <= 9

    def test_get_user_takes_two(
        self, scim: Scim, ann: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(2):
            answer = scim.get(f"/Users/{ann}")

        assert len(answer.json["groups"]) == 30

    def test_put_and_patch_user_take_one_more_where_the_host_user_changes(
        self, scim: Scim, ann: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(9):
            assert scim.put(f"/Users/{ann}", user(ANN, title="Boss")).status == 200
        with django_assert_num_queries(10):
            scim.patch(f"/Users/{ann}", {"op": "replace", "value": {"name.givenName": "Anna"}})
        with django_assert_num_queries(11):  # sessions end, too
            scim.deactivate(ann)

    def test_get_group_takes_as_many_whatever_its_size(self, scim: Scim) -> None:
        [small] = add_groups(1, add_people(1))
        [large] = add_groups(1, add_people(1000))

        counts = {count(partial(scim.get, f"/Groups/{key}")) for key in (small, large)}

        assert counts == {3}

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
        # The time of a search is limited: a transaction, and the limit before and after it.
        is_search = "filter" in query or "sortBy" in query
        assert many <= (8 if is_search else 4)
