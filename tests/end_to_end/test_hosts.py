"""The package in other hosts than the simple project, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTS = sorted(path.parent.name for path in ROOT.glob("tests/hosts/*/settings.py"))
# Says how the tests outside are run, which is nothing to the ones inside.
OUTSIDE = {"DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS"}


@pytest.mark.parametrize("host", HOSTS)
def test_the_tests_of_the_host_pass(host: str) -> None:
    command = [sys.executable, "-m", "pytest", f"tests/hosts/{host}", "--confcutdir=tests/hosts"]
    result = subprocess.run(
        [*command, f"--ds=tests.hosts.{host}.settings", "-p", "no:cacheprovider", "--color=no"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OUTSIDE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout
    assert " passed" in result.stdout
