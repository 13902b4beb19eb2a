"""A user who is locked for a change, and the plan of what will differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from tiled_scim.models import UserLink
from tiled_scim.provisioning import multi_account
from tiled_scim.provisioning.documents import (
    HostFields,
    HostValues,
    is_active,
    read_user,
    values_of_user,
)
from tiled_scim.provisioning.resources import StoredResource, groups_of_json
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import Document


@dataclass
class LockedUser:
    """A user, locked until the transaction ends.

    Args:
        link: with the host user; one that is new has none before it is created.
        fields: the attributes that the host user has.
    """

    link: UserLink
    fields: HostFields
    host: HostValues = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.has_host_user:
            self.read_host()

    def read_host(self) -> None:
        """Take up the values that the host user has now."""
        self.host = values_of_user(self.link, self.fields, suspended=self.link.suspended)

    @property
    def has_host_user(self) -> bool:
        return self.link.user_id is not None

    @property
    def is_new(self) -> bool:
        """Whether SCIM has never known the user."""
        return self.link._state.adding

    @property
    def is_active(self) -> bool:
        """Whether the account shows the user as active."""
        return is_active(self.host)

    @property
    def host_is_active(self) -> bool:
        """Whether the host user is active, whatever the account says."""
        return is_active(values_of_user(self.link, self.fields, suspended=False))

    @property
    def others(self) -> list[UserLink]:
        """The live links of other accounts to the host user."""
        if self.link.is_shared is False:
            return []
        return multi_account.links_of_others(self.link, cast(str, self.link.user._state.db))

    def document(self) -> Document:
        """The user's document, as it is now."""
        return {} if self.is_new else read_user(self.link, self.host, self.fields)

    def resource(self, document: Document) -> StoredResource:
        """The user as an answer has it."""
        link = self.link
        groups = groups_of_json(link.group_rows)
        return StoredResource(
            USER, str(link.pk), document, link.version, link.created_at, link.updated_at, groups
        )


@dataclass(frozen=True)
class Plan:
    """What will differ.

    Args:
        columns: of the link, its JSON included.
        host: of the host user, by attribute; None where a value is cleared.
    """

    columns: dict[str, Any]
    host: HostValues

    @property
    def is_empty(self) -> bool:
        return not (self.columns or self.host)
