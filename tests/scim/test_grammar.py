"""Tests that filter text is parsed into the right tree, or refused with a helpful error."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import expressions as oracle

from tiled_scim.errors import ScimError
from tiled_scim.scim.grammar import (
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Path,
    Present,
    number_of_comparisons,
    parse,
    parse_path,
    quoted,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
A, B, C = Present("a"), Present("b"), Present("c")

TREES: dict[str, Expression] = {
    'userName eq "bjensen"': Comparison("userName", "eq", "bjensen"),
    "a pr": A,
    "a PR": A,
    'a Eq "x"': Comparison("a", "eq", "x"),
    "\ta\r\n pr ": A,
    'a eq "x\ty"': Comparison("a", "eq", "x\ty"),
    # Precedence: not, and, or.
    "a pr or b pr and c pr": Or((A, And((B, C)))),
    "a pr and b pr or c pr": Or((And((A, B)), C)),
    "a pr AND b pr Or c pr": Or((And((A, B)), C)),
    "(a pr or b pr) and c pr": And((Or((A, B)), C)),
    "a pr and (b pr or c pr)": And((A, Or((B, C)))),
    "a pr and b pr and c pr": And((A, B, C)),
    "a pr or (b pr or c pr)": Or((A, Or((B, C)))),
    "not (a pr)": Not(A),
    "NOT(a pr) and b pr": And((Not(A), B)),
    "not (a pr or b pr)": Not(Or((A, B))),
    "not (not (a pr))": Not(Not(A)),
    "((a pr))": A,
    # Names.
    "name.givenName pr": Present("name.givenName"),
    "$ref pr": Present("$ref"),
    "members.$ref pr": Present("members.$ref"),
    "trueName eq true": Comparison("trueName", "eq", True),
    "nullable pr": Present("nullable"),
    "notes pr": Present("notes"),
    "order pr": Present("order"),
    "x-y_z1 pr": Present("x-y_z1"),
    f'{ENTERPRISE}:employeeNumber eq "1"': Comparison(f"{ENTERPRISE}:employeeNumber", "eq", "1"),
    f"{ENTERPRISE}:manager.value pr": Present(f"{ENTERPRISE}:manager.value"),
    f"{ENTERPRISE} pr": Present(ENTERPRISE),
    # Values.
    "a eq true": Comparison("a", "eq", True),
    "a eq True": Comparison("a", "eq", True),
    "a eq FALSE": Comparison("a", "eq", False),
    "a eq null": Comparison("a", "eq", None),
    'a eq "true"': Comparison("a", "eq", "true"),
    "a eq 0": Comparison("a", "eq", 0),
    "a eq 42": Comparison("a", "eq", 42),
    "a eq -42": Comparison("a", "eq", -42),
    "a eq 1.5": Comparison("a", "eq", 1.5),
    "a eq -1.5E+3": Comparison("a", "eq", -1500.0),
    'a eq "42"': Comparison("a", "eq", "42"),
    'a eq ""': Comparison("a", "eq", ""),
    r'a eq "say \"hi\" \\ \u00e9\n"': Comparison("a", "eq", 'say "hi" \\ é\n'),
    r'a eq "\""': Comparison("a", "eq", '"'),
    r'a eq "\ud83d\ude00"': Comparison("a", "eq", "😀"),
    'a eq "😀 (and) [or]"': Comparison("a", "eq", "😀 (and) [or]"),
    # Brackets.
    'emails[type eq "work"]': ElementFilter("emails", Comparison("type", "eq", "work")),
    'emails[type eq "work" and not (value pr)]': ElementFilter(
        "emails", And((Comparison("type", "eq", "work"), Not(Present("value"))))
    ),
    'emails[type eq "work"].value eq "x"': ElementFilter(
        "emails", And((Comparison("type", "eq", "work"), Comparison("value", "eq", "x")))
    ),
    'emails[type eq "work"].value pr or a pr': Or(
        (ElementFilter("emails", And((Comparison("type", "eq", "work"), Present("value")))), A)
    ),
    'urn:x:2.0:User:emails[type eq "work"]': ElementFilter(
        "urn:x:2.0:User:emails", Comparison("type", "eq", "work")
    ),
}

ERRORS = {
    "": "is empty",
    "a": "is incomplete",
    "a eq": "is incomplete",
    'a eq "x" and': "is incomplete",
    "(a pr": "is incomplete",
    'emails[type eq "work"].value': "is incomplete",
    "a pr)": "“)” at character 5",
    "a pr b pr": "“b” at character 6",
    "not a pr": "“a” at character 5",
    "and a pr": "“and” at character 1",
    "a eq and": "“and” at character 6",
    '"a" eq "b"': "“a” at character 1",
    '"" eq "b"': "“” at character 1",
    "userName eq bjensen": "“bjensen” at character 13 (text values need double quotes)",
    "userName eq b@x.com": "“b@x.com” at character 13 (text values need double quotes)",
    "userName eq 'bjensen'": "“'bjensen'” at character 13 (text values need double quotes)",
    "userName eq 00u1": "“00u1” at character 13 (text values need double quotes)",
    'userName eq "bjensen': '“"bjensen” at character 13 (text values need double quotes)',
    'userName regex "x"': "The operator “regex” is not supported",
    'emails[type eq "x"].value regex "x"': "The operator “regex” is not supported",
    "emails[type pr] regex": "The operator “regex” is not supported",
    "a eq 01": "“01” at character 6",
    "a eq 1.": "“1.” at character 6",
    "a eq +1": "“+1” at character 6",
    r'a eq "\x"': "is not a JSON string",
    r'a eq "\ud800"': "is not a JSON string",
    r'a eq "\u0000"': "NUL",
    "a eq 1e999": "too large",
    f"a eq {'9' * 400}": "too large",
    f"a eq {'9' * 5000}": "too large",
    "a[b pr] pr": "sub-attribute is missing after a[…]",
    'a[b pr] eq "x"': "sub-attribute is missing after a[…]",
    "a[b pr][c pr] pr": "cannot be inside or after another",
    "a[b pr].c[d pr]": "cannot be inside or after another",
    "a.b[c pr].d": "is incomplete",
    "emails .type pr": "“.type” at character 8",
    "emails .type[a pr]": "“.type” at character 8",
    ".type pr": "“.type” at character 1",
    "a & b": "“&” at character 3",
}


@pytest.mark.parametrize("text", TREES)
def test_text_becomes_its_tree(text: str) -> None:
    assert parse(text) == TREES[text]


@pytest.mark.parametrize("text", ERRORS)
def test_an_error_says_what_is_wrong_and_where(text: str) -> None:
    with pytest.raises(ScimError) as raised:
        parse(text)
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidFilter")
    assert ERRORS[text] in raised.value.detail


def test_the_type_of_a_number_is_kept() -> None:
    expression = parse("a eq 1")
    assert isinstance(expression, Comparison)
    assert type(expression.value) is int


def test_an_error_shows_the_beginning_of_a_long_value() -> None:
    with pytest.raises(ScimError, match=r"“x{60}…” at character 6"):
        parse(f"a eq {'x' * 5000}")


def test_a_text_is_shortened_to_the_limit() -> None:
    assert quoted("x" * 60) == f"“{'x' * 60}”"
    assert quoted("x" * 61) == f"“{'x' * 60}…”"
    assert quoted("abc", 2) == "“ab…”"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a pr", 1),
        ("a pr and (b eq 1 or c eq 2)", 3),
        ("not (a pr or b pr)", 2),
        ("a[b pr and c pr] or d[e pr].f pr", 4),
    ],
)
def test_comparisons_are_counted(text: str, number: int) -> None:
    assert number_of_comparisons(parse(text)) == number


def test_as_many_clauses_as_allowed_are_read() -> None:
    assert parse(" and ".join(["a pr"] * MAX_CLAUSES)) == And((A,) * MAX_CLAUSES)


def test_the_number_of_clauses_is_limited() -> None:
    with pytest.raises(ScimError, match="more than 100 comparisons"):
        parse(" or ".join(["a pr"] * (MAX_CLAUSES + 1)))


def test_as_deep_a_filter_as_allowed_is_read() -> None:
    expression = parse("not (" * MAX_DEPTH + "a pr" + ")" * MAX_DEPTH)
    for _ in range(MAX_DEPTH):
        assert isinstance(expression, Not)
        expression = expression.operand
    assert expression == A


@pytest.mark.parametrize("opening", ["(", "not (", "a["])
def test_the_depth_is_limited(opening: str) -> None:
    with pytest.raises(ScimError, match="nested more than 20 levels"):
        parse(opening * (MAX_DEPTH + 1))


def test_the_length_is_limited() -> None:
    longest = 'a eq "' + "x" * (MAX_LENGTH - 7) + '"'
    assert parse(longest) == Comparison("a", "eq", "x" * (MAX_LENGTH - 7))
    with pytest.raises(ScimError, match="longer than 10000 characters"):
        parse(longest + " ")
    with pytest.raises(ScimError, match="longer than 10000 characters"):
        parse_path(f'members[value eq "{"x" * MAX_LENGTH}"]')


def test_the_largest_filter_leaves_most_of_the_stack() -> None:
    side = " and ".join(["a pr"] * (MAX_CLAUSES // MAX_DEPTH))
    text = side
    for _ in range(MAX_DEPTH - 1):
        text = f"{side} or ({text})"
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(_frames()) + 120)
    try:
        assert isinstance(parse(text), Or)
    finally:
        sys.setrecursionlimit(limit)


def _frames() -> list[Any]:
    frames = [sys._getframe()]
    while frames[-1].f_back:
        frames.append(frames[-1].f_back)
    return frames


def test_threads_do_not_disturb_each_other() -> None:
    texts = [f'a eq "{number}" and b[c eq {number}].d pr' for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(parse, texts)) == [parse(text) for text in texts]


PATHS = {
    "members": Path("members"),
    "name.givenName": Path("name.givenName"),
    f"{ENTERPRISE}:manager.value": Path(f"{ENTERPRISE}:manager.value"),
    'emails[type eq "work"]': Path("emails", Comparison("type", "eq", "work")),
    'emails[type eq "work"].value': Path("emails", Comparison("type", "eq", "work"), "value"),
    'members[value eq "1" or value eq "2"]': Path(
        "members", Or((Comparison("value", "eq", "1"), Comparison("value", "eq", "2")))
    ),
    " members ": Path("members"),
}


@pytest.mark.parametrize("text", PATHS)
def test_a_path_is_read(text: str) -> None:
    assert parse_path(text) == PATHS[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a pr",
        "a b",
        "not (a)",
        "a pr or b",
        'a eq "x" or b',
        "(a)",
        "a[",
        "a[b]",
        "a[b pr].",
        "a[b pr].c.d",
        "a[b pr][c pr]",
        "a[b pr].c[d pr]",
        '"a"',
    ],
)
def test_what_is_no_path_is_an_error(text: str) -> None:
    with pytest.raises(ScimError) as raised:
        parse_path(text)
    assert raised.value.scim_type == "invalidFilter"


# An independent grammar gives the same tree.

NAMES = st.sampled_from(
    ["a", "userName", "name.givenName", "$ref", "truely", "null-x", "ORDER", "eq1", "n0t_"]
)
PATH_NAMES = st.one_of(NAMES, NAMES.map(lambda name: f"{ENTERPRISE}:{name}"))
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]).flatmap(
    lambda name: st.sampled_from([name, name.upper(), name.capitalize()])
)
STRINGS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
).flatmap(lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)]))
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False)
).map(json.dumps)
LITERALS = st.one_of(STRINGS, NUMBERS, st.sampled_from(["true", "false", "null", "True", "NULL"]))
COMPARISONS = st.one_of(
    st.tuples(PATH_NAMES, OPERATORS, LITERALS).map(" ".join),
    st.tuples(PATH_NAMES, st.sampled_from(["pr", "PR"])).map(" ".join),
)


def _combined(clauses: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    words = st.sampled_from([" and ", " or ", " AND ", " Or "])
    return st.one_of(
        st.tuples(clauses, words, clauses).map("".join),
        clauses.map("({})".format),
        clauses.map("not ({})".format),
        clauses.map("NOT( {} )".format),
    )


VALUE_FILTERS = st.recursive(COMPARISONS, _combined, max_leaves=5)
PLAIN_NAMES = st.sampled_from(["emails", f"{ENTERPRISE}:emails"])
VALUE_PATHS = st.builds(
    "{}[{}]{}".format,
    PLAIN_NAMES,
    VALUE_FILTERS,
    st.one_of(st.just(""), st.just(".value pr"), st.builds(".x {} {}".format, OPERATORS, LITERALS)),
)
FILTERS = st.recursive(st.one_of(COMPARISONS, VALUE_PATHS), _combined, max_leaves=12)


@given(FILTERS)
def test_an_independent_grammar_gives_the_same_tree(text: str) -> None:
    assert _flat(parse(text)) == _flat(_translated(ScimFilter(text).ast))


WORDS = ["eq", "co", "pr", "and", "or", "not", "true", "null"]
TOKENS = [*WORDS, "a", "x.y", '"s"', "1", "(", ")", "[", "]", ".v"]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join))
def test_an_independent_grammar_refuses_the_same_nonsense(text: str) -> None:
    assert _accepted(text) == _accepted_by_oracle(text)


def _accepted(text: str) -> Expression | None:
    try:
        expression = _flat(parse(text))
    except ScimError:
        return None
    # The grammar does not check which attributes can have brackets.
    return None if "x.y [" in text or _has_brackets_in_brackets(expression) else expression


def _accepted_by_oracle(text: str) -> Expression | None:
    try:
        expression = _flat(_translated(ScimFilter(text).ast))
    except InvalidFilterException:
        return None
    # Reserved words are accepted where only a name is possible.
    return None if any(f"name='{word}'" in str(expression) for word in WORDS) else expression


def _has_brackets_in_brackets(expression: Expression, inside: bool = False) -> bool:
    match expression:
        case And(operands) | Or(operands):
            return any(_has_brackets_in_brackets(operand, inside) for operand in operands)
        case Not(operand):
            return _has_brackets_in_brackets(operand, inside)
        case ElementFilter(_, operand):
            return inside or _has_brackets_in_brackets(operand, True)
        case _:
            return False


def _translated(node: oracle.FilterNode) -> Expression:
    match node:
        case oracle.LogicalExpr():
            kind = And if node.op == "and" else Or
            return kind(tuple(_translated(term) for term in node.terms))
        case oracle.Not():
            return Not(_translated(node.expr))
        case oracle.Present():
            return Present(str(node.attr_path))
        case oracle.ValuePath():
            return ElementFilter(str(node.attr_path), _translated(node.val_filter))
        case oracle.Comparison():
            return Comparison(str(node.attr_path), str(node.op), node.value)
    raise AssertionError(node)


def _flat(expression: Expression) -> Expression:
    """Flatten `a and (b and c)` into `a and b and c`."""
    match expression:
        case And(operands):
            return And(tuple(_flat_operands(And, operands)))
        case Or(operands):
            return Or(tuple(_flat_operands(Or, operands)))
        case Not(operand):
            return Not(_flat(operand))
        case ElementFilter(name, operand):
            return ElementFilter(name, _flat(operand))
        case _:
            return expression


def _flat_operands(kind: type[And | Or], operands: tuple[Expression, ...]) -> list[Expression]:
    flat = [_flat(operand) for operand in operands]
    return [
        inner
        for operand in flat
        for inner in (operand.operands if isinstance(operand, kind) else (operand,))
    ]
