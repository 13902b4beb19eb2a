"""SCIM filter text as a tree: RFC 7644 section 3.4.2.2.

The text is read by the lexer and the parser of scim2-filter-parser, through subclasses that set
right what is wrong there. Its syntax tree is turned into the dataclasses below; its query builders
are not used. What a tree means is said elsewhere: in `matching` for a value in memory, in `filters`
for rows of the database.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser

from tiled_scim.errors import ScimError, invalid_filter

# Bounds on what one request may ask, far above what providers send: a lookup has one or two
# clauses, and a URL of 10,000 characters passes few proxies.
MAX_LENGTH = 10_000
MAX_CLAUSES = 100
MAX_DEPTH = 20

Literal = str | bool | int | float | None


@dataclass(frozen=True)
class Comparison:
    """`name operator value`; the operator in lower case, the name as it was written."""

    name: str
    operator: str
    value: Literal


@dataclass(frozen=True)
class Present:
    """`name pr`."""

    name: str


@dataclass(frozen=True)
class And:
    """All of the operands."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """At least one of the operands."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """`not (operand)`."""

    operand: Expression


@dataclass(frozen=True)
class ElementFilter:
    """`name[operand]`: one element of a multi-valued attribute for which the operand is true.

    `emails[type eq "work"].value eq "x"` is the same as `emails[type eq "work" and value eq "x"]`.
    """

    name: str
    operand: Expression


Expression = Comparison | Present | And | Or | Not | ElementFilter


@dataclass(frozen=True)
class Path:
    """A PATCH path as it was written: `name`, `name[operand]` or `name[operand].sub_attribute`.

    Without an operand, a sub-attribute is part of the name: `name.givenName`.
    """

    name: str
    operand: Expression | None = None
    sub_attribute: str | None = None


_NAME_CHARACTER = r"[A-Za-z0-9$_.:/%~+-]"
_COMPARISON_TOKENS = frozenset({"EQ", "NE", "CO", "SW", "EW", "GT", "GE", "LT", "LE"})
_DEPTH_STEPS = {"LPAREN": 1, "LBRACKET": 1, "RPAREN": -1, "RBRACKET": -1}
# Providers were once documented to send values without any.
_QUOTES = " (text values need double quotes)"


class _Lexer(SCIMLexer):  # type: ignore[misc]  # sly and what is built on it are untyped
    """The lexer with whole JSON literals, and an attribute path with its URN as one token.

    In one token, the dots and colons of a URN are no concern of the parser: `2.0:User` has both.
    """

    tokens = SCIMLexer.tokens
    ignore = " \t\r\n"
    ATTRNAME = rf"[A-Za-z$]{_NAME_CHARACTER}*"
    SCHEMA_URI = r"(?!)"  # never matches: the URN is in ATTRNAME
    TRUE = rf"(?i:true)(?!{_NAME_CHARACTER})"
    FALSE = rf"(?i:false)(?!{_NAME_CHARACTER})"
    NULL = rf"(?i:null)(?!{_NAME_CHARACTER})"
    NUMBER = rf"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?!{_NAME_CHARACTER})"
    COMP_VALUE = r'"(?:[^"\\]|\\.)*"'

    def error(self, token: Any) -> None:
        raise _not_understood(token.value, token.index, _QUOTES)


class _Parser(SCIMParser):  # type: ignore[misc]  # sly and what is built on it are untyped
    """The parser with `and` before `or`, which share one level in the package.

    sly does not inherit grammar rules, so they are named again.
    """

    tokens = SCIMParser.tokens
    precedence = (("left", "OR"), ("left", "AND"), ("right", "NOT"))

    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    def error(self, token: Any) -> None:
        if token is None:
            raise invalid_filter("The expression ends too early.")
        raise _not_understood(str(token.value), token.index)


def parse(text: str) -> Expression:
    """Read a filter.

    Raises:
        ScimError: 400 `invalidFilter`, with a detail that says what is wrong and where.
    """
    return _expression(_syntax_tree(text))


def parse_path(text: str) -> Path:
    """Read the path of a PATCH operation: RFC 7644 section 3.5.2, figure 7.

    Raises:
        ScimError: 400 `invalidFilter`, with a detail that says what is wrong and where.
    """
    if not text.strip():
        raise invalid_filter("The path is empty.")
    # The package's grammar has no rule for a path alone. It is what may stand before an operator.
    tree = _syntax_tree(f"{text} pr").expr
    if not isinstance(tree, ast.AttrExpr):
        raise invalid_filter(f"{quoted(text)} is not a path.")
    target = tree.attr_path.attr_name
    if isinstance(target, str):
        return Path(target)
    sub_attribute = target.namespace.sub_attr
    return Path(
        _element_name(target),
        _expression(target.expr),
        sub_attribute.value if sub_attribute else None,
    )


def _syntax_tree(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise invalid_filter(f"The expression is longer than {MAX_LENGTH} characters.")
    # A lexer and a parser keep state, so each text gets its own.
    return _Parser().parse(_tokens(text))


def _tokens(text: str) -> Iterator[Any]:
    """The tokens of a filter, literals as Python values, within bounds that keep the stack safe."""
    previous = ""
    clauses = depth = 0
    for token in _Lexer().tokenize(text):
        _check_place(token, previous, text)
        if token.type in _LITERALS:
            # From the text, since the package's lexer strips quotes, escaped ones too.
            token.value = _LITERALS[token.type](text[token.index : token.end])
        clauses += token.type == "PR" or token.type in _COMPARISON_TOKENS
        depth += _DEPTH_STEPS.get(token.type, 0)
        if clauses > MAX_CLAUSES:
            raise invalid_filter(f"The expression has more than {MAX_CLAUSES} comparisons.")
        if depth > MAX_DEPTH:
            raise invalid_filter(f"The expression is nested more than {MAX_DEPTH} levels deep.")
        previous = token.type
        yield token


def _check_place(token: Any, previous: str, text: str) -> None:
    """Refuse what the parser would take wrongly; explain the commonest mistakes better."""
    rest = text[token.index :]
    if token.type == "SUBATTR" and previous != "RBRACKET":
        raise _not_understood(rest, token.index)  # `emails .type`, the half of which it loses
    if token.type != "ATTRNAME":
        return
    if previous in _COMPARISON_TOKENS:
        raise _not_understood(rest, token.index, _QUOTES)
    if previous in {"ATTRNAME", "SUBATTR", "RBRACKET"}:
        raise invalid_filter(f"The operator {quoted(token.value)} is not supported.")


def string_literal(text: str) -> str:
    """Return the value of a JSON string.

    Raises:
        ScimError: 400 `invalidFilter`.
    """
    try:
        value: str = json.loads(text, strict=False)
        value.encode()  # refuses lone surrogates
    except ValueError:
        raise invalid_filter(f"{quoted(text)} is not a JSON string.") from None
    if "\0" in value:  # PostgreSQL cannot take it, and no value has it
        raise invalid_filter(f"{quoted(text)} has a NUL character.")
    return value


def _number(text: str) -> int | float:
    try:
        value: int | float = json.loads(text)
        if math.isfinite(value):
            return value
    except (ValueError, OverflowError):
        pass
    raise invalid_filter(f"{quoted(text)} is too large a number.")


_LITERALS: dict[str, Callable[[str], Literal]] = {
    "COMP_VALUE": string_literal,
    "NUMBER": _number,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "NULL": lambda _: None,
}


def quoted(text: str, limit: int = 60) -> str:
    """Part of the filter for an error detail."""
    return f"“{text[:limit]}…”" if len(text) > limit else f"“{text}”"


def _not_understood(rest: str, index: int, hint: str = "") -> ScimError:
    """For an expression that goes wrong at this index, where this rest of it begins."""
    word = re.match(r"[\s\S][^\s()\[\]]*", rest)
    place = f"{quoted(word[0] if word else rest)} at character {index + 1}"
    return invalid_filter(f"The expression is not understood from {place}{hint}.")


def _expression(node: Any) -> Expression:
    """The package's syntax tree as an expression."""
    if isinstance(node, ast.LogExpr):
        return _logical(node)
    if isinstance(node, ast.AttrExpr):
        return _attribute_expression(node)
    if node.negated:
        return Not(_expression(node.expr))
    if node.namespace is not None:
        return ElementFilter(_element_name(node), _expression(node.expr))
    return _expression(node.expr)


