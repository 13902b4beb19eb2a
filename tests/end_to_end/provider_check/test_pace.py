"""Tests of holding a rate of requests."""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import Any

import pytest

from tests.servers import Call, Forward, Reply, answering, faulty
from tiled_scim.provider_check import pace
from tiled_scim.provider_check.client import EntraClient
from tiled_scim.provider_check.pace import Load, Pace, Request
from tiled_scim.provider_check.pace import Reply as Timed
from tiled_scim.provider_check.sequences import SEQUENCES

from .checking import (
    SECRET,
    Check,
    assert_only_the_deactivated_person_is_left,
    failed_steps,
    step_of,
)
from .faults import on

USERS = Request("GET", "/Users")


def load_of(*statuses: int | None, delay: float = 0.0) -> Load:
    return Load(Pace(25, 60), [Timed(status, 0.01) for status in statuses], delay)


class TestLoad:
    def test_the_times_are_those_of_half_and_of_95_percent(self) -> None:
        replies = [Timed(200, seconds / 1000) for seconds in range(100, 0, -1)]
        load = Load(Pace(100, 1), replies, 0.0)

        assert (load.milliseconds(50), load.milliseconds(95)) == (50, 95)

    def test_the_times_of_one_request(self) -> None:
        load = Load(Pace(1, 1), [Timed(200, 0.007)], 0.0)

        assert (load.milliseconds(50), load.milliseconds(95)) == (7, 7)

    def test_refusals_are_distinguished_from_failures(self) -> None:
        load = load_of(200, 204, 429, 503, 429, 500, 404, None)

        assert (load.refusals, load.failures) == (3, 3)
        assert list(load.findings()) == [
            "2 of 8 requests got the status 429.",
            "1 of 8 requests got the status 503.",
            "1 of 8 requests got the status 500.",
            "1 of 8 requests got the status 404.",
            "1 of 8 requests got no response.",
        ]

    def test_a_server_that_does_not_keep_up_has_not_held_the_rate(self) -> None:
        assert list(load_of(200, delay=5.0).findings()) == []
        [finding] = load_of(200, delay=61.4).findings()
        assert finding == (
            "The last response came 61 seconds after the last request was due: the server does "
            "not keep up with 25 requests a second."
        )


class TestHold:
    def test_the_requests_are_sent_in_turn(self) -> None:
        calls: Counter[str] = Counter()

        def count(call: Call) -> Reply:
            calls[call.path] += 1
            return Reply(200)

        with answering(count) as url:
            client = EntraClient(url, SECRET)
            load = pace.hold(client, Pace(10, 1), [USERS, Request("GET", "/Groups")])

        assert calls == {"/Users": 5, "/Groups": 5}
        assert [reply.status for reply in load.replies] == [200] * 10
        assert client.attempts == []

    def test_a_request_is_sent_when_it_is_due_although_others_have_no_response(self) -> None:
        everybody = threading.Barrier(5, timeout=30)

        def wait_for_the_others(call: Call) -> Reply:
            everybody.wait()
            return Reply(200)

        with answering(wait_for_the_others) as url:
            load = pace.hold(EntraClient(url, SECRET), Pace(5, 1), [USERS])

        assert [reply.status for reply in load.replies] == [200] * 5

    def test_a_refused_request_is_not_repeated(self) -> None:
        calls = []

        def refuse(call: Call) -> Reply:
            calls.append(call)
            return Reply(429, {"Retry-After": "0"})

        with answering(refuse) as url:
            load = pace.hold(EntraClient(url, SECRET), Pace(3, 1), [USERS])

        assert (load.refusals, len(calls)) == (3, 3)

    def test_a_request_without_a_response_is_counted(self) -> None:
        def drop(call: Call) -> Reply:
            raise ConnectionAbortedError

        with answering(drop) as url:
            load = pace.hold(EntraClient(url, SECRET), Pace(2, 1), [USERS])

        assert [reply.status for reply in load.replies] == [None, None]


class TestInARun:
    @pytest.mark.parametrize("provider", SEQUENCES)
    def test_the_rate_is_held_while_there_is_a_test_user(self, provider: Any) -> None:
        steps = SEQUENCES[provider].holding(Pace(25, 60)).steps

        titles = [step.title for step in steps]
        index = titles.index("Hold 25 requests a second for 60 seconds")
        assert steps[index + 1].ends_use
        assert (*steps[:index], *steps[index + 1 :]) == SEQUENCES[provider].steps

    def test_p50_p95_and_refusals_are_reported(self, check: Check, scim_url: str) -> None:
        assert check.run(scim_url, rate=20, seconds=1), check.output

        assert re.search(
            r"^Sent 20 requests, 20 a second: half were answered within \d+ ms \(p50\) and 95 % "
            r"within \d+ ms \(p95\); 0 were refused, 0 failed\.$",
            check.output,
            re.M,
        )
        assert_only_the_deactivated_person_is_left()

    def test_they_are_in_the_json_document(self, check: Check, scim_url: str) -> None:
        document = check.json(scim_url, rate=20, seconds=1)

        load = document["load"]
        assert 0 < load.pop("p50_milliseconds") <= load.pop("p95_milliseconds")
        assert load == {"rate": 20, "seconds": 1, "sent": 20, "refusals": 0, "failures": 0}
        assert step_of(document, "hold_rate")["requests"] == []

    def test_the_requests_are_lookups_reads_pages_and_changes(
        self, check: Check, scim_url: str
    ) -> None:
        calls: list[tuple[str, str]] = []

        def record(call: Call, forward: Forward) -> Reply:
            calls.append((call.method, re.sub(r"/[0-9a-f-]{36}|filter=[^&]*", "…", call.path)))
            return forward(call)

        with faulty(scim_url, record) as url:
            check.run(url)
            without = Counter(calls)
            calls.clear()
            check.run(url, rate=4, seconds=1)

        more = Counter(calls)
        more.subtract(without)
        expected = [
            ("GET", "/scim/v2/Users?…"),
            ("GET", "/scim/v2/Users…"),
            ("GET", "/scim/v2/Users?startIndex=1&count=10"),
            ("PATCH", "/scim/v2/Users…"),
        ]
        assert all(more[call] >= 1 for call in expected), more

    def test_any_refusal_is_a_failure_and_the_clean_up_follows(
        self, check: Check, scim_url: str
    ) -> None:
        with faulty(scim_url, on("GET", "/Users.startIndex=1&count=10$", Reply(429))) as url:
            document = check.json(url, rate=20, seconds=1)

        assert failed_steps(document) == ["hold_rate"]
        step = step_of(document, "hold_rate")
        assert step["problem"] == "5 of 20 requests got the status 429."
        assert step["advice"].startswith("Raise the rate limit")
        assert (document["load"]["refusals"], document["load"]["failures"]) == (5, 0)
        assert_only_the_deactivated_person_is_left()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"rate": 0}, "The rate must be from 1 to 1000 requests a second."),
            ({"rate": 1001}, "The rate must be from 1 to 1000 requests a second."),
            ({"rate": 25, "seconds": 0}, "A rate can be held for 1 to 3600 seconds."),
            ({"rate": 25, "seconds": 3601}, "A rate can be held for 1 to 3600 seconds."),
        ],
    )
    def test_an_impossible_rate_is_refused(
        self, db: None, options: dict[str, Any], message: str
    ) -> None:
        check = Check(SECRET)

        assert not check.run("https://example.com", **options)
        assert check.error_message == message
