"""Start the servers of the comparison under gunicorn, and create their databases."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .client import HOST, Answer, Request, encoded, exchange
from .subjects import Subject

if TYPE_CHECKING:
    import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/tiled_scim"
START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.02
WARM_UP = 40


class BenchmarkError(Exception):
    """The comparison cannot continue."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        subject: the software that it runs.
        port: its port on this machine.
        pid: the id of gunicorn's main process.
        token: a valid bearer token.
        database: the name of its database.
    """

    subject: Subject
    port: int
    pid: int
    token: str
    database: str

    def encode(self, request: Request) -> bytes:
        return encoded(request, self.subject.base, self.token)

    def send(self, request: Request) -> Answer:
        return exchange(self.port, self.encode(request))

    def workers(self) -> list[int]:
        """Return the ids of the workers; a process that has ended has no command line."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if _is_running(pid)]

    def warm_up(self) -> None:
        """Send requests until all workers are connected to the database."""
        content = self.encode(Request("GET", "/Users?startIndex=1&count=1"))
        with ThreadPoolExecutor(len(self.workers())) as pool:
            list(pool.map(partial(exchange, self.port), [content] * WARM_UP))

    def renew_worker(self) -> None:
        """Replace the only worker by a new process."""
        [old] = self.workers()
        # Add a worker, and remove one: gunicorn ends the oldest, but needs up to a second.
        os.kill(self.pid, signal.SIGTTIN)
        self._wait_until(lambda: len(self.workers()) > 1)
        os.kill(self.pid, signal.SIGTTOU)
        os.kill(old, signal.SIGKILL)
        self._wait_until(lambda: len(self.workers()) == 1 and old not in self.workers())

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_done():
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.subject.name} has no new worker.")
            time.sleep(POLL_SECONDS)


class Databases:
    """Creates and drops the databases of the comparison.

    Args:
        url: the URL of a database, which need not exist; the other names begin with its name.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"postgres", "postgresql"}:
            raise BenchmarkError("The comparison needs PostgreSQL: set DATABASE_URL.")
        self._parts = parts
        self._prefix = parts.path.lstrip("/") + "_bench"

    def name(self, label: str) -> str:
        return f"{self._prefix}_{label.replace('-', '_')}"

    def url(self, label: str) -> str:
        return self._parts._replace(path=f"/{self.name(label)}").geturl()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect to the database `postgres`, which always exists."""
        import psycopg

        url = self._parts._replace(scheme="postgresql", path="/postgres").geturl()
        return psycopg.connect(url, autocommit=True)

    def reserve(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Keep other comparisons from using the same names, until the connection is closed.

        Raises:
            BenchmarkError: another comparison is running.
        """
        query = "SELECT pg_try_advisory_lock(hashtext(%s))"
        [is_free] = connection.execute(query, [self._prefix]).fetchone() or [False]
        if not is_free:
            raise BenchmarkError(f"Another comparison uses the databases {self._prefix}_….")

    def create(self, label: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of another one."""
        from psycopg import sql

        self.drop(label)
        new = sql.Identifier(self.name(label))
        origin = sql.Identifier(self.name(template) if template else "template1")
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, origin))
            # The processor time of parallel workers would be missed.
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET max_parallel_workers_per_gather = 0").format(new)
            )

    def drop(self, label: str) -> None:
        from psycopg import sql

        name = sql.Identifier(self.name(label))
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def environment(subject: Subject, url: str, **settings: str) -> dict[str, str]:
    """Return the environment variables for the processes of a subject."""
    return {
        **os.environ,
        **settings,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": f"{subject.package}.settings",
        "DEBUG": "",
        "PYTHONPATH": str(ROOT),
    }


def run(subject: Subject, python: str, url: str, *arguments: str) -> str:
    """Run a Python module in the environment of a subject, and return its output.

    Raises:
        BenchmarkError: it failed.
    """
    done = subprocess.run(
        [python, "-m", *arguments],
        cwd=ROOT,
        env=environment(subject, url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{subject.name}: {' '.join(arguments)} fails.\n{done.stderr}")
    return done.stdout.strip()


@contextmanager
def serving(
    subject: Subject,
    python: str,
    databases: Databases,
    token: str,
    folder: Path,
    workers: int,
    **settings: str,
) -> Iterator[Server]:
    """Run a server until the context is left.

    Args:
        python: the Python of the subject's environment.
        folder: the folder for the log.
        settings: additional environment variables.

    Raises:
        BenchmarkError: the server did not start.
    """
    port = _free_port()
    command = [python, "-m", "gunicorn", "benchmarks.comparison.wsgi", "--preload"]
    command += ["--bind", f"{HOST}:{port}", "--workers", str(workers), "--timeout", "300"]
    command += ["--no-control-socket"]
    with (folder / f"{subject.name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(subject, databases.url(subject.name), **settings),
            stdout=log,
            stderr=log,
        )
        try:
            server = Server(
                port=port,
                subject=subject,
                pid=process.pid,
                token=token,
                database=databases.name(subject.name),
            )
            _wait(server, workers, process, Path(log.name))
            yield server
        finally:
            _stop(process)


def _wait(server: Server, workers: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while len(server.workers()) < workers or not _answers(server.port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"{server.subject.name} does not start:\n{log.read_text()}")
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    try:
        content = encoded(Request("GET", "/"), "", "")
        return exchange(port, content).content.startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_running(pid: str) -> bool:
    """Return whether a process still has a command line, as one that ends has not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False
