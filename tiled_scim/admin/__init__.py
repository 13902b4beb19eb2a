"""The pages of the Django admin under "SCIM Configuration"."""

from .events import ScimEventAdmin
from .links import LibraryGroupLinkAdmin, UserLinkAdmin
from .tokens import ScimTokenAdmin

__all__ = ["LibraryGroupLinkAdmin", "ScimEventAdmin", "ScimTokenAdmin", "UserLinkAdmin"]
