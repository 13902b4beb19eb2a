"""The pages of the Django admin under "SCIM Configuration"."""

from tiled_scim.admin.events import ScimEventAdmin
from tiled_scim.admin.links import LibraryGroupLinkAdmin, UserLinkAdmin
from tiled_scim.admin.tokens import ScimTokenAdmin

__all__ = ["LibraryGroupLinkAdmin", "ScimEventAdmin", "ScimTokenAdmin", "UserLinkAdmin"]
