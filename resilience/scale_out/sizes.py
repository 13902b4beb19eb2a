"""How much of the disk a row takes, with its part of the indexes."""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.models import Model

from benchmarks.population import populate
from resilience import state

# Enough that the pages of a table are full.
ROWS = 20_000
GROUPS = 200


def measure() -> dict[str, float]:
    """Bytes of a row with its part of the indexes, by table of the package.

    All rows are deleted before, and stay afterwards.
    """
    state.wipe()
    models = list(apps.get_app_config("tiled_scim").get_models())
    tables = [connection.ops.quote_name(model._meta.db_table) for model in models]
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM FULL {', '.join(tables)}")
    populate(users=ROWS, groups=GROUPS, events=ROWS)
    # Of the others there are too few rows to tell.
    return {
        model._meta.db_table: _bytes(model) / rows
        for model in models
        if (rows := model._default_manager.count()) >= ROWS // 2
    }


def _bytes(model: type[Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
        return int(cursor.fetchone()[0])
