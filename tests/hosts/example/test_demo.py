"""What the demo makes: two customers, and what their Oktas push."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from example_project.customers.management import directory, summary
from example_project.customers.management.companies import ACME, COMPANIES, GLOBEX
from example_project.customers.management.customers import Customer, create_staff, sign_up
from example_project.customers.models import Membership
from example_project.libraries.models import Library
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.session import Session


@pytest.fixture
def customers(transactional_db: None) -> list[Customer]:
    return [sign_up(company) for company in COMPANIES]


def push(customers: list[Customer], url: str) -> list[str]:
    said: list[str] = []
    for customer in customers:
        okta = Session(OktaClient(url, customer.token))
        said += directory.push(okta, customer.company.directory)
    return said


def openers() -> dict[tuple[str, str], list[str]]:
    """Return the first names of the people who open each Library."""
    return {
        (library.account.name, library.name): sorted(
            membership.user.first_name
            for membership in Membership.objects.filter(account=library.account)
            if library in Library.objects.open_to(membership)
        )
        for library in Library.objects.all()
    }


EXPECTED = {
    ("Acme Inc.", "Engineering"): ["Ada", "Grace"],
    ("Acme Inc.", "Research"): ["Ada", "Emmy"],
    ("Globex Corporation", "Engineering"): ["Dorothy", "Grace", "Katherine"],
    ("Globex Corporation", "Sales & Operations"): ["Dorothy"],
}


def test_people_and_groups_of_both(customers: list[Customer], scim_url: str) -> None:
    said = push(customers, scim_url)

    assert len(said) == 12
    assert openers() == EXPECTED
    assert User.objects.count() == 6
    assert Membership.objects.count() == 7
    admins = Membership.objects.filter(role="admin").values_list("account__name", "user__username")
    assert set(admins) == {
        (ACME.name, ACME.admin.user_name),
        (GLOBEX.name, GLOBEX.admin.user_name),
    }
    inactive = Membership.objects.filter(is_active=False)
    assert [each.user.first_name for each in inactive] == ["Alan"]
    assert not User.objects.filter(is_staff=True).exists()


def test_admins_keep_their_password(customers: list[Customer], scim_url: str) -> None:
    push(customers, scim_url)

    with_password = {user.first_name for user in User.objects.all() if user.has_usable_password()}
    assert with_password == {"Ada", "Katherine"}


def test_pushing_again_changes_nothing(customers: list[Customer], scim_url: str) -> None:
    push(customers, scim_url)
    before = list(Membership.objects.order_by("pk").values())

    push([sign_up(company) for company in COMPANIES], scim_url)

    assert openers() == EXPECTED
    assert list(Membership.objects.order_by("pk").values()) == before


def test_summary(customers: list[Customer], scim_url: str) -> None:
    push(customers, scim_url)

    acme, globex = ("\n".join(summary.people(customer.account)) for customer in customers)

    assert re.search(
        r"^Ada Lovelace +Admin +Head of Research +opens Engineering, Research$", acme, re.M
    )
    assert re.search(r"^Alan Turing +deactivated +Researcher +opens nothing$", acme, re.M)
    assert re.search(r"^Grace Hopper +Member +Interim Manager +opens Engineering$", globex, re.M)
    assert "Ada" not in globex


def test_staff(db: None) -> None:
    assert re.fullmatch(r"admin, password \S{12}", create_staff())
    assert create_staff() == "admin, with the existing password"
    assert User.objects.get().is_superuser


@pytest.mark.parametrize("number", ["0", "65536", "http", "-1", ""])
def test_a_port_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(CommandError, match=f"from 1 to 65535, not {number!r}"):
        call_command("demo", f"--port={number}")
