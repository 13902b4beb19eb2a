"""Roles of a host that gives permissions with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.accounts import client_of
from tests.drifting import found
from tests.roles import WithRoles, roles_of
from tests.simple_project.libraries.models import Library
from tests.wire.client import ANN, Scim, user
from tests.wire.state import people
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import Cause, ScimError
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import LibraryGroupLink, PriorRoles, ScimEvent

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


class Locking(WithRoles):
    """Notes whether it was asked to lock the roles of users."""

    asked: ClassVar[set[bool]] = set()

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        self.asked.add(lock)
        return super().roles_of(users, lock=lock)


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
