"""Find the row that keeps another one from having a value, because a constraint allows it once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from django.db import models
from django.db.models.expressions import ExpressionList

from tiled_scim.database.for_write import objects


def holder_of_value(row: models.Model, column: str, value: str) -> models.Model | None:
    """Return the other row that keeps a row from having a value, or None.

    A column may be unique alone, or together with others, such as a name in an account. A
    constraint of an expression, such as `Lower("name")`, is taken to ignore case.

    Args:
        row: The row, which may be new.
        column: The name of the field.
        value: The value that the row should have.
    """
    model = type(row)
    rows = objects(model).exclude(pk=row.pk)
    for condition in _conditions(row, column, value):
        found: models.Model | None = rows.filter(condition).first()
        if found is not None:
            return found
    return None


def _conditions(row: models.Model, column: str, value: str) -> Iterator[models.Q]:
    """Yield the condition for conflicting rows of each unique constraint of a column."""
    meta = row._meta
    if getattr(meta.get_field(column), "unique", False):
        yield models.Q(**{column: value})
    for columns in meta.unique_together:
        if column in columns:
            yield _same_values(row, columns, column) & models.Q(**{column: value})
    for constraint in meta.constraints:
        if not isinstance(constraint, models.UniqueConstraint):
            continue
        columns = (*constraint.fields, *_columns_of(constraint))
        if column in columns:
            lookup = f"{column}__iexact" if constraint.expressions else column
            same = _same_values(row, columns, column) & models.Q(**{lookup: value})
            yield same & (constraint.condition or models.Q())


def _same_values(row: models.Model, columns: Sequence[str], column: str) -> models.Q:
    """Return the condition for rows that have the same values in all columns but one."""
    fields: Iterable[Any] = (row._meta.get_field(name) for name in columns if name != column)
    # The key of a related row, which need not be read.
    return models.Q(**{field.attname: getattr(row, field.attname) for field in fields})


def _columns_of(constraint: models.UniqueConstraint) -> list[str]:
    """Return the names of the fields in the expressions of a constraint."""
    parts: Any = ExpressionList(*constraint.expressions).flatten() if constraint.expressions else ()
    return [cast(Any, part).name for part in parts if isinstance(part, models.F)]
