"""Inserting many rows with few statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def insert(rows: Iterable[Row]) -> list[Row]:
    """Insert rows of one model; return them with their primary keys, in order.

    `bulk_create` does not know the keys that MySQL gives, so they are read afterwards.
    """
    wanted = list(rows)
    manager = type(wanted[0])._default_manager
    inserted = manager.bulk_create(wanted)
    if all(row.pk is not None for row in inserted):
        return inserted
    return list(manager.order_by("-pk")[: len(inserted)])[::-1]
