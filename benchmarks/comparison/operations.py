"""The operations of the comparison, and their requests.

Each request has a number, so that consecutive requests concern different users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import quote

from .client import Answer, Request
from .dataset import (
    GROUP_SCHEMA,
    LARGE_GROUP,
    OUTSIDERS,
    PEOPLE,
    Group,
    groups_of,
    person,
    user_name,
)
from .subjects import Subject, patch

SMALL, LARGE = "small", "large"
SIZES = (10, 1_000, 10_000, 100_000)
PAGE = 100
# The users that are deactivated and activated again, and those that are replaced.
SWITCHED, REPLACED = PEOPLE[9_000:9_500], PEOPLE[9_500:]
# A prime, so that consecutive requests concern users whose rows are far apart.
STRIDE = 7_919
MIXED = 500
ONE_PERCENT = 100

Build = Callable[[Subject, int], Request]
# Returns how an answer differs from what was requested, or an empty string.
Check = Callable[[Any], str]
Tidy = Callable[[Subject, Sequence[int], Sequence[Answer]], Iterable[Request]]


def _nothing(subject: Subject, numbers: Sequence[int], answers: Sequence[Answer]) -> list[Request]:
    return []


def _whatever(document: Any) -> str:
    return ""


@dataclass(frozen=True)
class Operation:
    """An operation.

    Args:
        name: its name on the command line.
        title: its name in the report.
        build: returns the request with a number.
        check: returns how an answer differs from what was requested.
        before: returns preparing requests, which are not measured.
        after: returns requests that restore the previous state.
        rows: the data that it needs, `SMALL` or `LARGE`.
        by_cursor: whether it reads a page by cursor, which not all servers support.
    """

    name: str
    title: str
    build: Build
    check: Check = _whatever
    before: Tidy = _nothing
    after: Tidy = _nothing
    rows: str = SMALL
    by_cursor: bool = False


def somebody(number: int) -> int:
    return PEOPLE[number * STRIDE % len(PEOPLE)]


# Users


def lookup(subject: Subject, number: int, name: Callable[[int], str] = user_name) -> Request:
    filter_ = quote(f'userName eq "{name(somebody(number))}"')
    return Request("GET", f"/Users?filter={filter_}&startIndex=1&count=100")


def nobody(number: int) -> str:
    return f"nobody{number}@example.com"


def has_results(count: int, document: Any) -> str:
    if document["totalResults"] != count:
        return f"answers with {document['totalResults']} results"
    return without_groups(document["Resources"])


def without_groups(users: Iterable[Any]) -> str:
    """Return whether users are shown without their groups."""
    return "" if all(user.get("groups") for user in users) else "shows no groups of users"


def get_user(subject: Subject, number: int) -> Request:
    return Request("GET", f"/Users/{subject.user_id(somebody(number))}")


def has_user(document: Any) -> str:
    is_whole = document.get("userName") and document.get("emails")
    return "" if is_whole else "answers without the whole user"


def has_member(document: Any) -> str:
    return has_user(document) or without_groups([document])


def post_user(subject: Subject, number: int) -> Request:
    return Request("POST", "/Users", person(PEOPLE.stop + number, f"new{number}@example.com"))


def patch_active(subject: Subject, number: int) -> Request:
    rounds, index = divmod(number, len(SWITCHED))
    key = subject.user_id(SWITCHED[index])
    return Request("PATCH", f"/Users/{key}", subject.active(rounds % 2 == 1))


def is_inactive(document: Any) -> str:
    return has_member(document) if document.get("active") is False else "leaves the user active"


def put_user(subject: Subject, number: int) -> Request:
    index = REPLACED[number % len(REPLACED)]
    key, document = subject.user_id(index), person(index, family_name=f"Family {number}")
    return Request("PUT", f"/Users/{key}", {**document, "id": key})


def is_renamed(document: Any) -> str:
    name = document.get("name", {}).get("familyName", "")
    return has_member(document) if name.startswith("Family ") else "replaces nothing"


# Lists


def list_users(subject: Subject, number: int, start: int = 1) -> Request:
    return Request("GET", f"/Users?startIndex={start}&count={PAGE}")


def list_by_cursor(subject: Subject, number: int, cursor: str = "") -> Request:
    return Request("GET", f"/Users?cursor={quote(cursor)}&count={PAGE}")


def list_groups(subject: Subject, number: int) -> Request:
    return Request("GET", f"/Groups?startIndex=1&count={PAGE}&excludedAttributes=members")


def is_page(document: Any) -> str:
    count = len(document["Resources"])
    return "" if count == PAGE else f"answers with {count} resources"


def is_page_of_users(document: Any) -> str:
    """Check a page; since not all servers sort, one of its users must have groups."""
    has_groups = any(user.get("groups") for user in document["Resources"])
    return is_page(document) or ("" if has_groups else "shows no groups of users")


def is_page_without_members(document: Any) -> str:
    if any(resource.get("members") for resource in document["Resources"]):
        return "sends the members all the same"
    return is_page(document)


# Groups


def get_group(subject: Subject, number: int, size: int, query: str = "") -> Request:
    return Request("GET", f"/Groups/{subject.group_id(groups_of(size)[0].number)}{query}")


def has_no_members(document: Any) -> str:
    return "sends the members all the same" if document.get("members") else ""


def has_members(size: int, document: Any) -> str:
    count = len(document.get("members", ()))
    return "" if count == size else f"answers with {count:,} members instead of {size:,}"


def post_group(subject: Subject, number: int) -> Request:
    start = number * 1_000 % len(PEOPLE)
    members = [
        {**subject.member(index), "display": user_name(index)}
        for index in PEOPLE[start : start + 1_000]
    ]
    name = f"Pushed {number}"
    return Request(
        "POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": name, "members": members}
    )


def delete_groups(
    subject: Subject, numbers: Sequence[int], answers: Sequence[Answer]
) -> Iterable[Request]:
    for answer in answers:
        if answer.is_good:
            yield Request("DELETE", f"/Groups/{answer.json['id']}")


def group_at(number: int, size: int) -> Group:
    groups = groups_of(size)
    return groups[number % len(groups)]


def outsider(number: int) -> int:
    return OUTSIDERS[number % len(OUTSIDERS)]


def change_group(subject: Subject, group: Group, *operations: dict[str, Any]) -> Request:
    return Request("PATCH", f"/Groups/{subject.group_id(group.number)}", patch(*operations))


def add_member(subject: Subject, number: int, size: int) -> Request:
    return change_group(subject, group_at(number, size), subject.add([outsider(number)]))


def remove_member(subject: Subject, number: int, size: int) -> Request:
    return change_group(subject, group_at(number, size), subject.remove_one(outsider(number)))


def add_all(
    subject: Subject, numbers: Sequence[int], answers: Sequence[Answer], size: int
) -> Iterable[Request]:
    for group, members in _by_group(numbers, size):
        yield change_group(subject, group, subject.add(members))


def remove_all(
    subject: Subject, numbers: Sequence[int], answers: Sequence[Answer], size: int
) -> Iterable[Request]:
    for group, members in _by_group(numbers, size):
        yield change_group(subject, group, subject.remove(members))


def _by_group(numbers: Sequence[int], size: int) -> Iterable[tuple[Group, list[int]]]:
    def group(number: int) -> Group:
        return group_at(number, size)

    in_order = sorted(numbers, key=lambda number: group(number).number)
    for key, members in groupby(in_order, group):
        yield key, [outsider(number) for number in members]


def mixed_changes(subject: Subject, number: int) -> Request:
    """Replace half of the members of a group of 1,000, or undo that."""
    group = group_at(number, 1_000)
    old, new = group.members[:MIXED], OUTSIDERS[:MIXED]
    is_back = number // len(groups_of(1_000)) % 2 == 1
    added, removed = (old, new) if is_back else (new, old)
    return change_group(subject, group, subject.add(added), subject.remove(removed))


def push_now(subject: Subject, number: int) -> Request:
    """Replace all 10,000 members; 1 % differ from those before."""
    group = groups_of(10_000)[0]
    start = number % 2 * ONE_PERCENT
    members = [*group.members[ONE_PERCENT:], *OUTSIDERS[start : start + ONE_PERCENT]]
    return change_group(subject, group, subject.replace(members))


def push_back(
    subject: Subject, numbers: Sequence[int], answers: Sequence[Answer]
) -> Iterable[Request]:
    group = groups_of(10_000)[0]
    yield change_group(
        subject,
        group,
        subject.add(group.members[:ONE_PERCENT]),
        subject.remove(OUTSIDERS[: 2 * ONE_PERCENT]),
    )


def _of_members(size: int) -> list[Operation]:
    rows = LARGE if size == LARGE_GROUP.size else SMALL
    return [
        Operation(
            f"add_member_{size}",
            f"add one member to {size:,}",
            partial(add_member, size=size),
            after=partial(remove_all, size=size),
            rows=rows,
        ),
        Operation(
            f"remove_member_{size}",
            f"remove one member from {size:,}",
            partial(remove_member, size=size),
            before=partial(add_all, size=size),
            rows=rows,
        ),
    ]


WITHOUT_MEMBERS = "?excludedAttributes=members"
DEEP = PEOPLE.stop - PAGE + 1

OPERATIONS = (
    Operation("lookup", "lookup, found", lookup, partial(has_results, 1)),
    Operation(
        "lookup_nobody",
        "lookup, not found",
        partial(lookup, name=nobody),
        partial(has_results, 0),
    ),
    Operation("get_user", "GET a user", get_user, has_member),
    Operation("list_first", f"list of {PAGE}, first", list_users, is_page_of_users),
    Operation(
        "list_deep",
        f"list of {PAGE}, deep by index",
        partial(list_users, start=DEEP),
        is_page_of_users,
    ),
    Operation(
        "list_cursor",
        f"list of {PAGE}, deep by cursor",
        list_by_cursor,
        is_page_of_users,
        by_cursor=True,
    ),
    Operation(
        "list_groups", f"{PAGE} groups without members", list_groups, is_page_without_members
    ),
    Operation(
        "get_group",
        "GET a group without members",
        partial(get_group, size=10_000, query=WITHOUT_MEMBERS),
        has_no_members,
    ),
    Operation(
        "get_group_10000",
        "GET a group of 10,000, whole",
        partial(get_group, size=10_000),
        partial(has_members, 10_000),
    ),
    Operation("patch_active", "PATCH active", patch_active, is_inactive),
    Operation("put_user", "PUT a user", put_user, is_renamed),
    *(operation for size in SIZES[:3] for operation in _of_members(size)),
    Operation("mixed", "PATCH of 1,000 mixed member changes", mixed_changes),
    Operation("push_now", "Push Now of 10,000, 1 % new", push_now, after=push_back),
    Operation(
        "post_group",
        "POST a group with 1,000 members",
        post_group,
        partial(has_members, 1_000),
        after=delete_groups,
    ),
    # The last one, since it leaves users behind.
    Operation("post_user", "POST a user", post_user, has_user),
    *_of_members(SIZES[3]),
    Operation(
        "get_group_100000",
        "GET a group of 100,000, whole",
        partial(get_group, size=100_000),
        partial(has_members, 100_000),
        rows=LARGE,
    ),
)
NAMES = tuple(operation.name for operation in OPERATIONS)
