"""`python -m benchmarks.comparison`: make databases, start servers, measure, report."""

from __future__ import annotations

import argparse
import os
import sys
import time

from .measure import FULL, QUICK
from .operations import NAMES, OPERATIONS
from .runner import compare
from .servers import DEFAULT_URL, BenchmarkError, Databases
from .subjects import SUBJECTS
from .terminal import Terminal


def main() -> int:
    options = _options()
    began = time.monotonic()
    try:
        databases = Databases(os.environ.get("DATABASE_URL", DEFAULT_URL))
        extent = QUICK if options.quick else FULL
        compare(databases, options.only, options.operations, extent, Terminal())
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{time.monotonic() - began:.0f} seconds")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.comparison", description=__doc__)
    names = [subject.name for subject in SUBJECTS]
    parser.add_argument("--quick", action="store_true", help="fewer requests, and no report")
    parser.add_argument("--only", default=",".join(names), help=f"some of {', '.join(names)}")
    parser.add_argument(
        "--operations",
        default=",".join(NAMES),
        help=f"beginnings of names, with commas; the names are {', '.join(NAMES)}",
    )
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    options.only = [subject for subject in SUBJECTS if subject.name in chosen]
    beginnings = tuple(options.operations.split(","))
    options.operations = [one for one in OPERATIONS if one.name.startswith(beginnings)]
    if not options.operations:
        parser.error("there is no such operation")
    return options


if __name__ == "__main__":
    sys.exit(main())
