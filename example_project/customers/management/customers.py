"""What happens when a company becomes a customer: an account, its admin, and its SCIM token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

from example_project.customers.models import Account, Membership
from example_project.libraries.models import Library
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink

from .companies import Company

STAFF_NAME = "admin"


@dataclass(frozen=True)
class Customer:
    """A company with its account.

    Args:
        company: The company.
        account: Its account.
        admin_login: How its admin signs in, as text.
        token: The token for its Okta.
    """

    company: Company
    account: Account
    admin_login: str
    token: str

    @property
    def name(self) -> str:
        return self.company.name


def sign_up(company: Company) -> Customer:
    """Make a company a customer. One that is a customer already gets a new token."""
    account, _ = Account.objects.get_or_create(name=company.name)
    names = {"first_name": company.admin.given_name, "last_name": company.admin.family_name}
    user_name = company.admin.user_name
    user, _ = User.objects.get_or_create(username=user_name, defaults={"email": user_name, **names})
    Membership.objects.get_or_create(
        user=user, account=account, defaults={"role": Membership.Role.ADMIN}
    )
    token = Connection(str(account.pk)).rotate(Actor("demo")).plaintext
    return Customer(company, account, give_password(user_name), token)


def forget_provisioning(customer: Customer) -> None:
    """Delete the users, Libraries and events of an account that SCIM has created so far."""
    account = {"account": str(customer.account.pk)}
    links = UserLink.objects.filter(**account)
    groups = LibraryGroupLink.objects.filter(**account)
    User.objects.filter(scim_links__in=links).delete()
    Library.objects.filter(scim_links__in=groups).delete()
    groups.delete()
    ScimEvent.objects.filter(**account).delete()


def create_staff() -> str:
    """Return how the product's own staff signs in to the Django admin, as text."""
    User.objects.get_or_create(
        username=STAFF_NAME,
        defaults={"email": "admin@example.com", "is_staff": True, "is_superuser": True},
    )
    return give_password(STAFF_NAME)


def give_password(user_name: str) -> str:
    """Give somebody who has no password a new one. Return how they sign in, as text."""
    user = User.objects.get(username=user_name)
    if user.password and user.has_usable_password():
        return f"{user_name}, with the existing password"
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save()
    return f"{user_name}, password {password}"
