"""Roles that SCIM gives: by groups, and by the attribute `roles` of users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.conf import LazySettings

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Account, Membership
from tests.hosts.company.test_company import (
    ACME,
    ADMIN,
    ANN,
    GLOBEX,
    client_of,
    member,
    push,
    set_value,
)
from tests.hosts.messages import person
from tests.wire.client import Answer, Scim
from tiled_scim.models import PriorRoles
from tiled_scim.okta_check.expectations import TILED_SCHEMA

BOB = "bob@example.com"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _offered(db: None, settings: LazySettings) -> None:
    """The host offers roles, the highest of which is the last."""
    offered = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role=member,admin,owner"}
    settings.TILED_SCIM_MEMBERSHIP_FIELDS = offered
    Account.objects.create(pk=ACME, name="Acme Inc.")
    Account.objects.create(pk=GLOBEX, name="Globex Corporation")


@pytest.fixture
def acme() -> Scim:
    return client_of(ACME)


@pytest.fixture
def globex() -> Scim:
    return client_of(GLOBEX)


def roles(*keys: str) -> list[dict[str, str]]:
    return [{"value": key, "display": key.title()} for key in keys]


def role_of(email: str = ANN, account: Any = ACME) -> str:
    return str(Membership.objects.get(person__email=email, account=account).role)


def set_role(email: str, role: str) -> None:
    """People change a role by hand."""
    Membership.objects.filter(person__email=email, account=ACME).update(role=role)


def prior(email: str = ANN) -> Iterable[str] | None:
    """What people gave, as SCIM keeps it. None if it keeps nothing."""
    row = PriorRoles.objects.filter(link__user__email=email, link__account=str(ACME)).first()
    return None if row is None else row.prior


def set_roles(scim: Scim, key: str, *keys: str) -> Answer:
    answer = set_value(scim, key, "roles", roles(*keys))
    assert answer.status == 200, answer.json
    return answer


class TestAttribute:
    def test_post(self, acme: Scim) -> None:
        answer = acme.post("/Users", person(ANN, roles=roles("admin")))

        assert answer.json["roles"] == roles("admin")
        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": True}
        assert (role_of(), prior()) == ("admin", [])

    def test_put(self, acme: Scim) -> None:
        key = push(acme, roles=roles("admin"))
        push(acme, BOB, **ADMIN)

        answer = acme.put(f"/Users/{key}", person(ANN))

        assert "roles" not in answer.json
        assert (role_of(), prior()) == ("member", None)

    def test_patch(self, acme: Scim) -> None:
        key = push(acme)

        assert set_roles(acme, key, "owner").json["roles"] == roles("owner")
        assert role_of() == "owner"
        push(acme, BOB, **ADMIN)
        acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})
        assert (role_of(), prior()) == ("member", None)

    def test_the_highest_counts(self, acme: Scim) -> None:
        push(acme, roles=roles("owner", "member", "admin"))

        assert role_of() == "owner"

    @pytest.mark.parametrize(
        ("op", "path", "value"),
        [
            ("Add", 'roles[primary eq "True"].value', "admin"),
            ("Add", "roles", ["admin"]),
            ("Add", "roles", [{"value": "Admin"}]),
            ("Add", "roles", "admin"),
            (
                "Add",
                "roles",
                [{"value": '{"id":"06b07648","value":"admin","displayName":"Admin"}'}],
            ),
            (
                "Replace",
                "roles",
                [
                    {
                        "primary": False,
                        "type": "WindowsAzureActiveDirectoryRole",
                        "display": "Admin",
                        "value": "admin",
                    }
                ],
            ),
        ],
    )
    def test_forms_of_entra(self, acme: Scim, op: str, path: str, value: Any) -> None:
        key = push(acme)

        answer = acme.patch(f"/Users/{key}", {"op": op, "path": path, "value": value})

        assert answer.status == 200, answer.json
        assert role_of() == "admin"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_unknown_role(self, acme: Scim, method: str) -> None:
        key = push(acme, BOB)
        path = "/Users" if method == "POST" else f"/Users/{key}"
        value = roles("member", "superuser")
        body: dict[str, Any] = person(ANN if method == "POST" else BOB, roles=value)
        if method == "PATCH":
            answer = set_value(acme, key, "roles", value)
        else:
            answer = acme.send(method, path, body)

        assert answer.error == (400, "invalidValue")
        assert "no role “superuser”" in answer.json["detail"]
        assert "“member”, “admin”, “owner”" in answer.json["detail"]
        assert Membership.objects.count() == 1

    def test_role_that_became_unknown_does_not_block(
        self, acme: Scim, settings: LazySettings
    ) -> None:
        key = push(acme, roles=roles("owner"))
        push(acme, BOB, **ADMIN)
        fields = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role=member,admin"}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = fields

        assert set_value(acme, key, "active", False).status == 200
        assert member(ACME, person__email=ANN) == ("member", False, "")

    def test_while_inactive(self, acme: Scim) -> None:
        key = push(acme, roles=roles("admin"))
        push(acme, BOB, **ADMIN)

        set_value(acme, key, "active", False)
        assert (role_of(), prior()) == ("member", None)
        set_value(acme, key, "active", True)
        assert role_of() == "admin"

    def test_delete_and_push_again(self, acme: Scim) -> None:
        key = push(acme, roles=roles("admin"))
        push(acme, BOB, **ADMIN)

        assert acme.delete(f"/Users/{key}").status == 204
        assert (role_of(), prior()) == ("member", None)
        assert push(acme) == key
        assert role_of() == "member"
        acme.delete(f"/Users/{key}")
        push(acme, roles=roles("owner"))
        assert role_of() == "owner"

    def test_other_accounts(self, acme: Scim, globex: Scim) -> None:
        push(globex)
        push(acme, roles=roles("owner"))

        assert (role_of(), role_of(account=GLOBEX)) == ("owner", "member")


class TestWhatPeopleGave:
    def test_owner_stays_owner(self, acme: Scim) -> None:
        key = push(acme)
        set_role(ANN, "owner")

        set_roles(acme, key, "admin")
        assert (role_of(), prior()) == ("owner", ["owner"])
        acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})
        assert (role_of(), prior()) == ("owner", None)

    def test_owner_who_was_made_one_later(self, acme: Scim) -> None:
        key = push(acme, roles=roles("admin"))
        set_role(ANN, "owner")

        acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})

        assert role_of() == "owner"

    def test_admin_who_is_no_longer_one(self, acme: Scim) -> None:
        """People take away what they gave, and SCIM gives its own again."""
        key = push(acme)
        set_role(ANN, "owner")
        push(acme, BOB, **ADMIN)
        set_roles(acme, key, "admin")

        set_role(ANN, "member")
        set_value(acme, key, "active", False)
        set_value(acme, key, "active", True)
        assert (role_of(), prior()) == ("admin", [])

    def test_tiled_admin_of_the_same_column(self, acme: Scim) -> None:
        """The higher of `roles` and `tiledAdmin` counts."""
        key = push(acme, roles=roles("member"), **ADMIN)
        push(acme, BOB, **ADMIN)
        assert role_of() == "admin"

        set_roles(acme, key, "owner")
        answer = set_value(acme, key, f"{TILED_SCHEMA}:tiledAdmin", False)
        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": True}
        assert role_of() == "owner"
        acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})
        assert role_of() == "member"

    def test_last_admin(self, acme: Scim) -> None:
        key = push(acme, roles=roles("owner"))

        answer = acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})

        assert answer.status == 403
        assert "last active Tiled Admin" in answer.json["detail"]
        assert role_of() == "owner"


class TestWithoutRoles:
    @pytest.fixture(autouse=True)
    def _not_offered(self, _offered: None, settings: LazySettings) -> None:
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS

    def test_attribute_is_stored(self, acme: Scim) -> None:
        answer = acme.post("/Users", person(ANN, roles=roles("anything")))

        assert answer.json["roles"] == roles("anything")
        assert (role_of(), prior()) == ("member", None)
