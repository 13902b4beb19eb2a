"""The simple project under gunicorn, in several processes, on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from .processes import (
    POLL_SECONDS,
    START_SECONDS,
    ServerError,
    children,
    ends_with_parent,
    free_port,
    stop,
)

ROOT = Path(__file__).resolve().parent.parent
# The environment's variable for where a process reports a place: the path of a socket.
ANNOUNCEMENTS = "ANNOUNCEMENTS"
# Of a request, names the place: see `places.py`.
PLACE_HEADER = "X-Report-At"


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        port: on this machine.
        pid: of the process that watches over the workers.
        announcements: where a worker reports that its request has reached a place.
    """

    port: int
    pid: int
    announcements: socket.socket

    def workers(self) -> set[int]:
        """The processes that answer now."""
        return children(self.pid)

    def reported(self, seconds: float) -> int | None:
        """The worker whose request has reached its place, or None if none has in time."""
        self.announcements.settimeout(seconds)
        try:
            return int(self.announcements.recv(32))
        except TimeoutError:
            return None

    def kill(self, worker: int) -> None:
        """As the kernel does when memory is short."""
        os.kill(worker, signal.SIGKILL)


@contextmanager
def serving(
    folder: Path, database_url: str, workers: int, *options: str, **settings: str
) -> Iterator[Server]:
    """Serve until the context is left.

    Args:
        folder: for what the server says, and its sockets.
        database_url: as the server shall have it, which may be that of a proxy.
        workers: how many processes answer.
        options: others of gunicorn's.
        settings: environment variables that `settings.py` reads, or DJANGO_SETTINGS_MODULE for
            other settings than those of this package.

    Raises:
        ServerError: it does not start.
    """
    port = free_port()
    address = folder / f"announcements-{port}"
    environment: Mapping[str, str] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "resilience.settings",
        **settings,
        "DATABASE_URL": database_url,
        ANNOUNCEMENTS: str(address),
    }
    command = [*ends_with_parent(), sys.executable, "-m", "gunicorn", "resilience.wsgi"]
    command += ["--preload", *options]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    command += ["--no-control-socket", "--graceful-timeout", "1"]
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as announcements,
        (folder / f"server-{port}.log").open("wb") as log,
    ):
        announcements.bind(str(address))
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            server = Server(port, process.pid, announcements)
            _wait_until_ready(server, workers, process, Path(log.name))
            yield server
        finally:
            stop(process)


def _wait_until_ready(
    server: Server, workers: int, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while len(server.workers()) < workers or not _answers(server.port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"The server did not start. It says:\n{log.read_text()}")
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/scim/v2/Users")
        return connection.getresponse().status == 401
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
