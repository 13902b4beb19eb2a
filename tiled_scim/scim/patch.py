"""Apply the operations of a PATCH to a document (RFC 7644 section 3.5.2).

Members of groups are not part of documents, see `scim.member_changes`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from tiled_scim.attributes import Attribute, ResourceType
from tiled_scim.errors import no_target, too_many
from tiled_scim.scim import elements
from tiled_scim.scim.absence import is_nothing, set_value
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.cleaning import (
    Document,
    check_immutable,
    check_number,
    check_required,
    check_size,
    size_as_json,
)
from tiled_scim.scim.criteria import element_for
from tiled_scim.scim.grammar import number_of_comparisons
from tiled_scim.scim.matching import predicate
from tiled_scim.scim.operations import Kind, Operation, is_member_operation
from tiled_scim.scim.paths import as_complex

# How many elements the operations of a PATCH look at, each once for each comparison. The resource
# is locked meanwhile, for a tenth of a second at most.
MAX_LOOKS = 100_000
# The characters that take as long to compare as an element has to be looked at.
CHARACTERS_OF_LOOK = 256

Element = dict[str, object]


def apply(
    document: Document,
    operations: Iterable[Operation],
    resource_type: ResourceType,
    budget: Budget | None = None,
) -> Document:
    """Apply operations to a document, in order. Operations on members are ignored.

    Args:
        document: The document.
        operations: The operations.
        resource_type: The resource type of the document.
        budget: Counts what it costs.

    Returns:
        A new document. It equals the old one if nothing changed.

    Raises:
        ScimError: noTarget if a filter selects nothing and describes no element; mutability for a
            change of an immutable value; invalidValue for two primary elements, or a missing
            required attribute of an extension; tooMany if it would take too long; 413 for a
            document that becomes too large.
    """
    patched, looks, budget = dict(document), 0, budget or Budget()
    for operation in operations:
        if is_member_operation(operation):
            continue
        more = _looks(patched, operation)
        looks += more
        _check_looks(looks, operation)
        budget.take(more)
        _apply(patched, operation)
    check_size(patched, resource_type, document)
    changed = {name: patched[name] for name in patched if patched[name] != document.get(name)}
    budget.take(size_as_json(changed))
    check_immutable(document, patched, resource_type)
    for extension in resource_type.extensions:
        values = cast(Document, patched.get(extension.urn))
        if not is_nothing(values) and values != document.get(extension.urn):
            check_required(extension, values, f"{extension.urn}:")
    return patched


def _looks(document: Document, operation: Operation) -> int:
    """Return how many elements an operation looks at, each once for each comparison.

    Long elements count several times.
    """
    attribute, path = operation.attribute, operation.path
    if not attribute.multi_valued or _is_whole(operation):
        return 0
    container = cast(Document, document.get(path.schema.urn, {})) if path.is_extension else document
    current = _elements(container, attribute)
    if not current:
        return 0
    characters = len(json.dumps(current, ensure_ascii=False))
    times = number_of_comparisons(operation.filter) if operation.filter else 1
    return times * (len(current) + characters // CHARACTERS_OF_LOOK)


def _is_whole(operation: Operation) -> bool:
    """Return whether an operation sets or removes all elements without looking at them."""
    is_set = operation.op == "replace" or (operation.op == "remove" and operation.value is None)
    return is_set and not (operation.filter or operation.path.sub_attribute)


def _check_looks(looks: int, operation: Operation) -> None:
    """Refuse operations that would take too long for what is stored.

    Raises:
        ScimError: tooMany.
    """
    if looks > MAX_LOOKS:
        raise too_many(
            f"{operation.attribute.name} has too many or too long values for so many operations. "
            "Replace the whole attribute, or send fewer operations at once."
        )


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
    set_value(container, name, values)


def _change(container: Document, operation: Operation) -> None:
    attribute, part = operation.attribute, operation.path.sub_attribute
    if attribute.multi_valued and (operation.filter or part):
        changed = _with_changed_elements(_elements(container, attribute), operation)
        set_value(container, attribute.name, changed)
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
    set_value(container, attribute.name, value)


def _replace(container: Document, attribute: Attribute, value: object) -> None:
    set_value(container, attribute.name, value)


def _remove(container: Document, attribute: Attribute, value: object) -> None:
    if value is not None:
        removed = cast(list[object], value)
        value = elements.without(attribute, _elements(container, attribute), removed)
    set_value(container, attribute.name, value)


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
        set_value(changed, name, sub_value)
    return changed
