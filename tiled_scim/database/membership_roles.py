"""The roles that are choices of a column of the membership model.

A person has one of them in an account. The column may be the one that `tiledAdmin` is stored in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.signals import post_save, pre_save

from tiled_scim.database.compiled import of_keys
from tiled_scim.database.for_write import locked


@dataclass(frozen=True)
class RoleColumn:
    """The column of the membership with a person's role.

    Args:
        name: The name of the column.
        labels: The labels of the roles that SCIM may give, by key. The highest role is the last.
        default: The role of a membership to which nobody gave one. It counts as no role.
    """

    name: str
    labels: Mapping[str, str]
    default: str

    def highest(self, roles: Collection[str]) -> list[str]:
        """Return the highest of some roles, or none.

        Only people can have given a role that SCIM may not give. So it is never replaced.
        """
        ranks = {key: rank for rank, key in enumerate(self.labels)}
        found = max(sorted(roles), key=lambda role: ranks.get(role, len(ranks)), default="")
        return self.as_roles(found)

    def as_roles(self, value: str) -> list[str]:
        """Return the roles of a membership with this value."""
        return [] if value in {"", self.default} else [value]

    def read(
        self, memberships: QuerySet[Any], user: str, users: Collection[Any], *, lock: bool
    ) -> dict[Any, Any]:
        """Return the roles of users by primary key.

        Args:
            memberships: The memberships of the account.
            user: The `attname` of the foreign key to the user.
            users: The primary keys of the users.
            lock: Whether to lock the memberships.
        """
        rows = memberships.order_by("pk")
        if lock:
            rows = locked(rows)
        return {
            key: self.as_roles(value)
            for part in of_keys(rows, user, users)
            for key, value in part.values_list(user, self.name)
        }

    def write(
        self, memberships: QuerySet[Any], user: str, roles: Mapping[Any, Collection[str]]
    ) -> None:
        """Write the role of each user. See `read` for the arguments."""
        users_by_value: dict[str, list[Any]] = {}
        for key, found in roles.items():
            users_by_value.setdefault(next(iter(found), self.default), []).append(key)
        for value, users in users_by_value.items():
            for part in of_keys(memberships, user, users):
                write_column(part, self.name, value)


def choices_of(model: type[Model], column: str, keys: Collection[str]) -> dict[str, str]:
    """Return the labels of a column's choices by key, in the order of the keys.

    Args:
        model: The model.
        column: The name of the column.
        keys: The keys to return. None of them means all, in the order of the choices.
    """
    field: Any = model._meta.get_field(column)
    labels = {str(key): str(label) for key, label in field.flatchoices}
    return {key: labels.get(key, key) for key in keys or labels}


def write_column(rows: QuerySet[Any], column: str, value: Any) -> None:
    """Set a column of rows, in one statement if the host has nothing that runs on each `save()`."""
    if _is_plain(rows.model):
        rows.update(**{column: value})
        return
    for row in rows:
        setattr(row, column, value)
        row.save()


def _is_plain(model: type[Model]) -> bool:
    return (
        model.save is Model.save
        and not any(getattr(field, "auto_now", False) for field in model._meta.concrete_fields)
        and not (pre_save.has_listeners(model) or post_save.has_listeners(model))
    )
