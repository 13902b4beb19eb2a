"""A manager for rows that must not be outdated."""

from __future__ import annotations

from typing import TypeVar

from django.db import models, router

AnyModel = TypeVar("AnyModel", bound=models.Model)


class WrittenManager(models.Manager[AnyModel]):
    """Reads from the database for writes, because a replica may have outdated rows."""

    def written(self) -> models.QuerySet[AnyModel]:
        """Return all rows, from the database for writes."""
        return self.using(router.db_for_write(self.model))
