"""The pages about the account's OAuth clients for people with a setup link. They revoke nothing."""

from __future__ import annotations

from typing import Any

from tiled_scim.configuration.clients import (
    AddClientSecretView,
    AddClientView,
    AddFederatedClientView,
    ChangeFederationView,
    ClientListView,
    ClientPages,
    ClientView,
)
from tiled_scim.configuration.setup import SetupPage


class SetupClientPages(SetupPage, ClientPages):
    """The pages as people with a setup link see them: without names of people."""

    list_template = "tiled_scim/configuration/setup_clients.html"
    client_template = "tiled_scim/configuration/setup_client.html"
    prefix = "setup_"
    explains_not_enabled = False
    may_revoke = False

    @property
    def shown_everywhere(self) -> dict[str, Any]:
        return {**super().shown_everywhere, "setup_link": self.link}


class SetupClientList(SetupClientPages, ClientListView):
    """The list of clients."""


class SetupClient(SetupClientPages, ClientView):
    """The page of a client."""


class SetupAddClient(SetupClientPages, AddClientView):
    """Add a client with a secret."""


class SetupAddFederatedClient(SetupClientPages, AddFederatedClientView):
    """Add a client with a federation."""


class SetupAddClientSecret(SetupClientPages, AddClientSecretView):
    """Add another secret."""


class SetupChangeFederation(SetupClientPages, ChangeFederationView):
    """Change the federation of a client."""
