"""An aggregate that Django has for PostgreSQL only: the rows of a group as one JSON array."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, JSONField
from django.db.models.sql.compiler import SQLCompiler

SQLParameters = tuple[str, tuple[str | int, ...]]


class JSONArray(Aggregate):
    """`[a, b, …]` of one expression over the group's rows; null where there is none."""

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
