"""The database of a host: the one that DATABASE_URL names, under a name of the host's own."""

import os
import tempfile
from pathlib import Path

import dj_database_url


def database(host: str, *, in_file: bool = False) -> dj_database_url.DBConfig:
    """An entry of DATABASES; an SQLite one in memory, where DATABASE_URL says nothing else.

    Args:
        in_file: SQLite has it in a file, where a server's threads have connections of their own.
    """
    entry = dj_database_url.config(default="sqlite://:memory:")
    if entry["ENGINE"] != "django.db.backends.sqlite3":
        entry["NAME"] = f"{entry['NAME']}_{host}"
    elif in_file:
        file = Path(tempfile.gettempdir()) / f"tiled_scim_{host}_{os.getpid()}.sqlite3"
        entry["TEST"] = {"NAME": str(file)}
        entry["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    return entry
