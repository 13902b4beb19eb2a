"""Values in forms that the RFC does not have, and what only repeats what is known."""

from __future__ import annotations

import pytest

from tiled_scim.attributes import Attribute, AttributePath
from tiled_scim.errors import ScimError
from tiled_scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, USER
from tiled_scim.scim.forms import has_unknown_elements, in_form, only, restates

KEY = "0b6c4a44-1f6a-4f3a-9a39-3f3ac16b6fbb"


def path_of(name: str) -> AttributePath:
    path = USER.resolve(name)
    assert path
    return path


def attribute_of(name: str) -> Attribute:
    attribute = (GROUP if name == "members" else USER).attribute(name)
    assert attribute
    return attribute


@pytest.mark.parametrize(
    ("name", "sent", "meant"),
    [
        pytest.param("title", "x", "x", id="a text"),
        pytest.param("title", ["x"], "x", id="an array of one"),
        pytest.param("title", [], None, id="an empty array"),
        pytest.param("title", [{"$ref": None, "value": "x"}], "x", id="Entra's wrapping"),
        pytest.param("title", [{"value": "x"}], "x", id="a part of it"),
        pytest.param("title", [{"$ref": "x"}], {"$ref": "x"}, id="no value"),
        pytest.param("title", [{"value": "x", "a": 1}], {"value": "x", "a": 1}, id="more parts"),
        pytest.param("title", {"value": "x"}, {"value": "x"}, id="an object outside of an array"),
        pytest.param("name", [{"value": "x"}], {"value": "x"}, id="an attribute that is an object"),
        pytest.param("emails", ["x", "y"], ["x", "y"], id="several values"),
        pytest.param("members", {"MEMBERS": ["x"]}, ["x"], id="the name of the path again"),
        pytest.param("members", {"emails": ["x"]}, {"emails": ["x"]}, id="another name"),
        pytest.param("members", {"members": "x"}, {"members": "x"}, id="no array in it"),
        pytest.param(
            "members", {"members": ["x"], "a": 1}, {"members": ["x"], "a": 1}, id="two names"
        ),
    ],
)
def test_a_value_is_brought_into_the_form_of_its_attribute(
    name: str, sent: object, meant: object
) -> None:
    assert in_form(attribute_of(name), sent, name) == meant


def test_several_values_are_none() -> None:
    with pytest.raises(ScimError, match=r"^title has one value, and 2 were sent\.$") as refusal:
        only(["x", "y"], "title")
    assert refusal.value.scim_type == "invalidValue"


@pytest.mark.parametrize(
    ("value", "is_unknown"),
    [
        ([{"a": 1}], True),
        ({"a": 1}, True),
        ([{"value": "x"}, {"a": 1}], True),
        ([{"VALUE": "x", "a": 1}], False),
        ([{}], False),
        ([None, "x"], False),
        ("x", False),
    ],
)
def test_elements_without_a_known_name(value: object, is_unknown: bool) -> None:
    assert has_unknown_elements(attribute_of("emails"), value) is is_unknown


@pytest.mark.parametrize(
    ("name", "value", "key", "is_known"),
    [
        ("id", KEY, KEY, True),
        ("id", KEY.upper(), KEY, True),
        ("id", KEY, KEY.upper(), True),
        ("id", KEY, None, False),
        ("id", "x", KEY, False),
        ("id", 1, "1", False),
        ("schemas", [CORE_USER, ENTERPRISE_USER], KEY, True),
        ("schemas", CORE_USER.upper(), KEY, True),
        ("schemas", [CORE_USER, "urn:x"], KEY, False),
        ("schemas", [CORE_USER, 1], KEY, False),
        ("schemas", [], KEY, False),
        ("groups", [CORE_USER], KEY, False),
        ("meta", CORE_USER, KEY, False),
    ],
)
def test_what_is_known_already(name: str, value: object, key: str | None, is_known: bool) -> None:
    assert restates(path_of(name), value, USER, key) is is_known
