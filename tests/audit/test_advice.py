"""Tests of the advice for requests that were refused or failed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from tests.factories import make_user
from tests.test_readme import scim_types
from tests.tokens import new_token
from tests.wire.client import ANN, NOBODY, TILED_USER, Scim, group, user
from tiled_scim.audit.advice import (
    ADVICE,
    BY_CAUSE,
    CLIENT_ERROR,
    OTHER_FAILURE,
    OTHER_REFUSAL,
    UNKNOWN_CALLER,
    advice,
)
from tiled_scim.errors import Cause
from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.words import words


def event(outcome: str = Outcome.REFUSED, **fields: Any) -> ScimEvent:
    return ScimEvent(outcome=outcome, **{"account": "", **fields})


@pytest.fixture
def okta(db: None) -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


def last() -> object:
    """Return the advice for the last request."""
    return advice(ScimEvent.objects.latest("pk"))


class TestRequests:
    def test_without_a_token_that_works(self, okta: Scim) -> None:
        Scim("Bearer wrong").get("/Users")
        assert last() == ADVICE[401, UNKNOWN_CALLER]

        new_token()
        okta.get("/Users")
        assert last() == ADVICE[401, ""]

    def test_without_the_premium_feature(self, okta: Scim) -> None:
        with override_settings(TILED_SCIM_ENABLED=False):
            okta.post("/Users", user(ANN))

        assert last() == BY_CAUSE[Cause.NOT_ENABLED]

    def test_about_who_is_protected(self, okta: Scim) -> None:
        key = okta.add_user(ANN)
        make_user("root", is_superuser=True)
        okta.post("/Users", user("root"))
        assert last() == BY_CAUSE[Cause.PROTECTED]

        User.objects.filter(username=ANN).update(is_superuser=True)
        okta.delete(f"/Users/{key}")
        assert last() == BY_CAUSE[Cause.PROTECTED]

    def test_about_what_is_gone(self, okta: Scim) -> None:
        okta.get(f"/Users/{NOBODY}")
        assert last() == ADVICE[404, "User"]

        okta.delete(f"/Groups/{NOBODY}")
        assert last() == str(ADVICE[404, "Group"]) % words()

        okta.get("/Nonsense")
        assert last() == ADVICE[404, ""]

    def test_about_names_that_are_taken(self, okta: Scim) -> None:
        okta.add_user(ANN)
        okta.post("/Users", user(ANN))
        assert last() == BY_CAUSE[Cause.USER_EXISTS]

        okta.add_group("Sales")
        okta.post("/Groups", group("Sales"))
        assert last() == BY_CAUSE[Cause.GROUP_EXISTS]

    def test_about_the_last_admin(self, okta: Scim) -> None:
        key = okta.add_user(ANN, **{TILED_USER: {"tiledAdmin": True}})

        operation = {"op": "replace", "path": f"{TILED_USER}:tiledAdmin", "value": False}
        okta.patch(f"/Users/{key}", operation)

        assert last() == str(BY_CAUSE[Cause.LAST_ADMIN]) % words()
        assert "active Tiled Admin" in str(last())

    def test_about_unknown_members(self, okta: Scim) -> None:
        with override_settings(TILED_SCIM_UNKNOWN_MEMBERS="reject"):
            okta.post("/Groups", group("Sales", NOBODY))

        assert last() == BY_CAUSE[Cause.UNKNOWN_MEMBERS]

    @pytest.mark.parametrize(
        ("path", "parameters"),
        [
            ("/Users", {"startIndex": "x"}),
            ("/Users", {"cursor": "x"}),
            ("/Users", {"cursor": "", "startIndex": 1}),
            ("/Users", {"sortBy": "userName", "sortOrder": "up"}),
            ("/Schemas", {"filter": 'id eq "x"'}),
        ],
    )
    def test_that_no_person_can_correct(
        self, okta: Scim, path: str, parameters: dict[str, object]
    ) -> None:
        okta.get(path, **parameters)

        assert last() == CLIENT_ERROR

    def test_that_do_not_fit(self, okta: Scim) -> None:
        okta.post("/Users", user(ANN, active="maybe"))
        assert last() == ADVICE[400, "invalidValue"]

        okta.get("/Users", filter="nonsense")
        assert last() == ADVICE[400, "invalidFilter"]

        okta.patch(f"/Users/{okta.add_user(ANN)}", {"op": "replace", "path": "x", "value": 1})
        assert last() == ADVICE[400, "invalidPath"]


SENTENCES = [*ADVICE.values(), *BY_CAUSE.values(), OTHER_FAILURE, OTHER_REFUSAL]


class TestTable:
    def test_nothing_is_advised_about_what_went_well(self) -> None:
        assert advice(event(Outcome.DONE, status=200)) == ""
        assert advice(event(Outcome.UNCHANGED)) == ""

    def test_there_is_advice_about_every_scim_type(self) -> None:
        for status, scim_type in set(scim_types()):
            told = advice(event(status=status, scim_type=scim_type))

            assert told not in {"", str(OTHER_REFUSAL)}, (status, scim_type)

    @pytest.mark.parametrize("status", [401, 403, 404, 405, 409, 412, 413, 415, 429, 501, 503])
    @pytest.mark.parametrize("resource_type", ["", "User", "Group"])
    def test_there_is_advice_about_every_status(self, status: int, resource_type: str) -> None:
        told = advice(event(status=status, resource_type=resource_type))

        assert told not in {"", str(OTHER_REFUSAL)}

    @pytest.mark.parametrize("cause", Cause)
    def test_there_is_advice_about_every_cause(self, cause: Cause) -> None:
        told = advice(event(status=409, cause=cause))

        assert told == str(BY_CAUSE[cause]) % words()
        assert "%" not in told

    def test_a_fault_of_ours_is_said_to_be_one(self) -> None:
        assert advice(event(Outcome.FAILED, status=500)) == str(OTHER_FAILURE)
        assert advice(event(Outcome.FAILED, status=None)) == str(OTHER_FAILURE)

    def test_what_nobody_thought_of_is_left_to_the_detail(self) -> None:
        assert advice(event(status=418)) == str(OTHER_REFUSAL)

    @pytest.mark.parametrize(
        "sentence", [*ADVICE.values(), *BY_CAUSE.values(), OTHER_FAILURE, OTHER_REFUSAL], ids=str
    )
    def test_each_is_a_sentence_or_two(self, sentence: object) -> None:
        told = str(sentence)

        assert told.endswith(".")
        assert 20 < len(told) < 260
