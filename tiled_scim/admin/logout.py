"""The page on which Universal Logout of an account is configured in the Django admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from tiled_scim.admin.account import Account, AccountAdmin
from tiled_scim.admin.actors import actor_of
from tiled_scim.presentation import logout
from tiled_scim.presentation.form_results import FormResult


class LogoutPages(AccountAdmin):
    """Who may end sessions of the account's people, and the URL for that."""

    def logout_urls(self) -> list[URLPattern]:
        """Return the routes of the page, below the page of the account."""
        views: dict[str, tuple[Callable[..., HttpResponse], str]] = {
            "logout/": (self.logout_view, "logout"),
            "logout/turn-off/": (self.turn_off_logout_view, "turn_off_logout"),
        }
        return [
            path(route, self.admin_site.admin_view(view), name=f"tiled_scim_scimtoken_{name}")
            for route, (view, name) in views.items()
        ]

    def logout_view(self, request: HttpRequest) -> HttpResponse:
        """Show who may end sessions, or change it."""
        _require_offered()
        if request.method != "POST":
            return self._logout_page(request, self.account_to_view(request))
        account = self.account_to_change(request)
        result = logout.configure(account.key, actor_of(request), request.POST)
        return self._answer_logout(request, account, result)

    def turn_off_logout_view(self, request: HttpRequest) -> HttpResponse:
        """Turn Universal Logout off."""
        _require_offered()
        if request.method != "POST":
            return HttpResponseRedirect(self.url("logout", self.account_to_view(request)))
        account = self.account_to_change(request)
        result = logout.turn_off(account.key, actor_of(request), request.POST)
        return self._answer_logout(request, account, result)

    def _answer_logout(
        self, request: HttpRequest, account: Account, result: FormResult
    ) -> HttpResponse:
        if not result.redirects:
            return self._logout_page(request, account, status=result.status, **result.shown)
        if result.row is not None:
            self.log_change(request, result.row, result.message)
        self.message_user(request, result.message, messages.SUCCESS)
        return HttpResponseRedirect(self.url("logout", account))

    def _logout_page(
        self, request: HttpRequest, account: Account, *, status: int = 200, **shown: Any
    ) -> TemplateResponse:
        context = {
            **logout.context(request, account.key),
            "subtitle": "" if account.is_only else account.name,
            "account_url": self.url("changelist", account),
            "may_change": self.has_change_permission(request),
            "configure_url": self.url("logout", account),
            "turn_off_url": self.url("turn_off_logout", account),
            **shown,
        }
        return self.render(request, "logout", context, status)


def _require_offered() -> None:
    """Raise Http404 if Universal Logout cannot be configured."""
    if not logout.is_offered():
        raise Http404
