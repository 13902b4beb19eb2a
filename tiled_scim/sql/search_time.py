"""Limit the time of searches that no index serves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from tiled_scim.attributes import ResourceType
from tiled_scim.database.time_limit import time_limit
from tiled_scim.errors import too_many
from tiled_scim.host import HostAdapter
from tiled_scim.scim.grammar import number_of_comparisons, parse
from tiled_scim.sql.filtering import is_indexed

# The time for each statement of a search, in seconds: one for the page, and one for the total.
SECONDS = 1
# The comparisons of a filter that an index serves, such as `emails[type eq "work"].value eq "…"`.
# More of them take long if very many links have the same value.
FEW = 3


def search_time(
    parameters: Mapping[str, str], resource_type: ResourceType, adapter: HostAdapter, using: str
) -> AbstractContextManager[None]:
    """Limit the time of the statements for a query, unless an index serves it.

    Args:
        parameters: The query.
        resource_type: The resource type to search.
        adapter: The host adapter for the account.
        using: The database alias.

    Raises:
        ScimError: tooMany, on leaving the context, if a statement takes too long.
    """
    if not (parameters.get("filter") or parameters.get("sortBy")):
        return nullcontext()
    if not parameters.get("sortBy") and _is_quick(parameters["filter"], resource_type, adapter):
        return nullcontext()
    return limited(using)


def limited(using: str) -> AbstractContextManager[None]:
    """Limit the time of the statements for any search.

    Raises:
        ScimError: tooMany, on leaving the context, if a statement takes too long.
    """
    error = too_many(
        "The search takes too long for so many resources. Search by userName, externalId, id, "
        "displayName of a group, or a whole email address, or send a simpler filter."
    )
    return time_limit(using, SECONDS, error)


def _is_quick(text: str, resource_type: ResourceType, adapter: HostAdapter) -> bool:
    expression = parse(text)
    few = number_of_comparisons(expression) <= FEW
    return few and is_indexed(expression, resource_type, adapter)
