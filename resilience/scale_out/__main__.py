"""`python -m resilience.scale_out`: runs all parts on a new PostgreSQL database."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import django

from resilience.databases import url

PARTS = ("wire", "load", "throughput")


def main() -> int:
    options = _options()
    # Terminate like an exception does, so that all programs are stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="scale-out-") as name:
        folder = Path(name)
        # Programs without privileges must reach their folders in it.
        folder.chmod(0o755)
        os.environ["DATABASE_URL"] = url("postgresql", folder, "scale_out")
        os.environ["DJANGO_SETTINGS_MODULE"] = "resilience.settings"
        django.setup()
        began = time.monotonic()
        failed = _run(folder, options)
        print(f"\n{time.monotonic() - began:.0f} seconds; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _run(folder: Path, options: argparse.Namespace) -> list[str]:
    """Run the parts. Return the names of those that failed."""
    # These import models.
    from resilience.databases import database

    from . import load, report, sizes, throughput, wire

    failed = []
    results: throughput.Results = {}
    with database() as database_url:
        if "wire" in options.only:
            names = wire.SHORT if options.short else wire.ALL
            if not wire.run(folder, database_url, names):
                failed.append("wire")
        if "load" in options.only:
            rounds = 1 if options.short else 5
            if not load.run(folder, database_url, rounds, options.seed):
                failed.append("load")
        if "throughput" in options.only:
            plan = throughput.SHORT if options.short else throughput.FULL
            results = throughput.run(folder, database_url, plan)
    if "throughput" in options.only and not options.short:
        # Deleted rows take space, so the sizes need a new database.
        with database() as database_url:
            report.write(results, sizes.measure(folder, database_url))
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m resilience.scale_out", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one minute, without report")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="random seed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
