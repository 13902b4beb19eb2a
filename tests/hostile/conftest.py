"""A server to be attacked, and the number of requests that it got."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from _pytest.terminal import TerminalReporter
from django.test import override_settings

from tests.accounts import Apart
from tests.hostile.server import Server


@pytest.fixture
def server(db: None, record_property: Callable[[str, object], None]) -> Iterator[Server]:
    """Where all is allowed that a host can allow; each request's line in the log is left out."""
    logging.getLogger("tiled_scim").setLevel(logging.CRITICAL)
    with override_settings(
        TILED_SCIM_HOST_ADAPTER=Apart,
        TILED_SCIM_ADOPT_LIBRARIES=True,
        TILED_SCIM_REMOVE_LAST_ADMIN=True,
        ALLOWED_HOSTS=["testserver"],
    ):
        server = Server()
        yield server
    record_property("cases", server.sent)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say how many requests were sent, by all processes together."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    endings = [report for report in reports if getattr(report, "when", None) == "teardown"]
    cases = sum(dict(report.user_properties).get("cases", 0) for report in endings)
    terminalreporter.write_line(f"Hostile requests sent: {cases}")
