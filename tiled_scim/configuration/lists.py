"""Lists of an account's rows, with filters and pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from tiled_scim.configuration.access import ConfigurationPage
from tiled_scim.presentation.searching import CappedPaginator

PER_PAGE = 50


class FilterForm(forms.Form):
    """The filters above a list, from the query string.

    `hidden` are filters that links from other pages use. A list shows them while they are active.
    """

    hidden: tuple[str, ...] = ()
    use_required_attribute = False

    q = forms.CharField(required=False, max_length=255)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter-%s", label_suffix="")
        for field in self.fields.values():
            field.required = False
        for name in self.hidden:
            self.fields[name].widget = forms.HiddenInput()

    def visible_filters(self) -> list[forms.BoundField]:
        """Return the fields to choose from, without the search field."""
        return [self[name] for name in self.fields if name not in {"q", *self.hidden}]

    def active_hidden_filters(self) -> list[forms.BoundField]:
        """Return the fields that a link from another page has set."""
        return [self[name] for name in self.hidden if self.data.get(name)]

    @property
    def is_active(self) -> bool:
        """Return whether the list is filtered."""
        return any(self.data.get(name) for name in self.fields)

    @property
    def term(self) -> str:
        """Return the search term."""
        return str(self.cleaned_data["q"]).strip()


class ListPage(ConfigurationPage):
    """A list with filters. An invalid filter finds nothing, and the form says why."""

    form_class: type[FilterForm]
    section: str

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        form = self.form_class(request.GET)
        rows = self.filtered(form) if form.is_valid() else self.rows().none()
        paginator = CappedPaginator(rows, PER_PAGE)
        page = paginator.get_page(request.GET.get("page"))
        context = {
            "section": self.section,
            "form": form,
            "page": page,
            "paginator": paginator,
            "rows": self.annotated(list(page.object_list)),
            "query": _query(request),
            "hidden_filters": [
                (field, self.shown_value(form, field)) for field in form.active_hidden_filters()
            ],
        }
        return self.render(context)

    def rows(self) -> QuerySet[Any]:
        """Return all rows of the account."""
        raise NotImplementedError

    def filtered(self, form: Any) -> QuerySet[Any]:
        """Return the rows that a valid form asks for."""
        raise NotImplementedError

    def annotated(self, rows: list[Any]) -> list[Any]:
        """Add attributes to the rows of a page that its columns show."""
        raise NotImplementedError

    def value_name(self, name: str, value: Any) -> str:
        """Return how a list shows the value of a hidden filter, or "" as it was sent."""
        return ""

    def shown_value(self, form: FilterForm, field: forms.BoundField) -> str:
        """Return how a list shows the value of a hidden filter."""
        value = form.cleaned_data.get(field.name)
        return (self.value_name(field.name, value) if value else "") or str(field.value())


def _query(request: HttpRequest) -> str:
    """Return the query string without the page, to which links add theirs."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
