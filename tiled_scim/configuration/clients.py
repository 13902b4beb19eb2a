"""The pages about the account's OAuth clients, for its admins and for people with a setup link."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from tiled_scim.configuration.access import ConfigurationPage, Page
from tiled_scim.models import ScimClient
from tiled_scim.presentation import clients
from tiled_scim.presentation.clients import ClientForms
from tiled_scim.presentation.form_results import FormResult


class ClientPages(Page):
    """The list of the account's clients, and the page of one of them."""

    list_template = "tiled_scim/configuration/clients.html"
    client_template = "tiled_scim/configuration/client.html"
    # Before the names of the URLs.
    prefix = ""
    may_revoke = True

    def url(self, name: str, client: ScimClient | None = None) -> str:
        """Return the URL of one of these pages or forms."""
        arguments = {"client_id": client.client_id} if client is not None else {}
        return self.urls.to(self.prefix + name, **arguments)

    @property
    def forms(self) -> ClientForms:
        """Return the forms, as the person sends them."""
        return ClientForms(self.account.key, self.actor)

    def list_page(self, status: int = 200, **shown: Any) -> TemplateResponse:
        """Show the list of clients.

        Args:
            status: The HTTP status.
            shown: Additional context, from a `FormResult`.
        """
        address = partial(self.url, "client")
        context = {
            **clients.list_context(self.request, self.account.key, address),
            "add_url": self.url("add_client"),
            "add_federated_url": self.url("add_federated_client"),
            "page_url": self.url("clients"),
            **shown,
        }
        return self.render(self.shown_everywhere | context, status, self.list_template)

    def client_page(self, client: ScimClient, status: int = 200, **shown: Any) -> TemplateResponse:
        """Show the page of a client. See `list_page`."""
        context = {
            **clients.client_context(self.request, client),
            "title": client.name,
            "add_secret_url": self.url("add_client_secret", client),
            "change_federation_url": self.url("change_federation", client),
            "page_url": self.url("client", client),
            **shown,
        }
        if self.may_revoke:
            context["revoke_secret_url"] = self.url("revoke_client_secret", client)
            context["revoke_url"] = self.url("revoke_client", client)
        return self.render(self.shown_everywhere | context, status, self.client_template)

    @property
    def shown_everywhere(self) -> dict[str, Any]:
        """Return what both templates show."""
        return {"section": "clients", "may_change": True, "list_url": self.url("clients")}

    def answer_for(self, result: FormResult, page: Callable[..., TemplateResponse]) -> HttpResponse:
        """Return the response to a form.

        Args:
            result: The result of the form.
            page: The page with the form.
        """
        if not result.redirects:
            return result.show(self.list_page if result.is_ended else page)
        self.say(messages.SUCCESS, result.message)
        is_shown = result.row is not None and not result.is_ended
        url = self.url("client", result.row) if is_shown else self.url("clients")
        return HttpResponseRedirect(url)


class ClientListView(ClientPages):
    """The list of clients."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        return self.list_page()


class ClientView(ClientPages):
    """The page of a client."""

    def get(self, request: HttpRequest, client_id: UUID, **arguments: Any) -> HttpResponseBase:
        client = clients.client_of(self.account.key, client_id)
        if not client.is_current:
            raise Http404
        return self.client_page(client)


class AddView(ClientPages):
    """A form to add a client. Its URL alone leads to the list."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        return HttpResponseRedirect(self.url("clients"))

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        return self.answer_for(self.send(request.POST), self.list_page)

    def send(self, data: QueryDict) -> FormResult:
        """Do what the form asks for."""
        raise NotImplementedError


class AddClientView(AddView):
    """Add a client with a secret, which is only shown in this response."""

    def send(self, data: QueryDict) -> FormResult:
        return self.forms.add(data)


class AddFederatedClientView(AddView):
    """Add a client with a federation."""

    def send(self, data: QueryDict) -> FormResult:
        return self.forms.add_federated(data)


class ChangeView(ClientPages):
    """A form of the page of a client. Its URL alone leads to the page."""

    def get(self, request: HttpRequest, client_id: UUID, **arguments: Any) -> HttpResponseBase:
        client = clients.client_of(self.account.key, client_id)
        return HttpResponseRedirect(self.url("client", client))

    def post(self, request: HttpRequest, client_id: UUID, **arguments: Any) -> HttpResponseBase:
        client = clients.client_of(self.account.key, client_id)
        result = self.send(client, request.POST) if client.is_current else clients.ENDED
        return self.answer_for(result, partial(self.client_page, client))

    def send(self, client: ScimClient, data: QueryDict) -> FormResult:
        """Do what the form asks for."""
        raise NotImplementedError


class AddClientSecretView(ChangeView):
    """Add another secret, which is only shown in this response."""

    def send(self, client: ScimClient, data: QueryDict) -> FormResult:
        return self.forms.add_secret(client, data)


class ChangeFederationView(ChangeView):
    """Change the federation of a client."""

    def send(self, client: ScimClient, data: QueryDict) -> FormResult:
        return self.forms.change_federation(client, data)


class RevokeClientSecretView(ChangeView):
    """Revoke a secret of a client."""

    def send(self, client: ScimClient, data: QueryDict) -> FormResult:
        return self.forms.revoke_secret(client, data)


class RevokeClientView(ChangeView):
    """Revoke a client."""

    def send(self, client: ScimClient, data: QueryDict) -> FormResult:
        return self.forms.revoke(client, data)


# For the account's admins


class ClientList(ClientListView, ConfigurationPage):
    """The list of clients."""


class ClientPage(ClientView, ConfigurationPage):
    """The page of a client."""


class AddClient(AddClientView, ConfigurationPage):
    """Add a client with a secret."""


class AddFederatedClient(AddFederatedClientView, ConfigurationPage):
    """Add a client with a federation."""


class AddClientSecret(AddClientSecretView, ConfigurationPage):
    """Add another secret."""


class ChangeFederation(ChangeFederationView, ConfigurationPage):
    """Change the federation of a client."""


class RevokeClientSecret(RevokeClientSecretView, ConfigurationPage):
    """Revoke a secret of a client."""


class RevokeClient(RevokeClientView, ConfigurationPage):
    """Revoke a client."""
