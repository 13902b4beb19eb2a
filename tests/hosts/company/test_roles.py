"""Roles that SCIM gives: by groups, and by the attribute `roles` of users."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.projects.models import Project
from tests.hosts.company.test_company import (
    ACME,
    ADMIN,
    ANN,
    GLOBEX,
    client_of,
    member,
    push,
    push_group,
    set_value,
)
from tests.hosts.company.test_query_counts import COUNTED
from tests.hosts.messages import add_members, patch, person
from tests.wire.client import Answer, Scim
from tiled_scim.accounts import AccountAdapter
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import Cause, ScimError
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import Action, LibraryGroupLink, PriorRoles, ScimEvent
from tiled_scim.provider_check.expectations import TILED_SCHEMA
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.role_keys import RoleKeys

BOB = "bob@example.com"
NO_ADMIN: dict[str, Any] = {TILED_SCHEMA: {"tiledAdmin": False}}

pytestmark = pytest.mark.django_db


def offer_roles(settings: LazySettings) -> None:
    """Let the host offer roles, the highest of which is the last."""
    offered = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role=member,admin,owner"}
    settings.TILED_SCIM_MEMBERSHIP_FIELDS = offered


@pytest.fixture(autouse=True)
def _offered(db: None, settings: LazySettings) -> None:
    offer_roles(settings)
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

    def test_values_before_are_read_once(self, acme: Scim) -> None:
        """A person may have 1,000 roles, and a bulk request 100 operations."""

        class Counting(dict[str, Any]):
            reads = 0

            def get(self, *arguments: Any) -> Any:
                self.reads += 1
                return super().get(*arguments)

        many = [{"value": "admin", "display": str(number)} for number in range(1000)]
        before = Counting(roles=many)

        RoleKeys(Connection(str(ACME)).adapter).check(before, {"roles": many})

        assert before.reads == 1

    def test_tiled_admin_replaces_no_role_of_people(
        self, acme: Scim, settings: LazySettings
    ) -> None:
        fields = {"tiledAdmin": "role=admin", "roles": "role=member,admin"}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, **fields}
        key = push(acme)
        set_role(ANN, "owner")

        set_value(acme, key, f"{TILED_SCHEMA}:tiledAdmin", True)
        acme.put(f"/Users/{key}", person(ANN, **ADMIN))

        assert role_of() == "owner"

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
        assert ScimEvent.objects.latest("pk").cause == Cause.UNKNOWN_ROLE
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

    def test_delete_leaves_what_people_gave(self, acme: Scim, settings: LazySettings) -> None:
        """An “admin” is no Tiled Admin here, whom SCIM would take it from."""
        own = {"tiledAdmin": "role=owner", "roles": "role=member,admin,owner"}
        fields = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, **own}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = fields
        key = push(acme)
        set_role(ANN, "admin")
        set_roles(acme, key, "owner")

        assert acme.delete(f"/Users/{key}").status == 204

        assert role_of() == "admin"

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

    def test_admin_is_admin_again(self, acme: Scim) -> None:
        """The highest role is the only one that a membership has."""
        key = push(acme)
        set_role(ANN, "admin")

        set_roles(acme, key, "owner")
        assert (role_of(), prior()) == ("owner", ["admin"])
        push(acme, BOB, **ADMIN)
        acme.patch(f"/Users/{key}", {"op": "remove", "path": "roles"})
        assert (role_of(), prior()) == ("admin", None)

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


CONNECTION = Connection(str(ACME))
EVE = Actor("Eve")


def give(name: str, role: str, **options: Any) -> None:
    """Somebody sets the role of a group by hand."""
    link = LibraryGroupLink.objects.get(display_name=name, account=str(ACME))
    CONNECTION.give_role(link, role, EVE, **options)


def change_members(scim: Scim, key: str, *operations: dict[str, Any]) -> Answer:
    answer = scim.send("PATCH", f"/Groups/{key}", patch(*operations))
    assert answer.status == 204, answer.json
    return answer


def remove(scim: Scim, group: str, key: str) -> None:
    change_members(scim, group, {"op": "remove", "path": f'members[value eq "{key}"]'})


class TestGroups:
    @pytest.fixture(autouse=True)
    def _other_admin(self, _offered: None, acme: Scim) -> None:
        """There is always another admin, so that nobody is the last one."""
        push(acme, "root@example.com", **ADMIN)

    def test_beside_the_library(self, acme: Scim) -> None:
        sales = push_group(acme, "Sales", push(acme))

        give("Sales", "admin")

        assert (role_of(), prior()) == ("admin", [])
        assert Project.objects.get().members.count() == 1
        event = ScimEvent.objects.get(action="role_changed")
        assert (event.actor, event.resource_name, str(event.resource_id)) == (
            "Eve",
            "Sales",
            sales,
        )
        assert event.changes["attributes"]["role"] == [None, "admin"]
        assert event.changes["added"] == {"number": 1, "names": [ANN]}

    def test_instead_of_the_library(self, acme: Scim) -> None:
        ann, bob = push(acme), push(acme, BOB)
        sales = push_group(acme, "Sales", ann)

        give("Sales", "admin", keeps_library=False)

        assert not Project.objects.get().members.exists()
        assert acme.get(f"/Groups/{sales}").json["members"][0]["value"] == ann
        assert acme.get("/Groups", filter='displayName eq "sales"').json["totalResults"] == 1
        assert acme.get(f"/Users/{ann}").json["groups"][0]["display"] == "Sales"
        acme.send("PATCH", f"/Groups/{sales}", add_members(bob))
        assert role_of(BOB) == "admin"
        renamed = patch({"op": "replace", "value": {"displayName": "Sellers"}})
        assert acme.send("PATCH", f"/Groups/{sales}", renamed).status == 204
        assert Project.objects.get().name == "Sales"
        assert acme.get("/Groups").json["Resources"][0]["displayName"] == "Sellers"

    @pytest.mark.parametrize("keeps_library", [True, False])
    def test_members_come_and_go(self, acme: Scim, keeps_library: bool) -> None:
        ann, bob = push(acme), push(acme, BOB)
        sales = push_group(acme, "Sales", ann)
        give("Sales", "admin", keeps_library=keeps_library)

        remove(acme, sales, ann)
        assert (role_of(), prior()) == ("member", None)
        both = [{"value": ann}, {"value": bob}]
        change_members(acme, sales, {"op": "replace", "path": "members", "value": both})
        assert (role_of(), role_of(BOB)) == ("admin", "admin")
        change_members(acme, sales, {"op": "replace", "path": "members", "value": both[1:]})
        assert (role_of(), role_of(BOB)) == ("member", "admin")

    def test_group_is_deleted(self, acme: Scim) -> None:
        ann = push(acme)
        sales = push_group(acme, "Sales", ann)
        give("Sales", "owner")

        assert acme.delete(f"/Groups/{sales}").status == 204

        assert (role_of(), prior()) == ("member", None)
        push_group(acme, "Sales", ann)
        assert role_of() == "member"

    def test_group_that_only_gave_a_role_is_pushed_again(self, acme: Scim) -> None:
        ann = push(acme)
        sales = push_group(acme, "Sales", ann)
        give("Sales", "owner", keeps_library=False)

        assert acme.delete(f"/Groups/{sales}").status == 204
        assert acme.get(f"/Groups/{sales}").status == 404
        assert push_group(acme, "Sales 2", ann) != sales
        Project.objects.all().delete()
        assert push_group(acme, "Sales", ann) == sales
        assert Project.objects.get().members.count() == 1
        assert role_of() == "member"

    def test_library_of_the_group_is_deleted(self, acme: Scim) -> None:
        sales = push_group(acme, "Sales", push(acme))
        give("Sales", "admin")

        Project.objects.all().delete()

        assert acme.get(f"/Groups/{sales}").status == 200
        assert role_of() == "admin"

    def test_several_groups(self, acme: Scim) -> None:
        ann = push(acme)
        sales, bosses = push_group(acme, "Sales", ann), push_group(acme, "Bosses", ann)
        give("Sales", "admin")
        give("Bosses", "owner")

        assert role_of() == "owner"
        remove(acme, bosses, ann)
        assert role_of() == "admin"
        set_roles(acme, ann, "owner")
        remove(acme, sales, ann)
        assert role_of() == "owner"

    def test_owner_by_hand_stays_owner(self, acme: Scim) -> None:
        ann = push(acme)
        sales = push_group(acme, "Sales", ann)
        set_role(ANN, "owner")

        give("Sales", "admin")
        assert (role_of(), prior()) == ("owner", ["owner"])
        remove(acme, sales, ann)
        assert (role_of(), prior()) == ("owner", None)

    def test_other_role(self, acme: Scim) -> None:
        push_group(acme, "Sales", push(acme))
        give("Sales", "admin")

        give("Sales", "owner")
        assert (role_of(), prior()) == ("owner", [])
        give("Sales", "")
        assert (role_of(), prior()) == ("member", None)
        assert Project.objects.get().members.count() == 1

    @pytest.mark.parametrize("end", ["deactivate", "delete"])
    def test_user_ends(self, acme: Scim, end: str) -> None:
        ann = push(acme)
        for name in ("Sales", "Bosses"):
            push_group(acme, name, ann)
            give(name, "admin")

        if end == "delete":
            acme.delete(f"/Users/{ann}")
        else:
            set_value(acme, ann, "active", False)
        assert (role_of(), prior()) == ("member", None)
        assert push(acme) == ann
        assert role_of() == ("member" if end == "delete" else "admin")

    def test_member_who_is_inactive(self, acme: Scim) -> None:
        ann = push(acme, active=False)
        push_group(acme, "Sales", ann)

        give("Sales", "admin")

        assert (role_of(), prior()) == ("member", None)

    def test_move_keeps_the_role(self, acme: Scim) -> None:
        push_group(acme, "Sales", push(acme))
        give("Sales", "admin", keeps_library=False)
        roadmap = Project.objects.create(account_id=ACME, name="Roadmap")

        CONNECTION.move(LibraryGroupLink.objects.get(), roadmap.pk, EVE)

        assert roadmap.members.count() == 1
        assert role_of() == "admin"

    def test_protected_user(self, acme: Scim) -> None:
        sales = push_group(acme, "Sales", push(acme))
        Membership.objects.get(person__email=ANN).person.__class__.objects.filter(email=ANN).update(
            is_superuser=True
        )

        give("Sales", "admin")

        assert (role_of(), prior()) == ("member", None)
        assert acme.get(f"/Groups/{sales}").status == 200

    @pytest.mark.parametrize(
        ("role", "keeps_library", "text"),
        [
            ("boss", True, "There is no such role"),
            ("", False, "would give nothing"),
            ("", True, "gives no role"),
        ],
    )
    def test_refusals(self, acme: Scim, role: str, keeps_library: bool, text: str) -> None:
        push_group(acme, "Sales", push(acme))

        with pytest.raises(ScimError, match=text) as error:
            give("Sales", role, keeps_library=keeps_library)

        assert error.value.status == 409
        assert LibraryGroupLink.objects.get().role == ""
        assert Project.objects.get().members.count() == 1

    def test_the_same_role_again_is_refused(self, acme: Scim) -> None:
        push_group(acme, "Sales", push(acme))
        give("Sales", "admin")
        version = LibraryGroupLink.objects.get().version

        with pytest.raises(ScimError) as error:
            give("Sales", "admin")

        assert (error.value.status, error.value.detail) == (
            409,
            "The group “Sales” gives the role “admin” already.",
        )
        assert LibraryGroupLink.objects.get().version == version

    def test_preview(self, acme: Scim) -> None:
        ann, bob = push(acme), push(acme, BOB)
        push_group(acme, "Sales", ann, bob)
        set_role(BOB, "owner")
        link = LibraryGroupLink.objects.get()

        assert CONNECTION.preview_role(link, "admin", keeps_library=False) == (
            [ANN],
            [],
            [ANN, BOB],
        )
        give("Sales", "owner")
        assert CONNECTION.preview_role(link, "admin") == ([ANN], [ANN], [])
        assert CONNECTION.preview_role(link, "") == ([], [ANN], [])
        assert role_of() == "owner"


class TestRolesThatEnd:
    def test_host_offers_none_any_more(self, acme: Scim, settings: LazySettings) -> None:
        ann = push(acme)
        sales = push_group(acme, "Sales", ann)
        give("Sales", "admin")
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS

        remove(acme, sales, ann)
        assert set_value(acme, ann, "title", "Boss").status == 200
        assert acme.delete(f"/Groups/{sales}").status == 204
        assert list(drift.find(str(ACME))) == []

    def test_host_offers_another_one(self, acme: Scim, settings: LazySettings) -> None:
        push(acme, "root@example.com", **ADMIN)
        push_group(acme, "Sales", push(acme))
        give("Sales", "admin")
        fields = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role=member,owner"}
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = fields

        for link in list(drift.links(str(ACME))):
            CONNECTION.resync(link, EVE)

        assert (role_of(), prior()) == ("member", None)
        give("Sales", "owner")
        event = ScimEvent.objects.latest("pk")
        assert event.changes["attributes"] == {"role": ["admin", "owner"]}


class TestLastAdmin:
    @pytest.mark.parametrize("by", ["member", "group", "hand"])
    def test_stays(self, acme: Scim, by: str) -> None:
        ann = push(acme)
        sales = push_group(acme, "Sales", ann)
        give("Sales", "admin")

        if by == "hand":
            with pytest.raises(ScimError, match="last active Tiled Admin"):
                give("Sales", "")
        elif by == "group":
            answer = acme.delete(f"/Groups/{sales}")
            assert (answer.status, ANN in answer.json["detail"]) == (403, True)
        else:
            operation = {"op": "remove", "path": f'members[value eq "{ann}"]'}
            assert acme.send("PATCH", f"/Groups/{sales}", patch(operation)).status == 403

        assert role_of() == "admin"
        assert acme.get(f"/Groups/{sales}").json["members"][0]["value"] == ann

    def test_who_is_inactive_is_none(self, acme: Scim) -> None:
        sales = push_group(acme, "Sales", push(acme))
        give("Sales", "admin")
        Membership.objects.update(is_active=False)

        assert acme.delete(f"/Groups/{sales}").status == 204

        assert role_of() == "member"


class OwnRoles(AccountAdapter):
    """A host that has Tiled Admin in the membership, and stores roles with code of its own."""

    def roles(self) -> Mapping[str, str]:
        return {"editor": "Editor"}

    def admin_roles(self) -> Collection[str]:
        return ()

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        return {}

    def set_roles(self, roles: Mapping[Any, Collection[str]]) -> None:
        """Store nothing: only Tiled Admin is given here."""


def test_tiled_admin_of_the_membership(acme: Scim, globex: Scim, settings: LazySettings) -> None:
    """A group gives it in its account, also to people whom another account has."""
    settings.TILED_SCIM_HOST_ADAPTER = OwnRoles
    settings.TILED_SCIM_MEMBERSHIP_FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS
    push(globex)
    push_group(acme, "Sales", push(acme))

    give("Sales", TILED_ADMIN)

    assert (role_of(), role_of(account=GLOBEX)) == ("admin", "member")


class TestResync:
    def test_role_that_was_taken_away(self, acme: Scim) -> None:
        push_group(acme, "Sales", push(acme))
        push_group(acme, "Ops", push(acme, BOB, roles=roles("owner")))
        give("Sales", "admin")
        for email in (ANN, BOB):
            set_role(email, "member")

        found = list(drift.find(str(ACME)))
        assert [finding.link.name for finding in found] == [BOB, "Sales"]
        assert [list(finding.people.values()) for finding in found] == [[BOB], [ANN]]
        changes = [CONNECTION.resync(link, EVE) for link in list(drift.links(str(ACME)))]
        assert [name for change in changes for name in change.added] == [BOB, ANN]
        assert list(drift.find(str(ACME))) == []
        assert (role_of(), role_of(BOB)) == ("admin", "owner")

    def test_role_that_people_gave_is_no_drift(self, acme: Scim) -> None:
        push_group(acme, "Sales", push(acme))
        give("Sales", "admin")
        set_role(ANN, "owner")

        assert list(drift.find(str(ACME))) == []


class TestSignals:
    def test_memberships_are_saved_if_somebody_listens(self, acme: Scim) -> None:
        ann = push(acme)
        push(acme, "root@example.com", **ADMIN)
        sales = push_group(acme, "Sales", ann)
        saved: list[str] = []

        def listen(instance: Membership, **kwargs: Any) -> None:
            saved.append(instance.role)

        post_save.connect(listen, Membership)
        try:
            give("Sales", "admin")
            remove(acme, sales, ann)
        finally:
            post_save.disconnect(listen, Membership)

        assert saved == ["admin", "member"]
        assert role_of() == "member"


class TestStatements:
    """Their number does not depend on the number of members."""

    def statements(self, send: Callable[[], Any]) -> int:
        connection.features.supports_json_field  # noqa: B018 (Django asks SQLite once)
        with CaptureQueriesContext(connection) as queries:
            send()
        return sum(query["sql"].startswith(COUNTED) for query in queries)

    def test_group_with_a_role(self, acme: Scim) -> None:
        push(acme, "root@example.com", **ADMIN)
        users = [push(acme, f"{number}@example.com") for number in range(22)]
        group = push_group(acme, "Sales", users.pop())
        give("Sales", "admin")

        def add(*keys: str) -> int:
            return self.statements(
                lambda: acme.send("PATCH", f"/Groups/{group}", add_members(*keys))
            )

        assert add(users.pop()) == 17
        assert add(*users) == 17
        assert add(*users) == 11
        link = LibraryGroupLink.objects.get()
        preview = self.statements(lambda: CONNECTION.preview_role(link, "owner"))
        assert preview == 7
        clear = {"op": "replace", "path": "members", "value": []}
        remove_all = patch(clear)
        assert self.statements(lambda: acme.send("PATCH", f"/Groups/{group}", remove_all)) == 18

    @pytest.mark.parametrize(("active", "number"), [(True, 5), (False, 14)])
    def test_user(self, acme: Scim, active: bool, number: int) -> None:
        """Only requests that may change roles read and write more."""
        key = push(acme)

        assert self.statements(lambda: set_value(acme, key, "title", "Boss")) == 7
        assert self.statements(lambda: set_value(acme, key, "active", active)) == number


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Several requests change what SCIM gives to the same people at the same time."""

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        def run(call: Callable[[], Any]) -> Any:
            try:
                return call()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def test_groups_and_users(self, acme: Scim) -> None:
        push(acme, "root@example.com", **ADMIN)
        users = [push(acme, f"{number}@example.com") for number in range(4)]
        groups = [push_group(acme, f"Group {number}", *users) for number in range(4)]
        for number in range(4):
            give(f"Group {number}", "admin" if number % 2 else "owner", keeps_library=number < 2)

        def clear(group: str) -> Answer:
            operation = {"op": "replace", "path": "members", "value": []}
            return acme.send("PATCH", f"/Groups/{group}", patch(operation))

        def fill(group: str) -> Answer:
            return acme.send("PATCH", f"/Groups/{group}", add_members(*reversed(users)))

        for _round in range(5):
            calls = [
                lambda: clear(groups[0]),
                lambda: clear(groups[1]),
                lambda: remove(acme, groups[2], users[0]),
                lambda: fill(groups[3]),
                lambda: set_value(acme, users[1], "active", False),
                lambda: set_value(acme, users[2], "roles", roles("owner")),
            ]
            answers = [answer for answer in self.at_once(*calls) if answer is not None]
            assert {answer.status for answer in answers} <= {200, 204}
            assert list(drift.find(str(ACME))) == []
            found = [role_of(f"{number}@example.com") for number in range(4)]
            assert found == ["admin", "member", "owner", "owner"]
            assert {fill(group).status for group in groups[:3]} == {204}
            set_value(acme, users[1], "active", True)
            acme.patch(f"/Users/{users[2]}", {"op": "remove", "path": "roles"})
            assert {role_of(f"{number}@example.com") for number in range(4)} == {"owner"}

    def test_last_two_admins(self, acme: Scim) -> None:
        users = [push(acme), push(acme, BOB)]
        groups = [push_group(acme, key, key) for key in users]
        for key in users:
            give(key, "admin")
        deletions = [partial(acme.delete, f"/Groups/{key}") for key in groups]

        answers = self.at_once(*deletions)

        assert sorted(answer.status for answer in answers) == [204, 403]
        assert sorted([role_of(), role_of(BOB)]) == ["admin", "member"]


