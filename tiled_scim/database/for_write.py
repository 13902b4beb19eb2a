"""Read rows that must not be outdated: from the database for writes, and locked before a change."""

from __future__ import annotations

from typing import Any

from django.db import connections, models, router


def objects(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return a model's rows from the database for writes, because a replica may lag behind."""
    return model._default_manager.using(router.db_for_write(model))


def locked(rows: models.QuerySet[Any], *relations: str) -> models.QuerySet[Any]:
    """Lock rows, and their rows in some relations, until the end of the transaction.

    Others can still insert rows that refer to them, so people can give access meanwhile.
    """
    features = connections[rows.db].features
    of = ("self", *relations) if features.has_select_for_update_of else ()
    return rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update)
