"""Filters and paths: by the grammar, and then not quite."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.hostile.values import NAMES, Strategy, any_of, garbage, names, numbers, texts

OPERATORS = [*("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"), "EQ", "is", "pr", ""]

literals: Strategy = st.one_of(
    texts.map(json.dumps),
    texts.map(lambda text: json.dumps(text, ensure_ascii=False)),
    numbers.map(json.dumps),
    any_of(["true", "FALSE", "null", "bare", "'single'", '"open', "-", "1.", "01"]),
)
_names: Strategy = st.one_of(any_of(NAMES), any_of(NAMES), names)
comparisons: Strategy = st.one_of(
    st.tuples(_names, any_of(OPERATORS), literals).map(" ".join),
    _names.map("{} pr".format),
)
_expressions: Strategy = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, any_of([" and ", " or ", " AND ", " "]), inner).map("".join),
        inner.map("not ({})".format),
        inner.map("({})".format),
        st.tuples(_names, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(_names, inner, comparisons).map(lambda p: f"{p[0]}[{p[1]}].{p[2]}"),
    ),
    max_leaves=5,
)
# What a filter could be made of to be expensive.
LONG = [
    *("(" * 5000 + "id pr" + ")" * 5000, "not (" * 25 + "id pr" + ")" * 25, "x" * 100_000),
    *('title eq "' + "\\" * 9000 + '"', '"' * 5000, " ".join(["id pr and"] * 99 + ["id pr"])),
    *("emails[" * 30, "a." * 4000 + "b pr", "a:" * 4000 + "b pr", "id pr " * 1000, "\\" * 9000),
]


@st.composite
def _changed(draw: st.DrawFn, expressions: Strategy) -> str:
    """An expression with a part taken out, said twice or replaced."""
    text: str = draw(expressions)
    first = draw(st.integers(0, len(text)))
    last = min(len(text), first + draw(st.integers(0, 5)))
    instead: str = draw(any_of(["", text[first:last] * 2, '"', "(", ")", "[", "]", ".", "\0"]))
    return text[:first] + instead + text[last:]


filters: Strategy = st.one_of(
    _expressions, _expressions, _changed(_expressions), any_of(LONG), texts
)
_right_paths: Strategy = st.one_of(
    _names,
    st.tuples(_names, comparisons).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
    st.tuples(_names, _expressions, _names).map(lambda p: f"{p[0]}[{p[1]}].{p[2]}"),
)
paths: Strategy = st.one_of(_right_paths, _right_paths, _changed(_right_paths), garbage)
