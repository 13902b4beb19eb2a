"""Roles of a host that gives permissions with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from tests.accounts import WithAdmins, client_of
from tests.drifting import found
from tests.roles import WithRoles, roles_of
from tests.simple_project.libraries.models import Library
from tests.wire.client import (
    ANN,
    BOB,
    CARL,
    NOBODY,
    TILED_USER,
    Scim,
    add_members,
    group,
    patch_op,
    remove_member,
    replace_members,
    user,
)
from tests.wire.state import access, people, refused
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import Cause, ScimError
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import LibraryGroupLink, PriorRoles, ScimEvent
from tiled_scim.scim import budget

pytestmark = pytest.mark.django_db

ROLES = [{"value": "editor"}]


class Trusting(WithRoles):
    """A host that lets SCIM give its roles, whatever they permit."""

    def is_protected(self, user: Any) -> bool:
        return bool(user.is_superuser)


@pytest.fixture(autouse=True)
def _with_permissions(settings: LazySettings, db: None) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithRoles
    group = Group.objects.create(name="acme:editor")
    group.permissions.add(Permission.objects.order_by("pk")[0])


@pytest.fixture
def acme() -> Scim:
    return client_of("acme")


def give_role(role: str = "editor", *, keeps_library: bool = True, **group: str) -> None:
    link = LibraryGroupLink.objects.get(**group)
    Connection("acme").give_role(link, role, Actor("root"), keeps_library=keeps_library)


def test_a_group_does_not_protect_its_members(acme: Scim) -> None:
    """A protected user could not be deactivated any more."""
    key = acme.add_user(ANN)
    acme.add_group("Sales", key)

    with pytest.raises(ScimError) as error:
        give_role()

    assert (error.value.status, error.value.cause) == (403, Cause.PROTECTED)
    assert ANN in error.value.detail
    assert roles_of(ANN) == ([], False)
    acme.deactivate(key)
    assert people() == {ANN: "inactive"}


def test_a_new_member_is_refused(acme: Scim) -> None:
    group = acme.add_group("Sales")
    give_role()
    key = acme.add_user(ANN)

    answer = acme.patch(
        f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": key}]}
    )

    assert answer.status == 403
    assert ScimEvent.objects.latest("pk").cause == Cause.PROTECTED
    assert (acme.members(group), roles_of(ANN)) == ([], ([], False))


@pytest.mark.parametrize("is_new", [True, False])
def test_an_attribute_is_refused(acme: Scim, is_new: bool) -> None:
    if not is_new:
        key = acme.add_user(ANN)
        operation = {"op": "add", "path": "roles", "value": ROLES}
        assert acme.patch(f"/Users/{key}", operation).status == 403
        assert roles_of(ANN) == ([], False)
        return
    assert acme.post("/Users", user(ANN, roles=ROLES)).status == 403
    assert people() == {}


def test_a_host_may_trust_its_roles(acme: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    key = acme.add_user(ANN, roles=ROLES)
    assert roles_of(ANN) == (["acme:editor"], False)

    acme.deactivate(key)

    assert (people(), roles_of(ANN)) == ({ANN: "inactive"}, ([], False))


def test_who_is_pushed_again_has_the_roles_again(acme: Scim, settings: LazySettings) -> None:
    """Although the push changes nothing: people have activated the user meanwhile."""
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    acme.delete(f"/Users/{acme.add_user(ANN, roles=ROLES)}")
    assert roles_of(ANN) == ([], False)
    User.objects.update(is_active=True)

    acme.add_user(ANN, roles=ROLES)

    assert roles_of(ANN) == (["acme:editor"], False)


@pytest.mark.parametrize(
    "change",
    [{"unlinked_at": timezone.now()}, {"account": "globex"}],
    ids=["unlinked", "another account"],
)
def test_group_that_is_not_the_accounts_gives_no_role(
    acme: Scim, settings: LazySettings, change: dict[str, Any]
) -> None:
    """Its members are drift: somebody has changed its row by hand."""
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    key = acme.add_user(ANN)
    acme.add_group("Sales", key)
    give_role()
    assert roles_of(ANN) == (["acme:editor"], False)
    LibraryGroupLink.objects.update(**change)

    acme.patch(f"/Users/{key}", {"op": "add", "path": "roles", "value": "auditor"})

    assert roles_of(ANN) == (["acme:auditor"], False)


class WithoutAdmin(Trusting):
    """A host without a field for Tiled Admin."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {name: path for name, path in super().user_fields.items() if name != TILED_ADMIN}


