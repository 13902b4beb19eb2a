"""JSON that is nearly right: names that exist, and values that do not fit them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.hostile.server import CURSORS, MINE, THEIRS, VERSIONS
from tests.population import EXTENSION
from tests.wire.client import ENTERPRISE_USER, TILED_USER
from tiled_scim.attributes import Attribute, ResourceType
from tiled_scim.schemas import RESOURCE_TYPES, register_extension

# The built-in schemas have no numbers.
register_extension(EXTENSION)

Strategy = st.SearchStrategy[Any]

# What has broken software before; and what a value could be taken for.
TEXTS = [
    *("", " ", "\t", "\r\nX-Injected: 1", "\x00", "a\x00b", "\x7f", "\x85", "\u2028", "\ufeff"),
    *(
        "\ud800",
        "\udc00\ud800",
        "\u202eevil\u202c",
        "\u05d0\u0627",
        "e\u0301",
        "\u0130",
        "ß",
        "\u017f",
    ),
    *("😀", "\U0010ffff", "\ufffe", "x" * 151, "x" * 256, "x" * 5000, "\u0301" * 300, "😀" * 200),
    *("true", "False", "null", "NaN", "-1", "1e999", "0x10", "\uff11", "9" * 400, "[]", "{}"),
    *("2011-05-13T04:42:34Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("2011-05-13", "2011-W19-5", "10000-01-01T00:00:00Z", "2011-02-30T25:61:61Z", "24:00"),
    *("' OR 1=1 --", '"', "\\", "\\u0000", "%", "%s", "%(x)s", "{0}", "${x}", "_", "*", "$.a"),
    *("<script>alert(1)</script>", "../../etc/passwd", "__proto__", "id", "pk", "__class__"),
    *("ann", "ANN", "bob@example.com", "Sales", "work", "Ann Angel", "=cmd()", "bulkId:a"),
    *("bulkId:", "BULKID:b", "bulkId:bulkId:a", ENTERPRISE_USER, TILED_USER, "urn:x:y"),
    *(*MINE, *THEIRS, *VERSIONS, *CURSORS),
    *("00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}"),
]
NUMBERS = [
    *(
        0,
        1,
        -1,
        7,
        -7,
        1.5,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        10**22,
        1e22,
        2**31,
        2**32,
        2**63,
        -(2**63) - 1,
        2**64,
        10**400,
        -(10**400),
    ),
    *(0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
]


def any_of(values: Sequence[Any]) -> Strategy:
    """One of the values; sampled_from spends its time on showing long ones."""
    return st.integers(0, len(values) - 1).map(lambda place: values[place])


texts: Strategy = st.one_of(any_of(TEXTS), any_of(TEXTS), st.text(max_size=8))
numbers: Strategy = any_of(NUMBERS)
scalars: Strategy = st.one_of(texts, texts, numbers, any_of([None, True, False, [], {}]))


PLAIN = ["ann", "Ann Angel", "work", "home", "Sales", "dan@example.com", "é", "x" * 30, *MINE]
words: Strategy = st.integers(0, 3).flatmap(lambda chance: texts if chance == 0 else any_of(PLAIN))


def _all_names() -> list[str]:
    names = ["schemas", "nothing", "Operations", "op", "path", "value", "$ref", "password", ""]
    for resource_type in RESOURCE_TYPES:
        for schema in resource_type.schemas:
            prefix = "" if schema is resource_type.schema else f"{schema.urn}:"
            names += [schema.urn, *(prefix + a.name for a in schema.attributes)]
            names += [
                f"{prefix}{attribute.name}.{part.name}"
                for attribute in schema.attributes
                for part in attribute.sub_attributes
            ]
    return [*names, *(a.name for a in RESOURCE_TYPES[0].common.attributes), "meta.created"]


NAMES = _all_names()
names: Strategy = st.one_of(
    any_of(NAMES),
    any_of(NAMES),
    any_of(NAMES).map(str.upper),
    texts,
)
garbage: Strategy = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)


def nearly(right: Strategy) -> Strategy:
    """What is right mostly, and anything sometimes."""
    return st.integers(0, 9).flatmap(lambda chance: garbage if chance == 0 else right)


RIGHT: dict[str, Strategy] = {
    "string": words,
    "reference": words,
    "binary": any_of(["TUlJ", "TUlJQ", "=", "no base64", ""]),
    "boolean": any_of([True, False, "true", "False", "maybe"]),
    "integer": numbers,
    "decimal": numbers,
    "dateTime": any_of([text for text in TEXTS if text[:1].isdigit()]),
}


def _value(attribute: Attribute) -> Strategy:
    if attribute.type == "complex":
        parts = {part.name: _value(part) for part in attribute.sub_attributes}
        value: Strategy = _some_of(parts)
    else:
        value = RIGHT[attribute.type]
    return nearly(st.lists(value, max_size=3) if attribute.multi_valued else value)


def _some_of(values: dict[str, Strategy]) -> Strategy:
    """An object with a few of these names, and now and then others."""
    pairs = [st.tuples(st.just(name), value) for name, value in values.items()]
    some = st.lists(st.one_of(pairs), max_size=4).map(dict) if pairs else st.just({})
    others = st.dictionaries(names, garbage, max_size=2)
    return st.integers(0, 9).flatmap(lambda chance: others if chance == 0 else some)


def _attributes(resource_type: ResourceType) -> dict[str, Strategy]:
    """All attributes of a resource by their paths, with values that are nearly right."""
    found = {
        attribute.name: _value(attribute)
        for schema in (resource_type.common, resource_type.schema)
        for attribute in schema.attributes
    }
    for extension in resource_type.extensions:
        parts = {attribute.name: _value(attribute) for attribute in extension.attributes}
        found[extension.urn] = nearly(_some_of(parts))
        found |= {f"{extension.urn}:{name}": value for name, value in parts.items()}
    return found


def _parts(resource_type: ResourceType) -> dict[str, Strategy]:
    """Paths to parts of attributes, with values that are nearly right."""
    return {
        path: RIGHT[part.type]
        for attribute in resource_type.schema.attributes
        for part in attribute.sub_attributes
        for path in (
            f"{attribute.name}.{part.name}",
            f'{attribute.name}[type eq "work"].{part.name}',
            f'{attribute.name}[value eq "known-Users0"].{part.name}',
        )
    }


def _resources(resource_type: ResourceType) -> Strategy:
    name = resource_type.schema.attributes[0].name
    named = st.fixed_dictionaries({name: nearly(words)})
    rest = _some_of(_attributes(resource_type))
    return st.tuples(named, rest).map(lambda both: {**both[0], **both[1]})


def _assignments(resource_type: ResourceType) -> Strategy:
    """Paths with a value that fits, nearly."""
    values = _attributes(resource_type) | _parts(resource_type)
    return st.one_of([st.tuples(st.just(path), value) for path, value in values.items()])


users, groups = map(_resources, RESOURCE_TYPES)
user_assignments, group_assignments = map(_assignments, RESOURCE_TYPES)

# Bodies as bytes ----------------------------------------------------------------------------------

# Changes of a body's text: a part of it, and what comes instead.
CHANGES = [
    ("{", '{"userName":1,"userName":2,'),
    ("{", '{"schemas":[],"SCHEMAS":[],'),
    ("{", "{" * 300),
    ("[", "[" * 300),
    ("}", ""),
    ("}", ",}"),
    (":", ":NaN,"),
    (":", ":-Infinity,"),
    (":", ":1e999,"),
    (":", ":-1e400,"),
    (":", ":-0,"),
    (":", ":0e999999999,"),
    (":", ":" + "9" * 4300 + ","),
    (":", ":" + "9" * 4301 + ","),
    ('"', "'"),
    ('"', '"\x00'),
    ('"', '"\\ud800'),
    ('"', "\ufeff"),
    (",", ",,"),
    (" ", "\xa0"),
    (" ", "/**/"),
]
CHARSETS = ["utf-8", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp037", "utf-7"]


@st.composite
def encoded(draw: st.DrawFn, bodies: Strategy) -> bytes:
    """A body as JSON, a few times not quite."""
    text = json.dumps(draw(bodies), ensure_ascii=draw(st.booleans()))
    how = draw(st.integers(0, 19))
    if how == 0:
        part, instead = draw(any_of(CHANGES))
        text = text.replace(part, instead, 1)
    if how == 1:
        text = text[: draw(st.integers(0, len(text)))]
    charset = draw(any_of(CHARSETS)) if how == 2 else "utf-8"
    errors = "surrogatepass" if charset.startswith("utf") and charset != "utf-7" else "replace"
    sent = text.encode(charset, errors)
    return draw(st.binary(max_size=20)) if how == 3 else sent
