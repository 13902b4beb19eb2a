"""The server's resources as models of scim2-models, which are those of RFC 7643, and our own."""

from __future__ import annotations

from typing import Any

import scim2_models

from tiled_scim.schemas import TILED_USER

# Pydantic makes much of these models while the program runs, which mypy cannot follow.
scim2: Any = scim2_models
Group, EnterpriseUser = scim2.Group, scim2.EnterpriseUser


class TiledUser(scim2_models.Extension):
    __schema__ = scim2_models.URN(TILED_USER)

    tiled_admin: bool | None = None


Person = scim2.User[scim2_models.EnterpriseUser | TiledUser]

# A client that knows no extension, and refuses one that it does not know.
CORE = scim2.ScimProvider([scim2.User, Group])
SERVER = scim2.ScimProvider(
    [scim2.User, EnterpriseUser, TiledUser, Group],
    [scim2.ResourceType.from_resource(model) for model in (Person, Group)],
)
