"""The wire tests, sent over HTTP to a deployment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from resilience.server import ROOT

from .deployment import deployed

WORKERS = 4
# What identity providers send, and many requests at once: the rest takes three minutes.
SHORT = tuple(
    f"test_{name}.py" for name in ("at_once", "entra", "okta_acceptance", "okta_crud", "okta_spec")
)
ALL = ("test_*.py",)


def run(folder: Path, url: str, names: Sequence[str]) -> bool:
    """Run wire tests over HTTP; pytest prints what comes of them.

    Args:
        folder: where the deployment keeps its files.
        url: of the database, which the tests and the servers share.
        names: patterns of the files' names.

    Returns:
        Whether all have passed, and both servers have had a part in it.
    """
    files = sorted({path for name in names for path in (ROOT / "tests/wire").glob(name)})
    print(f"\nWire tests through nginx, {WORKERS} server processes", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-r", "fE"]
    # The database is the one that the servers have already.
    command += ["--reuse-db", *map(str, files)]
    with deployed(folder, url, WORKERS) as deployment:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "SCIM_URL": deployment.url,
        }
        result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        shares = deployment.shares()
    print(f"Requests of each server: {', '.join(map(str, shares))}", flush=True)
    return result.returncode == 0 and all(shares)
