"""The states of links, which lists show and filter by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q, TextChoices
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
    def for_link(cls, link: UserLink, values: Mapping[str, Any], *, belongs: bool) -> UserState:
        """Return the state of a user link.

        Args:
            link: The user link.
            values: The `reading.host_values_of` the link.
            belongs: Whether the user still belongs to the account.
        """
        if not (link.is_live and belongs):
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
    LIBRARY_MOVED = "library_moved", with_words(_("%(library)s of another account"))
    UNLINKED = "let_go", _("unlinked")

    @classmethod
    def for_link(cls, link: LibraryGroupLink, library: Model | None) -> GroupState:
        """Return the state of a group link.

        Args:
            link: The group link.
            library: Its Library, see `own_library`.
        """
        if link.unlinked_at is not None:
            return cls.UNLINKED
        if library is not None or link.role:
            return cls.LINKED
        return cls.LIBRARY_DELETED if link.library_id is None else cls.LIBRARY_MOVED

    @property
    def condition(self) -> Q:
        """Return the condition for links in this state."""
        if self is GroupState.UNLINKED:
            return Q(unlinked_at__isnull=False)
        has_library, gives_role = Q(library__isnull=False), ~Q(role="")
        conditions = {
            GroupState.LINKED: LibraryGroupLink.keeping | gives_role,
            GroupState.LIBRARY_DELETED: ~has_library & ~gives_role,
            GroupState.LIBRARY_MOVED: has_library & ~LibraryGroupLink.keeping & ~gives_role,
        }
        return Q(unlinked_at=None) & conditions[self]

    @property
    def badge(self) -> SafeString:
        kinds: dict[GroupState, Kind] = {
            GroupState.LINKED: "good",
            GroupState.LIBRARY_DELETED: "warn",
            GroupState.LIBRARY_MOVED: "warn",
        }
        return badge(capfirst(self.label), kinds.get(self, ""))