def test_group_cannot_give_tiled_admin_in_every_host(acme: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithoutAdmin
    acme.add_group("Sales", acme.add_user(ANN))

    with pytest.raises(ScimError, match="no such role"):
        give_role(TILED_ADMIN)
    give_role()

    assert roles_of(ANN) == (["acme:editor"], False)


def test_response_shows_the_tiled_admin_of_a_group(acme: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    key = acme.add_user(ANN)
    acme.add_group("Sales", key)
    give_role(TILED_ADMIN)
    acme.deactivate(key)
    assert roles_of(ANN) == ([], False)

    answer = acme.send("PATCH", f"/Users/{key}", patch_op({"op": "add", "value": {"active": True}}))

    assert (answer.status, answer.json[TILED_USER]) == (200, {"tiledAdmin": True})


class InBothCases(Trusting):
    def roles(self) -> Mapping[str, str]:
        return {"editor": "Editor", "EDITOR": "Chief editor", "Auditor": "Auditor"}


@pytest.mark.parametrize(
    ("value", "role"), [("editor", "editor"), ("EDITOR", "EDITOR"), ("AUDITOR", "Auditor")]
)
def test_letter_case_counts_where_it_tells_roles_apart(
    acme: Scim, settings: LazySettings, value: str, role: str
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = InBothCases

    acme.add_user(ANN, roles=[{"value": value}])

    assert PriorRoles.objects.get().left == [role]  # MariaDB does not tell apart Django's groups


def test_event_of_another_role(acme: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    acme.add_group("Sales", acme.add_user(ANN))
    give_role()
    with pytest.raises(ScimError, match="gives the role “Editor” already"):
        give_role()

    give_role("auditor", keeps_library=False)

    assert roles_of(ANN) == (["acme:auditor"], False)
    assert ScimEvent.objects.latest("pk").changes == {
        "attributes": {"role": ["Editor", "Auditor"], "library": ["Sales", None]},
        "added": {"number": 1, "names": [ANN]},
        "removed": {"number": 1, "names": [ANN]},
    }


class Locking(Trusting):
    """Notes whose roles it was asked for, and whether to lock them."""

    asked: ClassVar[set[bool]] = set()
    asked_for: ClassVar[set[Any]] = set()

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        self.asked.add(lock)
        self.asked_for.update(users)
        return super().roles_of(users, lock=lock)


class TestMembersOfAGroup:
    """Members of a group that gives a role beside its Library, or instead of it."""

    EDITOR = (["acme:editor"], False)
    NOTHING: tuple[list[str], bool] = ([], False)

    @pytest.fixture(autouse=True)
    def _trusting(self, _with_permissions: None, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Trusting

    def roles(self) -> list[tuple[list[str], bool]]:
        return [roles_of(ANN), roles_of(BOB)]

    @pytest.mark.parametrize("keeps_library", [True, False])
    def test_have_its_role_while_they_are_members(self, acme: Scim, keeps_library: bool) -> None:
        ann, bob = acme.add_user(ANN), acme.add_user(BOB)
        path = f"/Groups/{acme.add_group('Sales', ann)}"
        give_role(keeps_library=keeps_library)
        assert self.roles() == [self.EDITOR, self.NOTHING]

        assert acme.patch(path, add_members(bob), remove_member(ann)).status == 204
        assert self.roles() == [self.NOTHING, self.EDITOR]
        assert acme.put(path, group("Sales", ann, bob)).status == 200
        assert self.roles() == [self.EDITOR, self.EDITOR]
        assert acme.patch(path, replace_members(ann)).status == 204
        assert self.roles() == [self.EDITOR, self.NOTHING]
        assert access() == {"Sales": {ANN} if keeps_library else set()}

        assert acme.delete(path).status == 204
        assert self.roles() == [self.NOTHING, self.NOTHING]
        assert ScimEvent.objects.latest("pk").changes == {
            "attributes": {"role": ["Editor", None]},
            "removed": {"number": 1, "names": [ANN]},
        }
        assert LibraryGroupLink.objects.get().role == ""
        answer = acme.delete(path)
        assert answer.status == 404
        assert path.removeprefix("/Groups/") in answer.json["detail"]

    def test_lose_one_that_the_host_does_not_offer_any_more(
        self, acme: Scim, settings: LazySettings
    ) -> None:
        sales, ops = (f"/Groups/{acme.add_group(name)}" for name in ("Sales", "Ops"))
        give_role(display_name="Sales")
        give_role(display_name="Ops", keeps_library=False)
        settings.TILED_SCIM_HOST_ADAPTER = WithAdmins

        assert acme.delete(ops).status == 404
        assert acme.delete(sales).status == 204

        event = ScimEvent.objects.latest("pk")
        assert event.changes == {"attributes": {"role": ["editor", None]}}

    def test_are_not_found_without_role_and_library(self, acme: Scim) -> None:
        path = f"/Groups/{acme.add_group('Sales')}"
        Library.objects.all().delete()

        assert acme.delete(path).status == 404
        assert acme.delete(f"/Groups/{NOBODY}").status == 404

    def test_are_changed_at_most_so_many_at_once(
        self, acme: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, bob, carl = (acme.add_user(name) for name in (ANN, BOB, CARL))
        path = f"/Groups/{acme.add_group('Sales', ann)}"
        give_role()
        monkeypatch.setattr("tiled_scim.provisioning.roles.MAX_ROLE_CHANGES", 1)

        assert acme.put(path, group("Sales", ann, bob)).status == 200
        for method, body in (
            ("PUT", group("Sales")),
            ("PATCH", patch_op(add_members(carl), remove_member(bob))),
            ("DELETE", None),
        ):
            answer = refused(acme, method, path, body)
            assert answer.status == 413
            assert "the roles of 2 members" in answer.json["detail"]
        assert self.roles() == [self.EDITOR, self.EDITOR]
        ops = acme.add_group("Ops", ann, bob)  # which gives no role
        assert acme.patch(f"/Groups/{ops}", remove_member(ann), remove_member(bob)).status == 204

    def test_are_settled_when_they_come_or_go_and_not_while_they_stay(
        self, acme: Scim, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Groups are large, and few members change."""
        settings.TILED_SCIM_HOST_ADAPTER = Locking
        ann, bob = acme.add_user(ANN), acme.add_user(BOB)
        path = f"/Groups/{acme.add_group('Sales', ann)}"
        give_role()
        monkeypatch.setattr(Locking, "asked_for", set())

        acme.put(path, group("Sales", ann, bob))

        assert Locking.asked_for == {User.objects.get(username=BOB).pk}
        assert self.roles() == [self.EDITOR, self.EDITOR]

    @pytest.mark.parametrize(("role", "statuses"), [("editor", [204, 413]), (None, [204, 204])])
    def test_cost_more_of_what_a_bulk_request_may(
        self, acme: Scim, monkeypatch: pytest.MonkeyPatch, role: str | None, statuses: list[int]
    ) -> None:
        keys = [
            acme.add_group(name, acme.add_user(user)) for name, user in (("A", ANN), ("B", BOB))
        ]
        if role:
            for key in keys:
                give_role(role, pk=key)
        monkeypatch.setattr(budget, "MAX_STEPS", budget.STEPS_OF_MEMBER_WITH_ROLE - 1)

        answer = acme.post(
            "/Bulk",
            {"Operations": [{"method": "DELETE", "path": f"/Groups/{key}"} for key in keys]},
        )

        assert [int(each["status"]) for each in answer.json["Operations"]] == statuses


def test_group_takes_its_name_again(acme: Scim, settings: LazySettings) -> None:
    """It lost its Library, and gave up its name to another group meanwhile."""
    settings.TILED_SCIM_HOST_ADAPTER = Trusting
    sales, ops = acme.add_group("Sales"), acme.add_group("Ops")
    Library.objects.get(name="Sales").delete()
    acme.patch(f"/Groups/{ops}", {"op": "replace", "path": "displayName", "value": "Sales"})
    with pytest.raises(ScimError) as error:
        give_role(pk=sales)
    assert (error.value.status, error.value.scim_type) == (409, "uniqueness")

    acme.patch(f"/Groups/{ops}", {"op": "replace", "path": "displayName", "value": "Ops"})
    give_role(pk=sales)

    assert acme.found("/Groups", 'displayName eq "sales"') == [sales]


def test_only_changes_lock_roles(
    acme: Scim, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of a transaction, as in a preview, databases refuse to lock."""
    settings.TILED_SCIM_HOST_ADAPTER = Locking
    monkeypatch.setattr(Locking, "asked", set())
    acme.add_user(ANN, roles=[{"value": "auditor"}])
    assert Locking.asked == {True}

    Locking.asked.clear()
    assert found() == []

    assert Locking.asked == {False}
