"""Large numbers of rows, each a copy of one that a server made of a push, by PostgreSQL's SQL.

Names no column but keys, so that it is right whatever else a table has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, models

from .dataset import DIGITS, FIRST_KEY, PROTOTYPE, Group

MARKER = str(PROTOTYPE)


def multiply(prototype: models.Model, numbers: range, **different: str) -> None:
    """Copy a row once for each number, which stands where the row has the prototype's.

    Args:
        prototype: the row.
        numbers: each is `n` in SQL.
        different: columns, and the SQL of their values.
    """
    options = prototype._meta
    fields = {str(field.column): field for field in options.concrete_fields}
    expressions = {
        column: different.get(column) or _expression(field, prototype)
        for column, field in fields.items()
        if column in different or not field.primary_key
    }
    table = connection.ops.quote_name(options.db_table)
    columns = ", ".join(map(connection.ops.quote_name, expressions))
    key = connection.ops.quote_name(str(options.pk.column))
    statement = (
        f"INSERT INTO {table} ({columns}) SELECT {', '.join(expressions.values())} "  # noqa: S608 -- all of it is written here
        f"FROM {table} AS prototype CROSS JOIN generate_series(%s, %s) AS n "
        f"WHERE prototype.{key} = %s"
    )
    with connection.cursor() as cursor:
        pk = options.pk.get_db_prep_value(prototype.pk, connection)
        cursor.execute(statement, [numbers.start, numbers.stop - 1, pk])


def _expression(field: models.Field[Any, Any], prototype: models.Model) -> str:
    """SQL for a column's value: the prototype's, with its number replaced."""
    column = f"prototype.{connection.ops.quote_name(str(field.column))}"
    if MARKER not in str(field.value_from_object(prototype)):
        return column
    text = f"replace({column}::text, '{MARKER}', lpad(n::text, {DIGITS}, '0'))"
    return f"{text}::{field.db_type(connection)}".partition(" COLLATE ")[0]


def multiply_members(prototype: models.Model, group: Group, **different: str) -> None:
    """Copy the row of a member once for each member of a group."""
    for numbers in (group.members, group.more):
        if numbers:
            multiply(prototype, numbers, **different)


def multiply_groups(prototype: models.Model, groups: Iterable[Group], **different: str) -> None:
    """Copy the row of a group once for each group."""
    for group in groups:
        multiply(prototype, range(group.number, group.number + 1), **different)


def uuid_sql(kind: str, number: str = "n") -> str:
    """SQL for `dataset.uuid_of`."""
    return f"md5('{kind}' || {number})::uuid"


def key_sql(number: str = "n") -> str:
    """SQL for a primary key that is a number."""
    return f"{FIRST_KEY} + {number}"


def analyze() -> None:
    """Do what autovacuum does after a while, so that it does not come meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
