"""The event of a change is written in the change's own transaction: both are saved, or neither."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import (
    DatabaseError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    transaction,
)
from django.db.models import F
from django.db.models.signals import post_save
from django.test import RequestFactory

from resilience.misbehaviour import events_table_missing
from resilience.outages import END_SESSION
from tests.blocking import closing_connections, wait_until_blocked
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim, add_members, group, user
from tests.wire.state import access, people
from tiled_scim.api import request_log
from tiled_scim.api.request_log import RequestLog
from tiled_scim.audit.events import Change, Source, record
from tiled_scim.host import HostAdapter
from tiled_scim.models import Action, LibraryGroupLink, Outcome, ScimEvent, UserLink
from tiled_scim.provisioning import transactions
from tiled_scim.provisioning.service import Record
from tiled_scim.provisioning.transactions import atomic

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = {"op": "replace", "path": "title", "value": "Boss"}
# The user of a row that no database accepts.
NO_USER = -1
# The number of rows that the other transaction of a deadlock has changed: MariaDB ends the one that
# changed fewer.
OTHER_ROWS = 200

# Make all inserts into the table of events wait until the transaction ends.
HOLD_EVENTS = {
    "postgresql": "LOCK TABLE tiled_scim_scimevent IN SHARE ROW EXCLUSIVE MODE",
    # Under READ COMMITTED, gaps between rows are not locked.
    "mysql": "SELECT id FROM tiled_scim_scimevent FOR UPDATE",
}
OWN_SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


def outcomes() -> list[tuple[str, str, int | None]]:
    """The action, outcome and status of each event, in order."""
    return list(ScimEvent.objects.order_by("pk").values_list("action", "outcome", "status"))


def titles() -> dict[str, Any]:
    return {link.user_name: link.attributes.get("title") for link in UserLink.objects.all()}


@contextmanager
def failing_after_save(model: type[Any], error: Exception) -> Iterator[None]:
    """Make a receiver of the host fail after a row of this model was saved."""

    def fail(**arguments: Any) -> None:
        raise error

    post_save.connect(fail, model)
    try:
        yield
    finally:
        post_save.disconnect(fail, model)


class TestRolledBack:
    """There is no event of a change that is not in the database, only one of the failure."""

    def test_the_host_fails_after_a_link_was_saved(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        requests: list[Callable[[], Any]] = [
            lambda: scim.post("/Users", user(BOB)),
            lambda: scim.put(f"/Users/{ann}", user(ANN, title="Boss")),
            lambda: scim.patch(f"/Users/{ann}", TITLE),
            lambda: scim.delete(f"/Users/{ann}"),
        ]

        with failing_after_save(UserLink, ZeroDivisionError()):
            statuses = [request().status for request in requests]

        assert statuses == [500] * 4
        assert people() == {ANN: "active"}
        assert titles() == {ANN: None}
        assert outcomes()[1:] == [("", Outcome.FAILED, 500)] * 4

    def test_the_host_fails_after_a_group_was_saved(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann = scim.add_user(ANN)

        def fail(self: HostAdapter, library: Library, users: Collection[int]) -> None:
            assert LibraryGroupLink.objects.exists()
            raise ZeroDivisionError

        monkeypatch.setattr(HostAdapter, "grant", fail)

        assert scim.post("/Groups", group("Sales", ann)).status == 500
        assert access() == {}
        assert outcomes()[1:] == [("", Outcome.FAILED, 500)]

    def test_the_commit_fails(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        """PostgreSQL and SQLite check foreign keys at the end, MariaDB at once."""

        def create_user(self: HostAdapter, values: Any) -> User:
            library = Library.objects.create(name="Sales")
            Library.members.through.objects.create(library=library, user_id=NO_USER)
            return User.objects.create(username=values["userName"])

        monkeypatch.setattr(HostAdapter, "create_user", create_user)

        assert scim.post("/Users", user(ANN)).status == 500
        assert people() == {}
        assert access() == {}
        assert outcomes() == [("", Outcome.FAILED, 500)]

    @pytest.mark.skipif(
        connection.vendor != "postgresql", reason="others go on after an error in a transaction"
    )
    def test_the_host_hides_an_error_that_ended_the_transaction(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PostgreSQL would roll back at COMMIT, and report no error."""
        ann = scim.add_user(ANN)

        def grant(self: HostAdapter, library: Library, users: Collection[int]) -> None:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT nothing")

        monkeypatch.setattr(HostAdapter, "grant", grant)

        assert scim.post("/Groups", group("Sales", ann)).status == 500
        assert access() == {}
        assert outcomes()[1:] == [("", Outcome.FAILED, 500)]

    def test_only_the_operation_of_a_bulk_request_that_failed(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann = scim.add_user(ANN)
        monkeypatch.setattr(HostAdapter, "grant", lambda *arguments: 1 / 0)
        operations = [
            {"method": "PATCH", "path": f"/Users/{ann}", "data": {"Operations": [TITLE]}},
            {"method": "POST", "path": "/Groups", "bulkId": "a", "data": group("Sales", ann)},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user(BOB)},
        ]

        scim.post("/Bulk", {"Operations": operations})

        assert titles() == {ANN: "Boss", BOB: None}
        assert not LibraryGroupLink.objects.exists()
        assert outcomes()[1:] == [
            (Action.USER_UPDATED, Outcome.DONE, 200),
            ("", Outcome.FAILED, 500),
            (Action.USER_PROVISIONED, Outcome.DONE, 201),
        ]


