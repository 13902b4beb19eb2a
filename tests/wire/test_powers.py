"""Users to whom people gave powers are protected, and what SCIM gave protects nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, Permission, User
from pytest_django import Settings

from tests.factories import make_user
from tiled_scim.errors import Cause
from tiled_scim.host import TILED_ADMIN, HostAdapter
from tiled_scim.models import ScimEvent

from .client import ANN, BOB, TILED_USER, Scim, user
from .state import people, refused, snapshot

ADMIN: dict[str, Any] = {TILED_USER: {"tiledAdmin": True}}


def give_permission(person: User) -> None:
    person.user_permissions.add(Permission.objects.all()[0])


def put_into_group(person: User) -> None:
    editors = Group.objects.create(name="Editors")
    editors.permissions.add(Permission.objects.all()[0])
    person.groups.add(editors)


def make_staff(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)


def make_superuser(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_superuser=True)


GIFTS = {
    "a permission": give_permission,
    "a group with permissions": put_into_group,
    "superuser": make_superuser,
}
CHANGES: dict[str, Callable[[Scim, str], tuple[str, str, Any]]] = {
    "PUT": lambda scim, key: ("PUT", f"/Users/{key}", user(ANN, active=False)),
    "PATCH": lambda scim, key: (
        "PATCH",
        f"/Users/{key}",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "emails.value", "value": BOB}],
        },
    ),
    "DELETE": lambda scim, key: ("DELETE", f"/Users/{key}", None),
}


class TestWhatPeopleGave:
    @pytest.mark.parametrize("give", [*GIFTS.values(), make_staff], ids=[*GIFTS, "staff"])
    def test_user_with_it_is_not_adopted(self, scim: Scim, give: Callable[[User], None]) -> None:
        give(make_user(ANN))

        answer = refused(scim, "POST", "/Users", user(ANN))

        assert answer.error == (409, "uniqueness")
        assert "protected" in answer.json["detail"]

    @pytest.mark.parametrize("method", CHANGES)
    @pytest.mark.parametrize("give", GIFTS.values(), ids=GIFTS)
    def test_user_who_got_it_later_is_not_changed(
        self, scim: Scim, give: Callable[[User], None], method: str
    ) -> None:
        key = scim.add_user(ANN)
        give(User.objects.get())

        answer = refused(scim, *CHANGES[method](scim, key))

        assert answer.error == (403, None)
        assert ScimEvent.objects.latest("pk").cause == "protected"

    @pytest.mark.parametrize("give", [*GIFTS.values(), make_staff], ids=[*GIFTS, "staff"])
    def test_user_who_got_it_when_unlinked_does_not_come_back(
        self, scim: Scim, give: Callable[[User], None]
    ) -> None:
        key = scim.add_user(ANN, **ADMIN)
        scim.add_user(BOB, **ADMIN)
        scim.delete(f"/Users/{key}")
        give(User.objects.get(username=ANN))

        assert refused(scim, "POST", "/Users", user(ANN)).error == (409, "uniqueness")

    def test_group_without_permissions_protects_nobody(self, scim: Scim) -> None:
        make_user(ANN).groups.add(Group.objects.create(name="Everybody"))

        scim.deactivate(scim.add_user(ANN))

        assert people() == {ANN: "inactive"}

    def test_permission_of_somebody_else_protects_nobody(self, scim: Scim) -> None:
        for give in (give_permission, put_into_group):
            give(make_user(give.__name__))
        make_user(ANN)

        scim.deactivate(scim.add_user(ANN))

        assert people()[ANN] == "inactive"

    def test_host_may_decide_otherwise(self, scim: Scim, settings: Settings) -> None:
        class Trusting(HostAdapter):
            def is_protected(self, user: Any) -> bool:
                return bool(user.is_superuser)

        settings.TILED_SCIM_HOST_ADAPTER = Trusting
        make_staff(make_user(ANN))

        scim.add_user(ANN)

        assert people() == {ANN: "active admin"}


class TestWhatScimGave:
    def test_tiled_admin_protects_nobody(self, scim: Scim) -> None:
        key = scim.add_user(ANN, **ADMIN)
        scim.add_user(BOB, **ADMIN)

        assert scim.put(f"/Users/{key}", user(ANN, title="Boss", **ADMIN)).status == 200
        scim.deactivate(key)
        assert scim.add_user(ANN) == key
        assert scim.delete(f"/Users/{key}").status == 204
        assert people() == {ANN: "inactive", BOB: "active admin"}

    def test_staff_is_never_scims_where_tiled_admin_is_another_field(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADMIN_FIELD = "is_curator"
        key = scim.add_user(ANN)
        make_staff(User.objects.get())

        assert refused(scim, *CHANGES["PUT"](scim, key)).error == (403, None)


class Elevating(HostAdapter):
    """A host whose title makes people what SCIM never makes them."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        user = super().create_user(values)
        self.elevate(user, values)
        return user

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, values)
        self.elevate(user, values)

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "title": "last_name"}

    def elevate(self, user: Any, values: Mapping[str, Any]) -> None:
        if values.get("title") == "superuser":
            User.objects.filter(pk=user.pk).update(is_superuser=True)
        if values.get("title") == "editor":
            put_into_group(user)


class Mapped(HostAdapter):
    """A host that maps an attribute to `is_superuser`."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, TILED_ADMIN: "is_superuser"}


class TestNobodyBecomesProtected:
    """A write that makes a protected user out of one who was not is refused."""

    @pytest.mark.parametrize("title", ["superuser", "editor"])
    def test_by_code_of_the_host(self, scim: Scim, settings: Settings, title: str) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Elevating
        key = scim.add_user(ANN)

        answer = refused(scim, "PUT", f"/Users/{key}", user(ANN, title=title))
        created = refused(scim, "POST", "/Users", user(BOB, title=title))

        assert answer.error == created.error == (403, None)
        assert f"would make “{ANN}”" in answer.json["detail"]
        assert "a protected user of the application" in answer.json["detail"]
        events = ScimEvent.objects.order_by("pk").values_list("cause", flat=True)
        assert list(events)[-2:] == [Cause.PROTECTED, Cause.PROTECTED]
        assert people() == {ANN: "active"}
        assert not User.objects.filter(is_superuser=True).exists()
        assert not Group.objects.exists()

    def test_by_the_mapping(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Mapped
        key = scim.add_user(ANN)
        before = snapshot()

        for answer in (
            scim.put(f"/Users/{key}", user(ANN, **ADMIN)),
            scim.patch(f"/Users/{key}", {"op": "add", "path": TILED_ADMIN, "value": True}),
            scim.post("/Users", user(BOB, **ADMIN)),
        ):
            assert answer.error == (403, None)
        assert snapshot() == before

    def test_by_the_hosts_own_rule(self, scim: Scim, settings: Settings) -> None:
        class Owners(HostAdapter):
            def is_protected(self, user: Any) -> bool:
                return bool(user.last_name == "Owner")

        settings.TILED_SCIM_HOST_ADAPTER = Owners
        key = scim.add_user(ANN)

        answer = refused(scim, "PUT", f"/Users/{key}", user(ANN, name={"familyName": "Owner"}))

        assert answer.error == (403, None)
