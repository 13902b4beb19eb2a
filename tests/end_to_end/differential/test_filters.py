"""Random filters find the same in the server and in scim2-models, but for what is listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.end_to_end.differential import reference
from tests.end_to_end.differential.filter_readings import FILTER_READINGS, FilterReading, reading_of
from tests.end_to_end.differential.requests import documents, filters
from tests.end_to_end.differential.server import nothing_kept, person
from tests.wire.client import Scim

pytestmark = pytest.mark.django_db


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    population=st.lists(documents, min_size=2, max_size=5),
    sent=st.lists(filters, min_size=4, max_size=12),
)
def test_filters_find_the_same(scim: Scim, population: list[Any], sent: list[str]) -> None:
    with nothing_kept():
        people = [
            person(scim, f"user{number}@example.com", **each)
            for number, each in enumerate(population)
        ]
        known = {each["id"]: each for each in people}
        for filter_ in sent:
            note(filter_)
            expected = reference.found(known, reading_of(filter_))
            assert set(scim.found("/Users", filter_)) == expected


@pytest.mark.parametrize("reading", FILTER_READINGS, ids=lambda reading: reading.rule)
def test_what_is_listed_differs_and_agrees_as_it_is_read(
    scim: Scim, reading: FilterReading
) -> None:
    user = person(scim, "ada@example.com", **reading.user)
    known = {user["id"]: user}

    assert scim.found("/Users", reading.filter) == [user["id"]]

    assert reference.found(known, reading.filter) == set()
    assert reference.found(known, reading.read(reading.filter)) == {user["id"]}
    assert "RFC 764" in reading.sentence
