"""The name that a refused request asked for is found in any body, for its event."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tokens import new_token
from tests.wire.client import ANN, CORE_USER, Scim, patch_op
from tiled_scim.api.endpoints import sent_name
from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.schemas import USER

NO_PATHS: list[Any] = [[None], {"a": 1}, 7, True, None, "", 0.5]


@pytest.mark.parametrize("path", NO_PATHS, ids=repr)
def test_path_that_is_no_text(path: Any) -> None:
    body = patch_op({"op": "add", "path": path, "value": {"userName": ANN}})

    assert sent_name(USER, body) == ANN


@pytest.mark.parametrize(
    "values",
    [
        {f"{CORE_USER}:userName": ANN},
        {CORE_USER.upper(): {"USERNAME": ANN}},
        {CORE_USER: [ANN], "userName": ANN},
    ],
)
def test_name_with_its_urn(values: dict[str, Any]) -> None:
    for body in (values, patch_op({"op": "replace", "value": values})):
        assert sent_name(USER, body) == ANN


@pytest.mark.parametrize(
    "body", [None, 7, "x", [], {}, {"Operations": 7}, {"Operations": [7, None, []]}], ids=repr
)
def test_body_without_a_name(body: Any) -> None:
    assert sent_name(USER, body) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("path", [[None], {"a": 1}], ids=repr)
def test_such_a_request_is_refused_and_recorded(path: Any) -> None:
    scim = Scim(f"Bearer {new_token()[1]}")
    ann = scim.add_user(ANN)

    answer = scim.patch(f"/Users/{ann}", {"op": "replace", "path": path, "value": "x"})

    assert answer.status == 400
    event = ScimEvent.objects.get(outcome=Outcome.REFUSED)
    assert (event.status, event.resource_name) == (400, ANN)
