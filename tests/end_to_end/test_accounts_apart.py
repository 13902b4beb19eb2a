"""Three accounts of one host: what one does has nothing to do with the others.

None can read, find, count, change, conflict with or learn of what another has: one account sends
requests to a host where two others have the same people and groups. What they have is untouched,
and the answers are those of a host where they are not.

EXAMPLES in the environment asks for more random requests than the few of every run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts import Apart
from tests.apart import ACCOUNTS, KINDS, Host, Request, check_apart, populate
from tests.wire.client import (
    ENTERPRISE_USER,
    NOBODY,
    TILED_USER,
    add_members,
    patch_op,
    remove_member,
    replace_members,
)

FEW = 20
EXAMPLES = int(os.environ.get("EXAMPLES", FEW))

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _apart() -> Iterator[None]:
    with override_settings(TILED_SCIM_HOST_ADAPTER=Apart):
        yield


@pytest.fixture
def host(_apart: None) -> Host:
    return Host({account: populate(account) for account in ACCOUNTS})


# What there is to ask -----------------------------------------------------------------------------

MINE = [f"<mine/{kind}/{n}>" for kind in KINDS for n in range(4)]
THEIRS = [f"<theirs/{kind}/{n}>" for kind in KINDS for n in range(4)]
SOME = ["<mine/Users/0>", "<mine/Groups/0>", "<theirs/Users/0>", "<theirs/Groups/0>"]

COMMON_FILTERS = [
    *('externalId eq "1"', 'externalId ne "1"', "externalId pr", 'externalId sw "1"'),
    *('meta.created gt "2000-01-01T00:00:00Z"', 'meta.lastModified lt "2999-01-01T00:00:00Z"'),
    *('meta.resourceType ne "x"', 'meta.version eq "<theirs/Users/0/version>"'),
    *(f'id eq "{key}"' for key in SOME),
    *(f'not (id eq "{key}")' for key in SOME),
]
FILTERS = {
    "/Users": [
        *COMMON_FILTERS,
        *('userName eq "ANN"', 'userName ne "ann"', 'userName co "a"', "not (userName pr)"),
        *('emails eq "ann@example.com"', 'emails.value co "ann"', 'emails[value ew ".com"]'),
        *("groups pr", "not (groups pr)", 'groups.display eq "sales"', 'groups[display co "only"]'),
        *(f'groups.value eq "{key}"' for key in SOME),
        *(f'groups[value eq "{key}" or type eq "direct"]' for key in SOME),
        *("active eq true", "active eq false", 'title co "of"', f"{TILED_USER}:tiledAdmin eq true"),
        *(f'schemas eq "{TILED_USER}"', f"{ENTERPRISE_USER}:department pr", 'password eq "x"'),
    ],
    "/Groups": [
        *COMMON_FILTERS,
        *('displayName eq "SALES"', 'displayName ne "Sales"', 'displayName co "only"'),
        *("members pr", "not (members pr)", 'members.type eq "User"', 'members.display co "a"'),
        *(f'members.value eq "{key}"' for key in SOME),
        *(f'members[value ne "{key}"]' for key in SOME),
    ],
}
FILTERS["/"] = COMMON_FILTERS + FILTERS["/Users"][-3:] + FILTERS["/Groups"][-8:]
SORTS = [
    *("userName", "externalId", "emails", "emails.value", "active", "title", "name.familyName"),
    *("displayName", "meta.created", "meta.lastModified", "groups", "members.value", "nonsense"),
    *(f"{TILED_USER}:tiledAdmin", f"{ENTERPRISE_USER}:department"),
]


def listed(path: str, *, by_body: bool = False, **query: Any) -> Request:
    if by_body:
        return Request("POST", f"{path.rstrip('/')}/.search", {"schemas": [], **query})
    return Request("GET", path, query=query)


CURSORS = [f"<theirs/{kind}/0/cursor>" for kind in KINDS] + ["<mine/Users/0/cursor>", ""]
READS = [
    *(listed(path, filter=text) for path, texts in FILTERS.items() for text in texts),
    *(
        listed(path, by_body=True, filter=text)
        for path, texts in FILTERS.items()
        for text in texts[::4]
    ),
    *(
        listed(path, sortBy=name, sortOrder=order, count=2, startIndex=2)
        for path in FILTERS
        for name, order in zip(SORTS, cycle(("ascending", "descending")), strict=False)
    ),
    *(
        listed(path, by_body=by_body, cursor=cursor, count=1)
        for path in FILTERS
        for cursor in CURSORS
        for by_body in (False, True)
    ),
    *(listed(path, count=count, startIndex=2) for path in FILTERS for count in (0, 1, 100)),
    *(listed(path, attributes="groups.display,members,userName") for path in FILTERS),
    *(Request("GET", f"/{kind}/{key}") for kind in KINDS for key in (*MINE, *THEIRS, NOBODY)),
    *(
        Request("GET", f"/{kind}/{key}", headers={"If-None-Match": f"{THEIRS[0][:-1]}/version>"})
        for kind in KINDS
        for key in SOME
    ),
    *(
        Request("GET", path)
        for path in ("/Me", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Nothing")
    ),
]


def test_no_list_filter_sort_cursor_or_id_leads_to_another_account(host: Host) -> None:
    check_apart(host, ACCOUNTS[1], READS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cursor_of_another_account_is_none(host: Host, kind: str) -> None:
    scim, known = host.clients[ACCOUNTS[0]]
    place = KINDS.index(kind)

    for other in host.others(ACCOUNTS[0]):
        cursor = host.clients[other][1].cursors[place]
        answer = scim.get(f"/{kind}", cursor=cursor, count=1)
        assert answer.error == (400, "invalidCursor")
    assert scim.get(f"/{kind}", cursor=known.cursors[place], count=1).status == 200


def post(kind: str, **body: Any) -> Request:
    return Request("POST", f"/{kind}", body)


def patch(path: str, *operations: object, **headers: str) -> Request:
    return Request("PATCH", path, patch_op(*operations), headers=headers)


def as_members(keys: Iterable[str]) -> list[dict[str, str]]:
    return [{"value": key} for key in keys]


def versions_of(key: str) -> list[dict[str, str]]:
    """Headers without and with the version of a resource."""
    return [{}, {"If-Match": f"{key[:-1]}/version>"}]


ANYTHING = {"userName": "x", "displayName": "x", "active": False}
OUR_ANN, OUR_BOB = "/Users/<mine/Users/0>", "/Users/<mine/Users/1>"
OUR_SALES, OUR_OPS = "/Groups/<mine/Groups/0>", "/Groups/<mine/Groups/1>"
IN_BULK = [
    {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "only bulk"}},
    *(
        {"method": method, "path": f"/{kind}/{key}", "data": ANYTHING}
        for method in ("PUT", "DELETE")
        for kind in KINDS
        for key in THEIRS
    ),
    {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "b",
        "data": {"displayName": "Bulk", "members": as_members(THEIRS)},
    },
]
WRITES = [
    # Names, ids and addresses that the others have, too.
    *(post("Users", userName=name, externalId="1") for name in ("ann", "GONE")),
    post("Users", userName="dan", emails=[{"value": "BOB@example.com"}]),
    Request("PUT", OUR_ANN, {"userName": "dan", "externalId": "2"}),
    patch(OUR_ANN, {"op": "add", "value": {"userName": "cat"}}),
    *(post("Groups", displayName=f"only {name}") for name in ACCOUNTS),
    *(post("Groups", displayName=name) for name in ("Sales", "gone")),
    Request("PUT", OUR_SALES, {"displayName": "Ops"}),
    # Their resources by their ids, with their versions and without.
    *(
        Request(method, f"/{kind}/{key}", body, headers=headers)
        for kind in KINDS
        for key in THEIRS
        for headers in versions_of(key)
        for method, body in (("PUT", ANYTHING), ("DELETE", None))
    ),
    *(
        patch(f"/{kind}/{key}", {"op": "replace", "value": {"externalId": "x"}}, **headers)
        for kind in KINDS
        for key in THEIRS
        for headers in versions_of(key)
    ),
    *(Request("PUT", OUR_ANN, ANYTHING, headers=headers) for headers in versions_of(THEIRS[0])[1:]),
    # Their people as members.
    patch(OUR_OPS, add_members(*THEIRS)),
    patch(OUR_OPS, replace_members(*THEIRS)),
    *(patch(OUR_OPS, remove_member(key)) for key in THEIRS),
    Request("PUT", OUR_OPS, {"displayName": "Ops", "members": as_members(THEIRS)}),
    Request("POST", "/Bulk", {"Operations": IN_BULK}),
    # The last administrator, beside whom theirs are no other one; then all who are left.
    patch(OUR_BOB, {"op": "replace", "value": {"active": False}}),
    *(Request("DELETE", f"/{kind}/<mine/{kind}/{n}>") for kind in KINDS for n in range(4)),
]
LAST = [listed(path, count=100) for path in FILTERS]


@pytest.mark.parametrize("adopt_users", ["username", "email"])
@pytest.mark.parametrize("unknown_members", ["skip", "reject"])
def test_no_write_reaches_or_meets_what_another_account_has(
    host: Host, adopt_users: str, unknown_members: str
) -> None:
    with override_settings(
        TILED_SCIM_ADOPT_USERS=adopt_users, TILED_SCIM_UNKNOWN_MEMBERS=unknown_members
    ):
        check_apart(host, ACCOUNTS[0], [*WRITES, *LAST])


user_names = st.sampled_from(["ann", "ANN", "bob", "cat", "gone", "dan", "eve"])
group_names = st.sampled_from(
    ["Sales", "SALES", "Ops", "Gone", "Field", *map("Only {}".format, ACCOUNTS)]
)
external_ids = st.sampled_from(["1", "2", "3"])
users = st.sampled_from([name for name in MINE + THEIRS if "Users" in name])
anything = st.sampled_from([*MINE, *THEIRS, NOBODY])
some_members = st.lists(anything, max_size=3)
titles = st.sampled_from(["Boss", None])
emails = st.sampled_from(["ann@example.com", "bob@example.com"]).map(
    lambda value: [{"value": value, "type": "work"}]
)


user_bodies = st.fixed_dictionaries(
    {"userName": user_names},
    optional={
        "externalId": external_ids,
        "active": st.booleans(),
        "title": titles,
        "emails": emails,
        ENTERPRISE_USER: users.map(lambda key: {"manager": {"value": key}}),
        TILED_USER: st.booleans().map(lambda value: {"tiledAdmin": value}),
    },
)
group_bodies = st.fixed_dictionaries(
    {"displayName": group_names},
    optional={"externalId": external_ids, "members": some_members.map(as_members)},
)
user_values = st.one_of(
    user_bodies,
    st.booleans().map(lambda active: {"active": active}),
    external_ids.map(lambda value: {"externalId": value}),
)
user_patches = st.lists(
    st.one_of(
        user_values.map(lambda value: {"op": "replace", "value": value}),
        emails.map(lambda value: {"op": "add", "path": "emails", "value": value}),
        st.sampled_from(
            ["title", "externalId", "emails", "active", f"{TILED_USER}:tiledAdmin"]
        ).map(lambda path: {"op": "remove", "path": path}),
    ),
    min_size=1,
    max_size=2,
).map(lambda operations: patch_op(*operations))
group_patches = st.lists(
    st.one_of(
        some_members.map(lambda keys: add_members(*keys)),
        some_members.map(lambda keys: replace_members(*keys)),
        anything.map(remove_member),
        group_bodies.map(lambda value: {"op": "replace", "value": value}),
    ),
    min_size=1,
    max_size=3,
).map(lambda operations: patch_op(*operations))

BODIES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("PUT", "Users"): user_bodies,
    ("PUT", "Groups"): group_bodies,
    ("PATCH", "Users"): user_patches,
    ("PATCH", "Groups"): group_patches,
    ("DELETE", "Users"): st.none(),
    ("DELETE", "Groups"): st.none(),
}
matches = st.sampled_from(["", "*", *(f"{key[:-1]}/version>" for key in SOME)])


@st.composite
def changes(draw: st.DrawFn) -> Request:
    """PUT, PATCH or DELETE of anything, with any version."""
    method, kind = draw(st.sampled_from(list(BODIES)))
    version = draw(matches)
    headers = {"If-Match": version} if version else {}
    return Request(method, f"/{kind}/{draw(anything)}", draw(BODIES[method, kind]), headers=headers)


writes: st.SearchStrategy[Request] = st.one_of(
    user_bodies.map(lambda body: post("Users", **body)),
    group_bodies.map(lambda body: post("Groups", **body)),
    changes(),
)


def in_bulk(requests: list[Request]) -> Request:
    operations = [
        {
            "method": request.method,
            "path": request.path,
            "bulkId": str(number),
            "data": request.body,
            **({"version": request.headers["If-Match"]} if request.headers else {}),
        }
        for number, request in enumerate(requests)
    ]
    return Request("POST", "/Bulk", {"Operations": operations})


requests: st.SearchStrategy[Request] = st.one_of(
    writes,
    writes,
    st.lists(writes, min_size=1, max_size=4).map(in_bulk),
    st.sampled_from(READS),
)


@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == FEW,
    suppress_health_check=list(HealthCheck),
)
@given(
    account=st.sampled_from(ACCOUNTS),
    sent=st.lists(requests, min_size=1, max_size=10),
    adopt_users=st.sampled_from(["username", "email"]),
    unknown_members=st.sampled_from(["skip", "reject"]),
    user_delete=st.sampled_from(["deactivate", "delete"]),
    remove_last_admin=st.booleans(),
)
def test_whatever_one_account_sends_the_others_have_no_part_in_it(
    host: Host,
    account: str,
    sent: list[Request],
    adopt_users: str,
    unknown_members: str,
    user_delete: str,
    remove_last_admin: bool,
) -> None:
    with override_settings(
        TILED_SCIM_ADOPT_USERS=adopt_users,
        TILED_SCIM_UNKNOWN_MEMBERS=unknown_members,
        TILED_SCIM_USER_DELETE=user_delete,
        TILED_SCIM_REMOVE_LAST_ADMIN=remove_last_admin,
        TILED_SCIM_ADOPT_LIBRARIES=True,
    ):
        check_apart(host, account, [*sent, *LAST])
