"""Columns that are the same on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """Text that is compared code point by code point on every database.

    The default collations of MariaDB and MySQL ignore letter case, accents and trailing spaces, so
    that a unique constraint would take two people for one.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb", False)
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        if connection.vendor == "postgresql":
            # Another one compares with equal care, but not in an order that a range can rely on.
            parameters["collation"] = "C"
        return parameters
