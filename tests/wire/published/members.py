"""The changes of members in the tests of SCIM-SDK, Apache SCIMple and Ping's SDK.

The group has the members ann and bob before. carl is another user, and nobody has the id nobody.
The tests replace these words by ids.
"""

from __future__ import annotations

from typing import Any

from .patches import Document, add, remove, replace


def removing(value: object) -> Document:
    """Return a removal with a value, as Azure sends it."""
    return remove("members") | {"value": value}


# The operations, and the members after them or the scimType of the error.
CHANGES: dict[str, tuple[list[Document], set[str] | str]] = {
    # SCIM-SDK: the workarounds for Azure
    "remove one": ([removing([{"value": "ann"}])], {"bob"}),
    "remove two": ([removing([{"value": "ann"}, {"value": "bob"}])], set()),
    "remove somebody who is no member": ([removing([{"value": "carl"}])], {"ann", "bob"}),
    "remove one, and somebody unknown": (
        [removing([{"value": "ann"}, {"value": "nobody"}])],
        {"bob"},
    ),
    "remove all": ([remove("members")], set()),
    "remove an object": ([removing({"value": "ann"})], {"bob"}),
    "remove with a display": ([removing([{"value": "ann", "display": "hello"}])], {"bob"}),
    "remove a text": ([removing("ann")], {"bob"}),
    "remove texts": ([removing(["ann", "bob"])], set()),
    "remove an object in an object": ([removing([{"value": {"value": "ann"}}])], "invalidValue"),
    "remove several ids in an object": (
        [removing([{"value": ["ann", "bob"]}])],
        "invalidValue",
    ),
    "remove an array in an array": ([removing([["ann", "bob"]])], "invalidValue"),
    "remove through a filter": ([remove('members[value eq "ann"]')], {"bob"}),
    "remove two through a filter": (
        [remove('members[value eq "ann" or value eq "bob"]')],
        set(),
    ),
    "remove through and": ([remove('members[value eq "ann" and type eq "User"]')], {"bob"}),
    "remove all but one": ([remove('members[not (value eq "ann")]')], {"ann"}),
    "remove all but one by ne": ([remove('members[value ne "ann"]')], {"ann"}),
    "remove nobody through a filter": ([remove('members[value eq "nobody"]')], {"ann", "bob"}),
    "add with an empty object": ([add("members", [{"value": "carl"}, {}])], {"ann", "bob", "carl"}),
    "add an empty object": ([add("members", [{}])], "invalidValue"),
    "replace with an empty object": ([replace("members", [{}, {}])], "invalidValue"),
    "replace with an empty object beside another": (
        [replace("members", [{}, {"value": "carl"}])],
        {"carl"},
    ),
    "replace with an object without an id beside another": (
        [replace("members", [{"id": "ann"}, {"value": "carl"}])],
        "invalidValue",
    ),
    "add a member again": ([add("members", [{"value": "ann"}])], {"ann", "bob"}),
    "add one of two unknown": (
        [add("members", [{"value": "carl"}, {"value": "nobody"}])],
        {"ann", "bob", "carl"},
    ),
    "add without a path": ([add(None, {"members": [{"value": "carl"}]})], {"ann", "bob", "carl"}),
    "replace without a path": ([replace(None, {"members": [{"value": "carl"}]})], {"carl"}),
    "replace with an object": ([replace("members", {"value": "carl"})], {"carl"}),
    "replace a member's id": (
        [replace('members[value eq "ann"].value', "carl")],
        "mutability",
    ),
    "JSON in the value of a member": (
        [add("members", [{"value": '{"display":"carl"}'}])],
        {"ann", "bob"},
    ),
    # SCIMple
    "add with display and type": (
        [add("members", [{"value": "carl", "display": "testUser2", "type": "User"}])],
        {"ann", "bob", "carl"},
    ),
    # Ping
    "add with references": (
        [
            add(
                "members",
                [
                    {"display": "C", "$ref": "https://example.com/v2/Users/carl", "value": "carl"},
                    {"display": "A", "$ref": "https://example.com/v2/Users/ann", "value": "ann"},
                ],
            )
        ],
        {"ann", "bob", "carl"},
    ),
    "replace with references": (
        [
            replace(
                "members",
                [{"display": "C", "$ref": "https://example.com/v2/Users/carl", "value": "carl"}],
            )
        ],
        {"carl"},
    ),
    # Several operations, each on what the ones before it left
    "remove and add": (
        [remove('members[value eq "ann"]'), add("members", "carl")],
        {"bob", "carl"},
    ),
    "remove all and add": ([remove("members"), add("members", [{"value": "carl"}])], {"carl"}),
    "add and remove": (
        [add("members", [{"value": "carl"}]), removing([{"value": "carl"}])],
        {"ann", "bob"},
    ),
    "replace and remove": (
        [replace("members", [{"value": "ann"}, {"value": "carl"}]), removing([{"value": "ann"}])],
        {"carl"},
    ),
}


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Return operations with ids in place of the words."""
    if isinstance(value, list):
        return [with_ids(each, ids) for each in value]
    if isinstance(value, dict):
        return {name: with_ids(each, ids) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    for word, key in ids.items():
        value = key if value == word else value.replace(f'"{word}"', f'"{key}"')
    return value
