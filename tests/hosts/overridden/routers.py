"""Reads go to a replica and writes to the primary; the default database is another product's."""

from typing import Any


class ReplicaRouter:
    def db_for_read(self, model: object, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: object, **hints: Any) -> str:
        return "primary"

    def allow_relation(self, one: object, other: object, **hints: Any) -> bool:
        return True

    def allow_migrate(self, database: str, app_label: str, **hints: Any) -> bool:
        return database == "primary"
