"""Random PATCHes do the same to the server and to scim2-models, but for what is listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from tests.end_to_end.differential import reference
from tests.end_to_end.differential.readings import READINGS, Reading, readings_of
from tests.end_to_end.differential.reference import written
from tests.end_to_end.differential.requests import documents, operations
from tests.end_to_end.differential.server import nothing_kept, patched, person, read
from tests.wire.client import Scim

pytestmark = pytest.mark.django_db


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    document={},
    sent=[
        {
            "op": "add",
            "path": 'addresses[locality eq "a" and locality eq "b"]',
            "value": {"locality": "a"},
        }
    ],
)
@given(document=documents, sent=st.lists(operations(), min_size=1, max_size=5))
def test_operations_do_the_same(scim: Scim, document: Any, sent: list[Any]) -> None:
    with nothing_kept():
        user = person(scim, "ada@example.com", **document)
        for operation in sent:
            note(f"{operation} of {written(user)}")
            expected = reference.patched(user, readings_of(written(user), operation))
            assert patched(scim, user, operation) == expected
            user = read(scim, user["id"])


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.rule)
def test_what_is_listed_differs_and_agrees_as_it_is_read(scim: Scim, reading: Reading) -> None:
    user = person(scim, "ada@example.com", **reading.user)
    before = written(user)

    after = patched(scim, user, reading.operation)

    assert reference.patched(user, [reading.operation]) != after
    assert reference.patched(user, reading.read(before, reading.operation)) == after
    assert "RFC 764" in reading.sentence
