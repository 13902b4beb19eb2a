"""Tests of the harness of `make resilience`: what it counts and when it fails."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from resilience import (
    audit_trail,
    concurrency,
    hangups,
    kills,
    messages,
    misbehaviour,
    outages,
    places,
    state,
)
from resilience.client import Answer, Client, StoppedError, at_once
from resilience.databases import url
from resilience.invariants import violations
from resilience.proxy import proxied
from resilience.server import ANNOUNCEMENTS
from resilience.tally import COLUMNS, FAILURES, NAME_WIDTH, Tally, heading, total
from tests.drifting import give, take_away
from tests.servers import Call, Reply, answering
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, SCIM_JSON, Scim
from tiled_scim.errors import ScimError, unavailable
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimEvent,
    UserLink,
)

SCENARIOS = [
    name
    for module in (concurrency, hangups, kills, misbehaviour, outages)
    for name in module.SCENARIOS
]


@pytest.fixture
def tally() -> Tally:
    return Tally("a scenario")


class TestTally:
    def test_what_is_missing_and_what_is_too_much(self, tally: Tally) -> None:
        tally.compare(Counter(["a", "b", "b"]), Counter(["b", "c"]))

        assert tally.counts == {"lost": 2, "duplicated": 1}
        assert tally.problems == ["lost: a", "lost: b", "duplicated: c"]

    @pytest.mark.parametrize("column", COLUMNS)
    def test_the_last_four_columns_must_be_zero(self, tally: Tally, column: str) -> None:
        tally.count(column)

        assert tally.has_failed is (column in FAILURES)
        assert FAILURES == ("lost", "duplicated", "5xx", "violations")

    def test_the_table_is_one(self, tally: Tally) -> None:
        for _ in range(12):
            tally.count("lost", problem="somebody")
        tally.seconds = 1.25

        first, *problems = tally.lines()

        assert first.split() == ["a", "scenario", *"0000", "12", *"000", "1.2"]
        assert len(first) == len(heading()) == len(total([tally, tally]).lines()[0])
        assert len(problems) == 11
        assert total([tally, tally]).counts["lost"] == 24

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_the_names_fit_in(self, name: str) -> None:
        assert len(name) < NAME_WIDTH


def scim_error(error: ScimError) -> Reply:
    headers = {"content-type": SCIM_JSON, **error.headers}
    return Reply(error.status, headers).with_json(error.body)


BUSY = unavailable("Busy.", 0)


class Answers:
    """Return the responses one after another, and repeat the last one. None is no response."""

    def __init__(self, *replies: Reply | None) -> None:
        self.replies = list(replies)

    def __call__(self, call: Call) -> Reply:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply is None:
            raise ConnectionAbortedError
        return reply


CREATED = Reply(201, {"content-type": SCIM_JSON}, b'{"id": "7"}')


class TestClient:
    def send(self, tally: Tally, *replies: Reply | None, **options: Any) -> Answer:
        with answering(Answers(*replies)) as address:
            client = Client(int(address.rpartition(":")[2]), "token", tally, **options)
            return client.send(messages.create_user("ann"))

    def test_retries_after_the_time_in_the_response(self, tally: Tally) -> None:
        answer = self.send(tally, scim_error(BUSY), None, CREATED)

        assert (answer.key, answer.attempts) == ("7", 3)
        assert tally.counts == {"sent": 3, "retried": 1, "unanswered": 1}
        assert not tally.has_failed

    def test_gives_up(self, tally: Tally) -> None:
        with pytest.raises(StoppedError, match="POST /Users: no response in 2 attempts"):
            self.send(tally, scim_error(BUSY), attempts=2)

    @pytest.mark.parametrize(
        ("reply", "column"),
        [
            (scim_error(ScimError(500, "Failed.")), "5xx"),
            (scim_error(ScimError(503, "Busy.")), "5xx"),
            (Reply(404, {"content-type": "text/html"}, b"<p>Not found"), "violations"),
        ],
    )
    def test_counts_what_must_not_be(self, tally: Tally, reply: Reply, column: str) -> None:
        answer = self.send(tally, reply)

        assert tally.counts[column] == 1
        assert tally.has_failed
        with pytest.raises(StoppedError, match="nothing was created: POST /Users"):
            answer.key  # noqa: B018 (it raises)

    def test_a_failure_that_should_come_is_none(self, tally: Tally) -> None:
        self.send(tally, scim_error(ScimError(500, "Failed.")), expects_failure=True)

        assert not tally.has_failed

    def test_a_crowd_gets_its_answers_in_order(self, tally: Tally) -> None:
        with answering(lambda call: CREATED.with_json({"id": call.json["userName"]})) as address:
            port = int(address.rpartition(":")[2])
            clients = [Client(port, "token", tally) for _ in range(3)]
            requests = [messages.create_user(f"person{number}") for number in range(7)]
            answers = at_once(clients, requests)

        assert [answer.key for answer in answers] == [f"person{number}" for number in range(7)]


class TestProxy:
    def test_the_database_goes_away_and_comes_back(self) -> None:
        with answering(lambda call: CREATED) as address, proxied(address) as proxy:
            port = int(proxy.url.rpartition(":")[2])

            def is_there() -> bool:
                with closing(socket.create_connection(("127.0.0.1", port))) as connection:
                    connection.settimeout(0.2)
                    try:
                        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        return b"201" in connection.recv(1024)
                    except OSError:
                        return False

            states = [is_there()]
            for action in (proxy.refuse, proxy.recover, proxy.stop_forwarding, proxy.recover):
                action()
                states.append(is_there())

        assert states == [True, False, True, False, True]

    def test_credentials_stay_in_the_url(self) -> None:
        with proxied("postgres://me:secret@127.0.0.1:5432/people") as proxy:
            assert proxy.url.startswith("postgres://me:secret@127.0.0.1:")
            assert proxy.url.endswith("/people")


def test_each_database_is_one_of_its_own(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARIADB_URL", "mysql://me@there/people")

    assert url("mariadb", tmp_path) == "mysql://me@there/people_resilience"
    assert url("sqlite", tmp_path) == f"sqlite:///{tmp_path}/resilience.sqlite3"


class TestState:
    @pytest.fixture
    def scim(self, db: None) -> Scim:
        return Scim(f"Bearer {new_token()[1]}")

    @pytest.fixture
    def sales(self, scim: Scim) -> str:
        return scim.add_group("sales", scim.add_user(ANN), scim.add_user(BOB))

    def test_facts_and_snapshots_show_what_there_is(self, scim: Scim, sales: str) -> None:
        before = state.snapshot("")
        expected = state.people([ANN, BOB]) + state.group("sales", [ANN, BOB])
        assert state.facts() == expected
        assert state.snapshot("nobody") == [[]] * len(before)

        scim.delete(f"/Groups/{sales}")

        assert state.facts() == state.people([ANN, BOB]) + state.group_unlinked("sales")
        assert state.snapshot("") != before
        assert list(violations()) == []

    def test_what_does_not_agree_is_found(self, scim: Scim, sales: str) -> None:
        take_away("sales", ANN)
        carl = scim.add_user("carl")
        give("sales", "carl")
        link = UserLink.objects.get(pk=carl)
        link.user.username = "charles"
        link.user.save()

        found = " ".join(violations())

        assert "without access to its Library" in found
        assert "access that no group gives" in found
        assert "The link carl has the host user charles." in found

    def test_nothing_is_left_after_wiping(self, scim: Scim, sales: str) -> None:
        state.wipe()

        assert not state.facts()
        assert scim.get("/Users").status == 200


class TestAuditTrail:
    """All that the scenarios send, one after another, so that the events lead to all rows."""

    @pytest.fixture
    def trail(self, db: None) -> Callable[[], str]:
        """Returns what is wrong."""
        scim = Scim(f"Bearer {new_token()[1]}")
        ann, bob, carl = (scim.add_user(name) for name in ("ann", "bob", "carl"))
        sales, ops = scim.add_group("sales", ann, bob), scim.add_group("ops", bob)
        requests = [
            messages.set_attributes(ann, title="x", active=False),
            messages.set_attributes(ann, title="x"),
            messages.replace_user(bob, "bobby", nickName="y"),
            messages.add_members(sales, carl),
            messages.remove_members(sales, ann),
            messages.replace_members(ops, ann, carl),
            messages.replace_group(sales, "marketing", carl, bob),
            messages.delete_user(bob),
            messages.delete_user(bob),
            messages.create_user("bobby", title="z"),
            messages.delete_group(ops),
            messages.create_group("ops", carl),
            messages.create_user("carl"),
        ]
        for method, path, body in requests:
            scim.send(method, path, body)
        return lambda: " ".join(audit_trail.violations())

    def test_events_and_rows_agree(self, trail: Callable[[], str]) -> None:
        assert ScimEvent.objects.filter(outcome=Outcome.DONE).count() == 15
        assert trail() == ""

    def test_each_missing_event_is_found(self, trail: Callable[[], str]) -> None:
        for event in ScimEvent.objects.filter(outcome=Outcome.DONE):
            key = event.pk
            event.delete()
            assert trail() != "", event
            event.pk = key
            event.save()
        assert trail() == ""

    def test_each_event_without_its_change_is_found(self, trail: Callable[[], str]) -> None:
        for event in ScimEvent.objects.filter(outcome=Outcome.DONE):
            event.pk = None
            event.save()
            assert trail() != "", event
            event.delete()
        assert trail() == ""

    def test_each_change_without_its_event_is_found(self, trail: Callable[[], str]) -> None:
        for rows in (
            UserLink.objects.filter(user_name="ann"),
            LibraryGroupLink.objects.filter(display_name="ops"),
        ):
            rows.update(version=F("version") + 1)
            assert "lead to the version" in trail()
            rows.update(version=F("version") - 1)
        UserLink.objects.filter(user_name="ann").update(external_id="1")
        assert "lead to the attributes" in trail()
        LibraryGroupMember.objects.filter(group__display_name="ops").delete()
        assert "lead to the members" in trail()


class KilledError(BaseException):
    """The process ends here; nothing catches it."""


@pytest.mark.django_db(transaction=True)
class TestPlaces:
    @pytest.fixture
    def killed_at(
        self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[str, messages.Request], bool]]:
        """Send a request whose process is killed where it waits. Return whether it has reported."""

        def kill(seconds: float) -> None:
            connection.connection.rollback()  # as the database does
            raise KilledError

        address = tmp_path / "socket"
        monkeypatch.setenv(ANNOUNCEMENTS, str(address))
        monkeypatch.setattr(places, "time", SimpleNamespace(sleep=kill))
        scim = Scim(f"Bearer {new_token()[1]}")

        def send(place: str, request: messages.Request) -> bool:
            with places.reporting(places.Place.parse(place)), suppress(KilledError):
                scim.send(*request)
            with suppress(BlockingIOError):
                return int(announcements.recv(32)) == os.getpid()
            return False

        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as announcements:
            announcements.setblocking(False)
            announcements.bind(str(address))
            yield send

    @pytest.mark.parametrize(
        ("place", "expected"),
        [
            (places.ARRIVAL, 1),
            (places.BEFORE_EVENT, 0),
            (places.AFTER_EVENT, 0),
            (places.BEFORE_COMMIT, 0),
            (places.DURING_COMMIT, 1),
            (places.AFTER_COMMIT, 1),
        ],
    )
    def test_are_around_the_event_and_the_commit(
        self, killed_at: Callable[..., bool], place: str, expected: int
    ) -> None:
        assert killed_at(f"{place} 1", messages.create_user("ann"))

        assert UserLink.objects.count() == expected
        assert ScimEvent.objects.count() == expected

    @pytest.mark.parametrize(
        ("place", "expected"),
        [(places.BEFORE_EVENT, 1), (places.DURING_COMMIT, 2), (places.AFTER_COMMIT, 2)],
    )
    def test_each_operation_of_a_bulk_request_has_them(
        self, killed_at: Callable[..., bool], place: str, expected: int
    ) -> None:
        people = [messages.create_user(name) for name in ("ann", "bob", "carl")]

        assert killed_at(f"{place} 2", messages.bulk(*people))

        assert UserLink.objects.count() == ScimEvent.objects.count() == expected

    def test_one_that_is_not_reached_is_not_reported(self, killed_at: Callable[..., bool]) -> None:
        assert not killed_at(f"{places.AFTER_COMMIT} 2", messages.create_user("ann"))
        assert UserLink.objects.count() == 1

    def test_allowed_states_of_a_kill(self) -> None:
        states: list[Any] = ["before", "first", "second"]
        rehearsal = kills.Rehearsal(states, 1)

        assert {
            name: rehearsal.allowed(places.Place(name, 2))
            for name in (places.ARRIVAL, *places.IN_TRANSACTIONS)
        } == {
            places.ARRIVAL: states,
            places.BEFORE_EVENT: ["first"],
            places.AFTER_EVENT: ["first"],
            places.BEFORE_COMMIT: ["first"],
            places.DURING_COMMIT: ["first", "second"],
            places.AFTER_COMMIT: ["second"],
        }
