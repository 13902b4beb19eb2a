"""Run all scenarios on one database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from tiled_scim.connections import Actor, Connection

from . import concurrency, hangups, kills, misbehaviour, outages, state
from .client import StoppedError
from .databases import database
from .server import serving
from .stage import Extent, Stage
from .tally import Tally, heading, total

SHORT = Extent(
    rounds=1,
    kills=24,
    outage_seconds=1,
    cuts=1,
    left_out=frozenset([*list(outages.SCENARIOS)[1:], "slow signal receiver"]),
)
FULL = Extent(rounds=10, kills=200, outage_seconds=3, cuts=3)

Scenario = Callable[[Stage], None]

SCENARIOS: dict[str, Scenario] = {
    **concurrency.SCENARIOS,
    **kills.SCENARIOS,
    **misbehaviour.SCENARIOS,
    **hangups.SCENARIOS,
}


class Setup(NamedTuple):
    """The load for a database.

    Args:
        workers: The number of server processes.
        crowd: The number of concurrent clients.
        scenarios: The scenarios by name.
    """

    workers: int
    crowd: int
    scenarios: dict[str, Scenario]


LOAD = Setup(4, 20, SCENARIOS | outages.SCENARIOS)
# For SQLite: the load of the demo, without outages.
LIGHT_LOAD = Setup(2, 8, SCENARIOS)


def run(extent: Extent, seed: int, only: str, folder: Path) -> bool:
    """Run all scenarios on the configured database, and print the table.

    Args:
        extent: The extent of the run.
        seed: The seed of the random numbers.
        only: Run only scenarios whose names contain this text.
        folder: The folder for the servers' files.

    Returns:
        Whether all numbers that must be zero are zero.
    """
    setup = LIGHT_LOAD if connection.vendor == "sqlite" else LOAD
    with database() as url, serving(folder, url, setup.workers) as server:
        print(f"\n{connection.display_name}, {setup.workers} server processes, ", end="")
        print(f"{setup.crowd} clients, seed {seed}", heading(), sep="\n", flush=True)
        token = Connection().rotate(Actor("Resilience")).plaintext
        stage = Stage(
            server, token, url, folder, extent, random.Random(seed), Tally(""), setup.crowd
        )
        tallies = [
            run_scenario(name, scenario, stage, may_break=name in kills.SCENARIOS)
            for name, scenario in setup.scenarios.items()
            if only in name and (only or name not in extent.left_out)
        ]
    print(*total(tallies).lines(), sep="\n", flush=True)
    return not any(tally.has_failed for tally in tallies)


def run_scenario(name: str, scenario: Scenario, stage: Stage, *, may_break: bool = False) -> Tally:
    """Run a scenario and print its row.

    Args:
        may_break: whether a client's connection may break.
    """
    tally = stage.tally = Tally(name)
    began = time.monotonic()
    try:
        for _ in range(stage.extent.rounds if name in concurrency.SCENARIOS else 1):
            state.wipe()
            scenario(stage)
    except StoppedError as error:
        tally.count("violations", problem=f"stopped: {error}")
    if tally.counts["unanswered"] and not may_break:
        tally.count("violations", problem="a connection broke without a kill")
    tally.seconds = time.monotonic() - began
    print(*tally.lines(), sep="\n", flush=True)
    return tally