class Work:
    """A change that loses against another transaction after its event was written, twice."""

    using = "default"
    adapter = HostAdapter()

    def __init__(self, keep: Record) -> None:
        self.keep = keep
        self.attempts = 0

    @atomic
    def run(self) -> None:
        self.attempts += 1
        self.keep(Change("User", name=str(self.attempts), action=Action.USER_UPDATED))
        if self.attempts < 3:
            raise OperationalError("database is locked")


def test_a_transaction_that_is_tried_again_leaves_one_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "PAUSE", 0)
    # A clock that moves by a second each time that somebody looks.
    monkeypatch.setattr(request_log, "time", SimpleNamespace(monotonic=count().__next__))
    log = RequestLog(RequestFactory().post("/scim/v2/Users"))

    Work(log.recorder("POST", 201)).run()

    event = ScimEvent.objects.get()
    assert event.resource_name == "3"
    assert event.duration == 3000


class TestUnwritable:
    """An event that cannot be written breaks nothing."""

    def test_only_its_savepoint_is_rolled_back(self, caplog: pytest.LogCaptureFixture) -> None:
        """A duration is not negative in any database."""
        with transaction.atomic():
            User.objects.create(username="before")
            record(Source(), Change("User", action=Action.USER_UPDATED), duration=-1)
            User.objects.create(username="after")

        assert people() == {"before": "active", "after": "active"}
        assert outcomes() == []
        assert "could not be kept" in caplog.text

    def test_without_the_table_of_events(
        self, scim: Scim, caplog: pytest.LogCaptureFixture
    ) -> None:
        with events_table_missing():
            ann = scim.add_user(ANN)
            sales = scim.add_group("Sales", ann)
            statuses = [
                scim.patch(f"/Users/{ann}", TITLE).status,
                scim.post("/Users", user(ANN)).status,
                scim.delete(f"/Groups/{sales}").status,
            ]

        assert statuses == [200, 409, 204]
        assert titles() == {ANN: "Boss"}
        assert caplog.text.count("could not be kept") == 5

        scim.delete(f"/Users/{ann}")

        assert outcomes() == [(Action.USER_UNLINKED, Outcome.DONE, 204)]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")
class TestEndedSession:
    """A request after which the session has ended breaks no later one of its process."""

    def test_between_the_commit_and_the_response(self, scim: Scim) -> None:
        """Django then fails to turn autocommit on again, if that needs the database."""
        commit = connection.commit
        with connection.cursor() as cursor:
            cursor.execute(OWN_SESSION[connection.vendor])
            session = cursor.fetchone()

        def commit_and_end() -> None:
            commit()
            with closing(connection.copy()) as outside, outside.cursor() as cursor:
                cursor.execute(END_SESSION[connection.vendor], session)

        with patch.object(connections[connection.alias], "commit", commit_and_end):
            scim.post("/Users", user(ANN))

        close_old_connections()  # as Django does before each request
        assert scim.post("/Users", user(BOB)).status == 201
        assert people() == {ANN: "active", BOB: "active"}
        done = [event for event in outcomes() if event[1] == Outcome.DONE]
        assert done == [(Action.USER_PROVISIONED, Outcome.DONE, 201)] * 2


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
class TestDeadlock:
    """A request that is chosen to end a deadlock is tried again, and its event with it."""

    @pytest.fixture
    def deadlock(self, scim: Scim) -> Callable[[Callable[[], Any], Callable[[], Any]], Any]:
        """Run a request until it waits to write its event, and then something it waits for.

        Returns what the request returned.
        """

        def run(send: Callable[[], Any], collide: Callable[[], Any]) -> Any:
            with ThreadPoolExecutor(1) as pool:
                with self.events_held():
                    sent = pool.submit(closing_connections(send))
                    wait_until_blocked(sent)
                    collide()
                return sent.result()

        return run

    @contextmanager
    def events_held(self) -> Iterator[None]:
        if connection.vendor == "mysql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic(), connection.cursor() as cursor:
            User.objects.bulk_create(User(username=f"host{n}") for n in range(OTHER_ROWS))
            cursor.execute(HOLD_EVENTS[connection.vendor])
            yield

    def test_of_one_request(
        self,
        scim: Scim,
        deadlock: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO, "tiled_scim")
        ann = scim.add_user(ANN)
        version = UserLink.objects.get().version

        answer = deadlock(
            lambda: scim.patch(f"/Users/{ann}", TITLE),
            lambda: UserLink.objects.update(external_id="00u1"),
        )

        assert "Attempt 1 of a SCIM request lost" in caplog.text
        assert answer.status == 200
        assert answer.json["externalId"] == "00u1"
        assert titles() == {ANN: "Boss"}
        assert UserLink.objects.get().version == version + 1
        assert outcomes()[1:] == [(Action.USER_UPDATED, Outcome.DONE, 200)]

    def test_of_one_operation_of_a_bulk_request(
        self, scim: Scim, deadlock: Callable[..., Any]
    ) -> None:
        ann, sales = scim.add_user(ANN), scim.add_group("Sales")
        operations = [
            {"method": "PATCH", "path": f"/Groups/{sales}", "data": _adding(ann)},
            {"method": "PATCH", "path": f"/Users/{ann}", "data": {"Operations": [TITLE]}},
        ]

        answer = deadlock(
            lambda: scim.post("/Bulk", {"Operations": operations}),
            lambda: LibraryGroupLink.objects.update(version=F("version") + 1),
        )

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "200"]
        assert access() == {"Sales": {ANN}}
        assert titles() == {ANN: "Boss"}
        assert outcomes()[2:] == [
            (Action.ACCESS_CHANGED, Outcome.DONE, 200),
            (Action.USER_UPDATED, Outcome.DONE, 200),
        ]


def _adding(*keys: str) -> dict[str, Any]:
    return {"Operations": [add_members(*keys)]}
