"""The states of links, as the admin's lists show and filter them."""

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

Kind = Literal["good", "warn", ""]


class UserState(TextChoices):
    """Whether a user has access through SCIM, and whether SCIM still manages them."""

    ACTIVE = "active", _("active")
    DEACTIVATED = "deactivated", _("deactivated")
    LET_GO = "let_go", _("let go")

    @classmethod
    def of(cls, link: UserLink, values: Mapping[str, Any]) -> UserState:
        """The state of a user, who has these `documents.host_values`."""
        if not link.is_live:
            return cls.LET_GO
        return cls.ACTIVE if values.get("active", True) else cls.DEACTIVATED

    def condition(self, adapter: HostAdapter) -> Q:
        """What the links in this state fulfil; all are active where the host knows no other."""
        if self is UserState.LET_GO:
            return ~UserLink.live
        path = adapter.user_fields.get("active")
        is_active = Q(suspended=False) & Q((f"user__{path}", True)) if path else ~Q(pk__in=[])
        return UserLink.live & (is_active if self is UserState.ACTIVE else ~is_active)

    @property
    def badge(self) -> SafeString:
        kinds: dict[UserState, Kind] = {UserState.ACTIVE: "good", UserState.DEACTIVATED: "warn"}
        return badge(capfirst(self.label), kinds.get(self, ""))


class GroupState(TextChoices):
    """Whether a group feeds a Library."""

    LINKED = "linked", _("linked")
    LIBRARY_DELETED = "library_deleted", _("Library deleted")
    LET_GO = "let_go", _("let go")

    @classmethod
    def of(cls, link: LibraryGroupLink) -> GroupState:
        """The state of a group."""
        if link.unlinked_at is not None:
            return cls.LET_GO
        return cls.LINKED if link.is_live else cls.LIBRARY_DELETED

    @property
    def condition(self) -> Q:
        """What the links in this state fulfil."""
        if self is GroupState.LET_GO:
            return Q(unlinked_at__isnull=False)
        return Q(unlinked_at=None, library__isnull=self is GroupState.LIBRARY_DELETED)

    @property
    def badge(self) -> SafeString:
        kinds: dict[GroupState, Kind] = {
            GroupState.LINKED: "good",
            GroupState.LIBRARY_DELETED: "warn",
        }
        return badge(capfirst(self.label), kinds.get(self, ""))
