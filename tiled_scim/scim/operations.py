"""Parse the body of a PATCH into operations (RFC 7644 section 3.5.2).

`parse` finds all errors that do not depend on the resource, before anything is read or locked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.errors import (
    invalid_request,
    invalid_syntax,
    invalid_value,
    mutability,
    no_target,
)
from tiled_scim.scim import forms
from tiled_scim.scim.absence import is_blank, is_null
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.cleaning import (
    KEPT,
    as_object,
    clean,
    named_values,
)
from tiled_scim.scim.grammar import Expression
from tiled_scim.scim.paths import Paths, Target

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# Access only changes if a client sends a value. Null for one of these next to other values is
# ignored.
ACCESS_ATTRIBUTES = frozenset({"active", "members", "tiledAdmin"})

Kind = Literal["add", "replace", "remove"]
KINDS: dict[str, Kind] = {"add": "add", "replace": "replace", "remove": "remove"}


@dataclass(frozen=True)
class Operation:
    """A change of one attribute.

    Args:
        op: The kind of change.
        path: The attribute to change, perhaps with a sub-attribute. A single-valued complex
            attribute is changed by its sub-attributes, unless it is removed completely.
        filter: Selects elements of a multi-valued attribute. None selects all.
        value: The clean value. For a removal, the elements to remove, or None for everything that
            the path selects. For elements that a filter selects, the sub-attributes to change.
    """

    op: Kind
    path: AttributePath
    filter: Expression | None = None
    value: object = None

    @property
    def attribute(self) -> Attribute:
        """Return the attribute of the path."""
        return cast(Attribute, self.path.attribute)


def is_member_operation(operation: Operation) -> bool:
    """Return whether an operation changes members of a group."""
    return operation.attribute.relation is not None


def parse(
    body: object,
    resource_type: ResourceType,
    budget: Budget | None = None,
    key: str | None = None,
) -> list[Operation]:
    """Parse and check the body of a PATCH request.

    An operation without a path, on an extension or on a complex attribute is split into operations
    on single attributes, so the number of operations may differ from the request.

    Args:
        body: The parsed JSON of the body.
        resource_type: The type of the resource to patch.
        budget: Counts what the request asks for. None begins a new one.
        key: The id of the resource, as it was sent.

    Raises:
        ScimError: 400 with a scimType of RFC 7644 section 3.12; 413 for too many operations,
            comparisons or members.
    """
    if not isinstance(body, Mapping):
        raise invalid_syntax("The body must be an object.")
    fields = _fields(body)
    _check_schemas(fields.get("schemas"))
    sent = fields.get("operations")
    if not isinstance(sent, list) or not sent:
        raise invalid_syntax("Operations must be an array of at least one operation.")
    budget = budget or Budget()
    budget.ask("operations", len(sent))
    paths = Paths(resource_type, budget)
    operations = [operation for item in sent for operation in _parse_operation(item, paths, key)]
    budget.ask("members", sum(map(_number_of_members, operations)))
    return operations


def _number_of_members(operation: Operation) -> int:
    is_named = is_member_operation(operation) and isinstance(operation.value, list)
    return len(cast(list[object], operation.value)) if is_named else 0


def _fields(item: Mapping[str, object]) -> dict[str, object]:
    return {name.lower(): value for name, value in named_values(item)}


def _check_schemas(schemas: object) -> None:
    """Refuse other messages. Clients may omit `schemas`."""
    if schemas is None:
        return
    listed = schemas if isinstance(schemas, list) else [schemas]
    if not any(isinstance(urn, str) and urn.lower() == PATCH_SCHEMA.lower() for urn in listed):
        raise invalid_syntax(f"The schemas of a PATCH must list {PATCH_SCHEMA}.")


def _parse_operation(item: object, paths: Paths, key: str | None) -> Iterator[Operation]:
    if not isinstance(item, Mapping):
        raise invalid_syntax("An operation must be an object.")
    fields = _fields(item)
    op = _parse_kind(fields.get("op"))
    path = fields.get("path")
    if op == "remove" and not path:
        raise no_target("A remove operation needs a path.")
    if op != "remove" and "value" not in fields:
        raise invalid_request(f"The operation {op} needs a value.")
    if not path:
        return _expand(op, fields["value"], paths)
    target, value = paths.find_target(path), fields.get("value")
    if target.mutability != "readOnly":
        return _operations(op, target, value, paths)
    if op != "remove" and forms.restates(target.path, value, paths.resource_type, key):
        return iter(())
    raise mutability(f"{target.path} is read-only.")


def _parse_kind(op: object) -> Kind:
    kind = KINDS.get(op.lower()) if isinstance(op, str) else None
    if kind is None:
        raise invalid_syntax("The op of an operation must be add, replace or remove.")
    return kind


def _expand(op: Kind, value: object, paths: Paths, prefix: str = "") -> Iterator[Operation]:
    """Yield operations for the attributes in the value of an operation without a path.

    Entra ID sends paths as names: `name.givenName`, `emails[type eq "work"].value`, URNs. Unknown
    and read-only attributes are ignored, because Okta sends the `id`, too. Core attributes may be
    in an object under their URN, like those of an extension.
    """
    if not isinstance(value, Mapping):
        raise invalid_request(f"The operation {op} without a path needs an object as its value.")
    paths.budget.ask("operations", len(value))  # each name is a path
    for name, attribute_value in named_values(value):
        if not prefix and paths.resource_type.is_core(name):
            yield from _expand(op, forms.only(attribute_value, name), paths, f"{name}:")
            continue
        target = paths.find(prefix + name)
        if target is None or target.mutability == "readOnly" or _is_silent(target, attribute_value):
            continue
        yield from _operations(op, target, attribute_value, paths, has_path=False)


def _is_silent(target: Target, value: object) -> bool:
    """Return whether a value without a path says nothing about an access attribute."""
    attribute = target.path.attribute
    if attribute is None or attribute.name not in ACCESS_ATTRIBUTES:
        return False
    return is_null(value, attribute) or (value == [] and not attribute.multi_valued)


def _operations(
    op: Kind, target: Target, value: object, paths: Paths, *, has_path: bool = True
) -> Iterator[Operation]:
    if target.mutability == "writeOnly":
        return  # the password, which is not stored
    if target.path.attribute is None:
        yield from _extension_operations(op, target, value, paths, has_path=has_path)
        return
    if target.path.attribute.relation:
        _check_members_target(op, target)
    if op == "remove":
        yield _removal(target, value)
    else:
        yield from _assignments(op, target, value)


def _extension_operations(
    op: Kind, target: Target, value: object, paths: Paths, *, has_path: bool
) -> Iterator[Operation]:
    """Yield operations for the attributes of an extension.

    Null unassigns all of them, and so does a replacement by {} (RFC 7643 section 2.5). Without a
    path, null among other values does not change access.
    """
    schema = target.path.schema
    value = forms.only(value, schema.urn)
    is_cleared = is_null(value) or (op == "replace" and value == {})
    if op != "remove" and not is_cleared:
        yield from _expand(op, value, paths, f"{schema.urn}:")
        return
    silent = frozenset() if has_path else ACCESS_ATTRIBUTES
    for attribute in schema.attributes:
        if attribute.mutability in KEPT and attribute.name not in silent:
            yield _unassignment(Target(dataclasses.replace(target.path, attribute=attribute)))


def _check_members_target(op: Kind, target: Target) -> None:
    """Refuse changes of a member's sub-attributes, which are immutable (RFC 7643 section 8.7.1)."""
    if target.path.sub_attribute or (target.filter and op != "remove"):
        raise mutability(f"{target.path} cannot be changed; remove a member and add another.")


