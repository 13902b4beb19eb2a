"""Create many rows as copies of one that a server has created, with PostgreSQL's SQL.

Only key columns are named, so that changes of other columns need no change here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, models

from .dataset import DIGITS, FIRST_KEY, PROTOTYPE, Group

MARKER = str(PROTOTYPE)


def multiply(prototype: models.Model, numbers: range, **different: str) -> None:
    """Copy a row for each number, and replace the prototype's number in its values.

    Args:
        prototype: the row.
        numbers: the numbers, called `n` in SQL.
        different: columns with other values, and the SQL of these.
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
        f"INSERT INTO {table} ({columns}) SELECT {', '.join(expressions.values())} "  # noqa: S608 (names of tables and columns)
        f"FROM {table} AS prototype CROSS JOIN generate_series(%s, %s) AS n "
        f"WHERE prototype.{key} = %s"
    )
    with connection.cursor() as cursor:
        pk = options.pk.get_db_prep_value(prototype.pk, connection)
        cursor.execute(statement, [numbers.start, numbers.stop - 1, pk])


def _expression(field: models.Field[Any, Any], prototype: models.Model) -> str:
    """Return SQL for the value of a column, with the prototype's number replaced."""
    column = f"prototype.{connection.ops.quote_name(str(field.column))}"
    if MARKER not in str(field.value_from_object(prototype)):
        return column
    text = f"replace({column}::text, '{MARKER}', lpad(n::text, {DIGITS}, '0'))"
    return f"{text}::{field.db_type(connection)}".partition(" COLLATE ")[0]


def multiply_members(prototype: models.Model, group: Group, **different: str) -> None:
    """Copy the row of a member for each member of a group."""
    for numbers in (group.members, group.more):
        if numbers:
            multiply(prototype, numbers, **different)


def multiply_groups(prototype: models.Model, groups: Iterable[Group], **different: str) -> None:
    """Copy the row of a group for each group."""
    for group in groups:
        multiply(prototype, range(group.number, group.number + 1), **different)


def uuid_sql(kind: str, number: str = "n") -> str:
    """Return SQL for `dataset.uuid_of`."""
    return f"md5('{kind}' || {number})::uuid"


def key_sql(number: str = "n") -> str:
    """Return SQL for a numeric primary key."""
    return f"{FIRST_KEY} + {number}"


def analyze() -> None:
    """Do the work of autovacuum, so that it does not run during the measurement."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
