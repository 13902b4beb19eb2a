"""A user that is locked for a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from tiled_scim.accounts import AccountAdapter
from tiled_scim.database.host_models import follow_path, has_field
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.permissions import STAFF_FIELD
from tiled_scim.provisioning import multi_account
from tiled_scim.provisioning.documents import (
    HostValues,
    is_active,
    read_user,
    values_of_row,
    values_of_user,
)
from tiled_scim.provisioning.resources import StoredResource, groups_of_json
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import HostFields
from tiled_scim.sql.rows import groups_and_sharing, host_row

# The fields of the host user that protect a user, see `HostAdapter.is_protected`.
POWERS = ("is_superuser", STAFF_FIELD)


@dataclass
class LockedUser:
    """A user that is locked until the transaction ends.

    Args:
        link: The link with its host user. A new link has no host user before it is created.
        adapter: The host adapter for the account.
        fields: The attributes that are stored in the host.
        host: The host's values as the account sees them. They are read from the link.
    """

    link: UserLink
    adapter: HostAdapter
    fields: HostFields
    host: HostValues = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.was_new = self.is_new
        self.was_created = False
        # Whether the userName belongs to another person now, see `leaving.is_another_person`.
        self.is_replaced = False
        if self.has_host_user:
            self.read_membership()
            self.read_host()

    def read_membership(self) -> None:
        """Read the membership, again if the host adapter has saved it, and forget the groups."""
        self.link.membership = self.adapter.membership(self.link.user)
        self.__dict__.pop("_groups_and_sharing", None)

    def read_host(self) -> None:
        """Read the host's values from the instances."""
        self.host = values_of_user(self.link, self.fields, suspended=self.link.suspended)

    def read_host_again(self) -> None:
        """Read the host's values, and whether the user has power, from the database."""
        paths = tuple(field.user_path for field in self.fields)
        user = self.link.user
        powers = [name for name in POWERS if has_field(type(user), name)]
        columns = tuple(dict.fromkeys((*paths, *powers)))
        row = host_row(user.pk, self.link.account, columns, self._using)
        found = dict(zip(columns, row, strict=True))
        values = [found[path] for path in paths]
        self.host = values_of_row(values, self.fields, suspended=self.link.suspended)
        for name in powers:
            setattr(user, name, found[name])

    @property
    def has_host_user(self) -> bool:
        return self.link.user_id is not None

    @property
    def is_new(self) -> bool:
        """Return whether the link is not saved yet."""
        return self.link._state.adding

    @property
    def is_active(self) -> bool:
        """Return whether the user is active in the account."""
        return is_active(self.host)

    @property
    def owns_active(self) -> bool:
        """Return whether the membership says if the user is active, not the host user."""
        return any(field.name == "active" and field.is_membership for field in self.fields)

    @property
    def host_is_active(self) -> bool:
        """Return whether the host user is active, whatever the account says."""
        path = self.adapter.user_fields.get("active")
        return path is None or bool(follow_path(self.link.user, path))

    @property
    def host_stays_active(self) -> bool:
        """Return whether the host user is active although the user is inactive in the account."""
        return self.host_is_active if self.owns_active else self.link.suspended

    @property
    def is_kept_elsewhere(self) -> bool:
        """Return whether another account has the user: as active, if memberships say so."""
        if self.owns_active:
            return cast(AccountAdapter, self.adapter).is_active_elsewhere(self.link.user)
        return self.adapter.is_shared(self.link.user)

    @property
    def is_resumed(self) -> bool:
        """Return whether people reactivated the membership after SCIM had deactivated it.

        The link is still suspended then, and the access that the groups give is missing.
        """
        return self.owns_active and self.link.suspended and self.is_active

    @cached_property
    def belongs(self) -> bool:
        """Return whether the host user still belongs to the account. New links have no user yet."""
        key = self.link.user_id
        return self.link.belongs and key in self.adapter.belonging([key])

    @property
    def others(self) -> list[UserLink]:
        """The live links of other accounts to the host user."""
        if not (self.was_new or self._groups_and_sharing[1]):
            return []
        return multi_account.links_of_others(self.link, self.adapter, self._using)

    def document(self) -> Document:
        """Return the current document of the user."""
        return {} if self.is_new else read_user(self.link, self.host, self.fields)

    def resource(self, document: Document) -> StoredResource:
        """Return the stored resource of the user."""
        link = self.link
        groups = () if self.was_new else groups_of_json(self._groups_and_sharing[0])
        return StoredResource(
            USER, str(link.pk), document, link.version, link.created_at, link.updated_at, groups
        )

    @cached_property
    def _groups_and_sharing(self) -> Any:
        return groups_and_sharing(self.link.pk, self._using)

    @property
    def _using(self) -> str:
        return cast(str, self.link.user._state.db)
