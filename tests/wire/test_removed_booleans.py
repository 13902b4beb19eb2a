"""`active` and Tiled Admin that a client removes: no value is shown, and nobody gains by it."""

from __future__ import annotations

import pytest

from .client import ANN, TILED_USER, Scim, user
from .state import people

ADMIN = {TILED_USER: {"tiledAdmin": True}}
TILED_ADMIN = f"{TILED_USER}:tiledAdmin"


@pytest.fixture
def key(scim: Scim) -> str:
    return scim.add_user(ANN, **ADMIN)


@pytest.mark.parametrize(
    "operation",
    [{"op": "remove", "path": "active"}, {"op": "replace", "path": "active", "value": None}],
)
def test_active_has_no_value_and_access_stays(
    scim: Scim, key: str, operation: dict[str, object]
) -> None:
    answer = scim.patch(f"/Users/{key}", operation)

    assert answer.status == 200
    assert "active" not in answer.json
    assert "active" not in scim.get(f"/Users/{key}").json
    assert people() == {ANN: "active admin"}


def test_a_removed_active_stays_so_with_other_changes(scim: Scim, key: str) -> None:
    scim.patch(f"/Users/{key}", {"op": "remove", "path": "active"})

    patched = scim.patch(f"/Users/{key}", {"op": "replace", "path": "title", "value": "Boss"})
    replaced = scim.put(f"/Users/{key}", {"userName": ANN})

    assert "active" not in patched.json
    assert "active" not in replaced.json
    assert people() == {ANN: "active admin"}


@pytest.mark.parametrize("active", [True, False])
def test_active_may_be_given_again(scim: Scim, key: str, active: bool) -> None:
    scim.patch(f"/Users/{key}", {"op": "remove", "path": "active"})

    answer = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": active}})

    assert answer.json["active"] is active
    assert people() == {ANN: "active admin" if active else "inactive admin"}


def test_tiled_admin_is_taken_away(scim: Scim, key: str) -> None:
    answer = scim.patch(f"/Users/{key}", {"op": "remove", "path": TILED_ADMIN})

    assert TILED_USER not in answer.json
    assert TILED_USER not in answer.json["schemas"]
    assert people() == {ANN: "active"}


def test_the_same_person_is_no_admin_who_is_pushed_again_after_delete(scim: Scim, key: str) -> None:
    scim.delete(f"/Users/{key}")
    assert people() == {ANN: "inactive"}

    assert scim.post("/Users", user(ANN)).json["id"] == key
    assert people() == {ANN: "active"}
