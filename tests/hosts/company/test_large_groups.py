"""Large groups that give a role: a request changes only as many members as it can settle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings

from tests.hostile.costs import bounded
from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.test_company import ACME, ADMIN, client_of, push, push_group
from tests.hosts.company.test_roles import offer_roles
from tests.hosts.messages import add_members, patch
from tests.rows import insert
from tests.wire.client import Answer, Scim
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import ScimError
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorRoles, UserLink
from tiled_scim.scim.budget import MAX_ROLE_CHANGES

SUPPORT = Actor("Support")

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(settings: LazySettings) -> Scim:
    offer_roles(settings)
    Account.objects.create(pk=ACME, name="Acme Inc.")
    return client_of(ACME)


@pytest.fixture
def group(acme: Scim) -> str:
    """A group whose members become admins."""
    push(acme, "root@example.com", **ADMIN)
    group = push_group(acme, "Sales")
    give_role("admin")
    return group


def give_role(role: str) -> None:
    link = LibraryGroupLink.objects.get()
    Connection(str(ACME)).give_role(link, role, SUPPORT)


def people(number: int) -> list[str]:
    """People of the account, without a request for each; returns their ids."""
    persons = insert(Person(email=f"person{n}@example.com") for n in range(number))
    Membership.objects.bulk_create(
        Membership(person=person, account_id=ACME, role="member") for person in persons
    )
    links = UserLink.objects.bulk_create(
        UserLink(
            account=str(ACME),
            user_id=person.pk,
            user_name=person.email,
            user_name_canonical=person.email,
        )
        for person in persons
    )
    return [str(link.pk) for link in links]


def replace_members(*keys: str) -> dict[str, object]:
    value = [{"value": key} for key in keys]
    return patch({"op": "replace", "path": "members", "value": value})


def admins() -> int:
    """The number of people to whom the group gives its role."""
    number = Membership.objects.filter(role="admin").count() - 1
    assert PriorRoles.objects.count() == number
    return number


def test_as_many_changes_as_there_may_be(acme: Scim, group: str) -> None:
    keys = people(MAX_ROLE_CHANGES)
    path = f"/Groups/{group}"

    assert bounded(lambda: acme.send("PATCH", path, add_members(*keys))).status == 204
    assert admins() == len(keys)
    half = keys[: len(keys) // 2]
    assert bounded(lambda: acme.send("PATCH", path, replace_members(*half))).status == 204
    assert admins() == len(half)
    assert bounded(lambda: acme.delete(path)).status == 204
    assert admins() == LibraryGroupMember.objects.count() == 0


class TestMoreChanges:
    MOST = 3

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiled_scim.provisioning.roles.MAX_ROLE_CHANGES", self.MOST)

    @pytest.fixture
    def members(self, acme: Scim, group: str) -> list[str]:
        """One member more than may change at once."""
        keys = people(self.MOST + 1)
        path = f"/Groups/{group}"
        acme.send("PATCH", path, add_members(*keys[: self.MOST]))
        acme.send("PATCH", path, add_members(keys[self.MOST]))
        return keys

    @pytest.mark.parametrize(
        "send",
        [
            lambda acme, path: acme.send("PATCH", path, replace_members()),
            lambda acme, path: acme.put(path, {"displayName": "Sales", "members": []}),
            lambda acme, path: acme.delete(path),
        ],
        ids=["PATCH", "PUT", "DELETE"],
    )
    def test_are_refused(
        self, acme: Scim, group: str, members: list[str], send: Callable[[Scim, str], Answer]
    ) -> None:
        answer = send(acme, f"/Groups/{group}")

        assert answer.status == 413
        assert "change the roles of 4 members" in answer.json["detail"]
        assert "at most 3 members" in answer.json["detail"]
        assert admins() == len(acme.members(group)) == self.MOST + 1

    def test_are_refused_on_the_page(self, acme: Scim, group: str, members: list[str]) -> None:
        with pytest.raises(ScimError, match="at most 3 members"):
            give_role("owner")

        assert admins() == self.MOST + 1

    def test_few_changes_of_a_large_group(self, acme: Scim, group: str, members: list[str]) -> None:
        members = members[1:]

        assert acme.send("PATCH", f"/Groups/{group}", replace_members(*members)).status == 204
        assert admins() == len(members)
        assert acme.delete(f"/Groups/{group}").status == 204
        assert admins() == 0
