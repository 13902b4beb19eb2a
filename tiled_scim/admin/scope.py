"""Which accounts a person may see and change in the Django admin.

All pages take the rows of accounts from here: a page's own rows through `ScopedAdmin`, and others
through `scope_of(request).limit(…)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.host import ALL_ACCOUNTS, HostAdapter, adapter_class
from tiled_scim.scim.text import fold

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    BaseModelAdmin = admin.ModelAdmin  # takes a type argument in its type stubs only

AnyModel = TypeVar("AnyModel", bound=Model)


# With more accounts than this, pages have no list of all, but a search.
FEW = 20


def labelled(accounts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the keys of accounts with what people call them, also those without a label."""
    return [(key, label or key or str(_("Default account"))) for key, label in accounts]


class Scope:
    """The accounts that a person may see and change. The host is asked about those on the page.

    Args:
        adapter: The host's adapter class.
        own: The labels of the accounts of a person who may not see all, by key. None for all: the
            person then also sees unknown callers, and what is left of accounts that no longer
            exist.
    """

    def __init__(self, adapter: type[HostAdapter], own: Mapping[str, str] | None) -> None:
        self._adapter = adapter
        self._own = own

    @property
    def is_all(self) -> bool:
        """Return whether the person may see all accounts."""
        return self._own is None

    @cached_property
    def has_accounts(self) -> bool:
        """Return whether the host's customers have accounts, even if there is only one so far."""
        return self._adapter().has_accounts

    @property
    def is_empty(self) -> bool:
        """Return whether the person may see nothing."""
        return self._own is not None and not self._own

    @cached_property
    def first(self) -> dict[str, str]:
        """Return the labels of the first accounts by key: one more than `FEW` if there are many."""
        return dict(labelled(self.find()[: FEW + 1]))

    @property
    def has_several(self) -> bool:
        """Return whether there are several accounts to tell apart."""
        return len(self.first) > 1

    @property
    def has_many(self) -> bool:
        """Return whether there are too many accounts for a list of all."""
        return len(self.first) > FEW

    @property
    def only(self) -> str | None:
        """Return the key of the only account, or None."""
        return None if len(self.first) != 1 else next(iter(self.first))

    def find(self, term: str = "") -> Sequence[tuple[str, str]]:
        """Return the keys and labels of the accounts that a term finds. Read a slice of it."""
        if self._own is None:
            return self._adapter.find_accounts(term)
        return [
            (key, label) for key, label in self._own.items() if fold(term) in fold(f"{label} {key}")
        ]

    def labels(self, keys: Iterable[str | None]) -> dict[str, str]:
        """Return the labels of those of the accounts that exist and that the person may see."""
        wanted = {key for key in keys if key is not None}
        if self._own is None:
            return dict(labelled(self._adapter.account_labels(wanted).items() if wanted else ()))
        return dict(labelled((key, self._own[key]) for key in wanted if key in self._own))

    def limit(self, rows: QuerySet[AnyModel]) -> QuerySet[AnyModel]:
        """Return those of the rows that belong to these accounts."""
        if self._own is None:
            return rows
        if len(self._own) == 1:
            return rows.filter(account=next(iter(self._own)))
        return rows.filter(account__in=list(self._own))

    def includes(self, account: str | None) -> bool:
        """Return whether the person may see and change an account. None is an unknown caller."""
        return self._own is None or account in self._own


def scope_of(request: Any) -> Scope:
    """Return the accounts that the user of a request may see. The host is asked once a request."""
    if not hasattr(request, "scim_scope"):
        request.scim_scope = _scope(request.user)
    return cast(Scope, request.scim_scope)


def _scope(user: Any) -> Scope:
    adapter = adapter_class()
    if not adapter().has_accounts:
        return Scope(adapter, own=None)
    allowed = adapter.accounts_of(user)
    if allowed is ALL_ACCOUNTS:
        return Scope(adapter, own=None)
    if isinstance(allowed, str):  # its characters could be the keys of other accounts
        raise TypeError(f"accounts_of() must return a collection of keys, not {allowed!r}")
    own = adapter.account_labels(frozenset(allowed))
    return Scope(adapter, own=dict(sorted(own.items(), key=lambda item: (fold(item[1]), item[0]))))


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
