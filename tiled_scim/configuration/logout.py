"""The page on which an account's admin configures Universal Logout."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from tiled_scim.configuration.access import ConfigurationPage
from tiled_scim.presentation import logout
from tiled_scim.presentation.form_results import FormResult


class LogoutPage(ConfigurationPage):
    """Who may end sessions of the account's people, and the URL for that."""

    template_name = "tiled_scim/configuration/logout.html"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not logout.is_offered():
            raise Http404
        return super().answer(request, *args, **kwargs)

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.answer_for(logout.configure(self.account.key, self.actor, request.POST))

    def page(self, status: int = 200, **shown: Any) -> TemplateResponse:
        """Show the page.

        Args:
            status: The HTTP status.
            shown: Additional context, from a `FormResult`.
        """
        context = {
            **logout.context(self.request, self.account.key),
            "may_change": True,
            "configure_url": self.urls["logout"],
            "turn_off_url": self.urls["turn_off_logout"],
            **shown,
        }
        return self.render(context, status)

    def answer_for(self, result: FormResult) -> HttpResponse:
        """Return the response for the result of a form."""
        if not result.redirects:
            return result.show(self.page)
        self.say(messages.SUCCESS, result.message)
        return HttpResponseRedirect(self.urls["logout"])


class TurnOffLogout(LogoutPage):
    """Turn Universal Logout off."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return HttpResponseRedirect(self.urls["logout"])

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.answer_for(logout.turn_off(self.account.key, self.actor, request.POST))
