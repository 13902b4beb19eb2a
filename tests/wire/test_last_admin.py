"""An account keeps an administrator: SCIM does not remove the last one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import models

from tests.factories import make_user
from tiled_scim.host import TILED_ADMIN, HostAdapter

from .client import ANN, BOB, TILED_USER, Answer, Scim, patch_op, user
from .state import people, refused

ADMIN = {TILED_USER: {"tiledAdmin": True}}
REMOVALS: dict[str, tuple[str, object]] = {
    "deactivated": ("PATCH", patch_op({"op": "replace", "value": {"active": False}})),
    "no admin": ("PATCH", patch_op({"op": "replace", "path": TILED_ADMIN, "value": "False"})),
    "attribute removed": ("PATCH", patch_op({"op": "remove", "path": TILED_ADMIN})),
    "put": ("PUT", user(ANN, **{TILED_USER: {"tiledAdmin": False}})),
    "put inactive": ("PUT", user(ANN, active=False)),
    "deleted": ("DELETE", None),
}
every_removal = pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)


@pytest.fixture
def ann(scim: Scim) -> str:
    return scim.add_user(ANN, **ADMIN)


@every_removal
def test_the_last_one_stays(scim: Scim, ann: str, removal: tuple[str, object]) -> None:
    method, body = removal

    answer = refused(scim, method, f"/Users/{ann}", body)

    assert answer.status == 403
    assert ANN in answer.json["detail"]
    assert "last active Tiled Admin" in answer.json["detail"]
    assert people() == {ANN: "active admin"}


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


def test_one_who_is_inactive_is_no_other(scim: Scim, ann: str) -> None:
    bob = scim.add_user(BOB, **ADMIN)
    scim.deactivate(bob)

    answer = refused(scim, "DELETE", f"/Users/{ann}")

    assert answer.status == 403


@every_removal
def test_a_setting_lets_the_last_one_go(
    scim: Scim, ann: str, removal: tuple[str, object], settings: LazySettings
) -> None:
    settings.TILED_SCIM_REMOVE_LAST_ADMIN = True
    method, body = removal

    assert scim.send(method, f"/Users/{ann}", body).status in (200, 204)
    assert people()[ANN] != "active admin"


def test_whoever_is_none_may_go(scim: Scim, ann: str) -> None:
    bob = scim.add_user(BOB)

    scim.deactivate(bob)

    assert people() == {ANN: "active admin", BOB: "inactive"}


class Joined(HostAdapter):
    """A host that finds administrators by an outer join and a DISTINCT, which have no lock."""

    def admins(self) -> models.QuerySet[User]:
        in_a_group = models.Q(groups__name="admins") | models.Q(groups=None)
        return super().admins().filter(in_a_group).distinct()


@every_removal
def test_a_host_finds_them_as_it_likes(
    scim: Scim, ann: str, removal: tuple[str, object], settings: LazySettings
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Joined
    method, body = removal
    assert refused(scim, method, f"/Users/{ann}", body).status == 403
    scim.add_user(BOB, **ADMIN)

    assert scim.send(method, f"/Users/{ann}", body).status in (200, 204)

    assert people()[ANN] != "active admin"
