"""Scenarios with clients that disconnect during a request or before the response."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable

from tiled_scim.models import Outcome, ScimEvent

from . import state
from .client import BASE_PATH, SCIM_JSON
from .messages import Request, create_user
from .stage import Stage

HANG_UPS = 10
SETTLED_SECONDS = 10
# SO_LINGER with a timeout of zero: close with a reset.
RESET = struct.pack("ii", 1, 0)
RESET_AFTER_SECONDS = 0.005

# Returns the part of a request that is sent, from its head and its body.
Part = Callable[[bytes, bytes], bytes]

HALVES: dict[str, Part] = {
    "nothing": lambda head, body: b"",
    "half the headers": lambda head, body: head[: len(head) // 2],
    "the headers": lambda head, body: head,
    "half the body": lambda head, body: head + body[: len(body) // 2],
}


def in_the_middle_of_a_request(stage: Stage) -> None:
    """An incomplete request must have no effect, and must not be recorded as a failure."""
    for number in range(HANG_UPS * stage.extent.rounds):
        for part in HALVES.values():
            _hang_up(stage, create_user(f"half{number}"), part)
    people = stage.people(stage.crowd)
    failed = ScimEvent.objects.filter(outcome=Outcome.FAILED)
    for event in failed:
        stage.tally.count("violations", problem=f"recorded as a failure: {event.detail}")
    stage.check(state.people(people))


def before_the_answer(stage: Stage) -> None:
    """A complete request must be processed, even if the client does not read the response."""
    names = [f"person{number}" for number in range(HANG_UPS * stage.extent.rounds)]
    for name in names:
        _hang_up(stage, create_user(name), lambda head, body: head + body)
    expected = state.people(names)
    deadline = time.monotonic() + SETTLED_SECONDS
    while state.facts() != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    stage.check(expected)


def with_half_a_request_open(stage: Stage) -> None:
    """Other clients must be served while some clients leave their request incomplete.

    Without a proxy, each of these clients blocks one server process, so there are fewer of them.
    """
    head, body = _message(stage, create_user("idle"))
    idle = [
        _connection_after(stage, head + body[:5]) for _ in range(len(stage.server.workers()) - 1)
    ]
    stage.tally.count("faults", len(idle))
    people = stage.people(stage.crowd)
    sales = stage.group("sales", *people.values())
    stage.require([stage.client().send(Request("GET", f"/Groups/{sales}"))], 200)
    for connection in idle:
        connection.close()
    stage.check(state.people(people) + state.group("sales", people))


SCENARIOS = {
    "clients disconnect during a request": in_the_middle_of_a_request,
    "clients disconnect before the response": before_the_answer,
    "clients leave a request incomplete": with_half_a_request_open,
}


def _hang_up(stage: Stage, request: Request, part: Part) -> None:
    """Send a part of a request and disconnect, either normally or with a reset."""
    stage.tally.count("faults")
    connection = _connection_after(stage, part(*_message(stage, request)))
    if stage.chance.random() < 0.5:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # By now, the server has begun to read.
        time.sleep(RESET_AFTER_SECONDS)
    connection.close()


def _connection_after(stage: Stage, content: bytes) -> socket.socket:
    """Open a connection, send the content and return the connection."""
    stage.tally.count("sent")
    connection = socket.create_connection(("127.0.0.1", stage.server.port))
    connection.sendall(content)
    return connection


def _message(stage: Stage, request: Request) -> tuple[bytes, bytes]:
    """Return the head and the body of a request as bytes."""
    body = json.dumps(request.body).encode()
    lines = [
        f"{request.method} {BASE_PATH}{request.path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {stage.token}",
        f"Content-Type: {SCIM_JSON}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode(), body
