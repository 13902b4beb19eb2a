"""The SCIM Configuration page of the Django admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, router, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tiled_scim.admin.chart import Chart
from tiled_scim.admin.events import UNKNOWN
from tiled_scim.admin.lists import account_labels, accounts_of, may_view
from tiled_scim.api.base_url import base_url
from tiled_scim.audit.advice import ADVICE, NOT_ENABLED, UNKNOWN_CALLER
from tiled_scim.audit.dashboard import FAILURE_DAYS, Failure, Health, failures_since, summaries
from tiled_scim.conf import settings
from tiled_scim.host import TILED_ADMIN
from tiled_scim.models import LibraryGroupLink, ScimEvent, ScimToken, ScimTokenManager, UserLink
from tiled_scim.scim.text import fold

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ScimToken]
else:
    ModelAdmin = admin.ModelAdmin  # takes a type argument in its type stubs only

PAGE = "admin:tiled_scim_scimtoken_changelist"
LISTS = (ScimEvent, UserLink, LibraryGroupLink)
ACCOUNTS_PER_PAGE = 100
# With more accounts than this, the page has a search field.
ACCOUNTS_TO_SEARCH = 20


@dataclass(frozen=True)
class Account:
    """One of the host's accounts.

    Args:
        key: The key of the account.
        name: The label of the account.
        is_only: Whether the host has no other account.
    """

    key: str
    name: str
    is_only: bool = False

    @property
    def query(self) -> str:
        """Return the query string of the account's page."""
        return "" if self.is_only else "?" + urlencode({"account": self.key})


