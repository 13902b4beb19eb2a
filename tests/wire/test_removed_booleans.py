"""`active` and Tiled Admin, removed or never sent: no value is shown, nobody gets access."""

from __future__ import annotations

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import make_user
from tiled_scim.host import HostAdapter

from .client import ANN, BOB, CORE_USER, TILED_USER, Scim, user
from .state import people

pytestmark = pytest.mark.usefixtures("administrator")


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


class AdoptingStaff(HostAdapter):
    """A host that lets SCIM take over the users to whom people gave Tiled Admin."""

    def is_protected(self, user: AbstractBaseUser) -> bool:
        return False


class TestNeverGiven:
    @pytest.mark.parametrize(
        "silent",
        [{}, {TILED_USER: None}, {TILED_USER: {}}, {TILED_USER: {"tiledAdmin": None}}],
    )
    def test_nothing_is_shown(self, scim: Scim, silent: dict[str, object]) -> None:
        created = scim.post("/Users", user(ANN, **silent)).json
        path = f"/Users/{created['id']}"
        change = {"op": "replace", "value": {"title": "Boss", **silent}}

        answers = [
            created,
            scim.get(path).json,
            scim.patch(path, change).json,
            scim.put(path, user(ANN, **silent)).json,
            scim.patch(path, {"op": "remove", "path": TILED_ADMIN}).json,
        ]

        for answer in answers:
            assert TILED_USER not in answer
            assert answer["schemas"] == [CORE_USER]
        assert people() == {ANN: "active"}

    def test_nothing_is_found(self, scim: Scim) -> None:
        ann, bob = scim.add_user(ANN), scim.add_user(BOB, **{TILED_USER: {"tiledAdmin": False}})

        assert scim.found("/Users", f"{TILED_ADMIN} eq false") == [bob]
        assert scim.found("/Users", f"{TILED_ADMIN} pr") == [bob]
        assert scim.found("/Users", f"{TILED_ADMIN} eq null") == [ann]
        assert scim.found("/Users", f'schemas eq "{TILED_USER}"') == [bob]

    def test_false_that_is_given_is_shown(self, scim: Scim) -> None:
        given = {TILED_USER: {"tiledAdmin": False}}
        ann, bob = scim.add_user(ANN, **given), scim.add_user(BOB)

        patched = scim.patch(f"/Users/{bob}", {"op": "add", "value": given}).json

        for body in (scim.get(f"/Users/{ann}").json, patched, scim.get(f"/Users/{bob}").json):
            assert body[TILED_USER] == {"tiledAdmin": False}
            assert body["schemas"] == [CORE_USER, TILED_USER]
        assert people() == {ANN: "active", BOB: "active"}

    def test_what_people_give_is_shown_until_they_take_it_away(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        User.objects.update(is_staff=True)
        assert scim.get(f"/Users/{key}").json[TILED_USER] == {"tiledAdmin": True}
        assert scim.found("/Users", f'schemas eq "{TILED_USER}" and {TILED_ADMIN} eq true') == [key]

        User.objects.update(is_staff=False)
        assert TILED_USER not in scim.get(f"/Users/{key}").json
        assert scim.found("/Users", f"{TILED_ADMIN} pr") == []

    def test_what_people_gave_comes_back_without_a_change(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        User.objects.update(is_staff=True)
        shown = scim.get(f"/Users/{key}").json

        put = scim.put(f"/Users/{key}", shown)
        patched = scim.patch(f"/Users/{key}", {"op": "add", "value": ADMIN})

        assert put.json == patched.json == shown
        assert people() == {ANN: "active admin"}

    def test_what_people_gave_can_be_taken_away(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        User.objects.update(is_staff=True)

        answer = scim.put(f"/Users/{key}", user(ANN, **{TILED_USER: {"tiledAdmin": False}}))

        assert answer.json[TILED_USER] == {"tiledAdmin": False}
        assert people() == {ANN: "active"}

    def test_an_adopted_admin_is_shown_and_stays_one(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = AdoptingStaff
        make_user(ANN, is_staff=True)

        created = scim.post("/Users", user(ANN)).json

        assert created[TILED_USER] == {"tiledAdmin": True}
        assert scim.get(f"/Users/{created['id']}").json == created
        assert people() == {ANN: "active admin"}

        User.objects.update(is_staff=False)
        assert scim.get(f"/Users/{created['id']}").json[TILED_USER] == {"tiledAdmin": False}

    def test_an_adopted_person_who_is_no_admin_shows_nothing(self, scim: Scim) -> None:
        make_user(ANN)

        assert TILED_USER not in scim.post("/Users", user(ANN)).json

    @pytest.mark.parametrize("is_staff", [True, False])
    @pytest.mark.parametrize("is_let_go", [True, False])
    def test_who_comes_back_shows_only_what_people_gave(
        self, scim: Scim, settings: Settings, is_staff: bool, is_let_go: bool
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = AdoptingStaff
        key = scim.add_user(ANN)
        if is_let_go:
            scim.delete(f"/Users/{key}")
        else:
            scim.deactivate(key)
        User.objects.update(is_staff=is_staff)

        created = scim.post("/Users", user(ANN)).json

        assert created["id"] == key
        assert created.get(TILED_USER) == ({"tiledAdmin": True} if is_staff else None)
        assert people() == {ANN: "active admin" if is_staff else "active"}

    def test_a_host_that_makes_everybody_an_admin_says_so(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(User._meta.get_field("is_staff"), "default", True)

        created = scim.post("/Users", user(ANN)).json

        assert created[TILED_USER] == {"tiledAdmin": True}
        User.objects.update(is_staff=False)
        assert scim.get(f"/Users/{created['id']}").json[TILED_USER] == {"tiledAdmin": False}
