"""Read-only lists for the admin that stay fast with large tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.scope import Scope, ScopedAdmin, scope_of
from tiled_scim.models import ScimToken

PER_PAGE = 100


class AnnotatedChangeList(ChangeList):
    """A change list whose model admin annotates all rows of a page at once."""

    @property
    def active_filters(self) -> list[tuple[str, str]]:
        """Return the title and the chosen label of each filter in use."""
        specs: Any = self.filter_specs
        labels = [(spec.title, dict(spec.lookup_choices).get(spec.value())) for spec in specs]
        return [(str(title), str(label)) for title, label in labels if label is not None]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        model_admin: Any = self.model_admin
        self.result_list = model_admin.annotate_rows(request, list(self.result_list))


class ReadOnlyAdmin(ScopedAdmin):
    """A list and pages of rows that cannot be added, edited or deleted."""

    actions = None
    fields = ()
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    view_on_site = False
    change_list_template = "tiled_scim/admin/list.html"
    # Query parameters that a list accepts in addition to those of its filters.
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
        """Allow only lookups that use an index. Django allows every column."""
        filters = {getattr(filter_, "parameter_name", None) for filter_ in self.list_filter}
        return lookup in filters | self.extra_lookups

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AnnotatedChangeList

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        """Add attributes to the rows of a page that its columns show."""
        return rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        (row,) = self.annotate_rows(request, [context["original"]])
        context |= {"title": str(row), "subtitle": None, **self.page_context(request, row)}
        return super().render_change_form(request, context, *args, **kwargs)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return additional context for the template of a row's page."""
        return {}


class ColumnFilter(admin.SimpleListFilter):
    """A filter that offers fixed values of a column and rejects all others."""

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
        """Return the condition for rows with the value."""
        return models.Q((str(self.parameter_name), value))


class AccountFilter(ColumnFilter):
    """A filter by account, if the user may see several.

    Of many accounts, it offers only the chosen one. Another one is chosen on the SCIM Configuration
    page, which has a search, and whose accounts link to these lists.
    """

    title = _("account")
    parameter_name = "account"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[models.Model],
        model_admin: admin.ModelAdmin[Any],
    ) -> None:
        super().__init__(request, params, model, model_admin)
        site = model_admin.admin_site
        self.search_url = (
            reverse("admin:tiled_scim_scimtoken_changelist", current_app=site.name)
            if scope_of(request).has_many and may_view(site, request, ScimToken)
            else ""
        )

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        scope = scope_of(request)
        # The chosen one is looked up in any case: the number of queries is the same for each list.
        chosen = scope.labels([self.value()])
        if not scope.has_several:
            return []
        return list((chosen if scope.has_many else scope.first).items())

    def has_output(self) -> bool:
        return super().has_output() or bool(self.search_url)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield from super().choices(changelist)
        if self.search_url:
            display = _("Choose an account")
            yield {"selected": False, "query_string": self.search_url, "display": display}


class OnDemandFilter(admin.SimpleListFilter):
    """A filter that links from other pages use. It is only shown while it is active."""

    # The lookup for the value.
    column: ClassVar[str]

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        value = self.value()
        if not value:
            return []
        try:
            return [(value, self.label(value, scope_of(request)))]
        except ValueError:
            raise IncorrectLookupParameters from None

    def label(self, value: str, scope: Scope) -> str:
        """Return the label of a value, without what the user may not see.

        Raises:
            ValueError: The value is not valid for the column.
        """
        raise NotImplementedError

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()})


def may_view(site: admin.AdminSite, request: HttpRequest, model: type[models.Model]) -> bool:
    """Return whether the admin site has pages for a model that the user may see."""
    if not site.is_registered(model):
        return False
    return site.get_model_admin(model).has_view_permission(request)


def may_delete(site: admin.AdminSite, request: HttpRequest, row: models.Model) -> bool:
    """Return whether the user may delete a row of the host, as its own page decides."""
    model = type(row)
    if site.is_registered(model):
        return site.get_model_admin(model).has_delete_permission(request, row)
    codename = get_permission_codename("delete", model._meta)
    user: Any = request.user
    return bool(user.has_perm(f"{model._meta.app_label}.{codename}"))


def change_page_url(
    site: admin.AdminSite, request: HttpRequest, model: type[models.Model], key: Any
) -> str:
    """Return the URL of a row's page, or "" if there is none or the user may not see it."""
    if key is None or not may_view(site, request, model):
        return ""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return reverse(name, args=[quote(key)], current_app=site.name)
    except NoReverseMatch:
        return ""


def as_link(text: object, url: str) -> SafeString | str:
    """Return the text as a link, or as it is if there is no URL."""
    return format_html('<a href="{}">{}</a>', url, text) if url else str(text)
