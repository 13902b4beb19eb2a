"""Which accounts a person may see and change in the Django admin.

All pages take the rows of accounts from here: a page's own rows through `ScopedAdmin`, and others
through `scope_of(request).limit(…)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.host import ALL_ACCOUNTS, adapter_class

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    BaseModelAdmin = admin.ModelAdmin  # takes a type argument in its type stubs only

AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(frozen=True)
class Scope:
    """The accounts that a person may see and change.

    Args:
        labels: The labels of these accounts, by key.
        is_all: Whether these are all accounts. The person then also sees unknown callers, and what
            is left of accounts that no longer exist.
        has_accounts: Whether the host's customers have accounts, even if there is only one so far.
    """

    labels: Mapping[str, str]
    is_all: bool
    has_accounts: bool = True

    @property
    def is_empty(self) -> bool:
        """Return whether the person may see nothing."""
        return not self.is_all and not self.labels

    @property
    def has_several(self) -> bool:
        """Return whether there are several accounts to tell apart."""
        return len(self.labels) > 1

    def limit(self, rows: QuerySet[AnyModel]) -> QuerySet[AnyModel]:
        """Return those of the rows that belong to these accounts."""
        if self.is_all:
            return rows
        if len(self.labels) == 1:
            return rows.filter(account=next(iter(self.labels)))
        return rows.filter(account__in=list(self.labels))

    def includes(self, account: str | None) -> bool:
        """Return whether the person may see and change an account. None is an unknown caller."""
        return self.is_all or account in self.labels

    def label(self, account: str | None) -> str:
        """Return the label of an account, or its key if it no longer exists. "" for None."""
        return "" if account is None else self.labels.get(account, account)


def scope_of(request: Any) -> Scope:
    """Return the accounts that the user of a request may see. The host is asked once a request."""
    if not hasattr(request, "scim_scope"):
        request.scim_scope = _scope(request.user)
    return cast(Scope, request.scim_scope)


def _scope(user: Any) -> Scope:
    adapter = adapter_class()
    accounts = adapter.accounts()
    labels = {key: label or key or str(_("Default account")) for key, label in accounts.items()}
    if set(accounts) == {""}:
        return Scope(labels, is_all=True, has_accounts=False)
    allowed = adapter.accounts_of(user)
    if allowed is ALL_ACCOUNTS:
        return Scope(labels, is_all=True)
    if isinstance(allowed, str):  # its characters could be the keys of other accounts
        raise TypeError(f"accounts_of() must return a collection of keys, not {allowed!r}")
    keys = frozenset(allowed)
    return Scope({key: label for key, label in labels.items() if key in keys}, is_all=False)


class ScopedAdmin(BaseModelAdmin):
    """A model admin whose pages have only rows of the accounts that the user may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_of(request).limit(super().get_queryset(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list or, to a user without an account, why it has nothing for them."""
        if self.has_view_permission(request) and scope_of(request).is_empty:
            return self.no_accounts_page(request)
        return super().changelist_view(request, extra_context)

    def no_accounts_page(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": capfirst(self.opts.verbose_name_plural),
        }
        request.current_app = self.admin_site.name
        template = "tiled_scim/admin/no_accounts.html"
        return TemplateResponse(request, template, context, status=403)
