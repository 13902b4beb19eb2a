"""What callers without a valid token can write into the database, the cache and the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from tests.tokens import new_token
from tiled_scim.audit import refusals
from tiled_scim.models import ScimEvent
from tiled_scim.presentation.searching import found_events

from .client import NOBODY, Scim

pytestmark = [pytest.mark.in_process, pytest.mark.usefixtures("db", "empty_cache")]

LONG = "x" * 5000


def stranger(address: str, authorization: str | None = None, **headers: str) -> Scim:
    """A caller from an address, without a token that is valid."""
    scim = Scim(authorization, headers)
    scim.client = Client(REMOTE_ADDR=address)
    return scim


def events() -> list[tuple[str | None, int]]:
    """The address of each event, and how many requests it stands for."""
    return list(ScimEvent.objects.order_by("pk").values_list("address", "times"))


class TestEvents:
    def test_of_one_ipv6_network_are_one(self) -> None:
        for number in range(20):
            stranger(f"2001:db8:1:2:{number:x}::{number:x}").get("/Users")
        stranger("2001:db8:1:3::1").get("/Users")

        assert events() == [("2001:db8:1:2::", 20), ("2001:db8:1:3::", 1)]

    def test_are_found_by_each_address_of_the_network(self) -> None:
        stranger("2001:db8:1:2::1").get("/Users")

        assert found_events(ScimEvent.objects.all(), "2001:db8:1:2::ffff").count() == 1
        assert not found_events(ScimEvent.objects.all(), "2001:db8:1:3::ffff").exists()

    def test_of_each_ipv4_address_are_their_own(self) -> None:
        for address in ("192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"):
            stranger(address).get("/Users")

        assert events() == [("192.0.2.1", 2), ("192.0.2.2", 1)]

    @pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0"])
    def test_of_odd_addresses_are_kept(self, address: str) -> None:
        stranger(address).get("/Users")

        assert events() == [("fe80::" if "fe80" in address else None, 1)]

    def test_have_a_limit_for_all_networks_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(refusals, "MOST_EVENTS", 3)
        for number in range(50):
            stranger(f"192.0.2.{number}", **{"User-Agent": f"client {number}"}).get("/Users")
        stranger("192.0.2.1").get("/Users")

        assert events() == [("192.0.2.0", 1), ("192.0.2.1", 2), ("192.0.2.2", 1), (None, 47)]
        assert ScimEvent.objects.get(address=None).client == ""

    def test_have_one_for_a_token_that_has_ended_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(refusals, "MOST_EVENTS", 3)
        authorization = f"Bearer {new_token('acme')[1]}"
        new_token("acme")
        for number in range(20):
            stranger(f"192.0.2.{number}", authorization).get("/Users")

        assert [times for _, times in events()] == [1, 1, 1, 17]
        assert set(ScimEvent.objects.values_list("account", flat=True)) == {"acme"}

    def test_do_not_stop_those_of_others(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refusals, "MOST_EVENTS", 0)
        stranger("192.0.2.1").get("/Users")

        scim.delete(f"/Users/{ann}")

        assert ScimEvent.objects.filter(action="user_unlinked").exists()

    def test_are_about_no_resource(self, ann: str, scim: Scim) -> None:
        stranger("192.0.2.1").get(f"/Users/{ann}")
        stranger("192.0.2.1").get(f"/Users/{NOBODY}")

        event = ScimEvent.objects.get(status=401)
        assert (event.resource_type, event.resource_id, event.resource_name) == ("User", None, "")
        assert event.times == 2

    def test_have_no_text_that_a_database_cannot_store(self) -> None:
        stranger("192.0.2.1", **{"User-Agent": "a\0b"}).get("/Users")

        assert ScimEvent.objects.get().client == "a\\0b"

    def test_are_short(self) -> None:
        scim = stranger("192.0.2.1", f"Bearer {LONG}", **{"User-Agent": LONG})

        scim.send("A" * 500, f"/{LONG}")

        event = ScimEvent.objects.get()
        texts = [str(value) for value in vars(event).values()]
        assert max(map(len, texts)) == 255
        assert len(event.method) == 8


class TestThrottle:
    @pytest.fixture(autouse=True)
    def _three_a_day(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_THROTTLE = "3/day"

    def test_counts_an_ipv6_network(self) -> None:
        statuses = [stranger(f"2001:db8::{number}").get("/Users").status for number in range(1, 6)]

        assert statuses == [401, 401, 401, 429, 429]
        assert stranger("2001:db8:0:1::1").get("/Users").status == 401

    def test_counts_all_together(self, scim: Scim) -> None:
        addresses = [f"192.0.2.{number}" for number in range(100)]

        statuses = [stranger(address).get("/Users").status for address in addresses]

        assert statuses == [401] * 60 + [429] * 40
        assert scim.get("/Users").status == 200

    def test_keeps_few_counters(self) -> None:
        counters: Any = cache
        for number in range(100):
            stranger(f"2001:db8:0:{number:x}::1").get("/Users")

        # All together, and of each network while they were within the limit.
        assert len(counters._cache) == 1 + 60


class TestLog:
    @pytest.fixture(autouse=True)
    def _level(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "tiled_scim")

    def line(self, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
        (record,) = (record for record in caplog.records if record.name == "tiled_scim")
        assert len(record.getMessage()) < 700
        fields: dict[str, Any] = vars(record)["scim"]
        return fields

    @pytest.mark.parametrize(
        ("path", "logged"),
        [
            ("/Users", "/scim/v2/Users"),
            ("/Users/", "/scim/v2/Users/"),
            (f"/Users/{NOBODY}", f"/scim/v2/Users/{NOBODY}"),
            ("/Users/.search", "/scim/v2/Users/.search"),
            ("/Users/ann@example.com", "/scim/v2/Users/…"),
            ("/Users/ann%40example.com/", "/scim/v2/Users/…"),
            (f"/Groups/{LONG}", "/scim/v2/Groups/…"),
            ("/Schemas/ann@example.com", "/scim/v2/Schemas/…"),
            ("/ResourceTypes/ann", "/scim/v2/ResourceTypes/…"),
            ("/ann@example.com", "/scim/v2/…"),
            ("/users/ann@example.com", "/scim/v2/Users/…"),
            ("//Users/ann@example.com", "/scim/v2/Users/…"),
            ("/Users//ann@example.com", "/scim/v2/Users/…"),
            (f"//users/{NOBODY}", f"/scim/v2/Users/{NOBODY}"),
            (f"/Users/{NOBODY}/ann@example.com", "/scim/v2/…"),
            ("/Me/ann", "/scim/v2/…"),
            (f"/{LONG}", "/scim/v2/…"),
        ],
    )
    @pytest.mark.parametrize("has_token", [False, True])
    def test_has_the_route(
        self,
        caplog: pytest.LogCaptureFixture,
        path: str,
        logged: str,
        has_token: bool,
    ) -> None:
        authorization = f"Bearer {new_token()[1]}" if has_token else None

        stranger("192.0.2.1", authorization).exchange("GET", path)

        assert self.line(caplog)["path"] == logged

    def test_is_short(self, caplog: pytest.LogCaptureFixture) -> None:
        headers = {"User-Agent": LONG, "X-Request-ID": "y" * 64}

        stranger("192.0.2.1", f"Bearer {LONG}", **headers).send("A" * 500, f"/{LONG}")

        line = self.line(caplog)
        assert (len(line["client"]), len(line["method"])) == (255, 8)
        assert line["request_id"] != "y" * 64
