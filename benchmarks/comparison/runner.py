"""Run a comparison: create the data, start the servers, measure all operations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .environments import python_of
from .measure import WORKERS, Extent, Measurement, Probe, Round
from .operations import LARGE, SMALL, Operation
from .servers import Databases, Server, run, serving
from .subjects import Subject

if TYPE_CHECKING:
    import psycopg

PARTS = {SMALL: (SMALL,), LARGE: (SMALL, LARGE)}


@dataclass(frozen=True)
class Row:
    """The measurements of an operation on each server, by the subject's name."""

    operation: Operation
    probes: Mapping[str, Probe]
    rounds: Mapping[str, Sequence[Round]]


class Listener(Protocol):
    """Is told about the progress of a comparison."""

    def say(self, text: str) -> None:
        """Take a message about the current step."""

    def row(self, row: Row) -> None:
        """Take the measurements of an operation."""


def compare(
    databases: Databases,
    subjects: Sequence[Subject],
    operations: Sequence[Operation],
    extent: Extent,
    listener: Listener,
) -> list[Row]:
    """Measure operations on servers.

    Args:
        listener: is told about the progress.

    Raises:
        BenchmarkError: a server did not start, or failed a request that prepares another one.
    """
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as folder,
        databases.connect() as connection,
        _dropping(databases, connection, subjects),
    ):
        comparison = Comparison(databases, subjects, Path(folder), listener)
        measurement = Measurement(connection, extent)
        for part in PARTS:
            chosen = [operation for operation in operations if operation.rows == part]
            if chosen:
                comparison.populate(part)
                rows += comparison.measure(measurement, chosen)
    return rows


@contextmanager
def _dropping(
    databases: Databases,
    connection: psycopg.Connection[tuple[object, ...]],
    subjects: Sequence[Subject],
) -> Iterator[None]:
    """Reserve the databases, and drop all of them at the end."""
    databases.reserve(connection)
    try:
        yield
    finally:
        for label in {*map(_rows_of, subjects), *(subject.name for subject in subjects)}:
            databases.drop(label)


def _rows_of(subject: Subject) -> str:
    """Return the label of the database that a subject's database is copied from."""
    return f"rows-{subject.rows}"


class Comparison:
    """The servers of a comparison, and their databases.

    Args:
        folder: for the logs of the servers.
    """

    def __init__(
        self,
        databases: Databases,
        subjects: Sequence[Subject],
        folder: Path,
        listener: Listener,
    ) -> None:
        self._databases = databases
        self._subjects = subjects
        self._folder = folder
        self._listener = listener
        self._pythons = {subject.name: python_of(subject, listener.say) for subject in subjects}
        self._tokens: dict[str, str] = {}
        self._made: set[tuple[str, str]] = set()

    def populate(self, part: str) -> None:
        """Create a database for each subject, with the data of a part."""
        for subject in self._subjects:
            for needed in PARTS[part]:
                self._make_rows(subject, needed)
            self._databases.create(subject.name, template=_rows_of(subject))

    def _make_rows(self, subject: Subject, part: str) -> None:
        """Add a part to the database that the subjects' databases are copied from."""
        label = _rows_of(subject)
        if (label, part) in self._made:
            return
        self._listener.say(f"creating data for {subject.rows} ({part})")
        python, url = self._pythons[subject.name], self._databases.url(label)
        if part == SMALL:
            self._databases.create(label)
            run(subject, python, url, "django", "migrate", "--run-syncdb", "--verbosity", "0")
        self._tokens[label] = run(subject, python, url, f"{subject.package}.populate", part)
        self._made.add((label, part))

    def measure(self, measurement: Measurement, operations: Sequence[Operation]) -> list[Row]:
        """Probe all operations, then measure them."""
        self._listener.say("counting statements")
        with self._serving(1, COUNT_STATEMENTS="1") as servers:
            probes = {
                operation.name: {
                    server.subject.name: measurement.probe(operation, server) for server in servers
                }
                for operation in operations
            }
        rows = []
        with self._serving(WORKERS) as servers:
            for server in servers:
                server.warm_up()
            for operation in operations:
                seen = probes[operation.name]
                able = [server for server in servers if not seen[server.subject.name].cannot]
                row = Row(operation, seen, measurement.rounds(operation, able))
                self._listener.row(row)
                rows.append(row)
        return rows

    @contextmanager
    def _serving(self, workers: int, **settings: str) -> Iterator[list[Server]]:
        with ExitStack() as stack:
            yield [
                stack.enter_context(
                    serving(
                        subject,
                        self._pythons[subject.name],
                        self._databases,
                        self._tokens[_rows_of(subject)],
                        self._folder,
                        workers,
                        **settings,
                    )
                )
                for subject in self._subjects
            ]
