"""Measures the disk space of a row, including its share of the indexes."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.models import Model

from .deployment import deployed

WORKERS, CLIENTS = 2, 20
USERS, GROUPS = 2_000, 10
# A table with fewer rows than this says nothing about the size of a row.
ROWS = 1_000


def measure(folder: Path, url: str) -> dict[str, float]:
    """Measure the tables of the package after pushing users and groups to a new database.

    Args:
        folder: The folder for the files of the deployment.
        url: The URL of the database.

    Returns:
        The number of bytes of a row, by table.
    """
    models = apps.get_app_config("tiled_scim").get_models()
    with deployed(folder, url, WORKERS) as deployment:
        stage = deployment.stage(folder, url, CLIENTS)
        people = stage.people(USERS)
        for number in range(GROUPS):
            stage.group(f"group{number}", *people.values())
    return {
        model._meta.db_table: _bytes(model) / rows
        for model in models
        if (rows := model._default_manager.count()) >= ROWS
    }


def _bytes(model: type[Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
        return int(cursor.fetchone()[0])
