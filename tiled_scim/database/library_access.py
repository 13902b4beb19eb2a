"""Read and write the rows of the many-to-many relation between Libraries and users.

Rows are written without Django's manager, which creates a model instance for each row. The manager
is used if the host has its own `through` model or manager, or a receiver of `m2m_changed`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.signals import m2m_changed

from tiled_scim.database.bulk import chunks, delete, insert
from tiled_scim.database.compiled import Parameter, rows_of_keys

MANAGERS = "django.db.models.fields.related_descriptors"


class LibraryAccess:
    """The users who have access to one Library through a many-to-many relation.

    Args:
        manager: The Library's related manager, such as `library.members`.
        using: The alias of the database to write to.
    """

    def __init__(self, manager: Any, using: str) -> None:
        self.manager = manager
        self.using = using
        through = manager.through._meta
        self.library_field = through.get_field(manager.source_field_name)
        self.user_field = through.get_field(manager.target_field_name)
        (self.library,) = manager.related_val

    def users_among(self, users: Collection[Any]) -> set[Any]:
        """Return which of these users (primary keys) have access."""
        found = rows_of_keys(
            ("memberships", self.library_field, self.user_field),
            self._rows,
            self.user_field.target_field,
            list(users),
            self.using,
            library=self.library,
        )
        return {user for (user,) in found}

    def add(self, users: Collection[Any]) -> None:
        """Give these users access. Users who have it already may be among them."""
        if self._is_plain("add"):
            columns = (self.library_field.attname, self.user_field.attname)
            rows = [(self.library, user) for user in users]
            insert(self.manager.through, columns, rows, self.using, ignore_conflicts=True)
            return
        for chunk in chunks(users):
            self.manager.add(*chunk)

    def remove(self, users: Collection[Any]) -> None:
        """Revoke the access of these users."""
        if self._is_plain("remove"):
            columns = (self.library_field.attname, self.library, self.user_field.attname)
            delete(self.manager.through, *columns, users, self.using)
            return
        for chunk in chunks(users):
            self.manager.remove(*chunk)

    def _rows(self, is_one_of: Any) -> QuerySet[Any, Any]:
        library = Parameter("library", self.library_field.target_field)
        rows: QuerySet[Any, Any] = self.manager.through._default_manager.using(self.using)
        rows = rows.filter(**{self.library_field.name: library})
        rows = rows.filter(is_one_of(F(self.user_field.attname)))
        return rows.values_list(self.user_field.attname)

    def _is_plain(self, method: str) -> bool:
        """Return whether Django's own manager would only write the rows."""
        through = self.manager.through
        return (
            bool(through._meta.auto_created)
            and getattr(type(self.manager), method).__module__ == MANAGERS
            and not m2m_changed.has_listeners(through)
        )
