"""What scim2-models makes of a PATCH operation or a filter: the other reading of the RFCs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import scim2_models
from pydantic import ValidationError

Document = dict[str, Any]

# Pydantic makes much of these models while the program runs, which mypy cannot follow.
scim2: Any = scim2_models
Person = scim2.User[scim2_models.EnterpriseUser]
# Two rules that the server has for Entra, and scim2-models offers, too.
POLICY = scim2.ScimPolicy(unmatched_path_filter="create", remove_value_as_filter="apply")
REFUSALS = (ValidationError, scim2.SCIMException)

# What a server adds to what clients write.
_OF_THE_SERVER = {"schemas", "id", "meta", "groups"}


def patched(document: Document, operations: Iterable[Document]) -> Document | None:
    """Return a user after operations, or None if one of them is refused."""
    person = Person.model_validate(document)
    try:
        for operation in operations:
            _apply(person, operation)
    except REFUSALS:
        return None
    return written(person.model_dump(scim_ctx=scim2.Context.DEFAULT))


def selects(document: Document, path: str) -> bool:
    """Return whether there is a value at a path."""
    found: object = scim2.Path[Person](path).get(Person.model_validate(document))
    return found is not None


def found(documents: dict[str, Document], filter_: str) -> set[str]:
    """Return the keys of the users that a filter finds."""
    matches = scim2.ScimFilter[Person](filter_).match
    return {key for key, each in documents.items() if matches(Person.model_validate(each))}


def written(document: Document) -> Document:
    """Return what clients have written of a user, without order and without empty values."""
    cleaned: Document = _cleaned(document)
    return {name: value for name, value in cleaned.items() if name not in _OF_THE_SERVER}


def _apply(person: Any, operation: Document) -> None:
    message = scim2.PatchOp[Person].model_validate(
        {"Operations": [operation]},
        scim_ctx=scim2.Context.RESOURCE_PATCH_REQUEST,
        scim_policy=POLICY,
    )
    message.patch(person, scim_policy=POLICY)


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {name: _cleaned(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted((_cleaned(each) for each in value), key=_text)
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
