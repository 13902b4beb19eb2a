"""How tests that commit empty the tables afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.color import Style
from django.db import connections


def empty_tables_by_delete() -> None:
    """Let Django empty the tables of PostgreSQL by DELETE.

    TRUNCATE makes new files for each table and each of its indexes. That takes about a second for
    our tables, which have few rows.
    """
    for connection in connections.all(initialized_only=False):
        if connection.vendor == "postgresql":
            connection.ops.sql_flush = _deletes  # type: ignore[method-assign]


def _deletes(style: Style, tables: Sequence[str], **options: Any) -> list[str]:
    """Return the statements. Foreign keys are checked at the end of their transaction."""
    return [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608 (tables of models)
