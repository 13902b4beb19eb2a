"""The databases that are tried, each with a test database of its own on the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection

# Name → the environment's variable for the URL, and the URL where that is not set: as in tox.ini.
DATABASES = {
    "postgresql": ("POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/tiled_scim"),
    "mariadb": ("MARIADB_URL", "mysql://root@127.0.0.1:3306/tiled_scim"),
}
SQLITE = "sqlite"
NAMES = (*DATABASES, SQLITE)


def url(name: str, folder: Path, purpose: str = "resilience") -> str:
    """Return the URL of a database before it is created.

    Args:
        name: The name in `DATABASES`, or "sqlite".
        folder: The folder for the file of SQLite.
        purpose: The end of the database's name. Runs for other purposes can run at the same time.
    """
    if name == SQLITE:
        return f"sqlite:///{folder / purpose}.sqlite3"
    variable, default = DATABASES[name]
    return f"{os.environ.get(variable, default)}_{purpose}"


@contextmanager
def database() -> Iterator[str]:
    """Make and migrate the database of the settings, and drop it in the end.

    Yields:
        Its URL, as the server shall have it.
    """
    given = os.environ["DATABASE_URL"]
    if connection.vendor == "sqlite":
        call_command("migrate", verbosity=0)
        yield given
        return
    own = connection.settings_dict["NAME"]
    made = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield urlsplit(given)._replace(path=f"/{made}").geturl()
    finally:
        connection.creation.destroy_test_db(own, verbosity=0)
