"""The database of a host: the one that DATABASE_URL names, under a name of the host's own."""

import dj_database_url


def database(host: str) -> dj_database_url.DBConfig:
    """An entry of DATABASES; an SQLite one in memory, where DATABASE_URL says nothing else."""
    entry = dj_database_url.config(default="sqlite://:memory:")
    if entry["ENGINE"] != "django.db.backends.sqlite3":
        entry["NAME"] = f"{entry['NAME']}_{host}"
    return entry
