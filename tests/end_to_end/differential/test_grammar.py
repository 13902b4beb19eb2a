"""Random filters, and random tokens, are parsed as the grammar of scim2-models parses them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import expressions as oracle

from tiled_scim.errors import ScimError
from tiled_scim.scim.grammar import (
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Present,
    parse,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

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
