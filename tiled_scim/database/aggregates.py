"""Aggregate rows into a JSON array, which Django offers for PostgreSQL only."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, JSONField
from django.db.models.sql.compiler import SQLCompiler

SQLParameters = tuple[str, tuple[str | int, ...]]


class JSONArray(Aggregate):
    """Aggregate an expression into a JSON array, or null if there are no rows."""

    function = "JSON_ARRAYAGG"
    output_field = JSONField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> SQLParameters:
        return self.as_sql(compiler, connection, function="JSON_GROUP_ARRAY", **context)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> SQLParameters:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **context)
