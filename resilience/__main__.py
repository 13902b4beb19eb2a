"""`python -m resilience`: test each database in a separate process with its own settings."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from .databases import NAMES, url


def main() -> int:
    options = _options()
    if len(options.databases) == 1:
        return _try(options.databases[0], options)
    began = time.monotonic()
    command = [sys.executable, "-m", "resilience", "--seed", str(options.seed)]
    command += ["--only", options.only]
    command += ["--logs", str(options.logs)] if options.logs else []
    command += ["--short"] if options.short else []
    failed = [
        name
        for name in options.databases
        if subprocess.run([*command, name], check=False).returncode
    ]
    print(f"\n{time.monotonic() - began:.0f} seconds; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m resilience", description=__doc__)
    parser.add_argument("--short", action="store_true", help="run less of each scenario")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10_000), help="seed of the random numbers"
    )
    parser.add_argument(
        "--only", default="", help="run only scenarios whose names contain this text"
    )
    parser.add_argument("--logs", type=Path, help="a new folder for the servers' logs")
    parser.add_argument("databases", nargs="*", choices=[[], *NAMES], metavar="database")
    options = parser.parse_args()
    options.databases = options.databases or list(NAMES)
    return options


def _try(name: str, options: argparse.Namespace) -> int:
    with _folder(options.logs, name) as folder:
        os.environ["DATABASE_URL"] = url(name, folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "resilience.settings"
        django.setup()
        # The import needs the models.
        from . import runner

        extent = runner.SHORT if options.short else runner.FULL
        return 0 if runner.run(extent, options.seed, options.only, folder) else 1


@contextmanager
def _folder(logs: Path | None, name: str) -> Iterator[Path]:
    """Create the folder for the files of one database's servers."""
    if logs is None:
        with tempfile.TemporaryDirectory(prefix="resilience-") as temporary:
            yield Path(temporary)
    else:
        folder = (logs / name).resolve()
        folder.mkdir(parents=True)
        yield folder


if __name__ == "__main__":
    sys.exit(main())
