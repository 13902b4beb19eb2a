"""The states of links, which the lists of the admin show and filter by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.db.models import Q, TextChoices
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.lists import badge
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.words import with_words

Kind = Literal["good", "warn", ""]


class UserState(TextChoices):
    """The state of a user link."""

    ACTIVE = "active", _("active")
    DEACTIVATED = "deactivated", _("deactivated")
    UNLINKED = "let_go", _("unlinked")

    @classmethod
    def for_link(cls, link: UserLink, values: Mapping[str, Any]) -> UserState:
        """Return the state of a user link.

        Args:
            link: The user link.
            values: The `documents.host_values` of the user.
        """
        if not link.is_live:
            return cls.UNLINKED
        return cls.ACTIVE if values.get("active", True) else cls.DEACTIVATED

    def condition(self, adapter: HostAdapter) -> Q:
        """Return the condition for links in this state.

        Users are always active if the host has no field for it.
        """
        if self is UserState.UNLINKED:
            return ~UserLink.live
        path = adapter.user_fields.get("active")
        is_active = Q(suspended=False) & Q((f"user__{path}", True)) if path else ~Q(pk__in=[])
        return UserLink.live & (is_active if self is UserState.ACTIVE else ~is_active)

    @property
    def badge(self) -> SafeString:
        kinds: dict[UserState, Kind] = {UserState.ACTIVE: "good", UserState.DEACTIVATED: "warn"}
        return badge(capfirst(self.label), kinds.get(self, ""))


class GroupState(TextChoices):
    """The state of a group link."""

    LINKED = "linked", _("linked")
    LIBRARY_DELETED = "library_deleted", with_words(_("%(library)s deleted"))
    UNLINKED = "let_go", _("unlinked")

    @classmethod
    def for_link(cls, link: LibraryGroupLink) -> GroupState:
        """Return the state of a group link."""
        if link.unlinked_at is not None:
            return cls.UNLINKED
        return cls.LINKED if link.is_live else cls.LIBRARY_DELETED

    @property
    def condition(self) -> Q:
        """Return the condition for links in this state."""
        if self is GroupState.UNLINKED:
            return Q(unlinked_at__isnull=False)
        return Q(unlinked_at=None, library__isnull=self is GroupState.LIBRARY_DELETED)

    @property
    def badge(self) -> SafeString:
        kinds: dict[GroupState, Kind] = {
            GroupState.LINKED: "good",
            GroupState.LIBRARY_DELETED: "warn",
        }
        return badge(capfirst(self.label), kinds.get(self, ""))
