"""All scenarios on one database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import connection

from tiled_scim.models import ScimToken

from . import concurrency, hangups, kills, misbehaviour, outages, state
from .client import NoAnswerError
from .databases import database
from .server import Server, serving
from .stage import Extent, Stage
from .tally import Tally, heading, total

SHORT = Extent(rounds=1, kills=24, outage_seconds=1, cuts=1)
FULL = Extent(rounds=10, kills=200, outage_seconds=3, cuts=5)

WORKERS = 4

Scenario = Callable[[Stage], None]

SCENARIOS: dict[str, Scenario] = {
    **concurrency.SCENARIOS,
    **kills.SCENARIOS,
    **outages.SCENARIOS,
    **misbehaviour.SCENARIOS,
    **hangups.SCENARIOS,
}


def run(extent: Extent, seed: int, only: str, folder: Path) -> bool:
    """Play all scenarios on the database of the settings, and print the table.

    Returns:
        Whether all figures that must be zero are.
    """
    with database() as url, serving(folder, url, WORKERS) as server:
        print(f"\n{connection.display_name}, {WORKERS} server processes, seed {seed}")
        print(heading())
        tallies = list(_play(server, url, folder, extent, random.Random(seed), only))
    print(*total(tallies).lines(), sep="\n", flush=True)
    return not any(tally.has_failed for tally in tallies)


def _play(
    server: Server, url: str, folder: Path, extent: Extent, chance: random.Random, only: str
) -> Iterator[Tally]:
    _, token = ScimToken.objects.generate()
    for name, scenario in SCENARIOS.items():
        if only not in name:
            continue
        rounds = extent.rounds if name in concurrency.SCENARIOS else 1
        stage = Stage(server, token, url, folder, extent, chance, Tally(name))
        _perform(scenario, stage, rounds)
        token = stage.token
        yield stage.tally


def _perform(scenario: Scenario, stage: Stage, rounds: int) -> None:
    began = time.monotonic()
    try:
        for _ in range(rounds):
            state.wipe()
            scenario(stage)
    except NoAnswerError as error:
        stage.tally.count("violations", problem=f"no answer: {error}")
    stage.tally.seconds = time.monotonic() - began
    print(*stage.tally.lines(), sep="\n", flush=True)
