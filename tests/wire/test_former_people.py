"""Who had a userName before: the person who has it now gets nothing of theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.drifting import give
from tests.factories import make_user
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import PriorAccess, ScimEvent, UserLink

from .client import ANN, BOB, TILED_USER, Answer, Scim, group, patch_op, user
from .state import access, people, refused

PASSWORD = "correct horse battery staple"
ADMIN = {TILED_USER: {"tiledAdmin": True}}

Push = Callable[[Scim, str, str], Answer]


def post(scim: Scim, key: str, external_id: str) -> Answer:
    return scim.post("/Users", user(ANN, externalId=external_id))


def put(scim: Scim, key: str, external_id: str) -> Answer:
    return scim.put(f"/Users/{key}", user(ANN, externalId=external_id))


def patch(scim: Scim, key: str, external_id: str) -> Answer:
    value = {"active": True, "externalId": external_id}
    return scim.patch(f"/Users/{key}", {"op": "replace", "value": value})


def patch_twice(scim: Scim, key: str, external_id: str) -> Answer:
    """Change the externalId first, while the user is inactive."""
    operation = {"op": "replace", "path": "externalId", "value": external_id}
    assert scim.patch(f"/Users/{key}", operation).status == 200
    return scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": True}})


every_push = pytest.mark.parametrize("push", [post, put, patch, patch_twice])


def leave(scim: Scim, key: str, how: str) -> None:
    if how == "by hand":
        User.objects.update(is_active=False)
    elif how == "delete":
        assert scim.delete(f"/Users/{key}").status == 204
    else:
        scim.deactivate(key)


@pytest.fixture
def admin(scim: Scim, administrator: User) -> str:
    """The id of Ann, who is Tiled Admin and in a group. She has a password."""
    key = scim.add_user(ANN, externalId="1", **ADMIN)
    scim.add_group("Sales", key)
    ann = User.objects.get(username=ANN)
    ann.set_password(PASSWORD)
    ann.save()
    return key


def last_event() -> ScimEvent:
    event = ScimEvent.objects.order_by("pk").last()
    assert event is not None
    return event


def can_sign_in() -> bool:
    return Client().login(username=ANN, password=PASSWORD)


class TestAnotherPerson:
    """A different externalId is a different person."""

    @every_push
    @pytest.mark.parametrize("how", ["deactivate", "by hand"])
    def test_inherits_nothing(self, scim: Scim, admin: str, push: Push, how: str) -> None:
        leave(scim, admin, how)

        answer = push(scim, admin, "2")

        assert answer.status in (200, 201), answer.text
        assert answer.json["id"] == admin
        assert answer.json["externalId"] == "2"
        assert answer.json["active"]
        assert "groups" not in answer.json
        assert not answer.json.get(TILED_USER, {}).get("tiledAdmin")
        assert scim.get(f"/Users/{admin}").headers["ETag"] == answer.headers["ETag"]
        assert people() == {ANN: "active"}
        assert access() == {"Sales": set()}
        assert not can_sign_in()

    @pytest.mark.parametrize("push", [post, put, patch])
    def test_is_in_the_event(self, scim: Scim, admin: str, push: Push) -> None:
        scim.deactivate(admin)
        ScimEvent.objects.all().delete()

        push(scim, admin, "2")

        event, lost = ScimEvent.objects.order_by("pk")
        assert event.action == "user_replaced"
        assert event.changes["attributes"]["externalId"] == ["1", "2"]
        assert event.changes["attributes"]["groups"] == ["Sales", None]
        assert lost.action == "admin_revoked"
        assert lost.changes["attributes"][TILED_ADMIN][0] is True

    @every_push
    def test_has_what_the_push_says(self, scim: Scim, admin: str, push: Push) -> None:
        scim.deactivate(admin)

        push(scim, admin, "2")
        scim.patch(f"/Users/{admin}", {"op": "replace", "path": TILED_ADMIN, "value": True})
        sales = scim.found("/Groups", 'displayName eq "Sales"')[0]
        scim.put(f"/Groups/{sales}", group("Sales", admin))

        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}

    @every_push
    def test_signs_in_as_before_where_the_host_says_so(
        self, scim: Scim, admin: str, push: Push, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_END_SESSIONS = False
        scim.deactivate(admin)

        push(scim, admin, "2")

        assert can_sign_in()

    @every_push
    def test_is_noticed_after_the_externalid_was_removed(
        self, scim: Scim, admin: str, push: Push
    ) -> None:
        """PUT clears what it leaves out."""
        scim.put(f"/Users/{admin}", {"userName": ANN, "active": False})
        assert "externalId" not in scim.get(f"/Users/{admin}").json

        answer = push(scim, admin, "2")

        assert "groups" not in answer.json
        assert not answer.json.get(TILED_USER, {}).get("tiledAdmin")
        assert access() == {"Sales": set()}

    def test_may_be_an_admin_at_once(self, scim: Scim, admin: str) -> None:
        scim.deactivate(admin)

        assert scim.post("/Users", user(ANN, externalId="2", **ADMIN)).status == 201

        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": set()}

    def test_keeps_what_people_gave(self, scim: Scim, administrator: User) -> None:
        key = scim.add_user(ANN, externalId="1")
        sales = scim.add_group("Sales")
        give("Sales", ANN)
        scim.put(f"/Groups/{sales}", group("Sales", key))
        assert PriorAccess.objects.exists()
        scim.deactivate(key)

        post(scim, key, "2")

        assert access() == {"Sales": {ANN}}
        assert not PriorAccess.objects.exists()

    def test_who_is_inactive_is_deactivated(self, scim: Scim, admin: str) -> None:
        scim.deactivate(admin)

        assert scim.post("/Users", user(ANN, externalId="2", active=False)).status == 201

        assert people() == {ANN: "inactive"}
        assert access() == {"Sales": set()}
        assert last_event().action == "admin_revoked"

    def test_with_if_match(self, scim: Scim, admin: str) -> None:
        scim.deactivate(admin)
        version = scim.get(f"/Users/{admin}").headers["ETag"]
        body = patch_op({"op": "replace", "value": {"active": True, "externalId": "2"}})

        answer = scim.send("PATCH", f"/Users/{admin}", body, {"If-Match": version})

        assert answer.status == 200
        assert scim.get(f"/Users/{admin}").headers["ETag"] == answer.headers["ETag"]


class TestSamePerson:
    @every_push
    def test_has_everything_again(self, scim: Scim, admin: str, push: Push) -> None:
        scim.deactivate(admin)

        assert push(scim, admin, "1").status in (200, 201)

        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}

    @every_push
    def test_whom_people_deactivated_signs_in_again(
        self, scim: Scim, admin: str, push: Push
    ) -> None:
        leave(scim, admin, "by hand")

        assert push(scim, admin, "1").status in (200, 201)

        assert can_sign_in()

    def test_without_an_external_id(self, scim: Scim, admin: str) -> None:
        scim.deactivate(admin)

        assert scim.post("/Users", user(ANN)).status == 201

        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}

    def test_who_had_none(self, scim: Scim, sales: str, ann: str) -> None:
        scim.deactivate(ann)

        assert post(scim, ann, "1").status == 201

        assert access() == {"Sales": {ANN}}

    def test_who_is_active_gets_another_external_id(self, scim: Scim, admin: str) -> None:
        """An administrator of the identity provider has changed the mapping."""
        assert put(scim, admin, "2").status == 200

        assert people() == {ANN: "active admin"}
        assert access() == {"Sales": {ANN}}
        assert can_sign_in()


class TestUnlinked:
    @pytest.mark.parametrize("external_id", ["1", "2"])
    def test_password_is_dead(self, scim: Scim, admin: str, external_id: str) -> None:
        assert can_sign_in()
        scim.delete(f"/Users/{admin}")
        assert not User.objects.get(username=ANN).has_usable_password()

        assert post(scim, admin, external_id).json["id"] == admin

        assert people() == {ANN: "active"}
        assert not can_sign_in()
        assert not User.objects.get(username=ANN).has_usable_password()

    def test_password_that_somebody_set_meanwhile_is_dead(self, scim: Scim, admin: str) -> None:
        scim.delete(f"/Users/{admin}")
        ann = User.objects.get(username=ANN)
        ann.is_active = True
        ann.set_password(PASSWORD)
        ann.save()
        browser = Client()
        browser.force_login(ann)

        assert post(scim, admin, "1").json["id"] == admin

        assert not can_sign_in()
        assert not User.objects.get(username=ANN).has_usable_password()
        assert browser.get("/", follow=True).wsgi_request.user.is_anonymous

    def test_name_now_belongs_to_somebody_else(self, scim: Scim, administrator: User) -> None:
        key = scim.add_user(ANN, **ADMIN)
        scim.delete(f"/Users/{key}")
        User.objects.filter(username=ANN).update(username="ann.former", is_active=True)
        make_user(ANN)

        other = scim.add_user(ANN, title="Boss")

        assert other != key
        assert UserLink.objects.get(pk=other).user.username == ANN
        assert UserLink.objects.get(pk=key).user_name_canonical is None
        assert scim.get(f"/Users/{key}").status == 404
        assert people() == {"ann.former": "active", ANN: "active"}

    def test_name_now_belongs_to_a_superuser(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.delete(f"/Users/{key}")
        User.objects.filter(username=ANN).update(username="ann.former")
        User.objects.create_superuser(ANN)

        assert refused(scim, "POST", "/Users", user(ANN)).status == 409

    def test_name_of_somebody_who_has_not_left_stays_theirs(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        User.objects.filter(username=ANN).update(username="ann.renamed")
        make_user(ANN)

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (409, "uniqueness")
        assert f"its id is {key}" in answer.json["detail"]

    def test_name_that_nobody_has(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.delete(f"/Users/{key}")
        User.objects.filter(username=ANN).update(username="ann.former")

        assert scim.add_user(ANN) == key

    @pytest.mark.parametrize("mode", ["username", "email", None])
    def test_comes_back_under_the_same_id(
        self, scim: Scim, settings: LazySettings, mode: str | None
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = mode
        key = scim.add_user(ANN)
        make_user(BOB)
        scim.delete(f"/Users/{key}")

        assert scim.add_user(ANN) == key

        assert people() == {ANN: "active", BOB: "active"}

    def test_comes_back_under_a_new_name_with_the_same_address(
        self, scim: Scim, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        key = scim.add_user(ANN, emails=[{"value": ANN}])
        scim.delete(f"/Users/{key}")

        assert scim.add_user(BOB, emails=[{"value": ANN}]) == key

        assert scim.get(f"/Users/{key}").json["userName"] == BOB
        assert User.objects.get().email == ANN
