"""Events in another database are written after the commit, so that none is of a lost change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.db.models.signals import post_save

from tests.hosts.audited.routers import AUDIT
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim, add_members, user
from tests.wire.state import people
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import Action, LibraryGroupLink, Outcome, ScimEvent, UserLink

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", AUDIT])


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def failing_commit() -> Iterator[None]:
    """Let the next transaction that saves a link fail: MariaDB at once, others at the commit."""

    def break_foreign_key(**arguments: object) -> None:
        post_save.disconnect(break_foreign_key, UserLink)
        library = Library.objects.create(name="Broken")
        Library.members.through.objects.create(library=library, user_id=-1)

    post_save.connect(break_foreign_key, UserLink)
    yield
    post_save.disconnect(break_foreign_key, UserLink)


def events(database: str = AUDIT) -> list[tuple[str, str]]:
    rows = ScimEvent.objects.using(database).order_by("pk")
    return list(rows.values_list("action", "outcome"))


def test_a_change_has_its_event_in_that_database(scim: Scim) -> None:
    ann, sales = scim.add_user(ANN), scim.add_group("Sales")
    scim.patch(f"/Groups/{sales}", add_members(ann))
    scim.post("/Users", user(ANN))

    assert events() == [
        (Action.USER_PROVISIONED, Outcome.DONE),
        (Action.LIBRARY_LINKED, Outcome.DONE),
        (Action.ACCESS_CHANGED, Outcome.DONE),
        ("", Outcome.REFUSED),
    ]
    assert events("default") == []


def test_people_and_groups_are_read_from_the_other_one(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    sales, support = scim.add_group("Sales", ann), scim.add_group("Support", ann)

    [person] = scim.get("/Users").json["Resources"]
    assert [group["value"] for group in person["groups"]] == [sales, support]
    groups = scim.get("/Groups").json["Resources"]
    assert [group["members"][0]["value"] for group in groups] == [ann, ann]
    assert scim.members(support) == [ann]
    assert scim.found("/Users", f'userName eq "{ANN}"') == [ann]


@pytest.mark.usefixtures("failing_commit")
def test_one_that_is_rolled_back_has_only_one_of_the_failure(scim: Scim) -> None:
    assert scim.post("/Users", user(ANN)).status == 500
    assert people() == {}
    assert events() == [("", Outcome.FAILED)]


@pytest.mark.usefixtures("failing_commit")
def test_each_operation_of_a_bulk_request(scim: Scim) -> None:
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}
        for name in (ANN, BOB)
    ]

    scim.post("/Bulk", {"Operations": operations})

    assert people() == {BOB: "active"}
    assert events() == [("", Outcome.FAILED), (Action.USER_PROVISIONED, Outcome.DONE)]


def test_a_change_of_a_token_has_its_event_there_if_it_is_saved() -> None:
    connection, actor = Connection(), Actor("a test")

    with transaction.atomic():
        connection.generate(actor)
        assert events() == []
        transaction.set_rollback(True)
    assert events() == []
    connection.generate(actor)
    connection.rotate(actor)
    connection.revoke(actor)

    assert events() == [
        (Action.TOKEN_GENERATED, Outcome.DONE),
        (Action.TOKEN_REPLACED, Outcome.DONE),
        (Action.TOKEN_REVOKED, Outcome.DONE),
    ]
    assert events("default") == []


def test_an_event_that_cannot_be_written_breaks_nothing(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiled_scim.audit.events._event", lambda *arguments: 1 / 0)

    scim.add_group("Sales", scim.add_user(ANN))

    assert LibraryGroupLink.objects.get().members.count() == 1
    assert events() == []
