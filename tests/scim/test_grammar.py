"""Tests that filter text is parsed into the right tree, or refused with a helpful error."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

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
