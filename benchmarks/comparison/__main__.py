"""`python -m benchmarks.comparison`: compare the servers and report the results."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable

from .environments import versions_of
from .measure import FULL, QUICK, Extent
from .operations import NAMES, OPERATIONS
from .report import Conditions, write
from .runner import compare
from .servers import DEFAULT_URL, BenchmarkError, Databases
from .subjects import SUBJECTS, Subject
from .terminal import Terminal

# The load average of a machine on which other programs disturb the comparison.
BUSY = 0.5


def main() -> int:
    options = _options()
    began = time.monotonic()
    load, _, _ = os.getloadavg()
    if load > BUSY:
        print(f"The load average is {load:.1f}: the results will vary.", file=sys.stderr)
    try:
        databases = Databases(os.environ.get("DATABASE_URL", DEFAULT_URL))
        extent = QUICK if options.quick else FULL
        rows = compare(databases, options.only, options.operations, extent, Terminal())
        if options.report:
            write(rows, conditions(databases, options.only, extent, load))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{time.monotonic() - began:.0f} seconds")
    return 0


def conditions(
    databases: Databases, subjects: list[Subject], extent: Extent, load: float
) -> Conditions:
    """Return the conditions of the comparison."""
    with databases.connect() as connection:
        [version] = connection.execute("SHOW server_version").fetchone() or [""]
    versions = {subject.name: versions_of(subject) for subject in subjects}
    return Conditions(str(version), versions, extent.rounds, load)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.comparison", description=__doc__)
    names = [subject.name for subject in SUBJECTS]
    parser.add_argument(
        "--quick", action="store_true", help="measure less often, and write no report"
    )
    parser.add_argument(
        "--report", action="store_true", help="update docs/performance.md, as a full run does"
    )
    parser.add_argument(
        "--only", default=",".join(names), help=f"servers, out of {', '.join(names)}"
    )
    parser.add_argument(
        "--operations",
        default=",".join(NAMES),
        help=f"operations or prefixes of them, out of {', '.join(NAMES)}",
    )
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    options.only = [subject for subject in SUBJECTS if subject.name in chosen]
    wanted = options.operations.split(",")
    options.operations = [one for one in OPERATIONS if _is_wanted(one.name, wanted)]
    if not options.operations:
        parser.error("there is no such operation")
    is_whole = len(options.only) == len(SUBJECTS) and len(options.operations) == len(OPERATIONS)
    options.report = options.report or (is_whole and not options.quick)
    return options


def _is_wanted(name: str, wanted: Iterable[str]) -> bool:
    """Whether an operation is in a list of names and prefixes; a full name is not a prefix."""
    return any(name == text or (text not in NAMES and name.startswith(text)) for text in wanted)


if __name__ == "__main__":
    sys.exit(main())
