"""Filters for one value of an indexed column, which need neither the parser nor a queryset."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tiled_scim.attributes import ResourceType
from tiled_scim.errors import ScimError
from tiled_scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, USER
from tiled_scim.scim.grammar import MAX_LENGTH
from tiled_scim.sql.lookups import indexed_value

KEY = "7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"

LOOKUPS: list[tuple[ResourceType, str, tuple[str, Any]]] = [
    (USER, 'userName eq "Ann@Example.com"', ("user_name_canonical", "ann@example.com")),
    (USER, ' USERNAME \t EQ  "x" ', ("user_name_canonical", "x")),
    (USER, f'{CORE_USER}:userName eq "x"', ("user_name_canonical", "x")),
    (USER, r'userName eq "\u0061\"b"', ("user_name_canonical", 'a"b')),
    (USER, 'externalId eq "00uB"', ("external_id", "00uB")),
    (USER, f'id eq "{KEY}"', ("pk", UUID(KEY))),
    (GROUP, 'displayName eq "Sales"', ("display_name_canonical", "sales")),
    (GROUP, 'externalId eq "G1"', ("external_id", "G1")),
    (GROUP, f'id eq "{KEY}"', ("pk", UUID(KEY))),
]

OTHERS = [
    "",
    "userName",
    "userName eq null",
    'userName eq ""',
    'externalId eq ""',
    'userName ne "x"',
    'not (userName eq "x")',
    'userName eq "x" and active eq true',
    'displayName eq "x"',
    'name.givenName eq "x"',
    'emails.value eq "x"',
    f'{ENTERPRISE_USER} eq "x"',
    'nope eq "x"',
    'id eq "x"',
    'id eq ""',
    f'id eq "{KEY.upper()}"',
    r'title eq "\x"',
]


@pytest.mark.parametrize(("resource_type", "text", "expected"), LOOKUPS)
def test_a_lookup_names_the_column_and_the_value(
    resource_type: ResourceType, text: str, expected: tuple[str, Any]
) -> None:
    assert indexed_value(text, resource_type) == expected


@pytest.mark.parametrize("text", OTHERS)
def test_any_other_filter_is_left_to_the_parser(text: str) -> None:
    assert indexed_value(text, USER) is None


def test_a_lookup_is_as_long_as_any_filter_may_be() -> None:
    longest = 'userName eq "x"'.ljust(MAX_LENGTH)

    assert indexed_value(longest, USER) == ("user_name_canonical", "x")
    assert indexed_value(f"{longest} ", USER) is None


def test_a_literal_that_is_no_text_is_an_error() -> None:
    with pytest.raises(ScimError) as raised:
        indexed_value(r'userName eq "\x"', USER)

    assert raised.value.scim_type == "invalidFilter"
