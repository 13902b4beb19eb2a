"""Reads go to a replica, which does not follow by itself."""

from typing import Any


class ReplicaRouter:
    def db_for_read(self, model: object, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: object, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: object, other: object, **hints: Any) -> bool:
        return True
