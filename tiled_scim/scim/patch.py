"""Parse the body of a PATCH into operations, and apply them to a document.

See RFC 7644 section 3.5.2. `parse` finds all errors that do not depend on the resource, before
anything is written. Members of groups are not part of documents, see `scim.member_changes`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.errors import (
    invalid_request,
    invalid_syntax,
    invalid_value,
    mutability,
    no_target,
    too_large,
)
from tiled_scim.scim import elements, forms
from tiled_scim.scim.absence import is_blank, is_nothing, is_null
from tiled_scim.scim.cleaning import (
    KEPT,
    Document,
    as_object,
    check_immutable,
    check_number,
    check_required,
    clean,
    named_values,
)
from tiled_scim.scim.criteria import element_for
from tiled_scim.scim.grammar import Expression
from tiled_scim.scim.matching import predicate
from tiled_scim.scim.paths import Target, as_complex, find, find_target

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# Okta sends up to 1,000 membership changes in a request.
MAX_OPERATIONS = 10_000

# Access only changes if a client sends a value. Null for one of these next to other values is
# ignored.
ACCESS_ATTRIBUTES = frozenset({"active", "members", "tiledAdmin"})

Kind = Literal["add", "replace", "remove"]
KINDS: dict[str, Kind] = {"add": "add", "replace": "replace", "remove": "remove"}

Element = dict[str, object]


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


def parse(body: object, resource_type: ResourceType, key: str | None = None) -> list[Operation]:
    """Parse and check the body of a PATCH request.

    An operation without a path, on an extension or on a complex attribute is split into operations
    on single attributes, so the number of operations may differ from the request.

    Args:
        body: The parsed JSON of the body.
        resource_type: The type of the resource.
        key: The id of the resource, as it was sent.

    Raises:
        ScimError: 400 with a scimType of RFC 7644 section 3.12; 413 for too many operations.
    """
    if not isinstance(body, Mapping):
        raise invalid_syntax("The body must be an object.")
    fields = _fields(body)
    _check_schemas(fields.get("schemas"))
    sent = fields.get("operations")
    if not isinstance(sent, list) or not sent:
        raise invalid_syntax("Operations must be an array of at least one operation.")
    if len(sent) > MAX_OPERATIONS:
        raise too_large(f"A request may carry {MAX_OPERATIONS} operations at most.")
    return [operation for item in sent for operation in _parse_operation(item, resource_type, key)]


def _fields(item: Mapping[str, object]) -> dict[str, object]:
    return {name.lower(): value for name, value in named_values(item)}


def _check_schemas(schemas: object) -> None:
    """Refuse other messages. Clients may omit `schemas`."""
    if schemas is None:
        return
    listed = schemas if isinstance(schemas, list) else [schemas]
    if not any(isinstance(urn, str) and urn.lower() == PATCH_SCHEMA.lower() for urn in listed):
        raise invalid_syntax(f"The schemas of a PATCH must list {PATCH_SCHEMA}.")


def _parse_operation(
    item: object, resource_type: ResourceType, key: str | None
) -> Iterator[Operation]:
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
        return _expand(op, fields["value"], resource_type)
    target, value = find_target(path, resource_type), fields.get("value")
    if target.mutability != "readOnly":
        return _operations(op, target, value, resource_type)
    if op != "remove" and forms.restates(target.path, value, resource_type, key):
        return iter(())
    raise mutability(f"{target.path} is read-only.")


def _parse_kind(op: object) -> Kind:
    kind = KINDS.get(op.lower()) if isinstance(op, str) else None
    if kind is None:
        raise invalid_syntax("The op of an operation must be add, replace or remove.")
    return kind


def _expand(
    op: Kind, value: object, resource_type: ResourceType, prefix: str = ""
) -> Iterator[Operation]:
    """Yield operations for the attributes in the value of an operation without a path.

    Entra ID sends paths as names: `name.givenName`, `emails[type eq "work"].value`, URNs. Unknown
    and read-only attributes are ignored, because Okta sends the `id`, too.
    """
    if not isinstance(value, Mapping):
        raise invalid_request(f"The operation {op} without a path needs an object as its value.")
    for name, attribute_value in named_values(value):
        target = find(prefix + name, resource_type)
        if target is None or target.mutability == "readOnly" or _is_silent(target, attribute_value):
            continue
        yield from _operations(op, target, attribute_value, resource_type, has_path=False)


def _is_silent(target: Target, value: object) -> bool:
    """Return whether a value without a path says nothing about an access attribute."""
    attribute = target.path.attribute
    if attribute is None or attribute.name not in ACCESS_ATTRIBUTES:
        return False
    return is_null(value, attribute) or (value == [] and not attribute.multi_valued)


def _operations(
    op: Kind, target: Target, value: object, resource_type: ResourceType, *, has_path: bool = True
) -> Iterator[Operation]:
    if target.mutability == "writeOnly":
        return  # the password, which is not stored
    if target.path.attribute is None:
        yield from _extension_operations(op, target, value, resource_type, has_path=has_path)
        return
    if target.path.attribute.relation:
        _check_members_target(op, target)
    if op == "remove":
        yield _removal(target, value)
    else:
        yield from _assignments(op, target, value)


def _extension_operations(
    op: Kind, target: Target, value: object, resource_type: ResourceType, *, has_path: bool
) -> Iterator[Operation]:
    """Yield operations for the attributes of an extension.

    Null unassigns all of them, and so does a replacement by {} (RFC 7643 section 2.5). Without a
    path, null among other values does not change access.
    """
    schema = target.path.schema
    value = forms.only(value, schema.urn)
    is_cleared = is_null(value) or (op == "replace" and value == {})
    if op != "remove" and not is_cleared:
        yield from _expand(op, value, resource_type, f"{schema.urn}:")
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
    if cleaned is None or cleaned == {}:
        return  # an object without known attributes
    if attribute.required and is_blank(cleaned):
        raise invalid_value(f"{name} is required.")
    yield Operation(op, target.path, target.filter, cleaned)


def _element_changes(attribute: Attribute, value: object, name: str) -> Element:
    """Return the sub-attributes to change in elements that a filter selects.

    The others stay (RFC 7644 section 3.5.2.3), and null unassigns one.
    """
    changes: Element = {}
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


def apply(
    document: Document, operations: Iterable[Operation], resource_type: ResourceType
) -> Document:
    """Apply operations to a document, in order. Operations on members are ignored.

    Returns:
        A new document. It equals the old one if nothing changed.

    Raises:
        ScimError: noTarget if a filter selects nothing to replace; mutability for a change of an
            immutable value; invalidValue for two primary elements, or a missing required attribute
            of an extension.
    """
    patched = dict(document)
    for operation in operations:
        if not is_member_operation(operation):
            _apply(patched, operation)
    check_immutable(document, patched, resource_type)
    for extension in resource_type.extensions:
        values = cast(Document, patched.get(extension.urn))
        if not is_nothing(values) and values != document.get(extension.urn):
            check_required(extension, values, f"{extension.urn}:")
    return patched


def _apply(document: Document, operation: Operation) -> None:
    if not operation.path.is_extension:
        _change(document, operation)
        return
    with _inside(document, operation.path.schema.urn) as values:
        _change(values, operation)


@contextmanager
def _inside(container: Document, name: str) -> Iterator[Document]:
    """Provide a copy of the object with this name for changes, and store it afterwards."""
    values = dict(cast(Document, container.get(name, {})))
    yield values
    _set(container, name, values)


def _set(container: Document, name: str, value: object) -> None:
    """Set a value, or remove it if it counts as absent."""
    if is_nothing(value):
        container.pop(name, None)
    else:
        container[name] = value


def _change(container: Document, operation: Operation) -> None:
    attribute, part = operation.attribute, operation.path.sub_attribute
    if attribute.multi_valued and (operation.filter or part):
        changed = _with_changed_elements(_elements(container, attribute), operation)
        _set(container, attribute.name, changed)
    elif part:
        with _inside(container, attribute.name) as values:
            _CHANGES[operation.op](values, part, operation.value)
    else:
        _CHANGES[operation.op](container, attribute, operation.value)


def _elements(container: Document, attribute: Attribute) -> list[object]:
    return list(cast(list[object], container.get(attribute.name, [])))


def _add(container: Document, attribute: Attribute, value: object) -> None:
    if attribute.multi_valued:
        added = cast(list[object], value)
        value = elements.merged(attribute, _elements(container, attribute), added)
    _set(container, attribute.name, value)


def _replace(container: Document, attribute: Attribute, value: object) -> None:
    _set(container, attribute.name, value)


def _remove(container: Document, attribute: Attribute, value: object) -> None:
    if value is not None:
        removed = cast(list[object], value)
        value = elements.without(attribute, _elements(container, attribute), removed)
    _set(container, attribute.name, value)


_CHANGES: dict[Kind, Callable[[Document, Attribute, object], None]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}


def _with_changed_elements(current: list[object], operation: Operation) -> list[object]:
    """Change the elements that the path selects, and return all elements."""
    fits = _fits(operation)
    chosen = [position for position, element in enumerate(current) if fits(element)]
    if not chosen:
        if _clears(operation.value):
            return current
        chosen = [len(current)]
        current.append(_new_element(operation))
        check_number(operation.attribute, current)
    for position in chosen:
        current[position] = _changed_element(current[position], operation)
    current = elements.with_one_primary(operation.attribute, current, chosen)
    return [element for element in current if not is_nothing(element)]


def _fits(operation: Operation) -> Callable[[object], bool]:
    if operation.filter is None:
        return lambda element: True
    condition = predicate(operation.filter, as_complex(operation.attribute))
    return lambda e: condition(e if isinstance(e, Mapping) else {"value": e})


def _new_element(operation: Operation) -> Element:
    """Return a new element to change if the path selects none.

    Entra ID adds, for example, `addresses[type eq "work"].locality` to a user without an address.
    It also replaces what is not there, because it does not know which of the two fits.
    """
    if operation.filter is None:
        return {}
    attribute = operation.attribute
    element = element_for(operation.filter, as_complex(attribute))
    if element is None:
        raise no_target(
            f"No element of {attribute.name} fits the filter of the path, and only a filter of eq "
            "comparisons says what to add."
        )
    return element


def _clears(value: object) -> bool:
    """Return whether a value only clears what the path selects. Without elements, it is done."""
    parts = value.values() if isinstance(value, Mapping) else (value,)
    return all(part is None or part == "" for part in parts)


def _changed_element(element: object, operation: Operation) -> object:
    part, value = operation.path.sub_attribute, operation.value
    if part:
        values = dict(cast(Element, element))
        _CHANGES[operation.op](values, part, value)
        return values
    if not isinstance(value, Mapping):
        return value  # a simple value, or None to remove the element
    changed = dict(cast(Element, element))
    for name, sub_value in value.items():
        _set(changed, name, sub_value)
    return changed
