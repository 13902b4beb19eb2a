"""Which column of a membership has which attribute (`TILED_SCIM_MEMBERSHIP_FIELDS`)."""

from __future__ import annotations

from typing import Any

from tiled_scim.conf import settings
from tiled_scim.schemas import TILED_ADMIN

# The key of TILED_SCIM_MEMBERSHIP_FIELDS that names the column with a person's role.
ROLES = "roles"
# Keys of TILED_SCIM_MEMBERSHIP_FIELDS that do not name the column of an attribute's value.
NOT_ATTRIBUTES = {"user", "account", ROLES}
# Attributes that may be named without the URN of their extension.
SHORT_NAMES = {TILED_ADMIN.rpartition(":")[2]: TILED_ADMIN}


def attribute_columns() -> dict[str, str]:
    """Return the entries of `TILED_SCIM_MEMBERSHIP_FIELDS` for attributes, by canonical name."""
    return {
        SHORT_NAMES.get(name, name): column
        for name, column in settings.MEMBERSHIP_FIELDS.items()
        if name not in NOT_ATTRIBUTES
    }


def is_true(column: str) -> dict[str, Any]:
    """Return the condition for memberships in which the boolean of an entry is true."""
    column, choices = split_choices(column)
    return {f"{column}__in": choices} if choices else {column: True}


def split_choices(column: str) -> tuple[str, tuple[str, ...]]:
    """Return the column and the choices of an entry such as `role=admin,owner`.

    The choices are the values of the column for which a boolean attribute is true.
    """
    column, _, choices = column.partition("=")
    return column, tuple(choices.split(",")) if choices else ()
