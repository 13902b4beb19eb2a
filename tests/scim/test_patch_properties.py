"""What holds of every PATCH, whatever is sent and whatever the document."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tiled_scim.attributes import ResourceType
from tiled_scim.errors import ScimError
from tiled_scim.schemas import ENTERPRISE_USER, GROUP, TILED_USER, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.operations import PATCH_SCHEMA, Operation, parse
from tiled_scim.scim.patch import apply

words = st.sampled_from(["a", "A", "b", "ada@work.example"])
elements = st.fixed_dictionaries(
    {}, optional={"value": words, "type": words, "display": words, "primary": st.booleans()}
)

# Values for the paths that a client may write.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "title": words,
    "name": st.fixed_dictionaries({}, optional={"givenName": words, "familyName": words}),
    "name.givenName": words,
    "emails": st.lists(elements, max_size=3),
    "roles": st.lists(elements, max_size=3),
    ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"division": words, "manager": words}),
    f"{ENTERPRISE_USER}:employeeNumber": words,
    f"{TILED_USER}:tiledAdmin": st.booleans(),
}
ELEMENT_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "emails.display": words,
    'emails[type eq "a"].value': words,
    'emails[value eq "b"].display': words,
    "emails[primary eq true].type": words,
    'emails[type eq "b"].primary': st.booleans(),
    'emails[type eq "a" or display pr]': elements,
}

NAMES = st.sampled_from(
    [
        "",
        "[",
        "]",
        "a[b][c]",
        "active",
        "add",
        "emails",
        "emails.",
        "emails[value pr]",
        'emails[type eq "a"].value',
        ENTERPRISE_USER,
        f"{ENTERPRISE_USER}:manager",
        "id",
        "manager.value",
        "members",
        'members[value eq "1"]',
        "name",
        "op",
        "OP",
        "Operations",
        "password",
        "path",
        PATCH_SCHEMA,
        "Remove",
        "replace",
        "schemas",
        "urn:",
        "userName",
        "value",
    ]
)
texts = st.text(max_size=9) | NAMES
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {
        "Operations": st.lists(
            st.fixed_dictionaries(
                {"op": st.sampled_from(["add", "Replace", "REMOVE"])},
                optional={"path": texts, "value": anything},
            ),
            max_size=3,
        )
    }
)


def patch(document: Document, *operations: object) -> Document:
    return apply(document, parse({"Operations": list(operations)}, USER), USER)


def patch_if_possible(document: Document, operation: object) -> Document:
    try:
        return patch(document, operation)
    except ScimError:
        return document


@st.composite
def changes(draw: st.DrawFn, *ops: str) -> Any:
    """An operation that a client may send."""
    values = VALUES | ELEMENT_VALUES
    path = draw(st.sampled_from(sorted(values)))
    op = draw(st.sampled_from(ops or ("add", "replace", "remove")))
    return {"op": op, "path": path, "value": draw(values[path])}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document that operations led to."""
    document: Document = {"userName": "ada", "active": True}
    for operation in draw(st.lists(changes(), max_size=6)):
        document = patch_if_possible(document, operation)
    return document


@given(documents(), st.lists(changes(), min_size=1, max_size=6))
def test_what_is_given_stays_as_it_is(document: Document, sent: list[object]) -> None:
    before = deepcopy((document, sent))
    operations = parse_those_that_fit(sent)
    parsed = deepcopy(operations)
    with suppress(ScimError):
        apply(document, operations, USER)
    assert operations == parsed
    assert (document, sent) == before


def parse_those_that_fit(sent: list[object]) -> list[Operation]:
    parsed = []
    for operation in sent:
        with suppress(ScimError):
            parsed += parse({"Operations": [operation]}, USER)
    return parsed


@given(documents(), changes("add"))
def test_adding_twice_is_adding_once(document: Document, operation: object) -> None:
    once = patch_if_possible(document, operation)
    assert patch_if_possible(once, operation) == once


@given(documents(), st.sampled_from(sorted(VALUES)), st.data())
def test_replacing_twice_is_replacing_once(
    document: Document, path: str, data: st.DataObject
) -> None:
    operation = {"op": "replace", "path": path, "value": data.draw(VALUES[path])}
    once = patch_if_possible(document, operation)
    assert patch_if_possible(once, operation) == once


@given(documents(), st.sampled_from(sorted(VALUES)), st.data())
def test_removing_undoes_adding_where_there_was_nothing(
    document: Document, path: str, data: st.DataObject
) -> None:
    remove = {"op": "remove", "path": path}
    bare = patch(document, remove)
    added = patch_if_possible(bare, {"op": "add", "path": path, "value": data.draw(VALUES[path])})
    assert patch(added, remove) == bare


@given(documents(), elements)
def test_removing_an_element_by_value_undoes_adding_it(
    document: Document, element: dict[str, object]
) -> None:
    assume(element and not element.get("primary"))
    remove = {"op": "remove", "path": "roles", "value": [element]}
    bare = patch(document, remove)
    added = patch(bare, {"op": "add", "path": "roles", "value": [element]})
    assume(len(roles(added)) > len(roles(bare)))
    assert element in roles(added)
    assert patch(added, remove) == bare


def roles(document: Document) -> list[object]:
    found: Any = document.get("roles", [])
    return list(found)


@given(documents(), st.lists(changes(), min_size=1, max_size=6))
def test_operations_of_one_request_are_done_one_after_another(
    document: Document, sent: list[object]
) -> None:
    try:
        together = patch(document, *sent)
    except ScimError:
        return
    for operation in sent:
        document = patch(document, operation)
    assert together == document


@given(documents())
def test_what_is_unassigned_is_absent(document: Document) -> None:
    def has_nothing_empty(value: Any) -> bool:
        inner = value.values() if isinstance(value, dict) else value
        is_container = isinstance(value, dict | list)
        return not is_container or (bool(value) and all(map(has_nothing_empty, inner)))

    assert has_nothing_empty(document)


@given(documents())
def test_one_element_at_most_is_primary(document: Document) -> None:
    for name in ("emails", "roles"):
        elements: Any = document.get(name, [])
        assert sum(element.get("primary") is True for element in elements) <= 1


@given(anything | messages, st.sampled_from([USER, GROUP]))
def test_any_body_is_understood_or_refused(body: object, resource_type: ResourceType) -> None:
    refusal = refusal_of(body, resource_type)
    assert refusal is None or (refusal.status == 400 and refusal.scim_type and refusal.detail)


def refusal_of(body: object, resource_type: ResourceType) -> ScimError | None:
    try:
        apply({}, parse(body, resource_type), resource_type)
    except ScimError as refusal:
        return refusal
    return None
