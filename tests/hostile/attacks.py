"""How many requests are sent: CASES in the environment, and 10,000 without it."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.server import Request, Server
from tests.hostile.values import Strategy

FEW = 10_000
CASES = int(os.environ.get("CASES", FEW))
# How many requests the host gets before it is looked at, and is again what it was.
TOGETHER = 12


def attack(server: Server, requests: Strategy, share: float) -> None:
    """Send a share of all requests, of one kind: the same every time, or others if many are asked.

    Args:
        share: between 0 and 1.
    """
    examples = max(1, round(CASES * share / TOGETHER))

    @settings(
        max_examples=examples,
        derandomize=CASES == FEW,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(requests, min_size=TOGETHER, max_size=TOGETHER))
    def send(batch: list[Request]) -> None:
        server.attack(batch)

    send()
