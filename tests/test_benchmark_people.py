"""The people that measurements are about are as pushes leave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from benchmarks import people, scale
from tiled_scim.host import HostAdapter
from tiled_scim.models import StoredEmail, UserLink, stored_emails
from tiled_scim.provisioning.reading import Reader
from tiled_scim.schemas import USER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _forget_statistics(db: None) -> Iterator[None]:
    """SQLite plans by the statistics of people who are gone, and other tests read its plans."""
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # The first one makes the table, if it is not there yet, and the last one reads it.
            for statement in ("ANALYZE", "DELETE FROM sqlite_stat1", "ANALYZE sqlite_master"):
                cursor.execute(statement)


def constraints() -> dict[str, Any]:
    with connection.cursor() as cursor:
        return dict(connection.introspection.get_constraints(cursor, UserLink._meta.db_table))


def test_they_can_be_identified_by_their_numbers() -> None:
    before = constraints()

    people.push(25)
    people.push(40, 25)

    assert constraints().keys() == before.keys()
    links = UserLink.objects.select_related("user").order_by("user")
    found = {link.user.username: link for link in links}
    assert found.keys() == {f"person{number}" for number in range(40)}
    for number in range(40):
        link = found[f"person{number}"]
        assert link.user_name == people.user_name(number)
        assert link.holds_name
        assert link.user.email == people.email(number)
        assert (link.created_at - people.BEGIN).total_seconds() == number // 3
        if connection.vendor != "sqlite":
            assert link.pk == people.identifier(number)


def test_their_documents_have_all_addresses() -> None:
    people.push(25)

    reader = Reader(USER, HostAdapter(""))
    for resource in reader.read(list(reader.columns(reader.links()))):
        number = int(str(resource.document["displayName"]).removeprefix("Person "))
        home = {"value": people.second_email(number), "type": "home"}
        second = [home] if number % people.SECOND_EMAILS == 0 else []
        work = {"value": people.email(number), "type": "work", "primary": True}
        assert resource.document["emails"] == [work, *second]
    rows = StoredEmail.objects.values_list("link", "folded")
    assert set(rows) == {
        (link.pk, folded)
        for link in UserLink.objects.all()
        for folded in stored_emails(link.attributes)
    }


def test_figures_fail_where_they_are_more_than_allowed() -> None:
    ratio = scale.Operation("by ratio", scale.get, most_ratio=1.2)
    most = scale.Operation("by time", scale.get, most=20)

    assert scale.Figures(ratio, 10, 12).is_met
    assert not scale.Figures(ratio, 10, 12.1).is_met
    assert scale.Figures(most, 1, 20).is_met
    assert not scale.Figures(most, 20, 20.1).is_met
    assert (
        scale.row(scale.Figures(ratio, 10, 12)) == "| by ratio | 10.0 | 12.0 | 1.20 | 1.2 times |"
    )
