"""People of the customers, in browsers of their own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from example_project.customers.models import Account, Membership
from example_project.libraries.models import Library

LIBRARIES = "/"


def settings_of(account: Account) -> str:
    return f"/accounts/{account.pk}/settings/"


def scim_of(account: Account) -> str:
    return f"{settings_of(account)}scim/"


def generate_of(account: Account) -> str:
    return f"{scim_of(account)}token/generate/"


def make_user(user_name: str, **fields: Any) -> User:
    return User.objects.create_user(user_name, user_name, "a long pass phrase", **fields)


def join(user: User, account: Account, **fields: Any) -> Membership:
    return Membership.objects.create(user=user, account=account, **fields)


def make_library(account: Account, name: str, *members: User) -> Library:
    library = Library.objects.create(account=account, name=name)
    library.members.set(members)
    return library


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def switch(client: Client, account: Account) -> Any:
    return client.post(reverse("customers:switch", args=[account.pk]))


def shown(client: Client) -> list[str]:
    """Return the names of the Libraries on a person's first page."""
    return [library.name for library in client.get(LIBRARIES).context["libraries"]]
