"""PATCH operations and pages, as Entra sends and reads them."""

from __future__ import annotations

from typing import Any

from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.session import Endpoint, Session

_PAGE = 5  # as the validator asks for


def add(value: Any, path: str) -> Json:
    """Return an operation that adds a value. Entra writes its name with a capital letter."""
    return {"op": "Add", "path": path, "value": value}


def replace(value: Any, path: str) -> Json:
    """Return an operation that replaces a value."""
    return {"op": "Replace", "path": path, "value": value}


def remove(value: Any, path: str) -> Json:
    """Return an operation that removes one value of several."""
    return {"op": "Remove", "path": path, "value": value}


def require_page(session: Session, endpoint: Endpoint) -> None:
    """Check that a page starts where it was asked to, with resources in a stable order."""
    first, second = (session.list_page(endpoint, start_index, _PAGE).json for start_index in (1, 2))
    if second["startIndex"] != 2:
        session.fail(f"startIndex is {second['startIndex']}, not 2, which was asked for.")
    ids = [[each["id"] for each in page.get("Resources") or []] for page in (first, second)]
    if len(ids[0]) != min(_PAGE, first["totalResults"]):
        session.fail(f"The first page has {len(ids[0])} resources.")
    if ids[0][1:] != ids[1][: len(ids[0]) - 1]:
        session.fail(f"The pages from 1 and from 2 have these ids: {ids[0]} and {ids[1]}.")
