"""Runs PgBouncer between the servers and PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from resilience.processes import free_port, running

from .documented import block, fill_in

POSTGRESQL_PORT = 5432


@dataclass(frozen=True)
class PgBouncer:
    """A running PgBouncer.

    Args:
        url: The URL of the database through PgBouncer.
        pid: The process id.
    """

    url: str
    pid: int


@contextmanager
def pooling(folder: Path, database_url: str) -> Iterator[PgBouncer]:
    """Run PgBouncer, and stop it at the end.

    Args:
        folder: The parent of the folder for its files.
        database_url: The URL of the database.

    Raises:
        ServerError: PgBouncer is not installed or does not start.
    """
    own = folder / "pgbouncer"
    own.mkdir()
    port, password = free_port(), secrets.token_urlsafe()
    behind = urlsplit(database_url)
    user, name = unquote(behind.username or ""), behind.path.removeprefix("/")
    users, configuration = own / "userlist.txt", own / "pgbouncer.ini"
    for path in (users, configuration):
        path.touch(mode=0o600)
    users.write_text(f'"{user}" "{password}"\n')
    database = (
        f"{name} = host={behind.hostname} port={behind.port or POSTGRESQL_PORT} dbname={name}"
        f" user={user}"
    )
    if behind.password:
        database += f" password='{unquote(behind.password)}'"
    values = {
        "product = host=10.0.0.5 port=5432 dbname=product": database,
        "listen_port = 6432": f"listen_port = {port}",
        "/etc/pgbouncer/userlist.txt": str(users),
    }
    text = fill_in(block("ini", "pool_mode"), values)
    configuration.write_text(f"{text}unix_socket_dir =\n")
    url = behind._replace(netloc=f"{behind.username}:{password}@127.0.0.1:{port}").geturl()
    with running(own, ["pgbouncer", configuration.name], port) as pid:
        yield PgBouncer(url, pid)