class TokenForm(forms.Form):
    """The form to replace or revoke the current token.

    Args:
        current: The account's current token. If it still works, the form requires a confirmation.
    """

    # The primary key of the token that the page showed, or "". A form that is sent twice, or that
    # was opened before another person's change, does not match the current token and has no effect.
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    confirm = forms.BooleanField(
        label=_("I understand that the current token stops working immediately."),
        error_messages={"required": _("Please confirm to continue.")},
    )

    def __init__(self, *args: Any, current: ScimToken | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current_key = str(current.pk) if current else ""
        self.fields["token"].initial = self.current_key
        self.fields["confirm"].required = current is not None and current.is_current

    @property
    def is_outdated(self) -> bool:
        """Return whether the token has been replaced or revoked since the page was shown."""
        return (self["token"].data or "") != self.current_key


@admin.register(ScimToken)
class ScimTokenAdmin(ModelAdmin):
    """The SCIM Configuration page. Tokens are generated and revoked, but not listed or edited."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "": (self.changelist_view, "changelist"),
            "generate/": (self.generate_view, "generate"),
            "revoke/": (self.revoke_view, "revoke"),
        }
        return [
            path(route, self.admin_site.admin_view(view), name=f"tiled_scim_scimtoken_{name}")
            for route, (view, name) in views.items()
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScimToken | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        accounts = _accounts(request)
        account = _requested(request, accounts)
        if account is None:
            return self._choice_page(request, accounts)
        return self._account_page(request, account)

    @sensitive_variables("plaintext")  # hides it in error reports
    def generate_view(self, request: HttpRequest) -> HttpResponse:
        """Replace the account's token. The new token is only shown in this response.

        The admin sends `no-store` with all pages, so no cache stores the response. The URL contains
        no secret that a Referer header could leak. `Referrer-Policy: no-referrer` would make
        browsers send `Origin: null` with the page's forms, which Django's CSRF check refuses.
        """
        if request.method != "POST":
            return self._redirect(request)
        account = self._account_to_change(request)
        with _locked(account) as current:
            form = TokenForm(request.POST, current=current, auto_id="replace-%s")
            if form.is_outdated:
                return self._account_page(request, account, status=409, is_outdated=True)
            if not form.is_valid():
                return self._account_page(request, account, status=400, replace_form=form)
            if current is not None:
                current.revoke()
            try:
                token, plaintext = _tokens().issue(account.key, created_by=request.user)
            except IntegrityError:  # another request created the account's first token
                return self._account_page(request, account, status=409, is_outdated=True)
            self.log_addition(request, token, _log_message(current))
        return self._account_page(request, account, plaintext=plaintext, replaced=current)

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Revoke the account's token."""
        if request.method != "POST":
            return self._redirect(request)
        account = self._account_to_change(request)
        with _locked(account) as current:
            form = TokenForm(request.POST, current=current, auto_id="revoke-%s")
            if current is None or form.is_outdated:
                return self._account_page(request, account, status=409, is_outdated=True)
            if not form.is_valid():
                return self._account_page(request, account, status=400, revoke_form=form)
            current.revoke()
            self.log_change(request, current, gettext("Revoked."))
        revoked = gettext("The token ending in %(last_four)s has been revoked.")
        self.message_user(request, revoked % {"last_four": current.last_four}, messages.SUCCESS)
        return self._redirect(request)

    def _account_to_change(self, request: HttpRequest) -> Account:
        """Return the account of a POST request.

        Raises:
            PermissionDenied: The user may not change tokens, or the account has no SCIM.
            Http404: The account does not exist.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        account = _requested(request, _accounts(request))
        if account is None:
            raise Http404(gettext("Choose an account."))
        if not settings.ENABLED(account.key):
            raise PermissionDenied(gettext(NOT_ENABLED))
        return account

    def _redirect(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the page of the same account."""
        query = request.META.get("QUERY_STRING", "")
        page = reverse(PAGE, current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{page}?{query}" if query else page)

    def _choice_page(self, request: HttpRequest, accounts: Mapping[str, Account]) -> HttpResponse:
        """Show the accounts to choose from."""
        search = request.GET.get("q", "").strip()
        found = [
            account
            for account in accounts.values()
            if fold(search) in fold(f"{account.name} {account.key}")
        ]
        page = Paginator(found, ACCOUNTS_PER_PAGE).get_page(request.GET.get("page"))
        summarized, unknown = summaries([account.key for account in page])
        context = {
            "rows": [(account, summarized[account.key]) for account in page],
            "page": page,
            "search": search,
            "has_search": len(accounts) > ACCOUNTS_TO_SEARCH,
            "unknown": unknown,
            "unknown_query": urlencode({"account": UNKNOWN, **_recent_period()}),
            "unknown_advice": ADVICE[401, UNKNOWN_CALLER],
            "failure_days": FAILURE_DAYS,
            "visible": self._visible(request),
        }
        return self._render(request, "accounts", context)

    def _account_page(
        self, request: HttpRequest, account: Account, *, status: int = 200, **shown: Any
    ) -> HttpResponse:
        """Show the page of one account.

        Args:
            request: The current request.
            account: The account.
            status: The HTTP status of the response.
            shown: Additional context: `plaintext` and the token `replaced` by it, `is_outdated`,
                or a form with errors.
        """
        token = _tokens().select_related("created_by").filter(current_account=account.key).first()
        health = Health(account.key, token, account.is_only)
        context = {
            "subtitle": "" if account.is_only else account.name,
            "query": account.query,
            "not_enabled": "" if settings.ENABLED(account.key) else gettext(NOT_ENABLED),
            "base_url": _base_url(request),
            "token": token,
            "may_change": self.has_change_permission(request),
            "replace_form": TokenForm(current=token, auto_id="replace-%s"),
            "revoke_form": TokenForm(current=token, auto_id="revoke-%s"),
            "health": health,
            # Evaluated when the template is rendered, after the lock on the token is released.
            "chart": lambda: Chart(health.days),
            "failures": lambda: [(failure, _query(failure)) for failure in health.failures],
            "failure_days": FAILURE_DAYS,
            "visible": self._visible(request),
            "tiled_admin": _tiled_admin(account),
            **shown,
        }
        return self._render(request, "account", context, status)

    def _visible(self, request: HttpRequest) -> set[str]:
        """Return the model names of the lists that the user may see."""
        return {
            str(model._meta.model_name)
            for model in LISTS
            if may_view(self.admin_site, request, model)
        }

    def _render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.app_config.verbose_name,
            **context,
        }
        return TemplateResponse(
            request, f"tiled_scim/admin/{template}.html", context, status=status
        )


def _accounts(request: HttpRequest) -> dict[str, Account]:
    """Return the host's accounts by key."""
    accounts = accounts_of(request)
    is_only = len(accounts) == 1
    return {key: Account(key, name, is_only) for key, name in account_labels(accounts).items()}


def _requested(request: HttpRequest, accounts: Mapping[str, Account]) -> Account | None:
    """Return the account in the query string or the only account, or None to let the user choose.

    Raises:
        Http404: The account does not exist.
    """
    only = next(iter(accounts)) if len(accounts) == 1 else None
    key = request.GET.get("account", only)
    if key is None:
        return None
    if key not in accounts:
        raise Http404(gettext("This account does not exist."))
    return accounts[key]


def _query(failure: Failure) -> str:
    """Return the query string that makes the list of events show these failures."""
    event = failure.example
    values = {
        "account": event.account,
        "outcome": event.outcome,
        "status": event.status,
        "scim_type": event.scim_type,
        "cause": event.cause,
        "resource_type": event.resource_type,
        **_recent_period(),
    }
    return urlencode({name: value for name, value in values.items() if value})


def _recent_period() -> dict[str, str]:
    return {"created_at__gte": failures_since().isoformat(timespec="seconds")}


def _tiled_admin(account: Account) -> tuple[str, str] | None:
    """Return the name and namespace of the attribute Tiled Admin, or None without support."""
    if TILED_ADMIN not in settings.HOST_ADAPTER(account.key).user_fields:
        return None
    namespace, _separator, name = TILED_ADMIN.rpartition(":")
    return name, namespace


def _base_url(request: HttpRequest) -> str | None:
    """Return the base URL for Okta, or None if the host does not include the SCIM URLs."""
    try:
        return base_url(request)
    except NoReverseMatch:
        return None


def _tokens() -> ScimTokenManager:
    """Return the token manager for the write database: a replica may lag behind."""
    return ScimToken.objects.db_manager(router.db_for_write(ScimToken))


@contextmanager
def _locked(account: Account) -> Iterator[ScimToken | None]:
    """Lock the account's current token, so that no other request replaces or revokes it."""
    tokens = _tokens()
    with transaction.atomic(using=tokens.db):
        yield tokens.select_for_update().filter(current_account=account.key).first()


def _log_message(replaced: ScimToken | None) -> str:
    """Return the message for the admin's log about a new token."""
    if replaced is None:
        return gettext("Generated.")
    message = gettext("Generated. It replaces the token ending in %(last_four)s.")
    return message % {"last_four": replaced.last_four}
