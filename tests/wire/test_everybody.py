"""Names are compared with those of everybody in the host, not only of those who may be adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import models
from pytest_django import Settings

from tests.accounts import ACME, Apart, client_of
from tests.factories import make_user
from tiled_scim.host import HostAdapter, objects
from tiled_scim.models import UserLink

from .client import ANN, BOB, Scim, patch_op, user
from .state import refused
from .test_access_rules import Way, email, error, every_way, wide

SPELLINGS = ["root", "Root", wide("root"), "ROOT"]


class Narrow(HostAdapter):
    """A host without accounts that lets a push adopt only some of its users."""

    def adoptable_users(self) -> models.QuerySet[Any]:
        return objects(User).filter(first_name="Adoptable")


class Customers(Apart):
    """A host with accounts, whose usernames are those that are pushed."""

    def adoptable_users(self) -> models.QuerySet[Any]:
        return objects(User).filter(scim_links__account=self.account)

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return HostAdapter.create_user(self, values)


class Careless(Customers):
    """Saves users itself, and asks nobody about their names."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return User.objects.create(username=values["userName"])


class Choosing(Customers):
    """The same as the guide's: it chooses another username if one is taken."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        if self.is_username_taken(values["userName"]):
            values = {**values, "userName": str(uuid4())}
        return super().create_user(values)


class ByDomain(Customers):
    """The domain of the address says who belongs to an account."""

    def adoptable_users(self) -> models.QuerySet[Any]:
        return objects(User).filter(email__endswith=f"@{self.account}.example")


class TestWithoutAccounts:
    @pytest.fixture(autouse=True)
    def _narrow(self, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Narrow

    @pytest.mark.parametrize("adopt", ["username", "email", None])
    @pytest.mark.parametrize("name", SPELLINGS)
    def test_push_of_a_name_of_somebody_else_is_409(
        self, scim: Scim, settings: Settings, name: str, adopt: str | None
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = adopt
        make_user("root", email="")

        assert refused(scim, "POST", "/Users", user(name)).error == (409, "uniqueness")

    def test_push_of_an_address_of_somebody_else_is_409(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        make_user("root", email="Root@host.example")
        body = user(ANN, **email("root@HOST.example"))

        assert refused(scim, "POST", "/Users", body).error == (409, "uniqueness")

    def test_push_of_who_may_be_adopted_adopts(self, scim: Scim) -> None:
        person = make_user("Root", first_name="Adoptable")
        make_user(BOB)

        scim.add_user("root")

        assert UserLink.objects.get().user == person

    @every_way
    @pytest.mark.parametrize("name", SPELLINGS)
    def test_change_to_a_name_of_somebody_else_is_409(
        self, scim: Scim, way: Way, name: str
    ) -> None:
        key = scim.add_user(ANN)
        make_user("root")

        assert error(refused(scim, *way(key, {"userName": name}))) == (409, "uniqueness")

    @every_way
    def test_change_to_an_address_of_somebody_else_is_409(
        self, scim: Scim, settings: Settings, way: Way
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        key = scim.add_user(ANN)
        make_user("root", email="root@host.example")

        answer = refused(scim, *way(key, email("Root@host.example")))

        assert error(answer) == (409, "uniqueness")

    def test_own_name_after_a_delete_is_201(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.delete(f"/Users/{key}")

        assert scim.add_user(ANN.upper()) == key


class TestWithAccounts:
    def test_who_belongs_to_another_one_now_is_not_found(
        self, db: None, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = ByDomain
        acme = client_of(ACME)
        ann = acme.add_user(ANN, emails=[{"value": "ann@acme.example"}])
        bob = acme.add_user(BOB, emails=[{"value": "bob@acme.example"}])

        User.objects.filter(username=ANN).update(email="ann@globex.example")

        assert acme.get(f"/Users/{ann}").status == 404
        for parameters in ({}, {"filter": "userName pr"}, {"cursor": ""}):
            answer = acme.get("/Users", **parameters)
            assert [each["id"] for each in answer.json["Resources"]] == [bob]
            assert answer.json["totalResults"] == 1

    @pytest.mark.parametrize("adapter", [Customers, Careless])
    @pytest.mark.parametrize("name", SPELLINGS)
    def test_push_of_a_name_of_somebody_elsewhere_is_409(
        self, db: None, settings: Settings, adapter: type[HostAdapter], name: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = adapter
        make_user("root")

        assert refused(client_of(ACME), "POST", "/Users", user(name)).status == 409

    @every_way
    @pytest.mark.parametrize("name", SPELLINGS)
    def test_change_to_it_is_409(self, db: None, settings: Settings, way: Way, name: str) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Customers
        acme = client_of(ACME)
        key = acme.add_user(ANN)
        make_user("root")

        assert error(refused(acme, *way(key, {"userName": name}))) == (409, "uniqueness")

    @pytest.mark.parametrize("name", SPELLINGS)
    def test_nobody_learns_of_it_where_the_host_chooses_a_username(
        self, db: None, settings: Settings, name: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Choosing
        root = User.objects.create_superuser("root")
        acme = client_of(ACME)

        key = acme.add_user(name)
        assert acme.get(f"/Users/{key}").json["userName"] == name
        assert acme.put(f"/Users/{key}", user("rooted")).status == 200
        assert acme.put(f"/Users/{key}", user(name)).status == 200
        assert acme.delete(f"/Users/{key}").status == 204
        assert acme.add_user(name) == key

        assert UserLink.objects.get().user != root
        assert User.objects.filter(username__iexact="root").get() == root

    def test_free_name_is_kept(self, db: None, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Choosing

        client_of(ACME).add_user(ANN)

        assert User.objects.get().username == ANN


class Renaming(HostAdapter):
    """Takes the given name as the username, and asks nobody whether it is free."""

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, values)
        User.objects.filter(pk=user.pk).update(username=values["name.givenName"])
        user.refresh_from_db()


def test_a_change_after_which_the_host_has_a_name_twice_is_409(
    scim: Scim, settings: Settings
) -> None:
    key = scim.add_user(ANN)
    make_user("root")
    settings.TILED_SCIM_HOST_ADAPTER = Renaming
    name = {"op": "replace", "path": "name.givenName", "value": "Root"}

    answer = refused(scim, "PATCH", f"/Users/{key}", patch_op(name))

    assert answer.error == (409, "uniqueness")
