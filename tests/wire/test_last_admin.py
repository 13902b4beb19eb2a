"""An account keeps an administrator: SCIM does not remove the last one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import models

from tests.factories import make_user
from tiled_scim.host import TILED_ADMIN, HostAdapter
from tiled_scim.models import Action, ScimEvent

from .client import ANN, BOB, TILED_USER, Answer, Scim, patch_op, user
from .state import people, refused

ADMIN = {TILED_USER: {"tiledAdmin": True}}
NO_ADMIN = {"op": "replace", "path": TILED_ADMIN, "value": "False"}
INACTIVE = {"op": "replace", "value": {"active": False}}
# Requests that take the role alone.
ROLES: dict[str, tuple[str, object]] = {
    "no admin": ("PATCH", patch_op(NO_ADMIN)),
    "attribute removed": ("PATCH", patch_op({"op": "remove", "path": TILED_ADMIN})),
    "put": ("PUT", user(ANN, **{TILED_USER: {"tiledAdmin": False}})),
}
# Requests after which the person has no access.
DEPARTURES: dict[str, tuple[str, object]] = {
    "deactivated": ("PATCH", patch_op(INACTIVE)),
    "deactivated and no admin": ("PATCH", patch_op(NO_ADMIN, INACTIVE)),
    "put inactive": ("PUT", user(ANN, active=False)),
    "put inactive and no admin": (
        "PUT",
        user(ANN, active=False, **{TILED_USER: {"tiledAdmin": False}}),
    ),
    "deleted": ("DELETE", None),
}
REMOVALS = ROLES | DEPARTURES
every_removal = pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)
every_role = pytest.mark.parametrize("removal", ROLES.values(), ids=ROLES)
every_departure = pytest.mark.parametrize("removal", DEPARTURES.values(), ids=DEPARTURES)


def warnings() -> list[str]:
    """The names of the users whose change left the account without an admin."""
    events = ScimEvent.objects.filter(action=Action.NO_ADMIN_LEFT)
    return list(events.values_list("resource_name", flat=True))


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN, **ADMIN)


@every_role
def test_the_last_one_stays(scim: Scim, ann: str, removal: tuple[str, object]) -> None:
    method, body = removal

    answer = refused(scim, method, f"/Users/{ann}", body)

    assert answer.status == 403
    assert ANN in answer.json["detail"]
    assert "last active Tiled Admin" in answer.json["detail"]
    assert people() == {ANN: "active admin"}


class AlwaysActive(HostAdapter):
    """A host whose users cannot be inactive."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {name: path for name, path in super().user_fields.items() if name != "active"}


@every_role
def test_the_last_one_stays_where_everybody_is_active(
    scim: Scim, ann: str, removal: tuple[str, object], settings: LazySettings
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = AlwaysActive
    method, body = removal

    assert refused(scim, method, f"/Users/{ann}", body).status == 403


@every_departure
def test_the_last_one_may_leave(scim: Scim, ann: str, removal: tuple[str, object]) -> None:
    method, body = removal

    assert scim.send(method, f"/Users/{ann}", body).status in (200, 204)

    assert not User.objects.get().is_active
    assert warnings() == [ANN]


class Unprotected(HostAdapter):
    """A host that protects nobody."""

    def is_protected(self, user: AbstractBaseUser) -> bool:
        return False


def test_the_last_one_may_be_adopted_as_inactive(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Unprotected
    make_user(ANN, is_staff=True)

    scim.add_user(ANN, active=False)

    assert people() == {ANN: "inactive admin"}
    assert warnings() == [ANN]


def by_hand() -> object:
    return make_user("hope", is_staff=True)


def superuser() -> object:
    return User.objects.create_superuser("root")


@every_removal
@pytest.mark.parametrize("make_another", [by_hand, superuser])
def test_one_of_two_may_go(
    scim: Scim, ann: str, removal: tuple[str, object], make_another: Callable[[], object]
) -> None:
    make_another()
    method, body = removal

    answer: Answer = scim.send(method, f"/Users/{ann}", body)

    assert answer.status in (200, 204)
    assert people()[ANN] != "active admin"
    assert warnings() == []


def test_one_who_is_inactive_is_no_other(scim: Scim, ann: str) -> None:
    bob = scim.add_user(BOB, **ADMIN)
    scim.deactivate(bob)

    method, body = ROLES["put"]
    answer = refused(scim, method, f"/Users/{ann}", body)

    assert answer.status == 403
    assert warnings() == []


@every_removal
def test_a_setting_lets_the_last_one_go(
    scim: Scim, ann: str, removal: tuple[str, object], settings: LazySettings
) -> None:
    settings.TILED_SCIM_REMOVE_LAST_ADMIN = True
    method, body = removal

    assert scim.send(method, f"/Users/{ann}", body).status in (200, 204)
    assert people()[ANN] != "active admin"
    assert warnings() == [ANN]


def test_whoever_is_none_may_go(scim: Scim, ann: str) -> None:
    bob = scim.add_user(BOB)

    scim.deactivate(bob)

    assert people() == {ANN: "active admin", BOB: "inactive"}


class Joined(HostAdapter):
    """A host that finds administrators by an outer join and a DISTINCT, which have no lock."""

    def admins(self) -> models.QuerySet[User]:
        in_a_group = models.Q(groups__name="admins") | models.Q(groups=None)
        return super().admins().filter(in_a_group).distinct()


@every_role
def test_a_host_finds_them_as_it_likes(
    scim: Scim, ann: str, removal: tuple[str, object], settings: LazySettings
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Joined
    method, body = removal
    assert refused(scim, method, f"/Users/{ann}", body).status == 403
    scim.add_user(BOB, **ADMIN)

    assert scim.send(method, f"/Users/{ann}", body).status in (200, 204)

    assert people()[ANN] != "active admin"
