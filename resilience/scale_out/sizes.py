"""How much of the disk a row takes, with its part of the indexes."""

from __future__ import annotations

from benchmarks.population import populate
from django.apps import apps
from django.db import connection

from resilience import state

# Enough that the pages of a table are full.
ROWS = 20_000
GROUPS = 200


def measure() -> dict[str, float]:
    """Bytes of a row with its part of the indexes, by table of the package.

    All rows are deleted before, and stay afterwards.
    """
    state.wipe()
    tables = [model._meta.db_table for model in apps.get_app_config("tiled_scim").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM FULL {', '.join(map(connection.ops.quote_name, tables))}")
    populate(users=ROWS, groups=GROUPS, events=ROWS)
    return {table: size for table in tables if (size := _row_bytes(table))}


def _row_bytes(table: str) -> float | None:
    """Bytes of a row, or None where there are too few rows to tell."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(table)
        cursor.execute(f"SELECT count(*), pg_total_relation_size(%s) FROM {name}", [table])
        rows, size = cursor.fetchone()
    return size / rows if rows >= ROWS else None
