"""The attributes of a response, without a server: RFC 7644 section 3.9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scim.test_patch_properties import documents
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.errors import ScimError
from tiled_scim.schemas import COMMON, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.selection import MAX_NAMES, Selection

PARTS = (
    Attribute("plain"),
    Attribute("heavy", returned="request"),
    Attribute("secret", returned="never"),
)
THING = ResourceType(
    "Thing",
    "/Things",
    "",
    COMMON,
    Schema(
        "urn:thing",
        "Thing",
        "",
        (
            Attribute("box", "complex", sub_attributes=PARTS),
            Attribute("boxes", "complex", multi_valued=True, sub_attributes=PARTS),
        ),
    ),
)
VALUES = {"plain": 1, "heavy": 2, "secret": 3}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (" title ,, NAME.givenname", {"title", "name.givenName"}),
        ('emails[type eq "a, ] b"].value,title', {"emails.value", "title"}),
        ("nothing", {"nothing"}),
        ("", set()),
    ],
)
@pytest.mark.parametrize("parameter", ["attributes", "excludedAttributes"])
def test_names_are_separated_by_commas(parameter: str, text: str, names: set[str]) -> None:
    selection = Selection.parse({parameter: text}, USER)
    assert selection.attributes | selection.excluded == names
    assert (selection.attributes == names) is (parameter == "attributes" or not names)


def test_as_many_names_as_allowed() -> None:
    most = ",".join(f"n{number}" for number in range(MAX_NAMES))
    assert len(Selection.parse({"attributes": most}, USER).attributes) == MAX_NAMES
    with pytest.raises(ScimError, match=r"^attributes may list 500 names"):
        Selection.parse({"attributes": f"{most},x"}, USER)


@pytest.mark.parametrize(
    ("attributes", "parts"),
    [
        ("", {"plain": 1}),
        ("{}", {"plain": 1}),
        ("{}.heavy", {"heavy": 2}),
        ("{},{}.heavy", {"plain": 1, "heavy": 2}),
        ("{}.secret", None),
    ],
)
def test_parts_are_returned_as_the_table_says(
    attributes: str, parts: dict[str, object] | None
) -> None:
    for name, value in (("box", VALUES), ("boxes", [VALUES])):
        selection = Selection.parse({"attributes": attributes.replace("{}", name)}, THING)
        found = selection.apply({name: value}, THING)
        wanted = [parts] if name == "boxes" else parts
        assert found == ({} if parts is None else {name: wanted})


CORE = ["userName", "title", "active", "name", "name.givenName", "emails", "emails.value"]
EXTENDED = [f"{each.urn}:{name}" for each in USER.extensions for name in each.names]
attribute_names = st.sampled_from([*CORE, *EXTENDED, *(each.urn for each in USER.extensions)])
suffixes = st.sampled_from(["", ".x", ".value", ".value.x", "."])
lists_of_names = st.lists(st.builds("{}{}".format, attribute_names, suffixes), max_size=4)


@given(documents(), lists_of_names, st.sampled_from(["attributes", "excludedAttributes"]))
def test_any_names_select_a_part_of_the_document(
    document: Document, names: list[str], parameter: str
) -> None:
    selected = Selection.parse({parameter: ",".join(names)}, USER).apply(document, USER)

    for name, value in selected.items():
        assert is_part(value, document[name])


def is_part(selected: object, whole: object) -> bool:
    """Return whether a value has nothing that the whole value does not have."""
    if isinstance(selected, dict) and isinstance(whole, dict):
        return all(name in whole and is_part(selected[name], whole[name]) for name in selected)
    if isinstance(selected, list) and isinstance(whole, list):
        return all(any(is_part(each, other) for other in whole) for each in selected)
    return selected == whole
