"""Lists in the admin that only show, and answer at once whatever the size of their table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.host import adapter_class
from tiled_scim.scim.text import fold

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
    BasePaginator = Paginator[Any]
else:
    BaseModelAdmin = admin.ModelAdmin  # take a type argument in their type stubs only
    BasePaginator = Paginator

PER_PAGE = 100
# Behind every text that goes on: the last code point there is.
LAST_CHARACTER = "\U0010ffff"


class CappedPaginator(BasePaginator):
    """Pages of the first rows of a table, which are not counted beyond what anybody leafs to."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MOST)

    @cached_property
    def is_capped(self) -> bool:
        """Whether there are more rows than pages."""
        return self._counted > self.MOST

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.MOST + 1].count())


class DescribedChangeList(ChangeList):
    """A list whose model admin describes the rows of a page, all of them together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        model_admin: Any = self.model_admin
        self.result_list = model_admin.described(request, list(self.result_list))


class ReadOnlyAdmin(BaseModelAdmin):
    """A list and pages of what nobody adds, edits or deletes here."""

    actions = None
    fields = ()
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    view_on_site = False
    change_list_template = "tiled_scim/admin/list.html"
    # Query parameters that a list takes, besides those of its filters.
    extra_lookups: ClassVar[frozenset[str]] = frozenset()

    class Media:
        css = {"all": ["tiled_scim/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what an index answers: Django takes every column of the table."""
        filters = {getattr(filter_, "parameter_name", None) for filter_ in self.list_filter}
        return lookup in filters | self.extra_lookups

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DescribedChangeList

    def described(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        """The rows of a page, with what the columns show besides their own values."""
        return rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        (row,) = self.described(request, [context["original"]])
        context |= {"title": str(row), "subtitle": None, **self.page(request, row)}
        return super().render_change_form(request, context, *args, **kwargs)

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the template of a row's page shows besides the row."""
        return {}


class ColumnFilter(admin.SimpleListFilter):
    """Offers some values of a column, and takes no other."""

    options: ClassVar[Iterable[tuple[str, Any]]] = ()

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [(value, capfirst(str(label))) for value, label in self.options]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in dict(self.lookup_choices):
            raise IncorrectLookupParameters
        return queryset.filter(self.condition(value))

    def condition(self, value: str) -> models.Q:
        """What the rows fulfil that have the value."""
        return models.Q((str(self.parameter_name), value))


class AccountFilter(ColumnFilter):
    """The rows of one account, where there are several."""

    title = _("account")
    parameter_name = "account"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        accounts = accounts_of(request)
        return list(labels(accounts).items()) if len(accounts) > 1 else []


class AskedFilter(admin.SimpleListFilter):
    """Narrows the list as a link from another page asks for, and is seen only then."""

    # The lookup that takes the value.
    column: ClassVar[str]

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        value = self.value()
        if not value:
            return []
        try:
            return [(value, self.label(value))]
        except ValueError:
            raise IncorrectLookupParameters from None

    def label(self, value: str) -> str:
        """What the value is called.

        Raises:
            ValueError: the column cannot have it.
        """
        raise NotImplementedError

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()})


def accounts_of(request: Any) -> Mapping[str, str]:
    """The host's accounts, for which it is asked once a request."""
    if not hasattr(request, "scim_accounts"):
        request.scim_accounts = adapter_class().accounts()
    return cast("Mapping[str, str]", request.scim_accounts)


def labels(accounts: Mapping[str, str]) -> dict[str, str]:
    """What each account is called."""
    return {key: label or key or str(_("Default account")) for key, label in accounts.items()}


def begins_with(column: str, text: str) -> models.Q:
    """The rows whose folded name begins in this way: a range, which an index answers."""
    folded = fold(text)
    return models.Q((f"{column}__gte", folded), (f"{column}__lt", folded + LAST_CHARACTER))


def may_view(site: admin.AdminSite, request: HttpRequest, model: type[models.Model]) -> bool:
    """Whether a model has pages in this admin that the person may see."""
    if not site.is_registered(model):
        return False
    return site.get_model_admin(model).has_view_permission(request)


def page_of(
    site: admin.AdminSite, request: HttpRequest, model: type[models.Model], key: Any
) -> str:
    """The address of a row's page; empty where there is none, or none for this person."""
    if key is None or not may_view(site, request, model):
        return ""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return reverse(name, args=[quote(key)], current_app=site.name)
    except NoReverseMatch:
        return ""


def linked(text: object, address: str) -> SafeString | str:
    """The text, as a link where there is an address."""
    return format_html('<a href="{}">{}</a>', address, text) if address else str(text)


def badge(text: object, kind: str = "") -> SafeString:
    """A state: its name, and the colour of its kind (good, warn, bad, or none)."""
    kind = f" tiled-scim-{kind}" if kind else ""
    return format_html('<span class="tiled-scim-state{}">{}</span>', kind, text)
