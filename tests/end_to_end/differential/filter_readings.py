"""Where the server and scim2-models differ in filters: what the server takes a filter for, and why.

A reading turns a filter into that by which scim2-models finds the same as the server. Each has the
sentence of an RFC that decides it, and an example in which the two differ without it. The tests
allow no other difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.end_to_end.differential.reference import Document
from tests.end_to_end.differential.requests import ELEMENTS

_NAMES = "|".join(ELEMENTS)
_DIFFERENT = re.compile(rf'\b({_NAMES})\.(\w+) ne ("[^"]*"|true|false)')
_NOT_PRIMARY = re.compile(rf"\b({_NAMES})\.primary eq false")


@dataclass(frozen=True)
class FilterReading:
    """How the server reads some filters.

    Args:
        rule: What the server does.
        sentence: What decides it.
        read: Returns the filter to take instead of one. All others are returned as they are.
        user: The attributes of the only user of the example.
        filter: The filter of the example, which finds that user.
    """

    rule: str
    sentence: str
    read: Callable[[str], str]
    user: Document
    filter: str


def reading_of(filter_: str) -> str:
    """Return what the server takes a filter for."""
    for reading in FILTER_READINGS:
        filter_ = reading.read(filter_)
    return filter_


def with_absent_primary(filter_: str) -> str:
    """Return a filter for which elements without `primary` are not primary."""
    in_brackets = _NOT_PRIMARY.sub(r"\1[primary eq false]", filter_)
    return in_brackets.replace("primary eq false", "not (primary eq true)").replace(
        "primary ne false", "not (primary ne true)"
    )


def _any_is_different(filter_: str) -> str:
    return _DIFFERENT.sub(r"(\1[\2 ne \3] or not (\1 pr))", filter_)


FILTER_READINGS: tuple[FilterReading, ...] = (
    FilterReading(
        rule="ne is true of a multi-valued attribute if one element differs",
        sentence=(
            "RFC 7644 section 3.4.2.2: “If the specified attribute in a filter expression is a "
            "multi-valued attribute, the filter matches if any of the values of the specified "
            "attribute match the specified criterion”."
        ),
        read=_any_is_different,
        user={"roles": [{"value": "a"}, {"value": "b"}]},
        filter='roles.value ne "a"',
    ),
    FilterReading(
        rule="primary eq false finds elements without primary",
        sentence=(
            'RFC 7643 section 2.4: “If not specified, the value of "primary" SHALL be assumed to '
            'be "false".”'
        ),
        read=with_absent_primary,
        user={"roles": [{"value": "a"}]},
        filter="roles[primary eq false]",
    ),
)
