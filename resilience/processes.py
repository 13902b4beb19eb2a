"""Starts programs without privileges, and stops them when they are no longer needed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# The user that runs a program that root starts.
UNPRIVILEGED = "nobody"
START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.02


class ServerError(Exception):
    """A program did not start or did not finish its work in time."""


def ends_with_parent(*options: str) -> list[str]:
    """Return the start of a command for a program that ends when its parent ends or is killed.

    Args:
        options: Other options of setpriv.
    """
    return ["setpriv", "--pdeathsig", "TERM", *options, "--"]


@contextmanager
def running(folder: Path, command: Sequence[str], port: int) -> Iterator[int]:
    """Run a program that listens on a port, and stop it at the end.

    Args:
        folder: The folder for the files of the program. If root starts it, the folder is given
            to an unprivileged user.
        command: The program and its arguments. The program must stay in the foreground.
        port: The port.

    Yields:
        The process id.

    Raises:
        ServerError: The program is not installed or does not start.
    """
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise ServerError(f"{command[0]} is not installed.")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*ends_with_parent(*_unprivileged(folder)), program, *command[1:]],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(process, port, log)
        yield process.pid
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a program, and kill it if it does not end in time."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children(pid: int) -> set[int]:
    """Return the ids of the child processes of a process."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(each) for each in pids.split()}


def free_port() -> int:
    """Return a port of this machine that is not in use."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Return whether a program listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _unprivileged(folder: Path) -> list[str]:
    """Return the options that drop root's privileges, and give the folder to the other user."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(UNPRIVILEGED)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_open(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"A program did not start. Its output:\n{log.read_text()}")
        time.sleep(POLL_SECONDS)
