"""How SCIM sees this host: an account is a customer, and membership is a seat with a role."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest

from tests.hosts.overridden.customers.models import Customer, Person
from tests.hosts.overridden.workspaces.models import Workspace
from tiled_scim.host import HostAdapter


def has_scim(account: str) -> bool:
    return Customer.objects.filter(key=account, has_scim=True).exists()


def configurable_account(request: HttpRequest) -> str | None:
    """The customer of a person who is its curator."""
    person: Any = request.user
    return str(person.customer_id) if person.is_curator else None


class CustomerAdapter(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return dict(Customer.objects.values_list("key", "name"))

    @property
    def user_fields(self) -> dict[str, str]:
        names = {"name.givenName": "given_name", "name.familyName": "surname"}
        return super().user_fields | names

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        person = Person(customer_id=self.account)
        person.set_unusable_password()
        self.update_user(person, values)
        return person

    def adoptable_users(self) -> models.QuerySet[Any]:
        return Person.objects.using("primary").filter(customer=self.account)

    def adoptable_libraries(self) -> models.QuerySet[Any]:
        workspaces = Workspace.objects.using("primary").filter(customer=self.account)
        return workspaces.filter(scim_links__isnull=True)

    def create_library(self, name: str) -> models.Model:
        return Workspace.objects.create(customer_id=self.account, title=name)

    def grant(self, library: Any, users: Collection[Any]) -> None:
        library.people.add(*users, through_defaults={"role": "reader"})
