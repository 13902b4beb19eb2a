"""Which searches have limited time: those that no index serves."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tiled_scim.attributes import ResourceType
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import GROUP, USER
from tiled_scim.sql.search_time import search_time

NAMED = 'userName eq "ann"'
ADDRESS = 'emails[type eq "work" and primary eq true and value eq "ann@example.com"]'


def is_limited(resource_type: ResourceType, **parameters: str) -> bool:
    found = search_time(parameters, resource_type, HostAdapter(), "default")
    return not isinstance(found, nullcontext)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"count": "10"},
        {"filter": "", "sortBy": ""},
        {"filter": NAMED},
        {"filter": NAMED, "sortBy": ""},
        {"filter": f"{NAMED} and title pr"},
        {"filter": ADDRESS},
    ],
)
def test_lists_and_what_an_index_serves_have_no_limit(parameters: dict[str, str]) -> None:
    assert not is_limited(USER, **parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sortBy": "userName"},
        {"filter": NAMED, "sortBy": "userName"},
        {"filter": 'title eq "x"'},
        {"filter": f"{NAMED} or title pr"},
        # Very many may have the same address, and each comparison reads them.
        {"filter": f"{ADDRESS} and title pr"},
        {"filter": f"{NAMED} and active eq true and title pr and not (nickName pr)"},
    ],
)
def test_other_searches_are_limited(parameters: dict[str, str]) -> None:
    assert is_limited(USER, **parameters)


def test_an_index_is_one_of_the_resource_type() -> None:
    assert is_limited(USER, filter='displayName eq "sales"')
    assert not is_limited(GROUP, filter='displayName eq "sales"')
