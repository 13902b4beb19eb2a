"""`manage.py demo` in a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def copy_project(folder: Path) -> Path:
    """Copy the example project, so that it has its own demo database."""
    shutil.copytree(ROOT / "example_project", folder / "example_project")
    shutil.copy(ROOT / "manage.py", folder)
    return folder


@contextmanager
def demo(project: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start `manage.py demo` with these environment variables, without those of the tests."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def read_until(process: subprocess.Popen[str], end: str) -> str:
    """Return the output up to the line that starts with `end`, or all of it."""
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line.startswith(end):
            break
    return "".join(said)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
