"""`active` and Tiled Admin that a client removes: no value is shown, and nobody gains by it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

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


def test_what_is_not_shown_is_not_found(scim: Scim, key: str) -> None:
    for path in ("active", TILED_ADMIN):
        scim.patch(f"/Users/{key}", {"op": "remove", "path": path})

        assert scim.found("/Users", f"{path} eq null") == [key]
        assert scim.found("/Users", f"{path} pr or {path} eq true or {path} eq false") == []
    assert scim.found("/Users", f'schemas eq "{TILED_USER}"') == []


def test_what_people_give_instead_is_shown_and_stays(scim: Scim, key: str) -> None:
    for path in ("active", TILED_ADMIN):
        scim.patch(f"/Users/{key}", {"op": "remove", "path": path})
    User.objects.update(is_active=False, is_staff=True)

    shown = scim.get(f"/Users/{key}").json
    patched = scim.patch(f"/Users/{key}", {"op": "add", "path": "title", "value": "Boss"}).json
    replaced = scim.put(f"/Users/{key}", {"userName": ANN}).json

    for body in (shown, patched, replaced):
        assert (body["active"], body[TILED_USER]["tiledAdmin"]) == (False, True)
    assert scim.found("/Users", f"active eq false and {TILED_ADMIN} eq true") == [key]
    assert people() == {ANN: "inactive admin"}
