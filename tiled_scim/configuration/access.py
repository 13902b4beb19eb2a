"""Who may use the pages, and for which account."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.views.generic import View

from tiled_scim.api.request_log import address_of
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.conf import PREFIX, settings
from tiled_scim.configuration.addresses import Addresses
from tiled_scim.connections import Actor, Connection
from tiled_scim.database.connections import non_atomic_requests
from tiled_scim.host import adapter_class

logger = logging.getLogger("tiled_scim")


@dataclass(frozen=True)
class Account:
    """The account that a request is about.

    Args:
        key: The key of the account.
        name: The label of the account, or "" in a host without accounts.
    """

    key: str
    name: str = ""

    @cached_property
    def connection(self) -> Connection:
        """Return the account's connection."""
        return Connection(self.key)

    @property
    def is_only(self) -> bool:
        """Return whether the host has no accounts. Unknown callers are then shown, too."""
        return not self.connection.adapter.has_accounts

    @property
    def is_enabled(self) -> bool:
        """Return whether the account may use SCIM."""
        return self.connection.is_enabled


def account_of(request: HttpRequest) -> Account | None:
    """Return the account that a request is about if this person may configure it, else None.

    The host's function is not asked about people who are not signed in.

    Raises:
        ImproperlyConfigured: The setting is missing.
    """
    configurable_account = settings.CONFIGURABLE_ACCOUNT
    if configurable_account is None:
        raise ImproperlyConfigured(
            f"Set {PREFIX}CONFIGURABLE_ACCOUNT: the pages of tiled_scim.configuration are mounted."
        )
    key = configurable_account(request) if is_signed_in(request) else None
    if key is None:
        return None
    account = account_with_key(key)
    if account is None:
        logger.warning("%sCONFIGURABLE_ACCOUNT names an account that does not exist", PREFIX)
    return account


def is_signed_in(request: HttpRequest) -> bool:
    """Return whether the person has signed in to the host."""
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated


def account_with_key(key: str) -> Account | None:
    """Return the account with a key, or None if the host does not have it."""
    labels = adapter_class().account_labels([key])
    return Account(key, labels[key] or key) if key in labels else None


@method_decorator(non_atomic_requests, name="dispatch")
class Page(View):
    """A page of one account. It is not cached, and its URL leaves the site in no Referer header.

    `Referrer-Policy: no-referrer` would make browsers send `Origin: null` with forms, which
    Django's CSRF check refuses.
    """

    # The name of the template below `tiled_scim/configuration/`, or the complete name.
    template_name: str
    # Set by `answer`, except on the page that opens a setup link.
    account: Account

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = self.answer(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["Referrer-Policy"] = "same-origin"
        return response

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the account, check whether the person may see the page, and show it."""
        raise NotImplementedError

    @cached_property
    def urls(self) -> Addresses:
        """Return the URLs of the pages."""
        return Addresses(self.request)

    @property
    def actor(self) -> Actor:
        """Return the person for events."""
        raise NotImplementedError

    def render(
        self, context: dict[str, Any], status: int = 200, template: str = ""
    ) -> TemplateResponse:
        """Render the page's template. The tag `tiled_scim` in it makes the context variables.

        Args:
            context: The variables.
            status: The HTTP status.
            template: The name of the template. The default is that of the page.
        """
        shown = {"account": getattr(self, "account", None), "urls": self.urls, **context}
        page = {"tiled_scim": shown}
        name = template or self.template_name
        return TemplateResponse(self.request, name, page, status=status)

    def require_enabled(self) -> None:
        """Refuse a change of an account that may not use SCIM.

        Raises:
            PermissionDenied: always in this case.
        """
        if not self.account.is_enabled:
            raise PermissionDenied(gettext(NOT_ENABLED))

    def say(self, level: int, message: str) -> None:
        """Show a message on the next page, if the host has Django's messages installed."""
        messages.add_message(self.request, level, message, fail_silently=True)


class ConfigurationPage(Page):
    """A page for people who may configure the account. Others get 404, or are asked to sign in."""

    # Whether the page is shown for an account that may not use SCIM.
    explains_not_enabled = False

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        account = account_of(request)
        if account is None:
            return self.refuse(request)
        self.account = account
        if request.method == "POST":
            self.require_enabled()
        elif not (self.explains_not_enabled or account.is_enabled):
            return HttpResponseRedirect(self.urls["connection"])
        return View.dispatch(self, request, *args, **kwargs)

    def refuse(self, request: HttpRequest) -> HttpResponseBase:
        """Ask anonymous people to sign in.

        Raises:
            Http404: for all others.
        """
        if is_signed_in(request):
            raise Http404
        return redirect_to_login(request.get_full_path(), resolve_url(django_settings.LOGIN_URL))

    @property
    def actor(self) -> Actor:
        user: Any = self.request.user
        name = f"SCIM Configuration: {user.get_username()}"
        return Actor(name, user, address_of(self.request))