def _removal(target: Target, value: object) -> Operation:
    """Return an operation that removes what the path selects, or only the elements in the value.

    Entra ID removes members by value. Ignoring the value would empty the group.
    """
    attribute = target.attribute
    if not attribute.multi_valued or value is None:
        return _unassignment(target)
    name = str(target.path)
    removed = clean(
        attribute, forms.in_form(attribute, value, name), name, accept_lone_element=True
    )
    return Operation("remove", target.path, None, removed or [])


def _unassignment(target: Target) -> Operation:
    name = str(target.path)
    if target.attribute.required:
        raise mutability(f"{name} is required and cannot be removed.")
    return Operation("remove", target.path, target.filter)


def _assignments(op: Kind, target: Target, value: object) -> Iterator[Operation]:
    """Yield operations that add or replace a value. Null removes it (RFC 7643 section 2.5)."""
    attribute, name = target.attribute, str(target.path)
    value = forms.in_form(attribute, value, name)
    if value == "" and attribute.relation:
        raise invalid_value(f"{name}: an empty text is no id. An empty array removes all.")
    if is_null(value, attribute):
        if op == "replace" or not attribute.multi_valued:
            yield _unassignment(target)
        return
    if attribute.type == "complex" and not attribute.multi_valued and target.filter is None:
        yield from _sub_assignments(op, target, value)
        return
    if attribute.type == "complex" and target.filter is not None:
        cleaned: object = _element_changes(attribute, value, name)
    else:
        cleaned = clean(attribute, value, name, accept_lone_element=True)
    is_unknown = cleaned == [] and forms.has_unknown_elements(attribute, value)
    if cleaned is None or cleaned == {} or is_unknown:
        return  # objects without known attributes
    if attribute.required and is_blank(cleaned):
        raise invalid_value(f"{name} is required.")
    yield Operation(op, target.path, target.filter, cleaned)


def _element_changes(attribute: Attribute, value: object, name: str) -> dict[str, object]:
    """Return the sub-attributes to change in elements that a filter selects.

    The others stay (RFC 7644 section 3.5.2.3), and null unassigns one.
    """
    changes: dict[str, object] = {}
    for sub_name, sub_value in named_values(as_object(attribute, value, name)):
        part = attribute.sub_attribute(sub_name)
        if part and part.mutability in KEPT:
            changes[part.name] = clean(part, sub_value, f"{name}.{part.name}")
    return changes


def _sub_assignments(op: Kind, target: Target, value: object) -> Iterator[Operation]:
    """Yield operations for the sub-attributes in a value (RFC 7644 section 3.5.2.3)."""
    attribute = target.attribute
    for name, sub_value in named_values(as_object(attribute, value, str(target.path))):
        found = attribute.sub_attribute(name)
        if found and found.mutability in KEPT:
            path = dataclasses.replace(target.path, sub_attribute=found)
            yield from _assignments(op, Target(path), sub_value)
