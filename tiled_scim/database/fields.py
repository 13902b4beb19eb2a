"""Model fields with the same behavior on each database."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression

from tiled_scim.scim.numbers import without_exponent


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """Text that is compared by code points on each database.

    The default collations of MariaDB and MySQL ignore case, accents and trailing spaces. A unique
    constraint would refuse names that only differ in those.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb", False)
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        if connection.vendor == "postgresql":
            # Other collations compare exactly too, but sort in an order that depends on the server.
            parameters["collation"] = "C"
        return parameters


class ExactJSONField(models.JSONField):
    """JSON whose numbers are the same on each database.

    MySQL stores a whole number of more than 64 bits as a floating-point number, and returns it
    with an exponent.
    """

    def from_db_value(
        self, value: Any, expression: Expression, connection: BaseDatabaseWrapper
    ) -> Any:
        is_mariadb = getattr(connection, "mysql_is_mariadb", False)
        if connection.vendor != "mysql" or is_mariadb or not isinstance(value, str):
            return super().from_db_value(value, expression, connection)
        return json.loads(value, parse_float=lambda digits: without_exponent(float(digits)))
