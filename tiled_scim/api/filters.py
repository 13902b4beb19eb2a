"""Filter and sort resources by query parameters, through django-filter."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django_filters import Filter, FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from tiled_scim.attributes import ResourceType
from tiled_scim.errors import invalid_filter, invalid_request
from tiled_scim.host import HostAdapter
from tiled_scim.scim.grammar import parse, quoted
from tiled_scim.sql.filtering import condition, sort_key
from tiled_scim.sql.pages import SORT_KEY, TIES, sorted_terms

# Parameters that may have one value, and the error for several.
GIVEN_ONCE = {
    "filter": invalid_filter,
    "sortBy": invalid_filter,
    "sortOrder": invalid_filter,
    "attributes": invalid_request,
    "excludedAttributes": invalid_request,
}


class ExpressionFilter(Filter):  # type: ignore[misc]  # django-filter is untyped
    """The query parameter `filter`."""

    def filter(self, qs: QuerySet[Model], value: str | None) -> QuerySet[Model]:
        if value is None:
            return qs
        return qs.filter(condition(parse(value), self.parent.resource_type, self.parent.adapter))


class SortFilter(Filter):  # type: ignore[misc]  # django-filter is untyped
    """The query parameters `sortBy` and `sortOrder`."""

    def filter(self, qs: QuerySet[Model], value: str | None) -> QuerySet[Model]:
        descending = is_descending(self.parent.data.get("sortOrder") or "ascending")
        if not value:
            return qs
        key = sort_key(value, self.parent.resource_type, self.parent.adapter)
        rows: QuerySet[Model] = qs.annotate(**{SORT_KEY: key})
        return rows.order_by(*sorted_terms(descending), *TIES)


def is_descending(sort_order: str) -> bool:
    """Return whether `sortOrder` asks for the descending order.

    Raises:
        ScimError: 400 invalidValue if it is no order.
    """
    orders = {"ascending": False, "descending": True}
    if sort_order.lower() not in orders:
        raise invalid_request(f"sortOrder is ascending or descending, not {quoted(sort_order)}.")
    return orders[sort_order.lower()]


class ScimFilterSet(FilterSet):  # type: ignore[misc]  # django-filter is untyped
    """The query parameters that filter and sort resources.

    It sets everything that django-filter would otherwise read from the host's settings.
    """

    filter = ExpressionFilter(lookup_expr="exact", label="filter")
    sortBy = SortFilter(lookup_expr="exact", label="sortBy")  # noqa: N815 (as RFC 7644 has it)

    def __init__(
        self, *args: Any, resource_type: ResourceType, adapter: HostAdapter, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.resource_type = resource_type
        self.adapter = adapter


class ScimFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # django-filter is untyped
    """Filter and sort the rows of a view with `parameters`, `resource_type` and `adapter`."""

    def get_filterset_class(self, view: Any, queryset: Any = None) -> type[FilterSet]:
        return ScimFilterSet

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        own = {
            "data": view.parameters,
            "resource_type": view.resource_type,
            "adapter": view.adapter,
        }
        return {**kwargs, **own}


def check_given_once(parameters: QueryDict) -> None:
    """Refuse a parameter with several values, because all but one would be ignored.

    Raises:
        ScimError: 400 `invalidFilter`, or `invalidValue` for a selection of attributes.
    """
    for name, error in GIVEN_ONCE.items():
        if len(parameters.getlist(name)) > 1:
            raise error(f"{name} is given more than once.")
