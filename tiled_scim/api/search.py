"""Queries in a body, and queries for all resource types (RFC 7644 section 3.4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from tiled_scim.api.endpoints import Endpoint
from tiled_scim.attributes import ResourceType
from tiled_scim.errors import invalid_filter, invalid_request, invalid_syntax
from tiled_scim.schemas import GROUP
from tiled_scim.scim.cleaning import named_values
from tiled_scim.scim.grammar import (
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Present,
    parse,
    quoted,
)
from tiled_scim.scim.matching import holds_of_absent
from tiled_scim.sql.filtering import condition
from tiled_scim.sql.pages import Page, index_page, page_size, start_index
from tiled_scim.sql.search_time import limited

# The parameters of a query. They are the attributes of a SearchRequest.
PARAMETERS = {
    name.lower(): name
    for name in (
        "attributes",
        "excludedAttributes",
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
    )
}

# Every resource has an id.
TRUE: Expression = Present("id")
FALSE: Expression = Not(TRUE)


def parameters(body: object) -> QueryDict:
    """Return the query parameters of a SearchRequest message.

    Raises:
        ScimError: invalidSyntax if the body is not an object; invalidValue for an invalid value.
    """
    if not isinstance(body, Mapping):
        raise invalid_syntax("The body must be one JSON object.")
    query = QueryDict(mutable=True)
    for name, value in named_values(body):
        parameter = PARAMETERS.get(name.lower())
        if parameter and value is not None:
            query[parameter] = _text(parameter, value)
    return query


def everywhere(
    endpoints: Sequence[Endpoint], query: Mapping[str, str], *, shows_members: bool
) -> Page[Any]:
    """Return a page of the resources of all types, in the order of the endpoints.

    Args:
        endpoints: The endpoints.
        query: The query.
        shows_members: Whether groups have their members in the response.

    Raises:
        ScimError: invalidValue for parameters that only work for one type; invalidFilter; tooMany.
    """
    for name in ("sortBy", "cursor"):
        if name in query:
            raise invalid_request(f"{name} is for one resource type: ask /Users or /Groups.")
    rows = [endpoint.reader.links() for endpoint in endpoints]
    if "filter" in query:
        rows = _filtered(endpoints, rows, query["filter"])
    first, count = start_index(query), page_size(query)
    with limited(rows[0].db) if "filter" in query else nullcontext():
        return _joined(endpoints, rows, first, count, shows_members=shows_members)


def _text(parameter: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise invalid_request(f"{parameter} must be text, a list of names or a whole number.")


def _filtered(
    endpoints: Sequence[Endpoint], rows: Sequence[QuerySet[Any]], text: str
) -> list[QuerySet[Any]]:
    expression = parse(text)
    types = [endpoint.resource_type for endpoint in endpoints]
    return [
        found.filter(condition(_as_seen_by(expression, own, types), own, endpoint.adapter))
        for endpoint, own, found in zip(endpoints, types, rows, strict=True)
    ]


def _as_seen_by(
    expression: Expression, own: ResourceType, types: Sequence[ResourceType]
) -> Expression:
    """Return the filter for one resource type. Attributes of other types are absent in it.

    Raises:
        ScimError: invalidFilter for a name that no type has.
    """
    match expression:
        case And(operands):
            return And(tuple(_as_seen_by(operand, own, types) for operand in operands))
        case Or(operands):
            return Or(tuple(_as_seen_by(operand, own, types) for operand in operands))
        case Not(operand):
            return Not(_as_seen_by(operand, own, types))
        case Comparison(name) | Present(name) | ElementFilter(name):
            if own.resolve(name):
                return expression
            if not any(resource_type.resolve(name) for resource_type in types):
                raise invalid_filter(f"There is no attribute {quoted(name)}.")
            is_true = isinstance(expression, Comparison) and holds_of_absent(expression)
            return TRUE if is_true else FALSE


def _joined(
    endpoints: Sequence[Endpoint],
    links: Sequence[QuerySet[Any]],
    first: int,
    count: int,
    *,
    shows_members: bool,
) -> Page[Any]:
    """Return a page of the concatenation of several queries."""
    found: list[Any] = []
    total = 0
    for endpoint, query in zip(endpoints, links, strict=True):
        reader = endpoint.reader
        fit = reader.fit if shows_members and endpoint.resource_type is GROUP else len
        page = index_page(query, max(1, first - total), count - len(found), reader.columns, fit)
        if first <= total + page.total:
            found += reader.read(page.rows)
        total += page.total
    return Page(found, total, first)
