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
from tiled_scim.admin.lists import accounts_of, labels, may_view
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
# More than are found at a glance.
ACCOUNTS_TO_SEARCH = 20


@dataclass(frozen=True)
class Account:
    """One of the host's accounts.

    Args:
        name: what people call it.
        is_only: whether there is no other: then nobody is asked to choose.
    """

    key: str
    name: str
    is_only: bool = False

    @property
    def query(self) -> str:
        """What leads to its page."""
        return "" if self.is_only else "?" + urlencode({"account": self.key})


class TokenForm(forms.Form):
    """Asks for the end of the token that the person saw: to have a new one, or none.

    Args:
        current: the account's current token. While it works, its end needs to be confirmed.
    """

    # The primary key of that token; empty for none. It makes the form good for one time only: a
    # page that is loaded again, or was opened before somebody else's change, ends no token.
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    confirm = forms.BooleanField(
        label=_("Yes, the current token may stop working now."),
        error_messages={"required": _("Please tick the box to go on.")},
    )

    def __init__(self, *args: Any, current: ScimToken | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current_key = str(current.pk) if current else ""
        self.fields["token"].initial = self.current_key
        self.fields["confirm"].required = current is not None and current.is_current

    @property
    def is_outdated(self) -> bool:
        """Whether the token that the person saw, if any, has been replaced or revoked since."""
        return (self["token"].data or "") != self.current_key


@admin.register(ScimToken)
class ScimTokenAdmin(ModelAdmin):
    """The changelist is the page: tokens are generated and revoked, never listed or edited."""

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
            return self._choice(request, accounts)
        return self._page(request, account)

    @sensitive_variables("plaintext")  # an error report shows the variables of every frame
    def generate_view(self, request: HttpRequest) -> HttpResponse:
        """End the account's token, and show its new one: in this answer, and nowhere else.

        No cache keeps the answer, as the admin says no-store with all of its pages. Its URL has no
        secret for a Referer header to give away; and `Referrer-Policy: no-referrer` would make
        browsers send `Origin: null` with the forms on it, which Django's CSRF check refuses.
        """
        if request.method != "POST":
            return self._redirect(request)
        account = self._account_to_change(request)
        with _locked(account) as current:
            form = TokenForm(request.POST, current=current, auto_id="replace-%s")
            if form.is_outdated:
                return self._page(request, account, status=409, is_outdated=True)
            if not form.is_valid():
                return self._page(request, account, status=400, replace_form=form)
            if current is not None:
                current.revoke()
            try:
                token, plaintext = _tokens().issue(account.key, created_by=request.user)
            except IntegrityError:  # another request was faster with the account's first token
                return self._page(request, account, status=409, is_outdated=True)
            self.log_addition(request, token, _generated(current))
        return self._page(request, account, plaintext=plaintext, replaced=current)

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """End the account's token."""
        if request.method != "POST":
            return self._redirect(request)
        account = self._account_to_change(request)
        with _locked(account) as current:
            form = TokenForm(request.POST, current=current, auto_id="revoke-%s")
            if current is None or form.is_outdated:
                return self._page(request, account, status=409, is_outdated=True)
            if not form.is_valid():
                return self._page(request, account, status=400, revoke_form=form)
            current.revoke()
            self.log_change(request, current, gettext("Revoked."))
        revoked = gettext("The token ending in %(last_four)s has been revoked.")
        self.message_user(request, revoked % {"last_four": current.last_four}, messages.SUCCESS)
        return self._redirect(request)

    def _account_to_change(self, request: HttpRequest) -> Account:
        """The account of a POST.

        Raises:
            PermissionDenied: the person may not change it, or it has no SCIM.
            Http404: there is no such account.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        account = _requested(request, _accounts(request))
        if account is None:
            raise Http404(gettext("Say which account."))
        if not settings.ENABLED(account.key):
            raise PermissionDenied(gettext(NOT_ENABLED))
        return account

    def _redirect(self, request: HttpRequest) -> HttpResponse:
        """To the page of the same account."""
        query = request.META.get("QUERY_STRING", "")
        page = reverse(PAGE, current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{page}?{query}" if query else page)

    def _choice(self, request: HttpRequest, accounts: Mapping[str, Account]) -> HttpResponse:
        """The choice of an account, where there are several."""
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
            "unknown_query": urlencode({"account": UNKNOWN, **_lately()}),
            "unknown_advice": ADVICE[401, UNKNOWN_CALLER],
            "failure_days": FAILURE_DAYS,
            "visible": self._visible(request),
        }
        return self._answer(request, "accounts", context)

    def _page(
        self, request: HttpRequest, account: Account, *, status: int = 200, **shown: Any
    ) -> HttpResponse:
        """The page of one account.

        Args:
            shown: what this answer shows besides the account's state: `plaintext` and the token
                `replaced` by it, `is_outdated`, or a form with its errors.
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
            # Asked for as the template is rendered, when no token is locked any more.
            "chart": lambda: Chart(health.days),
            "failures": lambda: [(failure, _query(failure)) for failure in health.failures],
            "failure_days": FAILURE_DAYS,
            "visible": self._visible(request),
            "tiled_admin": _tiled_admin(account),
            **shown,
        }
        return self._answer(request, "account", context, status)

    def _visible(self, request: HttpRequest) -> set[str]:
        """The lists that the person may see, by the names of their models."""
        return {
            str(model._meta.model_name)
            for model in LISTS
            if may_view(self.admin_site, request, model)
        }

    def _answer(
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
    """The host's accounts, by their keys."""
    accounts = accounts_of(request)
    is_only = len(accounts) == 1
    return {key: Account(key, name, is_only) for key, name in labels(accounts).items()}


def _requested(request: HttpRequest, accounts: Mapping[str, Account]) -> Account | None:
    """The account in the query, or the only one there is; None where it is still to be chosen.

    Raises:
        Http404: there is no such account.
    """
    only = next(iter(accounts)) if len(accounts) == 1 else None
    key = request.GET.get("account", only)
    if key is None:
        return None
    if key not in accounts:
        raise Http404(gettext("There is no such account."))
    return accounts[key]


def _query(failure: Failure) -> str:
    """What the list of events takes to show these failures."""
    event = failure.example
    values = {
        "account": event.account,
        "outcome": event.outcome,
        "status": event.status,
        "scim_type": event.scim_type,
        "resource_type": event.resource_type,
        **_lately(),
    }
    return urlencode({name: value for name, value in values.items() if value})


def _lately() -> dict[str, str]:
    return {"created_at__gte": failures_since().isoformat(timespec="seconds")}


def _tiled_admin(account: Account) -> tuple[str, str] | None:
    """The name and the namespace of the attribute Tiled Admin; None where the host has none."""
    if TILED_ADMIN not in settings.HOST_ADAPTER(account.key).user_fields:
        return None
    namespace, _separator, name = TILED_ADMIN.rpartition(":")
    return name, namespace


def _base_url(request: HttpRequest) -> str | None:
    """The address to paste into Okta; None where the host has not mounted the SCIM URLs."""
    try:
        return base_url(request)
    except NoReverseMatch:
        return None


def _tokens() -> ScimTokenManager:
    """The tokens in the database that is written to: a replica may lag behind a change."""
    return ScimToken.objects.db_manager(router.db_for_write(ScimToken))


@contextmanager
def _locked(account: Account) -> Iterator[ScimToken | None]:
    """The account's current token, which no other request replaces or revokes meanwhile."""
    tokens = _tokens()
    with transaction.atomic(using=tokens.db):
        yield tokens.select_for_update().filter(current_account=account.key).first()


def _generated(replaced: ScimToken | None) -> str:
    """What the admin's log says of a new token."""
    if replaced is None:
        return gettext("Generated.")
    ended = gettext("Generated. It replaces the token ending in %(last_four)s.")
    return ended % {"last_four": replaced.last_four}
