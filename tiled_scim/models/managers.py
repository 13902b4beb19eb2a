"""A manager for rows that must not be outdated."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, router, transaction

AnyModel = TypeVar("AnyModel", bound=models.Model)


class WriteManager(models.Manager[AnyModel]):
    """Reads from the database for writes, because a replica may have outdated rows."""

    @property
    def write_alias(self) -> str:
        """Return the alias of the database for writes."""
        return router.db_for_write(self.model)

    def for_write(self) -> models.QuerySet[AnyModel]:
        """Return all rows, from the database for writes."""
        return self.using(self.write_alias)

    def atomic(self) -> Any:
        """Return a transaction on the database for writes, as a context manager."""
        return transaction.atomic(using=self.write_alias)
