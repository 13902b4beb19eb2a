"""scim2-client: what a program does that provisions with typed models, and the state it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User as HostUser
from scim2_client.engines.httpx2 import SyncSCIMClient

from tests.oauth.token_requests import granted, new_client
from tests.wire.client import ANN, BOB, CARL
from tests.wire.state import access, people

from .models import SERVER, EnterpriseUser, Group, Person, TiledUser, scim2


@pytest.fixture
def scim(client: SyncSCIMClient) -> Any:
    """A client that knows the models, and has asked the server for what it can do."""
    client.provider = SERVER
    client.discover()
    return client


def person(user_name: str, **attributes: object) -> Any:
    return Person(
        user_name=user_name,
        name=scim2.Name(given_name=user_name.partition("@")[0].title(), family_name="Angel"),
        emails=[scim2.Email(value=user_name, type="work", primary=True)],
        active=True,
        **attributes,
    )


def add(scim: Any, user_name: str, **attributes: object) -> Any:
    created = scim.create(person(user_name, **attributes))
    assert isinstance(created, Person)
    return created


def add_group(scim: Any, name: str, *members: Any) -> Any:
    created = scim.create(Group(display_name=name, members=as_members(*members)))
    assert isinstance(created, Group)
    return created


def as_members(*people: Any) -> list[Any]:
    return [scim2.GroupMember(value=one.id, display=one.user_name, type="User") for one in people]


def patch_op(model: type, *operations: tuple[str, str, object]) -> Any:
    return scim2.PatchOp[model](
        operations=[
            scim2.PatchOperation(op=op, path=path, value=value) for op, path, value in operations
        ]
    )


def listed(scim: Any, model: type, **query: object) -> list[str]:
    """The ids on one page."""
    return ids(scim.query(model, query_parameters=scim2.SearchRequest(**query)))


def by_cursor(scim: Any, **query: object) -> Iterator[list[str]]:
    """The ids of people on each page of two."""
    cursor: str | None = ""
    while cursor is not None:
        request = scim2.SearchRequest(cursor=cursor, count=2, **query)
        page = scim.query(Person, query_parameters=request)
        yield ids(page)
        cursor = page.next_cursor


def ids(page: Any) -> list[str]:
    assert isinstance(page, scim2.ListResponse)
    return [resource.id for resource in page.resources]


class TestPeople:
    def test_are_created_with_all_that_was_sent(self, scim: Any) -> None:
        sent = person(ANN, nick_name="Annie", external_id="00u1")
        sent[EnterpriseUser] = EnterpriseUser(department="Tours", manager=scim2.Manager(value="42"))
        sent[TiledUser] = TiledUser(tiled_admin=True)

        created = scim.create(sent)

        assert isinstance(created, Person)
        assert created.meta.location == f"{scim.client.base_url}Users/{created.id}"
        assert created.model_dump(exclude={"id", "meta"}) == sent.model_dump(exclude={"id", "meta"})
        assert scim.query(Person, created.id) == created
        assert people() == {ANN: "active admin"}

    def test_are_refused_twice(self, scim: Any) -> None:
        add(scim, ANN)

        with pytest.raises(scim2.UniquenessException, match=ANN):
            add(scim, ANN.upper())
        assert people() == {ANN: "active"}

    def test_are_found(self, scim: Any) -> None:
        ann, bob, carl = (add(scim, name).id for name in (ANN, BOB, CARL))

        assert listed(scim, Person, filter=f'userName eq "{ANN.upper()}"') == [ann]
        assert listed(scim, Person, filter='emails[type eq "work"].value sw "b"') == [bob]
        assert listed(scim, Person, sort_by="userName", sort_order="descending") == [carl, bob, ann]
        found = scim.search(Person, scim2.SearchRequest(filter='name.givenName ne "Bob"', count=1))
        assert (found.total_results, ids(found)) == (2, [ann])

    @pytest.mark.parametrize("order", [{}, {"sort_by": "name.givenName", "filter": "active pr"}])
    def test_are_read_page_by_page(self, scim: Any, order: dict[str, str]) -> None:
        everybody = [add(scim, f"person{number}@example.com").id for number in range(5)]
        pages = [everybody[:2], everybody[2:4], everybody[4:]]

        assert list(by_cursor(scim, **order)) == pages
        assert [listed(scim, Person, start_index=at, count=2, **order) for at in (1, 3, 5)] == pages

    def test_are_modified(self, scim: Any) -> None:
        ann = add(scim, ANN)

        changed = scim.modify(
            ann,
            patch_op(
                Person,
                ("replace", "active", False),
                ("replace", 'emails[type eq "work"].value', BOB),
                ("add", f"{EnterpriseUser.__schema__}:department", "Tours"),
                ("add", f"{TiledUser.__schema__}:tiledAdmin", True),
                ("remove", "name.familyName", None),
            ),
        )

        assert changed.active is False
        assert changed[EnterpriseUser].department == "Tours"
        assert changed.name == scim2.Name(given_name="Ann")
        assert scim.query(Person, ann.id) == changed
        host_user = HostUser.objects.get(username=ANN)
        assert (host_user.email, host_user.last_name) == (BOB, "")
        assert people() == {ANN: "inactive admin"}

    def test_are_replaced(self, scim: Any) -> None:
        ann = add(scim, ANN, nick_name="Annie")
        ann.nick_name, ann.title, ann.active = None, "Boss", False

        replaced = scim.replace(ann)

        assert (replaced.nick_name, replaced.title, replaced.active) == (None, "Boss", False)
        assert scim.query(Person, ann.id) == replaced
        assert people() == {ANN: "inactive"}

    def test_are_not_overwritten_by_who_read_an_old_version(self, scim: Any) -> None:
        ann = add(scim, ANN)
        scim.modify(Person, ann.id, patch_op(Person, ("replace", "title", "Boss")))

        ann.title = "Clerk"
        with pytest.raises(scim2.PreconditionFailedException):
            scim.replace(ann)
        with pytest.raises(scim2.PreconditionFailedException):
            scim.delete(ann)
        assert scim.query(Person, ann.id).title == "Boss"

    def test_that_did_not_change_are_not_sent_again(self, scim: Any) -> None:
        ann = add(scim, ANN)

        # What the client gives for a 304: the very object.
        assert scim.query(ann) is ann

    def test_are_deleted_and_come_back(self, scim: Any) -> None:
        ann = add(scim, ANN)

        scim.delete(ann)

        with pytest.raises(scim2.NotFoundException):
            scim.query(Person, ann.id)
        assert people() == {ANN: "inactive"}
        assert add(scim, ANN).id == ann.id
        assert people() == {ANN: "active"}


class TestGroups:
    def test_are_created_with_members(self, scim: Any) -> None:
        ann = add(scim, ANN)

        group = add_group(scim, "Sales", ann)

        [member] = group.members
        assert (member.value, member.type, member.display) == (ann.id, "User", ANN)
        [shown] = scim.query(Person, ann.id).groups
        assert (shown.value, shown.display) == (group.id, "Sales")
        assert access() == {"Sales": {ANN}}

    def test_are_found(self, scim: Any) -> None:
        ann = add(scim, ANN)
        sales, ops = add_group(scim, "Sales", ann).id, add_group(scim, "Ops").id

        assert listed(scim, Group, filter='displayName eq "sales"') == [sales]
        assert listed(scim, Group, filter=f'members.value eq "{ann.id}"') == [sales]
        assert listed(scim, Group, sort_by="displayName") == [ops, sales]
        everything = scim2.SearchRequest(filter='displayName pr or userName eq "x"')
        assert ids(scim.search(everything)) == [sales, ops]

    def test_are_modified(self, scim: Any) -> None:
        ann, bob, carl = (add(scim, name) for name in (ANN, BOB, CARL))
        sales = add_group(scim, "Sales", ann).id

        def modify(*operations: tuple[str, str, object]) -> dict[str, set[str]]:
            assert scim.modify(Group, sales, patch_op(Group, *operations)) is None
            return access()

        assert modify(
            ("remove", f'members[value eq "{ann.id}"]', None),
            ("add", "members", as_members(bob, carl)),
            ("replace", "displayName", "Sales & Ops"),
        ) == {"Sales & Ops": {BOB, CARL}}
        assert modify(("replace", "members", as_members(ann))) == {"Sales & Ops": {ANN}}
        assert modify(("remove", "members", None)) == {"Sales & Ops": set()}

    def test_are_replaced(self, scim: Any) -> None:
        ann, bob = add(scim, ANN), add(scim, BOB)
        sales = add_group(scim, "Sales", ann)
        sales.display_name, sales.members = "Ops", as_members(bob)

        replaced = scim.replace(sales)

        assert [member.value for member in replaced.members] == [bob.id]
        assert scim.query(Group, sales.id) == replaced
        assert access() == {"Ops": {BOB}}

    def test_are_deleted(self, scim: Any) -> None:
        sales = add_group(scim, "Sales", add(scim, ANN))

        scim.delete(Group, sales.id)

        assert listed(scim, Group) == []
        assert access() == {"Sales": set()}
        assert people() == {ANN: "active"}


class TestBulk:
    def test_is_many_operations_in_one_request(self, scim: Any) -> None:
        bob = add(scim, BOB)
        sales = Group(display_name="Sales", members=[scim2.GroupMember(value="bulkId:ann")])
        inactive = patch_op(Person, ("replace", "active", False))
        operation = scim2.BulkOperation

        response = scim.bulk(
            scim2.BulkRequest[Person | Group](
                operations=[
                    operation[Group](method="POST", path="/Groups", bulk_id="sales", data=sales),
                    operation[Person](
                        method="POST", path="/Users", bulk_id="ann", data=person(ANN)
                    ),
                    operation[Person](
                        method="POST", path="/Users", bulk_id="bob", data=person(BOB)
                    ),
                    operation[Person](method="PATCH", path=f"/Users/{bob.id}", data=inactive),
                ]
            )
        )

        assert [result.status for result in response.operations] == [201, 201, 409, 200]
        assert BOB in response.operations[2].response.detail
        assert access() == {"Sales": {ANN}}
        assert people() == {ANN: "active", BOB: "inactive"}


class TestWithAnAccessToken:
    @pytest.fixture
    def token(self, administrator: HostUser) -> str:
        return granted(new_client())

    def test_a_whole_provisioning(self, scim: Any) -> None:
        ann, bob = add(scim, ANN), add(scim, BOB)
        sales = add_group(scim, "Sales", ann, bob)
        assert access() == {"Sales": {ANN, BOB}}

        bob = scim.query(Person, bob.id)  # its groups are new
        bob = scim.modify(bob, patch_op(Person, ("replace", "active", False)))
        assert people() == {ANN: "active", BOB: "inactive"}
        assert listed(scim, Person, filter=f'userName eq "{ANN}"') == [ann.id]
        scim.delete(bob)
        sales = scim.query(Group, sales.id)  # its members are others
        scim.delete(sales)

        assert access() == {"Sales": set()}
        assert listed(scim, Person) == [ann.id]
