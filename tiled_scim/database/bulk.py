"""Write any number of rows in few statements.

PostgreSQL gets the values of a column as one array. Other databases get a list of at most
`CHUNK` values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.constants import OnConflict
from django.db.models.signals import post_save, pre_save

# Below the smallest maximum of query parameters of all supported databases.
CHUNK = 500
# The maximum number of elements of an array parameter.
ARRAY = 50_000


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Yield the values in lists that fit into one query."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _in_statements(values: Iterable[Any], connection: BaseDatabaseWrapper) -> Iterator[list[Any]]:
    """Yield the values in lists that fit into one statement, as an array on PostgreSQL."""
    return chunks(values, ARRAY if connection.vendor == "postgresql" else CHUNK)


def insert(
    model: type[Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    using: str,
    *,
    ignore_conflicts: bool = False,
) -> None:
    """Insert rows without creating model instances or sending signals.

    Args:
        model: The model of the rows.
        columns: The `attname` of each field with a value in `rows`. The database must set the
            other columns itself.
        rows: For each row, the values of the columns.
        using: The database alias.
        ignore_conflicts: Whether to skip rows that exist already.
    """
    connection = connections[using]
    fields = _fields(model, tuple(columns))
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    on_conflict = OnConflict.IGNORE if ignore_conflicts else None
    head = connection.ops.insert_statement(on_conflict=on_conflict)
    suffix = connection.ops.on_conflict_suffix_sql(fields, on_conflict, [], [])
    for chunk in _in_statements(rows, connection):
        prepared = [
            [field.get_db_prep_save(row[position], connection) for row in chunk]
            for position, field in enumerate(fields)
        ]
        values, parameters = _values(fields, prepared, connection)
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"{head} {table} ({names}) {values} {suffix}".rstrip(), parameters)


def update(instance: Model, names: Collection[str], using: str) -> None:
    """Update columns of a locked row, as `save(update_fields=names)` does.

    Args:
        names: The `attname` of each field to update.
        using: The alias of the database.
    """
    model = type(instance)
    if pre_save.has_listeners(model) or post_save.has_listeners(model):
        instance.save(using=using, update_fields=names)
        return
    connection = connections[using]
    quote = connection.ops.quote_name
    fields = _fields(model, tuple(names))
    key = cast(Any, model._meta.pk)
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    sql = f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {quote(key.column)} = %s"  # noqa: S608 (names of columns)
    parameters = [
        *(field.get_db_prep_save(getattr(instance, field.attname), connection) for field in fields),
        key.get_db_prep_value(instance.pk, connection),
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def delete(
    model: type[Model], column: str, value: Any, keys_column: str, keys: Collection[Any], using: str
) -> None:
    """Delete the rows with a value in one column and one of the keys in another.

    Signals are not sent, and rows that refer to the deleted ones are not deleted.

    Args:
        model: The model of the rows.
        column: The `attname` of the field with the value.
        value: The value.
        keys_column: The `attname` of the field with the keys.
        keys: The keys.
        using: The database alias.
    """
    connection = connections[using]
    quote = connection.ops.quote_name
    field, keys_field = _fields(model, (column, keys_column))
    start = f"DELETE FROM {quote(model._meta.db_table)} WHERE {quote(field.column)} = %s"  # noqa: S608 (names of columns)
    first = field.get_db_prep_value(value, connection)
    for chunk in _in_statements(keys, connection):
        parameters = [keys_field.get_db_prep_value(key, connection) for key in chunk]
        one_of = f"IN ({', '.join(['%s'] * len(parameters))})"
        if connection.vendor == "postgresql":
            one_of, parameters = f"= ANY((%s)::{keys_field.db_type(connection)}[])", [parameters]
        with connection.cursor() as cursor:
            cursor.execute(f"{start} AND {quote(keys_field.column)} {one_of}", [first, *parameters])


@lru_cache
def _fields(model: type[Model], attnames: tuple[str, ...]) -> list[Any]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return [fields[attname] for attname in attnames]


def _values(
    fields: Sequence[Any], columns: list[list[Any]], connection: BaseDatabaseWrapper
) -> tuple[str, list[Any]]:
    """Return the SQL and the parameters of the rows of an INSERT.

    PostgreSQL gets each column as one array, unless there is one row: plain values are faster then.

    Args:
        fields: The fields of the columns.
        columns: For each column, the prepared values of all rows.
    """
    if connection.vendor == "postgresql" and len(columns[0]) > 1:
        arrays = ", ".join(f"(%s)::{field.db_type(connection)}[]" for field in fields)
        return f"SELECT * FROM UNNEST({arrays})", columns  # noqa: S608 (types of columns)
    one = f"({', '.join(['%s'] * len(fields))})"
    rows = ", ".join([one] * len(columns[0]))
    return f"VALUES {rows}", [value for row in zip(*columns, strict=True) for value in row]
