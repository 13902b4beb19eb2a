"""Scenarios in which the host's own code fails or is slow (see `host.py`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, transaction

from tiled_scim.models import ScimEvent

from . import state
from .host import ADAPTER_FAILS, ADAPTER_IS_SLOW, RECEIVER_FAILS, RECEIVER_IS_SLOW, SLOW_SECONDS
from .messages import (
    Request,
    add_members,
    bulk,
    create_group,
    create_user,
    delete_group,
    delete_user,
    remove_members,
    replace_group,
    replace_user,
    set_attributes,
)
from .stage import Stage

EVERYTHING = ""
# On SQLite, a transaction locks the whole database.
HOLD_EVENTS = {
    "postgresql": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "mysql": "LOCK TABLES {table} WRITE",
    "sqlite": "SELECT 1",
}
# The number of clients that wait for a slow host.
WAITING = 4


def failing_adapter(stage: Stage) -> None:
    """A request must fail with a SCIM error 500 and without partial changes."""
    people = stage.people(3)
    (name, key), *_ = people.items()
    sales = stage.group("sales", *people.values())
    before = state.snapshot(EVERYTHING)
    requests = [
        create_user(f"{ADAPTER_FAILS}new"),
        replace_user(key, f"{ADAPTER_FAILS}{name}"),
        set_attributes(key, userName=f"{ADAPTER_FAILS}{name}", active=False),
        create_group(f"{ADAPTER_FAILS}new", *people.values()),
        replace_group(sales, f"{ADAPTER_FAILS}sales", key),
    ]
    for request in requests * stage.extent.rounds:
        answer = stage.client(expects_failure=True).send(request)
        stage.require([answer], 500)
        stage.tally.count("faults")
        if state.snapshot(EVERYTHING) != before:
            stage.tally.count("violations", problem=f"half done: {answer}")
    answer = stage.client().send(bulk(*requests))
    if {operation["status"] for operation in answer.json["Operations"]} != {"500"}:
        stage.tally.count("violations", problem=f"not refused one by one: {answer}")
    stage.check(state.people(people) + state.group("sales", people))


def slow_adapter(stage: Stage) -> None:
    """Other requests must wait and succeed."""
    name = f"{ADAPTER_IS_SLOW}sales"
    people = stage.people(WAITING)
    sales = stage.group(name)
    answers = stage.at_once([add_members(sales, key) for key in people.values()])
    stage.tally.count("faults", len(answers))
    stage.require(answers, 204)
    stage.check(state.people(people) + state.group(name, people))


def failing_receiver(stage: Stage) -> None:
    _trigger_all_signals(stage, RECEIVER_FAILS)


def slow_receiver(stage: Stage) -> None:
    _trigger_all_signals(stage, RECEIVER_IS_SLOW)


def failing_event_writer(stage: Stage) -> None:
    """Without the table of events, everything else must still work."""
    people = stage.people(stage.crowd)
    sales = stage.group("sales")
    requests = [add_members(sales, key) for key in people.values()]
    with events_table_missing():
        stage.tally.count("faults")
        stage.require(stage.at_once(requests), 204)
        stage.require([stage.client().send(create_user("person0"))], 409)
    expected = ScimEvent.objects.count() + 1
    stage.require([stage.client().send(create_user("last"))], 201)
    if ScimEvent.objects.count() != expected:
        stage.tally.count("violations", problem="events are not written again")
    facts = state.people([*people, "last"]) + state.group("sales", people)
    stage.check(facts, with_events=False)


def slow_event_writer(stage: Stage) -> None:
    """While the table of events is locked, requests must wait."""
    people = stage.people(WAITING)
    sales = stage.group("sales")
    requests = [add_members(sales, key) for key in people.values()]
    with ThreadPoolExecutor(1) as pool, _events_table_locked():
        stage.tally.count("faults")
        answers = pool.submit(stage.at_once, requests)
        time.sleep(SLOW_SECONDS)
    stage.require(answers.result(), 204)
    stage.check(state.people(people) + state.group("sales", people))


SCENARIOS = {
    "failing host adapter": failing_adapter,
    "slow host adapter": slow_adapter,
    "failing signal receiver": failing_receiver,
    "slow signal receiver": slow_receiver,
    "failing event writer": failing_event_writer,
    "slow event writer": slow_event_writer,
}


def _trigger_all_signals(stage: Stage, prefix: str) -> None:
    """Changes must be saved, whatever the receivers do."""
    people = stage.people(WAITING, f"{prefix}person")
    (left, first), (inactive, second), (changed, third), (stays, fourth) = people.items()
    group, other = f"{prefix}sales", f"{prefix}other"
    key, gone = stage.group(group, first, second, third), stage.group(other, first)
    requests: list[tuple[Request, int]] = [
        (set_attributes(second, active=False), 200),
        (set_attributes(third, title="x"), 200),
        (add_members(key, fourth), 204),
        (remove_members(key, third), 204),
        (delete_user(first), 204),
        (delete_group(gone), 204),
    ]
    for request, status in requests:
        stage.tally.count("faults")
        stage.require([stage.client().send(request)], status)
    expected = state.unlinked(left) + state.person(inactive, active=False)
    expected += state.people([changed, stays]) + state.group(group, [inactive, stays])
    stage.check(expected + state.group_unlinked(other))


@contextmanager
def _events_table_locked() -> Iterator[None]:
    statement = HOLD_EVENTS[connection.vendor].format(table=ScimEvent._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        yield
        if connection.vendor == "mysql":
            cursor.execute("UNLOCK TABLES")


@contextmanager
def events_table_missing() -> Iterator[None]:
    """Rename the table of events, so that no event can be written."""
    table = ScimEvent._meta.db_table
    with connection.schema_editor() as editor:
        editor.alter_db_table(ScimEvent, table, f"{table}_away")
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(ScimEvent, f"{table}_away", table)
