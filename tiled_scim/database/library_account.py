"""The account that a Library belongs to, in a host with a membership model.

It is a foreign key of the Library model to the account model (`TILED_SCIM_LIBRARY_ACCOUNT_FIELD`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db.models import Exists, F, Model, OuterRef, Q

from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.expressions import ColumnText
from tiled_scim.database.membership_model import membership_model


@dataclass(frozen=True)
class LibraryAccount:
    """The Library model and its foreign key to the account."""

    model: type[Model]
    field: Any

    def key(self, library: Model) -> str:
        """Return the key of a Library's account."""
        return str(getattr(library, self.field.attname))

    def exists(self, library: str, account: str) -> Q:
        """Return the condition that a row's Library belongs to the row's account.

        Args:
            library: The ORM path from the row to the Library's primary key.
            account: The ORM path from the row to the account's key.
        """
        rows = self.model._base_manager.filter(pk=OuterRef(library))
        key = ColumnText(F(self.field.attname))
        return Q(Exists(rows.annotate(account_key=key).filter(account_key=OuterRef(account))))


def library_account() -> LibraryAccount | None:
    """Return the Library's account, or None if the host has no membership model.

    Raises:
        LookupError: if it is unclear which foreign key of the Library is the account.
    """
    memberships = membership_model()
    if memberships is None:
        return None
    named = settings.LIBRARY_ACCOUNT_FIELD
    return _library_account(settings.LIBRARY_MODEL, memberships.account_model, named)


@lru_cache
def _library_account(label: str, accounts: type[Model], named: str | None) -> LibraryAccount:
    model = apps.get_model(label)
    keys = [field for field in model._meta.concrete_fields if field.related_model is accounts]
    found = [key for key in keys if named in {None, key.name}]
    if len(found) == 1:
        return LibraryAccount(model, found[0])
    names = ", ".join(key.name for key in keys) or "none"
    raise LookupError(
        f"{model.__name__} must have one foreign key to {accounts.__name__}. Found: {names}. Name "
        f"it in {PREFIX}LIBRARY_ACCOUNT_FIELD."
    )
