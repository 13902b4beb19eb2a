"""Serve the example project with gunicorn, in a separate process."""

from __future__ import annotations

import errno
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"  # other machines cannot reach the demo
LAST_PORT = 65535
ROOT = Path(__file__).resolve().parents[3]  # the directory of manage.py
START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.1


class ServerError(Exception):
    """Raised when the server cannot be started or stops unexpectedly. The message is for users."""


def require_free(port: int) -> None:
    """Check that the server can use a port.

    Raises:
        ServerError: The port is in use or not allowed.
    """
    try:
        _bind(port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ServerError(f"Port {port} cannot be used: {error.strerror}.") from error
        hint = f"; run make demo PORT={_next_free(port)}"
        raise ServerError(f"Port {port} is in use{hint}") from error


@contextmanager
def serving(port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the example project while the context is active.

    Args:
        port: The port on the loopback address.
        log: The file for the server's output, with a line for every request.

    Yields:
        The process of the server, once it responds.

    Raises:
        ServerError: The server does not start.
    """
    command = [sys.executable, "-m", "gunicorn", "example_project.wsgi"]
    command += ["--bind", f"{HOST}:{port}", "--workers", "2", "--graceful-timeout", "5"]
    command += ["--no-control-socket", "--access-logfile", "-"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (no untrusted input)
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # only the demo handles Ctrl-C, and stops the server
        )
    try:
        _wait_for_answer(process, port, log)
        yield process
    finally:
        _stop(process)


def _bind(port: int) -> None:
    with socket.socket() as probe:
        # Closed connections of an earlier run do not block the port, as for servers.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


def _next_free(port: int) -> int:
    for candidate in range(port + 1, LAST_PORT + 1):
        try:
            _bind(candidate)
        except OSError:
            continue
        return candidate
    return _next_free(1024)


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            output = log.read_text(errors="replace").strip()
            raise ServerError(f"The server did not start. Its output:\n{output}")
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
