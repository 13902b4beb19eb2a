"""Where the server and scim2-models differ: what the server takes an operation for, and why.

A reading turns an operation into those by which scim2-models does the same as the server. Each has
the sentence of an RFC that decides it, and an example in which the two differ without it. The tests
allow no other difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.differential import reference
from tests.end_to_end.differential.filter_readings import with_absent_primary
from tests.end_to_end.differential.reference import Document
from tests.end_to_end.differential.requests import ELEMENTS
from tests.wire.client import ENTERPRISE_USER

_FILTERED = re.compile(r"(?P<name>\w+)\[(?P<filter>.+)\](\.(?P<part>\w+))?")
_EQUATION = re.compile(r'(\w+) eq ("[^"]*"|true|false)')
MANAGER = f"{ENTERPRISE_USER}:manager"
Read = Callable[[Document, Document], list[Document]]


@dataclass(frozen=True)
class Reading:
    """How the server reads some operations.

    Args:
        rule: What the server does.
        sentence: What decides it.
        read: Returns the operations to take instead of one. All others are returned as they are.
        user: The attributes of the user of the example.
        operation: The operation of the example.
    """

    rule: str
    sentence: str
    read: Read
    user: Document
    operation: Document


def readings_of(document: Document, operation: Document) -> list[Document]:
    """Return what the server takes an operation for."""
    read = [operation]
    for reading in READINGS:
        read = [each for one in read for each in reading.read(document, one)]
    return read


def _add_of_null(document: Document, operation: Document) -> list[Document]:
    if operation["op"] != "add":
        return [operation]
    if "path" not in operation:
        value = {
            name: [] if value is None and name in ELEMENTS else value
            for name, value in operation["value"].items()
        }
        return [{**operation, "value": value}]
    if operation["value"] is not None:
        return [operation]
    if operation["path"] in ELEMENTS:
        return [{**operation, "value": []}]
    return [{**operation, "op": "replace"}]


def _nothing_to_clear(document: Document, operation: Document) -> list[Document]:
    path = operation.get("path", "")
    if "[" not in path or operation["op"] == "remove" or operation["value"] not in (None, {}):
        return [operation]
    return [operation] if _selects(document, path) else []


def _elements_cleared(document: Document, operation: Document) -> list[Document]:
    path = operation.get("path", "")
    if path.endswith("]") and operation["op"] == "replace" and operation["value"] is None:
        return [{"op": "remove", "path": path}]
    return [operation]


def _extension_unassigned(document: Document, operation: Document) -> list[Document]:
    if operation["op"] != "replace":
        return [operation]
    value = operation["value"]
    if operation.get("path") == ENTERPRISE_USER and value in (None, {}):
        return list(_removals(document))
    if "path" in operation or value.get(ENTERPRISE_USER) != {}:
        return [operation]
    rest = {**operation, "value": _without(value, ENTERPRISE_USER)}
    return [rest, *_removals(document)]


def _removals(document: Document) -> Iterator[Document]:
    for name in document.get(ENTERPRISE_USER, {}):
        yield {"op": "remove", "path": f"{ENTERPRISE_USER}:{name}"}


def _manager_named(document: Document, operation: Document) -> list[Document]:
    return [_without_name(operation)]


def _without_name(operation: Document) -> Document:
    """Return an operation without the displayName of a manager, wherever it is."""
    value = operation.get("value")
    if not isinstance(value, dict):
        return operation
    if operation.get("path") == MANAGER:
        return {**operation, "value": _without(value, "displayName")}
    holder = value if operation.get("path") == ENTERPRISE_USER else value.get(ENTERPRISE_USER)
    if not holder or not isinstance(holder.get("manager"), dict):
        return operation
    manager = {**holder, "manager": _without(holder["manager"], "displayName")}
    if operation.get("path") == ENTERPRISE_USER:
        return {**operation, "value": manager}
    return {**operation, "value": {**value, ENTERPRISE_USER: manager}}


def _without(value: Document, name: str) -> Document:
    return {key: each for key, each in value.items() if key != name}


def _manager_without_value(document: Document, operation: Document) -> list[Document]:
    if operation.get("path") == f"{MANAGER}.value" and operation.get("value") is None:
        return [{"op": "remove", "path": MANAGER}]
    return [operation]


def _contradiction(document: Document, operation: Document) -> list[Document]:
    parts = _FILTERED.fullmatch(operation.get("path", ""))
    if parts is None or operation["op"] == "remove" or _selects(document, parts[0]):
        return [operation]
    described = _described(parts["filter"])
    value = operation["value"] if parts["part"] is None else {parts["part"]: operation["value"]}
    if described is None or {**described, **value} == {**value, **described}:
        return [operation]
    elements = [*document.get(parts["name"], []), {**described, **value}]
    written = {len(elements) - 1}
    return [{"op": "replace", "path": parts["name"], "value": _one_primary(elements, written)}]


def _known_element(document: Document, operation: Document) -> list[Document]:
    if operation["op"] != "add" or operation.get("path", "emails") not in ELEMENTS:
        return [operation]
    sent = {operation["path"]: operation["value"]} if "path" in operation else operation["value"]
    updates = {
        name: updated
        for name, added in sent.items()
        if name in ELEMENTS and added and (updated := _updated(document.get(name, []), added))
    }
    replacements = [{"op": "replace", "path": name, "value": updates[name]} for name in updates]
    if "path" in operation:
        return replacements or [operation]
    rest = {name: value for name, value in sent.items() if name not in updates}
    return [{**operation, "value": rest}, *replacements]


def _updated(elements: list[Document], added: list[Document]) -> list[Document] | None:
    """Return the elements with others added, or None if all those are new."""
    result = list(elements)
    written = set()
    for element in added:
        known = [_identity(each) for each in result]
        identity = _identity(element)
        position = known.index(identity) if identity in known else len(result)
        if position == len(result):
            result.append(element)
        else:
            result[position] = {**result[position], **element}
        written.add(position)
    if len(result) == len(elements) + len(added):
        return None
    return _one_primary(result, written)


def _one_primary(elements: list[Document], written: set[int]) -> list[Document]:
    """Return elements of which only one that was just written is primary, if there is any."""
    if not any(elements[position].get("primary") for position in written):
        return elements
    return [
        {**each, "primary": False} if each.get("primary") and position not in written else each
        for position, each in enumerate(elements)
    ]


def _identity(element: Document) -> Any:
    """Return what tells an element from others: value and type, or all of it without a value."""
    folded = {name: str(value).lower() for name, value in element.items()}
    if "value" in element:
        return folded["value"], folded.get("type")
    return folded


def _described(filter_: str) -> Document | None:
    """Return the element that a filter describes, or None if it is more than equations."""
    equations = [_EQUATION.fullmatch(text.strip("()")) for text in filter_.split(" and ")]
    if None in equations:
        return None
    described: Document = {}
    for name, text in (each.groups() for each in equations if each):
        value = json.loads(text)
        if str(described.get(name, value)).lower() != str(value).lower():
            return None  # no element has both
        described[name] = value
    return described


def _absent_primary(document: Document, operation: Document) -> list[Document]:
    parts = _FILTERED.fullmatch(operation.get("path", ""))
    if parts is None or (not _selects(document, parts[0]) and _described(parts["filter"])):
        return [operation]
    return [{**operation, "path": with_absent_primary(parts[0])}]


def _selects(document: Document, path: str) -> bool:
    """Return whether the server finds elements that the filter of a path selects."""
    return reference.selects(document, with_absent_primary(path).partition("]")[0] + "]")


READINGS: tuple[Reading, ...] = (
    Reading(
        rule="add of null is replace with null, or an add of no elements",
        sentence=(
            "RFC 7643 section 2.5: “Unassigned attributes, the null value, or an empty array (in "
            "the case of a multi-valued attribute) SHALL be considered to be equivalent in "
            "'state'.”"
        ),
        read=_add_of_null,
        user={"title": "Engineer"},
        operation={"op": "add", "path": "title", "value": None},
    ),
    Reading(
        rule="an empty value for elements of which there are none changes nothing",
        sentence=(
            "RFC 7643 section 2.5, as above: the elements have no value already. The noTarget of "
            "RFC 7644 section 3.5.2.3 would fail the null test of Entra's validator."
        ),
        read=_nothing_to_clear,
        user={},
        operation={"op": "replace", "path": 'emails[type eq "work"].value', "value": None},
    ),
    Reading(
        rule="replacing the elements that a filter selects with null removes them",
        sentence="RFC 7643 section 2.5, as above.",
        read=_elements_cleared,
        user={"roles": [{"value": "a"}, {"value": "b"}]},
        operation={"op": "replace", "path": 'roles[value eq "a"]', "value": None},
    ),
    Reading(
        rule="replacing an extension with null or {} unassigns it",
        sentence=(
            "RFC 7643 section 2.5, as above; and section 3: the “schemas” attribute only lists "
            "extensions whose attributes are there."
        ),
        read=_extension_unassigned,
        user={ENTERPRISE_USER: {"department": "Tours"}},
        operation={"op": "replace", "value": {ENTERPRISE_USER: {}}},
    ),
    Reading(
        rule="the displayName of a manager is ignored in a value",
        sentence=(
            "RFC 7643 section 4.3: “displayName: The displayName of the user's manager. This "
            "attribute is OPTIONAL, and mutability is “readOnly”.” Clients send back what they "
            "have read."
        ),
        read=_manager_named,
        user={},
        operation={"op": "add", "path": MANAGER, "value": {"value": "26", "displayName": "Bob"}},
    ),
    Reading(
        rule="a manager without a value is no manager",
        sentence=(
            "RFC 7644 section 3.5.2.2: “If the target location is a single-value attribute, the "
            "attribute and its associated value is removed”; RFC 7643 section 8.7.1 does not "
            "require the value."
        ),
        read=_manager_without_value,
        user={ENTERPRISE_USER: {"manager": {"value": "26"}}},
        operation={"op": "remove", "path": f"{MANAGER}.value"},
    ),
    Reading(
        rule="a new element has what is sent, even if its filter says otherwise",
        sentence=(
            "RFC 7644 section 3.5.2.1: “If the target location does not exist, the attribute and "
            "value are added”; and section 3.5.2.3 has a replace do the same."
        ),
        read=_contradiction,
        user={},
        operation={"op": "add", "path": 'roles[value eq "a"]', "value": {"value": "b"}},
    ),
    Reading(
        rule="adding an element with the value and type of another updates that one",
        sentence=(
            "RFC 7643 section 2.4: “Service providers […] SHOULD NOT return the same (type, "
            "value) combination more than once per attribute”."
        ),
        read=_known_element,
        user={"roles": [{"value": "a"}]},
        operation={"op": "add", "path": "roles", "value": [{"value": "A", "display": "b"}]},
    ),
    Reading(
        rule="a filter for primary eq false finds elements without primary",
        sentence=(
            'RFC 7643 section 2.4: “If not specified, the value of "primary" SHALL be assumed to '
            'be "false".”'
        ),
        read=_absent_primary,
        user={"roles": [{"value": "a"}]},
        operation={"op": "remove", "path": "roles[primary eq false]"},
    ),
)
