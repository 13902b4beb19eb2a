"""Runs the wire tests over HTTP against a deployment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from resilience.server import ROOT

from .deployment import deployed

WORKERS = 4
# The requests of identity providers, and concurrent requests. All tests take three minutes.
SHORT = tuple(
    f"test_{name}.py" for name in ("at_once", "entra", "okta_acceptance", "okta_crud", "okta_spec")
)
ALL = ("test_*.py",)


def run(folder: Path, url: str, names: Sequence[str]) -> bool:
    """Run wire tests over HTTP. pytest prints the results.

    Args:
        folder: The folder for the files of the deployment.
        url: The URL of the database that the tests and the servers share.
        names: Patterns of the names of the test files.

    Returns:
        Whether all tests passed and both servers answered requests.
    """
    files = sorted({path for name in names for path in (ROOT / "tests/wire").glob(name)})
    print(f"\nWire tests through nginx, {WORKERS} server processes", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-r", "fE"]
    # The database exists already.
    command += ["--reuse-db", *map(str, files)]
    with deployed(folder, url, WORKERS) as deployment:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.simple_project.settings",
            "SCIM_URL": deployment.url,
        }
        result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        shares = deployment.shares()
    print(f"Requests of each server: {', '.join(map(str, shares))}", flush=True)
    return result.returncode == 0 and all(shares)
