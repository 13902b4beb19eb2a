"""The pages about an account's OAuth clients in the Django admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext

from tiled_scim.admin.account import Account, AccountAdmin
from tiled_scim.admin.actors import actor_of
from tiled_scim.models import ScimClient
from tiled_scim.presentation import clients
from tiled_scim.presentation.clients import ClientForms
from tiled_scim.presentation.form_results import FormResult


class ClientPages(AccountAdmin):
    """The list of an account's clients, the page of one of them, and their forms."""

    def client_urls(self) -> list[URLPattern]:
        """Return the routes of the pages, below the page of the account."""
        one = "clients/<uuid:client_id>/"
        views: dict[str, tuple[Callable[..., HttpResponse], str]] = {
            "clients/": (self.clients_view, "clients"),
            "clients/add/": (self._add_view(ClientForms.add), "add_client"),
            "clients/add-federated/": (
                self._add_view(ClientForms.add_federated),
                "add_federated_client",
            ),
            one: (self.client_view, "client"),
            f"{one}add-secret/": (
                self._change_view(ClientForms.add_secret),
                "add_client_secret",
            ),
            f"{one}federation/": (
                self._change_view(ClientForms.change_federation),
                "change_federation",
            ),
            f"{one}revoke-secret/": (
                self._change_view(ClientForms.revoke_secret),
                "revoke_client_secret",
            ),
            f"{one}revoke/": (self._change_view(ClientForms.revoke), "revoke_client"),
        }
        return [
            path(route, self.admin_site.admin_view(view), name=f"tiled_scim_scimtoken_{name}")
            for route, (view, name) in views.items()
        ]

    def clients_view(self, request: HttpRequest) -> HttpResponse:
        """Show the account's clients."""
        return self._clients_page(request, self.account_to_view(request))

    def client_view(self, request: HttpRequest, client_id: UUID) -> HttpResponse:
        """Show one of the account's clients."""
        account = self.account_to_view(request)
        client = clients.client_of(account.key, client_id)
        if not client.is_current:
            raise Http404(gettext("This client does not exist."))
        return self._client_page(request, account, client)

    def _add_view(self, send: Callable[..., FormResult]) -> Callable[..., HttpResponse]:
        """Return the view of a form to add a client. A new secret is only shown in its response."""

        def view(request: HttpRequest) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseRedirect(self.url("clients", self.account_to_view(request)))
            account = self.account_to_change(request)
            result = send(ClientForms(account.key, actor_of(request)), request.POST)
            page = partial(self._clients_page, request, account)
            return self._answer(request, account, result, page)

        return view

    def _change_view(self, send: Callable[..., FormResult]) -> Callable[..., HttpResponse]:
        """Return the view of a form of the page of a client."""

        def view(request: HttpRequest, client_id: UUID) -> HttpResponse:
            if request.method != "POST":
                account = self.account_to_view(request)
                client = clients.client_of(account.key, client_id)
                return HttpResponseRedirect(self._client_url("client", account, client))
            account = self.account_to_change(request)
            client = clients.client_of(account.key, client_id)
            forms = ClientForms(account.key, actor_of(request))
            result = send(forms, client, request.POST) if client.is_current else clients.ENDED
            page = partial(self._client_page, request, account, client)
            return self._answer(request, account, result, page)

        return view

    def _answer(
        self,
        request: HttpRequest,
        account: Account,
        result: FormResult,
        page: Callable[..., TemplateResponse],
    ) -> HttpResponse:
        """Return the response for the result of a form, and log a change in the admin's log."""
        if result.row is not None:
            self.log_change(request, result.row, result.message or gettext("Secret added."))
        if not result.redirects:
            is_ended = result.is_ended
            return result.show(partial(self._clients_page, request, account) if is_ended else page)
        self.message_user(request, result.message, messages.SUCCESS)
        if result.row is None or result.is_ended:
            return HttpResponseRedirect(self.url("clients", account))
        return HttpResponseRedirect(self._client_url("client", account, result.row))

    def _clients_page(
        self, request: HttpRequest, account: Account, *, status: int = 200, **shown: Any
    ) -> TemplateResponse:
        """Show the list of clients.

        Args:
            request: The current request.
            account: The account.
            status: The HTTP status.
            shown: Additional context, from a `FormResult`.
        """
        address = partial(self._client_url, "client", account)
        context = {
            **clients.list_context(request, account.key, address),
            **self._shown_everywhere(request, account),
            "add_url": self.url("add_client", account),
            "add_federated_url": self.url("add_federated_client", account),
            "page_url": self.url("clients", account),
            **shown,
        }
        return self.render(request, "clients", context, status)

    def _client_page(
        self,
        request: HttpRequest,
        account: Account,
        client: ScimClient,
        *,
        status: int = 200,
        **shown: Any,
    ) -> TemplateResponse:
        """Show the page of a client. See `_clients_page`."""
        address = partial(self._client_url, account=account, client=client)
        context = {
            **clients.client_context(request, client),
            **self._shown_everywhere(request, account),
            "add_secret_url": address("add_client_secret"),
            "change_federation_url": address("change_federation"),
            "revoke_secret_url": address("revoke_client_secret"),
            "revoke_url": address("revoke_client"),
            "page_url": address("client"),
            "title": client.name,
            **shown,
        }
        return self.render(request, "client", context, status)

    def _shown_everywhere(self, request: HttpRequest, account: Account) -> dict[str, Any]:
        return {
            "subtitle": "" if account.is_only else account.name,
            "account_url": self.url("changelist", account),
            "list_url": self.url("clients", account),
            "may_change": self.has_change_permission(request),
        }

    def _client_url(self, view: str, account: Account, client: ScimClient) -> str:
        return self.url(view, account, client_id=client.client_id)
