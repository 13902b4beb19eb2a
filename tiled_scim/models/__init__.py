"""The tables: tokens, clients, setup links, links of users and groups, members and events."""

from tiled_scim.models.access_tokens import ACCESS_TOKEN_PREFIX, EXPIRED_KEPT, ScimAccessToken
from tiled_scim.models.assertions import UsedAssertion
from tiled_scim.models.clients import (
    CLIENT_ID_LENGTH,
    CLIENT_SECRET_PREFIX,
    FEDERATION_LENGTH,
    ClientChangedError,
    Federation,
    ScimClient,
    ScimClientSecret,
    TooManySecretsError,
)
from tiled_scim.models.events import Action, Outcome, ScimEvent, actions
from tiled_scim.models.last_use import USED_INTERVAL, LastUse
from tiled_scim.models.lengths import (
    ACCOUNT_LENGTH,
    CANONICAL_NAME_LENGTH,
    CLIENT_LENGTH,
    METHOD_LENGTH,
    NAME_LENGTH,
    ROLE_LENGTH,
    URL_LENGTH,
)
from tiled_scim.models.links import (
    LINKS,
    LibraryGroupLink,
    Link,
    LinkQuerySet,
    StoredEmail,
    UserLink,
    folded_email,
    name_in_host_words,
    stored_emails,
)
from tiled_scim.models.logout import LogoutIssuer
from tiled_scim.models.members import LibraryGroupMember, PriorAccess, PriorRoles
from tiled_scim.models.setup_links import SETUP_PREFIX, SetupLink
from tiled_scim.models.tokens import (
    TOKEN_PREFIX,
    CurrentTokens,
    NewToken,
    ScimToken,
    Slot,
)

__all__ = [
    "ACCESS_TOKEN_PREFIX",
    "ACCOUNT_LENGTH",
    "CANONICAL_NAME_LENGTH",
    "CLIENT_ID_LENGTH",
    "CLIENT_LENGTH",
    "CLIENT_SECRET_PREFIX",
    "EXPIRED_KEPT",
    "FEDERATION_LENGTH",
    "LINKS",
    "METHOD_LENGTH",
    "NAME_LENGTH",
    "ROLE_LENGTH",
    "SETUP_PREFIX",
    "TOKEN_PREFIX",
    "URL_LENGTH",
    "USED_INTERVAL",
    "Action",
    "ClientChangedError",
    "CurrentTokens",
    "Federation",
    "LastUse",
    "LibraryGroupLink",
    "LibraryGroupMember",
    "Link",
    "LinkQuerySet",
    "LogoutIssuer",
    "NewToken",
    "Outcome",
    "PriorAccess",
    "PriorRoles",
    "ScimAccessToken",
    "ScimClient",
    "ScimClientSecret",
    "ScimEvent",
    "ScimToken",
    "SetupLink",
    "Slot",
    "StoredEmail",
    "TooManySecretsError",
    "UsedAssertion",
    "UserLink",
    "actions",
    "folded_email",
    "name_in_host_words",
    "stored_emails",
]
