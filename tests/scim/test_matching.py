"""Filters of PATCH paths: whether one element in memory fits."""

# Fullwidth letters are other spellings of the usual ones.
# ruff: noqa: RUF001

from __future__ import annotations

import time
from typing import Any

import pytest

from tiled_scim.attributes import Attribute
from tiled_scim.errors import ScimError
from tiled_scim.scim.grammar import parse
from tiled_scim.scim.matching import comparable, predicate

THINGS = Attribute(
    "things",
    "complex",
    multi_valued=True,
    sub_attributes=(
        Attribute("value"),
        Attribute("code", case_exact=True),
        Attribute("primary", "boolean"),
        Attribute("open", "boolean"),
        Attribute("size", "integer"),
        Attribute("weight", "decimal"),
        Attribute("since", "dateTime"),
        Attribute("blob", "binary"),
        Attribute("$ref", "reference", case_exact=True),
    ),
)

THING: dict[str, Any] = {
    "value": "Grüße ",
    "code": "X1",
    "primary": False,
    "size": 0,
    "weight": 2.5,
    "since": "2024-01-01T00:00:00+01:00",
    "blob": "QUJD",
    "$ref": "https://x/Y",
}

TRUE = [
    'value eq "GRÜßE "',
    'VALUE eq "grüße "',
    'things.value co "Ü"',
    'urn:x:2.0:User:things.value sw "GR"',
    'value ew " "',
    'value gt "g"',
    'code eq "X1"',
    'code ne "x1"',
    'code ge "X1"',
    'code lt "x"',
    "primary eq false",
    'primary ne "True"',
    "primary pr",
    "size pr",
    "size eq 0.0",
    "size ge -1",
    "weight gt 2",
    "weight lt 1e30",
    f"size lt {2**63 - 1} and size gt {-(2**63)}",
    "weight le 2.5",
    'since eq "2023-12-31T23:00:00Z"',
    'since lt "2024-01-01T00:00:00"',
    'blob eq "QUJD"',
    'blob ne "qujd"',
    '$ref sw "https:"',
    "value ne null",
    'not (value eq "x") and (primary eq true or size eq 0)',
]

# Of nothing at all.
TRUE_OF_NOTHING = [
    "value eq null",
    'value ne "x"',
    "not (value pr)",
    "primary ne true",
    "primary eq false",
    "primary eq null",
    "not (primary pr)",
    "not (open eq false)",
    'not (value co "")',
    'since ne "2024-01-01T00:00:00Z"',
]

ERRORS = {
    "nope pr": "things has no sub-attribute “nope”",
    'other.value eq "x"': "things has no sub-attribute “other.value”",
    "value eq 1": "value is string, which “1” is not",
    "size eq true": "size is integer, which “True” is not",
    f"size lt {2**63}": "size is an integer, which has at most 64 bits",
    'weight eq "2.5"': "weight is decimal",
    'primary eq "yes"': "primary is boolean, which “yes” is not",
    "primary eq 1": "primary is boolean",
    "primary ge true": "ge cannot be used with primary, which is boolean; eq, ne can",
    'blob co "x"': "co cannot be used with blob, which is binary; eq, ne can",
    'size sw "1"': "sw cannot be used with size, which is integer; eq, ge, gt, le, lt, ne can",
    'since eq "today"': "since is dateTime, which “today” is not",
    "since eq 5": "since is dateTime, which “5” is not",
    'since eq "0001-01-01T00:00:00+23:00"': "since is dateTime",
    "value co null": "co cannot be used with null; eq, ne can",
    "things[value pr]": "cannot be inside another one: things[…]",
    # Also in a part that could not change the result.
    "value pr or nope pr": "things has no sub-attribute “nope”",
}


@pytest.mark.parametrize("text", TRUE)
def test_an_element_fits(text: str) -> None:
    assert matches(text, THING)
    assert not matches(f"not ({text})", THING)


@pytest.mark.parametrize("text", TRUE_OF_NOTHING)
def test_what_is_true_of_an_absent_value(text: str) -> None:
    assert matches(text, {})
    assert not matches(f"not ({text})", {})


@pytest.mark.parametrize("text", ERRORS)
def test_what_does_not_fit_the_attribute_is_an_error_before_there_is_an_element(text: str) -> None:
    with pytest.raises(ScimError) as raised:
        predicate(parse(text), THINGS)
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidFilter")
    assert ERRORS[text] in raised.value.detail


def test_an_empty_value_is_a_value_but_not_present() -> None:
    assert matches('value eq "" and not (value pr) and value ne null', {"value": ""})


def test_a_value_that_is_not_of_its_type_fits_nothing() -> None:
    assert not matches("size eq 1", {"size": "1"})
    assert not matches("size eq null", {"size": "1"})


def test_names_are_compared_in_their_canonical_form() -> None:
    assert comparable(Attribute("name", canonical_column="it"), "ＡＮＮ") == "ann"
    assert comparable(Attribute("name"), "ＡＮＮ") == "ａｎｎ"


def test_a_time_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert matches('since eq "2023-12-31T23:00:00"', THING)
    finally:
        monkeypatch.undo()
        time.tzset()


def matches(text: str, element: dict[str, Any]) -> bool:
    """Whether the filter fits the element."""
    return predicate(parse(text), THINGS)(element)
