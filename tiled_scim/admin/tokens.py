"""The SCIM Configuration page of the Django admin."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import router, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext

from tiled_scim.admin.account import Account, requested
from tiled_scim.admin.actors import actor_of
from tiled_scim.admin.clients import ClientPages
from tiled_scim.admin.events import UNKNOWN
from tiled_scim.admin.lists import may_view
from tiled_scim.admin.logout import LogoutPages
from tiled_scim.admin.scope import labelled, scope_of
from tiled_scim.audit.advice import ADVICE, UNKNOWN_CALLER
from tiled_scim.audit.dashboard import FAILURE_DAYS, Failure, Health, summaries
from tiled_scim.connections import (
    Connection,
    NewToken,
    TokenChangedError,
    seen_key,
    tokens_without_account,
)
from tiled_scim.models import LibraryGroupLink, ScimEvent, ScimToken, UserLink
from tiled_scim.presentation.logout import is_offered
from tiled_scim.presentation.tokens import (
    account_context,
    failure_query,
    recent_period,
    replace_token,
    revoke_token,
    revoked_message,
)

PAGE = "admin:tiled_scim_scimtoken_changelist"
LISTS = (ScimEvent, UserLink, LibraryGroupLink)
ACCOUNTS_PER_PAGE = 100


@admin.register(ScimToken)
class ScimTokenAdmin(ClientPages, LogoutPages):
    """The SCIM Configuration page. Tokens are generated and revoked, but not listed or edited."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "": (self.changelist_view, "changelist"),
            "generate/": (self.generate_view, "generate"),
            "revoke/": (self.revoke_view, "revoke"),
            "revoke-former/": (self.revoke_former_view, "revoke_former"),
        }
        pages = [
            path(route, self.admin_site.admin_view(view), name=f"tiled_scim_scimtoken_{name}")
            for route, (view, name) in views.items()
        ]
        return [*pages, *self.client_urls(), *self.logout_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScimToken | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if scope_of(request).is_empty:
            return self.no_accounts_page(request)
        account = requested(request)
        if account is None:
            return self._choice_page(request)
        return self._account_page(request, account)

    def generate_view(self, request: HttpRequest) -> HttpResponse:
        """Replace the account's token. The new token is only shown in this response.

        The admin sends `no-store` with all pages, so no cache stores the response. The URL contains
        no secret that a Referer header could leak. `Referrer-Policy: no-referrer` would make
        browsers send `Origin: null` with the page's forms, which Django's CSRF check refuses.
        """
        if request.method != "POST":
            return self._redirect(request)
        account = self.account_to_change(request)
        rotate = partial(self._rotate, request, account.key)
        result = replace_token(Connection(account.key), request.POST, rotate)
        return result.show(partial(self._account_page, request, account))

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Revoke one of the account's tokens."""
        if request.method != "POST":
            return self._redirect(request)
        account = self.account_to_change(request)
        revoke = partial(self._revoke, request, account.key)
        result = revoke_token(Connection(account.key), request.POST, revoke)
        if not result.redirects:
            return result.show(partial(self._account_page, request, account))
        return self._redirect(request)

    def revoke_former_view(self, request: HttpRequest) -> HttpResponse:
        """Revoke a token of an account that the host no longer has."""
        if request.method != "POST":
            return self._redirect(request)
        scope = scope_of(request)
        if not (self.has_change_permission(request) and scope.is_all):
            raise PermissionDenied
        former = {seen_key(token): token.account for token in tokens_without_account()}
        seen = request.POST.get("token", "")
        try:
            if seen not in former:
                raise TokenChangedError
            self._revoke(request, former[seen], seen)
        except TokenChangedError:
            gone = gettext("Nothing was changed, because the token has been revoked already.")
            self.message_user(request, gone, messages.WARNING)
        return self._redirect(request)

    def _rotate(self, request: HttpRequest, account: str, seen: str, keep: timedelta) -> NewToken:
        """Replace the token that the user has seen.

        Raises:
            TokenChangedError: Another one is the newest token.
        """
        with transaction.atomic(using=router.db_for_write(ScimToken)):
            new = Connection(account).rotate(actor_of(request), seen=seen, keep=keep)
            self.log_addition(request, new.token, _log_message(new))
        return new

    def _revoke(self, request: HttpRequest, account: str, seen: str) -> None:
        """Revoke the token that the user has seen.

        Raises:
            TokenChangedError: It is not a current token any more.
        """
        with transaction.atomic(using=router.db_for_write(ScimToken)):
            (token,) = Connection(account).revoke(actor_of(request), seen=seen)
            self.log_change(request, token, gettext("Revoked."))
        self.message_user(request, revoked_message(token), messages.SUCCESS)

    def _redirect(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the page of the same account."""
        query = request.META.get("QUERY_STRING", "")
        page = reverse(PAGE, current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{page}?{query}" if query else page)

    def _choice_page(self, request: HttpRequest) -> HttpResponse:
        """Show the accounts to choose from."""
        scope = scope_of(request)
        search = request.GET.get("q", "").strip()
        page = Paginator(scope.find(search), ACCOUNTS_PER_PAGE).get_page(request.GET.get("page"))
        accounts = [Account(key, label) for key, label in labelled(page)]
        summarized, unknown = summaries([account.key for account in accounts])
        context = {
            **self._former(request),
            "rows": [(account, summarized[account.key]) for account in accounts],
            "page": page,
            "search": search,
            "has_search": scope.has_many,
            "unknown": unknown if scope.is_all else 0,
            "unknown_query": urlencode({"account": UNKNOWN, **recent_period()}),
            "unknown_advice": ADVICE[401, UNKNOWN_CALLER],
            "failure_days": FAILURE_DAYS,
            "visible": self._visible(request),
        }
        return self.render(request, "accounts", context)

    def _account_page(
        self, request: HttpRequest, account: Account, *, status: int = 200, **shown: Any
    ) -> TemplateResponse:
        """Show the page of one account.

        Args:
            request: The current request.
            account: The account.
            status: The HTTP status of the response.
            shown: Additional context: the placeholder of the new token as `plaintext`, the tokens
                `replaced` by it and `dropped`, `is_outdated`, or a form with errors.
        """
        unknown_callers = account.is_only and scope_of(request).is_all
        health = Connection(account.key).health(unknown_callers=unknown_callers)
        context = {
            **(self._former(request) if account.is_only else {}),
            "subtitle": "" if unknown_callers else account.name,
            "query": account.query,
            **account_context(request, health),
            "may_change": self.has_change_permission(request),
            # Failures name users and groups, as events do.
            "without_people": not may_view(self.admin_site, request, ScimEvent),
            "generate_url": self.url("generate", account),
            "revoke_url": self.url("revoke", account),
            "page_url": self.url("changelist", account),
            "clients_url": self.url("clients", account),
            "logout_url": self.url("logout", account) if is_offered() else "",
            "lists": self._lists(request, account),
            "failures": lambda: self._failures(request, health),
            **shown,
        }
        return self.render(request, "account", context, status)

    def _lists(self, request: HttpRequest, account: Account) -> list[tuple[str, Any]]:
        """Return the URLs and titles of the lists that the user may see."""
        return [
            (self._list_url(model) + account.query, capfirst(model._meta.verbose_name_plural))
            for model in LISTS
            if may_view(self.admin_site, request, model)
        ]

    def _failures(self, request: HttpRequest, health: Health) -> list[tuple[Failure, str]]:
        """Return the recent failures, with the URLs of their events if the user may see those."""
        if not may_view(self.admin_site, request, ScimEvent):
            return [(failure, "") for failure in health.failures]
        events = self._list_url(ScimEvent)
        return [(failure, f"{events}?{_query(failure)}") for failure in health.failures]

    def _list_url(self, model: type[Model]) -> str:
        name = f"admin:tiled_scim_{model._meta.model_name}_changelist"
        return reverse(name, current_app=self.admin_site.name)

    def _former(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context for the tokens of accounts that the host no longer has."""
        scope = scope_of(request)
        tokens = tokens_without_account() if scope.is_all else []
        return {"former_tokens": tokens, "may_change": self.has_change_permission(request)}

    def _visible(self, request: HttpRequest) -> set[str]:
        """Return the model names of the lists that the user may see."""
        return {
            str(model._meta.model_name)
            for model in LISTS
            if may_view(self.admin_site, request, model)
        }


def _query(failure: Failure) -> str:
    """Return the query string that makes the list of events show these failures."""
    return failure_query(failure, account=failure.example.account, **recent_period())


def _log_message(new: NewToken) -> str:
    """Return the message for the admin's log about a new token."""
    if new.replaced is None:
        return gettext("Generated.")
    values = {"last_four": new.replaced.last_four}
    if new.kept_until is None:
        message = gettext("Generated. It replaces the token ending in %(last_four)s.")
        return message % values
    message = gettext(
        "Generated. It replaces the token ending in %(last_four)s, which works until %(moment)s."
    )
    return message % {**values, "moment": new.kept_until.isoformat(timespec="minutes")}
