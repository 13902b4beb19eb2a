"""The states of links, which lists show and filter by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, TextChoices
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.accounts import active_links
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.presentation.badges import Kind, badge
from tiled_scim.words import with_words


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
            values: The `reading.host_values_of` the link.
        """
        if not (link.is_live and link.belongs):
            return cls.UNLINKED
        return cls.ACTIVE if values.get("active", True) else cls.DEACTIVATED

    def condition(self, adapter: HostAdapter) -> Q:
        """Return the condition for links in this state."""
        if self is UserState.UNLINKED:
            return ~UserLink.live
        is_active = active_links(adapter)
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
        if self is GroupState.LINKED:
            return LibraryGroupLink.live
        return Q(unlinked_at=None, library=None, role="")

    @property
    def badge(self) -> SafeString:
        kinds: dict[GroupState, Kind] = {
            GroupState.LINKED: "good",
            GroupState.LIBRARY_DELETED: "warn",
        }
        return badge(capfirst(self.label), kinds.get(self, ""))
