"""Reading of users whose memberships have values."""

from __future__ import annotations

from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.hosts.company.customers.models import Account, Membership
from tests.hosts.company.test_company import ACME, ANN, GLOBEX, client_of, push
from tiled_scim.connections import Connection
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import UserLink
from tiled_scim.provisioning.reading import Reader, host_values_of, read_memberships
from tiled_scim.schemas import USER

pytestmark = pytest.mark.django_db

BOB = "bob@example.com"


@pytest.fixture
def links() -> list[UserLink]:
    """The links of Ann and Bob in two accounts, one of which Bob has left."""
    for key in (ACME, GLOBEX):
        Account.objects.create(pk=key, name=str(key))
        scim = client_of(key)
        push(scim, ANN, title=f"of {key}")
        push(scim, BOB)
    Membership.objects.get(person__email=BOB, account=GLOBEX).delete()
    return list(UserLink.objects.order_by("account", "user_name"))


def test_memberships_of_all_links_are_read_at_once(
    links: list[UserLink], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        read_memberships(links)

    assert [link.membership for link in links] == [
        Membership.objects.filter(person=link.user_id, account=link.account).first()
        for link in links
    ]
    assert [link.belongs for link in links] == [True, True, True, False]


def test_values_of_a_link_are_those_that_the_account_sees(links: list[UserLink]) -> None:
    ann, _bob, _ann_there, bob_there = links

    values = host_values_of(ann, Connection(ann.account).adapter)
    assert (values["title"], values["active"], values[TILED_ADMIN]) == (f"of {ACME}", True, False)
    assert host_values_of(bob_there, Connection(bob_there.account).adapter) == {}


@pytest.mark.usefixtures("links")
def test_list_has_what_the_account_sees() -> None:
    reader = Reader(USER, Connection(str(ACME)).adapter)

    [ann, bob] = reader.read(list(reader.columns(reader.links())))

    assert (ann.document["title"], "title" in bob.document) == (f"of {ACME}", False)
    assert [ann, bob] == [reader.get(UUID(each.key)) for each in (ann, bob)]
