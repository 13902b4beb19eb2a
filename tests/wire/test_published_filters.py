"""The filters of other implementations' tests find here what they find there."""

from __future__ import annotations

import pytest

from .client import CORE_USER, Scim
from .published.filters import FOUND, PEOPLE, REFUSED


@pytest.fixture
def names(scim: Scim) -> dict[str, str]:
    """The userNames of the people by their ids."""
    people = {}
    for name, attributes in PEOPLE.items():
        answer = scim.post("/Users", {"schemas": [CORE_USER], "userName": name, **attributes})
        people[answer.json["id"]] = name
    return people


def test_they_find_the_right_users(scim: Scim, names: dict[str, str]) -> None:
    found = {
        filter_: " ".join(sorted(names[key] for key in scim.found("/Users", filter_)))
        for filter_ in FOUND
    }

    assert found == FOUND


def test_they_are_refused(scim: Scim, names: dict[str, str]) -> None:
    refused = {filter_: scim.get("/Users", filter=filter_).error for filter_ in REFUSED}

    assert refused == dict.fromkeys(REFUSED, (400, "invalidFilter"))
