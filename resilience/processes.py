"""Programs that run beside the servers: started without privileges, and never left behind."""

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

# Whom a program runs as that root starts.
UNPRIVILEGED = "nobody"
START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.02


class ServerError(Exception):
    """A program does not start, or does not come back."""


def ends_with_parent(*options: str) -> list[str]:
    """The beginning of a command that ends when its parent does, even if that one is killed."""
    return ["setpriv", "--pdeathsig", "TERM", *options, "--"]


@contextmanager
def running(folder: Path, command: Sequence[str], port: int) -> Iterator[int]:
    """Run a program that listens on a port until the context is left.

    Args:
        folder: the program's own files. It becomes the owner of them where root starts it.
        command: the program and its arguments. It must stay in the foreground.

    Yields:
        The id of the process.

    Raises:
        ServerError: the program is not installed, or does not start.
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
    """End a program, by force if it takes too long."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children(pid: int) -> set[int]:
    """The ids of the processes that a process has started."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(each) for each in pids.split()}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _unprivileged(folder: Path) -> list[str]:
    """Options that drop root's privileges, if there are any. Hands the folder over."""
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
            raise ServerError(f"A program did not start. It says:\n{log.read_text()}")
        time.sleep(POLL_SECONDS)