class TestAttributeOfAdmins:
    """An identity provider may send `tiledAdmin: false` with every PUT."""

    @pytest.mark.parametrize("by", ["attribute", "group"])
    def test_last_admin_by_a_role(self, acme: Scim, by: str) -> None:
        key = push(acme)
        if by == "group":
            push_group(acme, "Sales", key)
            give("Sales", "admin")
        else:
            set_roles(acme, key, "admin")
        body = acme.get(f"/Users/{key}").json

        body = {**body, TILED_SCHEMA: {"tiledAdmin": False}, "title": "Boss"}
        answer = acme.put(f"/Users/{key}", body)

        assert (answer.status, answer.json["title"]) == (200, "Boss")
        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": True}
        assert (role_of(), prior()) == ("admin", [])

    def test_role_that_comes_with_it(self, acme: Scim) -> None:
        key = push(acme, **ADMIN)

        answer = acme.put(f"/Users/{key}", person(ANN, roles=roles("admin"), **NO_ADMIN))

        assert (answer.status, answer.json[TILED_SCHEMA]) == (200, {"tiledAdmin": True})
        assert (role_of(), prior()) == ("admin", [])

    def test_role_of_a_person_who_was_there_before(self, acme: Scim) -> None:
        Membership.objects.create(
            person=Person.objects.create(email=ANN), account_id=ACME, role="owner"
        )

        answer = acme.post("/Users", person(ANN, roles=roles("admin"), **NO_ADMIN))

        assert (answer.status, answer.json[TILED_SCHEMA]) == (201, {"tiledAdmin": True})
        assert (role_of(), prior()) == ("admin", [])

    def test_last_admin_by_a_role_leaves(self, acme: Scim) -> None:
        key = push(acme, roles=roles("admin"))

        answer = acme.put(
            f"/Users/{key}", person(ANN, roles=roles("admin"), active=False, **NO_ADMIN)
        )

        assert (answer.status, role_of()) == (200, "member")
        assert ScimEvent.objects.filter(action=Action.NO_ADMIN_LEFT).exists()


class TestWithoutRoles:
    @pytest.fixture(autouse=True)
    def _not_offered(self, _offered: None, settings: LazySettings) -> None:
        settings.TILED_SCIM_MEMBERSHIP_FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS

    def test_attribute_is_stored(self, acme: Scim) -> None:
        answer = acme.post("/Users", person(ANN, roles=roles("anything")))

        assert answer.json["roles"] == roles("anything")
        assert (role_of(), prior()) == ("member", None)
