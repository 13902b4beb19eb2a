"""Events have a database of their own."""

from typing import Any

from django.db.models import Model

AUDIT = "audit"


class AuditRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return AUDIT if model.__name__ == "ScimEvent" else "default"

    db_for_write = db_for_read
