"""What the pages about one account have in common, below SCIM Configuration in the Django admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from tiled_scim.admin.scope import ScopedAdmin, scope_of
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.conf import settings


@dataclass(frozen=True)
class Account:
    """One of the accounts that the user may see.

    Args:
        key: The key of the account.
        name: The label of the account.
        is_only: Whether the user may see no other account.
    """

    key: str
    name: str
    is_only: bool = False

    @property
    def query(self) -> str:
        """Return the query string of the account's page."""
        return "" if self.is_only else "?" + urlencode({"account": self.key})


class AccountAdmin(ScopedAdmin):
    """Pages of the account in the query string. Who may change tokens may change all of them."""

    def account_to_view(self, request: HttpRequest) -> Account:
        """Return the account of a page below that of the account.

        Raises:
            PermissionDenied: The user may not view tokens, or the account has no SCIM.
            Http404: The account does not exist.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _enabled(requested(request))

    def account_to_change(self, request: HttpRequest) -> Account:
        """Return the account of a POST request.

        Raises:
            PermissionDenied: The user may not change tokens, or the account has no SCIM.
            Http404: The account does not exist.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        return _enabled(requested(request))

    def url(self, view: str, account: Account | None = None, **arguments: Any) -> str:
        """Return the URL of a page or form, for an account."""
        name = f"admin:tiled_scim_scimtoken_{view}"
        address = reverse(name, kwargs=arguments, current_app=self.admin_site.name)
        return address + account.query if account else address

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """Render a template below `tiled_scim/admin/`."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.app_config.verbose_name,
            **context,
        }
        return TemplateResponse(
            request, f"tiled_scim/admin/{template}.html", context, status=status
        )


def requested(request: HttpRequest) -> Account | None:
    """Return the account in the query string or the only account, or None to let the user choose.

    Raises:
        Http404: The account does not exist.
    """
    scope = scope_of(request)
    key = request.GET.get("account", scope.only)
    if key is None:
        return None
    labels = scope.labels([key])
    if key not in labels:
        raise Http404(gettext("This account does not exist."))
    return Account(key, labels[key], is_only=key == scope.only)


def _enabled(account: Account | None) -> Account:
    """Return an account that was chosen and may use SCIM.

    Raises:
        PermissionDenied: It has no SCIM.
        Http404: None was chosen.
    """
    if account is None:
        raise Http404(gettext("Choose an account."))
    if not settings.ENABLED(account.key):
        raise PermissionDenied(gettext(NOT_ENABLED))
    return account
