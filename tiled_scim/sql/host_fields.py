"""The attributes that are stored on the host user or on its membership, and where they are.

Each attribute has a scope. A membership's values are the account's own. A person's values are those
of the host user: an account writes them only while no other account has the user, see
`UserLink.keeps_own_values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, cast

from django.contrib.auth import get_user_model
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    EmailField,
    F,
    Model,
    SlugField,
    TextField,
    URLField,
    Value,
    When,
)
from django.db.models.expressions import Expression

from tiled_scim.attributes import Attribute, AttributePath
from tiled_scim.database.membership_fields import split_choices
from tiled_scim.database.membership_model import MEMBERSHIP, membership_model
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import KEPT

Scope = Literal["person", "membership"]

EXACT_FIELDS = {BooleanField, CharField, EmailField, SlugField, TextField, URLField}


@dataclass(frozen=True)
class HostField:
    """An attribute that is stored on the host user or on its membership.

    Args:
        name: Its canonical name, such as `name.givenName`.
        path: Its path in a document.
        scope: Whether it is the person's or the membership's.
        column: The ORM path of the value, from the host user or the membership.
        choices: For a boolean, the values of the column that mean true. Empty if the column is a
            boolean itself.
    """

    name: str
    path: AttributePath
    scope: Scope
    column: str
    choices: tuple[str, ...] = ()

    @cached_property
    def leaf(self) -> Attribute:
        """Return the innermost attribute of the path."""
        return cast(Attribute, self.path.leaf)

    @cached_property
    def is_writable(self) -> bool:
        """Return whether clients may write the value."""
        parts = (self.path.attribute, self.path.leaf)
        return all(part.mutability in KEPT for part in parts if part)

    @cached_property
    def is_boolean(self) -> bool:
        """Return whether the attribute may grant access. Absence must not change it then."""
        return self.leaf.type == "boolean"

    @cached_property
    def is_exact(self) -> bool:
        """Return whether the database stores a value unchanged: text or a boolean of the row."""
        fields = _model(self.scope)._meta.concrete_fields
        return any(field.name == self.column and type(field) in EXACT_FIELDS for field in fields)

    @cached_property
    def is_membership(self) -> bool:
        """Return whether the attribute is the account's own."""
        return self.scope == "membership"

    @cached_property
    def is_private(self) -> bool:
        """Return whether an account that shares the user keeps its own value on the link.

        A user of several accounts is active in the host if any of them says so, see
        `provisioning.multi_account`.
        """
        return not self.is_membership and self.name != "active"

    @cached_property
    def user_path(self) -> str:
        """Return the ORM path from a host user with its joined membership."""
        return f"{MEMBERSHIP}__{self.column}" if self.is_membership else self.column

    @cached_property
    def link_path(self) -> str:
        """Return the ORM path from a link with its joined membership."""
        return self.user_path if self.is_membership else f"user__{self.column}"

    @cached_property
    def expression(self) -> F | Expression:
        """Return the value as an expression for queries of links with their joined membership."""
        if not self.choices:
            return F(self.link_path)
        is_chosen = When(**{f"{self.link_path}__in": self.choices}, then=Value(True))
        return Case(is_chosen, default=Value(False))

    def read(self, value: Any) -> Any:
        """Return the attribute's value for a value of the column."""
        return value in self.choices if self.choices else value


HostFields = tuple[HostField, ...]


def host_fields(adapter: HostAdapter) -> HostFields:
    """Return the attributes that are stored on the host user or on its membership.

    Raises:
        LookupError: if the adapter names an unknown attribute.
    """
    return _host_fields(
        tuple(adapter.user_fields.items()), tuple(adapter.membership_fields.items())
    )


def stored_fields(fields: HostFields, *, keeps_own_values: bool) -> HostFields:
    """Return the fields whose values are stored in the host, not on the link."""
    if not keeps_own_values:
        return fields
    return tuple(field for field in fields if not field.is_private)


@lru_cache
def _host_fields(
    of_user: tuple[tuple[str, str], ...], of_membership: tuple[tuple[str, str], ...]
) -> HostFields:
    fields = [_host_field(name, "membership", column) for name, column in of_membership]
    own = {field.name for field in fields}
    of_person = [_host_field(name, "person", column) for name, column in of_user]
    return (*(field for field in of_person if field.name not in own), *fields)


def _host_field(name: str, scope: Scope, column: str) -> HostField:
    path = USER.resolve(name)
    if path is None or path.attribute is None:
        raise LookupError(f"The host adapter names “{name}”, which no schema has")
    return HostField(str(path), path, scope, *split_choices(column))


def _model(scope: Scope) -> type[Model]:
    if scope == "person":
        return get_user_model()
    memberships = membership_model()
    if memberships is None:
        raise LookupError("The host adapter has membership fields, but there is no such model")
    return memberships.model
