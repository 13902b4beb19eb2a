"""The first page: health, base URL, token, failures and steps."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from tiled_scim.configuration.access import ConfigurationPage
from tiled_scim.presentation.logout import is_offered
from tiled_scim.presentation.tokens import (
    account_context,
    failure_query,
    recent_period,
    replace_token,
    revoke_token,
)


class ConnectionPage(ConfigurationPage):
    """Health, base URL, token, failures and steps."""

    template_name = "tiled_scim/configuration/connection.html"
    explains_not_enabled = True

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.page()

    def page(self, status: int = 200, **shown: Any) -> TemplateResponse:
        """Show the page.

        Args:
            status: The HTTP status.
            shown: Additional context, from a `FormResult`.
        """
        health = self.account.connection.health(unknown_callers=self.account.is_only)
        events = self.urls["events"]
        context = {
            **account_context(self.request, health),
            "section": "connection",
            "may_change": True,
            "generate_url": self.urls["generate"],
            "revoke_url": self.urls["revoke"],
            "page_url": self.urls["connection"],
            "clients_url": self.urls["clients"],
            "logout_url": self.urls["logout"] if is_offered() else "",
            "failures": lambda: [
                (failure, f"{events}?{failure_query(failure, **recent_period())}")
                for failure in health.failures
            ],
            **shown,
        }
        return self.render(context, status)


class TokenAction(ConnectionPage):
    """A form of the page. Its URL alone leads to the page."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return HttpResponseRedirect(self.urls["connection"])


class GenerateToken(TokenAction):
    """Generate or replace the token. It is only shown in this response."""

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        connection = self.account.connection
        rotate = partial(connection.rotate, self.actor)
        result = replace_token(connection, request.POST, rotate)
        return result.show(self.page)


class RevokeToken(TokenAction):
    """Revoke the token."""

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        connection = self.account.connection
        revoke = partial(connection.revoke, self.actor)
        result = revoke_token(connection, request.POST, revoke)
        if not result.redirects:
            return result.show(self.page)
        self.say(messages.SUCCESS, result.message)
        return HttpResponseRedirect(self.urls["connection"])
