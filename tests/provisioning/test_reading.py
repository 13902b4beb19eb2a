"""Reading of resources: one of them, those of a query, and those of links."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet, Value

from tests.population import BEGIN, EXTENSION, TOYS, Adapter, identifier, populate
from tiled_scim.attributes import ResourceType
from tiled_scim.models import LINKS, LibraryGroupLink, UserLink
from tiled_scim.provisioning.reading import (
    Reader,
    document_of,
    version_of,
)
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql import rows
from tiled_scim.sql.pages import SORT_KEY
from tiled_scim.sql.rows import with_groups

every_type = pytest.mark.parametrize("resource_type", [USER, GROUP], ids=["users", "groups"])

ANN, BOB, CARL = (identifier(UserLink, number) for number in range(3))
SALES_OPS, SALES, EMPTY = (identifier(LibraryGroupLink, number) for number in range(3))


@pytest.fixture(autouse=True)
def population(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
    populate()
    UserLink.objects.filter(pk=CARL).update(suspended=True)
    UserLink.objects.filter(pk=ANN).update(version=7, updated_at=BEGIN + timedelta(days=1))
    LibraryGroupLink.objects.filter(pk=SALES_OPS).update(
        version=8, updated_at=BEGIN + timedelta(days=2), display_name="Animals"
    )


@pytest.fixture
def users() -> Reader:
    return Reader(USER, Adapter())


@pytest.fixture
def groups() -> Reader:
    return Reader(GROUP, Adapter())


@pytest.fixture
def reader(resource_type: ResourceType) -> Reader:
    return Reader(resource_type, Adapter())


class TestOne:
    def test_user(self, users: Reader) -> None:
        document: Document = {
            "userName": "ann@example.com",
            "name": {"givenName": "Ann", "familyName": "Ångström"},
            "active": True,
            TOYS: {"since": "2024-02-28T23:59:59.999999Z"},
        }
        changed, groups = BEGIN + timedelta(days=1), ((str(SALES_OPS), "Animals"),)
        assert users.get(ANN) == StoredResource(USER, str(ANN), document, 7, BEGIN, changed, groups)

    def test_group(self, groups: Reader) -> None:
        document: Document = {"displayName": "Animals", "externalId": "g1"}
        changed = BEGIN + timedelta(days=2)
        assert groups.get(SALES_OPS) == StoredResource(
            GROUP, str(SALES_OPS), document, 8, BEGIN, changed
        )

    def test_user_who_is_suspended(self, users: Reader) -> None:
        """The host user is active for another account."""
        [found] = users.find("pk", CARL)

        assert found.document["active"] is False

    @every_type
    def test_nobody(self, reader: Reader) -> None:
        assert reader.get(UUID(int=0)) is None

    def test_groups_of_a_user_are_sorted_by_name(self, users: Reader) -> None:
        assert users.find("user_name_canonical", "carl ")[0].groups == (
            (str(SALES_OPS), "Animals"),
            (str(SALES), "sales"),
        )

    @every_type
    def test_two_tell_that_there_are_several(self, reader: Reader) -> None:
        reader.model._base_manager.update(external_id="same")

        assert len(reader.find("external_id", "same")) == 2


class Chosen(Adapter):
    """A host that knows who belongs to an account: whoever has a last name with an O."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc."}

    def adoptable_users(self) -> QuerySet[Any]:
        return User.objects.filter(last_name__startswith="O")


def test_only_users_who_belong_to_the_account() -> None:
    for model in LINKS.values():
        model._base_manager.update(account="acme")
    users, groups = (Reader(resource_type, Chosen("acme")) for resource_type in (USER, GROUP))

    assert [link.pk for link in users.links()] == [BOB]
    assert [users.get(key) is not None for key in (ANN, BOB, CARL)] == [False, True, False]
    assert len(groups.links()) == 4


class TestMany:
    @every_type
    @pytest.mark.parametrize("is_sorted", [False, True])
    def test_are_what_each_is(self, reader: Reader, is_sorted: bool) -> None:
        links = reader.links()
        if is_sorted:
            links = links.annotate(**{SORT_KEY: Value("x")})

        found = list(reader.columns(links))

        keys = [link.pk for link in reader.links()]
        assert len(keys) > 1
        assert reader.read(found) == [reader.get(key) for key in keys]
        assert [hasattr(row, SORT_KEY) for row in found] == [is_sorted] * len(keys)

    @pytest.mark.parametrize(
        ("size", "most", "number"),
        [(4, 2, 1), (4, 4, 1), (4, 5, 3), (4, 6, 4), (4, 100, 4), (2, 4, 1), (2, 5, 2)],
    )
    def test_groups_fit_on_a_page_with_their_members(
        self, groups: Reader, monkeypatch: pytest.MonkeyPatch, size: int, most: int, number: int
    ) -> None:
        """They have three, two, no and one. A page has at least one group."""
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", most)
        by_key = {row.pk: row for row in groups.columns(groups.links())}
        found = [by_key[identifier(LibraryGroupLink, number)] for number in range(size)]

        assert groups.fit(found) == number

    def test_one_group_fits_whatever_its_members(
        self, groups: Reader, django_assert_num_queries: Any
    ) -> None:
        [sales] = groups.columns(groups.links().filter(pk=SALES))

        with django_assert_num_queries(0):
            assert (groups.fit([sales]), groups.fit([])) == (1, 0)


class TestLinks:
    @pytest.mark.parametrize(
        ("resource_type", "key"), [(USER, ANN), (USER, CARL), (GROUP, SALES_OPS), (GROUP, EMPTY)]
    )
    def test_have_the_document_and_version_of_the_resource(
        self, resource_type: ResourceType, key: UUID
    ) -> None:
        links: Any = LINKS[resource_type.name]._base_manager.all()
        link = (with_groups(links) if resource_type is USER else links).get(pk=key)

        resource = Reader(resource_type, Adapter()).get(key)

        assert resource is not None
        assert document_of(link, Adapter()) == resource.document
        assert version_of(link, Adapter()) == resource.version
