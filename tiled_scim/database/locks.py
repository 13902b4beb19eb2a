"""Lock rows until the end of the transaction."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import QuerySet


def locked(rows: QuerySet[Any], *relations: str) -> QuerySet[Any]:
    """Lock rows, and their rows in some relations, when they are read.

    Others can still insert rows that refer to them, so people can give access meanwhile.
    """
    features = connections[rows.db].features
    of = ("self", *relations) if features.has_select_for_update_of else ()
    return rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update)
