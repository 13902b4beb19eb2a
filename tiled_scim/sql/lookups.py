"""Recognize filters for one value of an indexed column, such as `userName eq "ann@example.com"`.

Identity providers mostly send such filters. They need neither the parser nor a queryset.
"""

from __future__ import annotations

import re
from typing import Any, cast

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.grammar import MAX_LENGTH, string_literal
from tiled_scim.scim.identifiers import as_canonical_uuid
from tiled_scim.scim.matching import comparable

EQUALITY = re.compile(
    r'\s*([a-z][a-z0-9:.]*)\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE | re.ASCII
)
# The indexed columns of links, by attribute.
COLUMNS = {
    USER.name: {"id": "pk", "userName": "user_name_canonical", "externalId": "external_id"},
    GROUP.name: {"id": "pk", "displayName": "display_name_canonical", "externalId": "external_id"},
}


def indexed_value(text: str, resource_type: ResourceType) -> tuple[str, Any] | None:
    """Return the column and value that a filter asks for, or None for any other filter.

    Args:
        text: The filter as it was sent.
        resource_type: The resource type to search.

    Raises:
        ScimError: 400 `invalidFilter` for a literal that is not a JSON string.
    """
    match = EQUALITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    path = resource_type.resolve(match[1]) if match else None
    column = COLUMNS[resource_type.name].get(str(path))
    if match is None or column is None:
        return None
    value = string_literal(match[2])
    if column == "pk":
        key = as_canonical_uuid(value)
        return ("pk", key) if key else None
    attribute = cast(Attribute, cast(AttributePath, path).attribute)
    return (column, comparable(attribute, value)) if value else None