def _logical(node: Any) -> Expression:
    """`a and b and c` as one And: the package nests to the left, as deep as there are clauses."""
    word = node.op.lower()
    operands: list[Expression] = []
    while isinstance(node, ast.LogExpr) and node.op.lower() == word:
        operands.append(_expression(node.expr2))
        node = _unwrapped(node.expr1)
    operands.append(_expression(node))
    return (And if word == "and" else Or)(tuple(reversed(operands)))


def _unwrapped(node: Any) -> Any:
    """The node inside filters that add nothing."""
    while isinstance(node, ast.Filter) and not node.negated and node.namespace is None:
        node = node.expr
    return node


def _attribute_expression(node: Any) -> Expression:
    target = node.attr_path.attr_name
    if isinstance(target, str):
        return _comparison(target, node)
    sub_attribute = target.namespace.sub_attr
    if sub_attribute is None:
        raise invalid_filter(f"A sub-attribute is missing after {_element_name(target)}[…].")
    # The element's own filter and the comparison are of the same element.
    condition = And((_expression(target.expr), _comparison(sub_attribute.value, node)))
    return ElementFilter(_element_name(target), condition)


def _comparison(name: str, node: Any) -> Comparison | Present:
    if node.comp_value is None:
        return Present(name)
    return Comparison(name, node.value.lower(), node.comp_value.value)


def _element_name(node: Any) -> str:
    name = node.namespace.attr_name
    if not isinstance(name, str):
        raise invalid_filter("A filter in brackets cannot be inside or after another one.")
    return name
