"""Parse SCIM filters into a tree (RFC 7644 section 3.4.2.2).

The lexer and parser of scim2-filter-parser are used through subclasses that correct their errors.
Their syntax tree is converted into the dataclasses below. Their query builders are not used. Trees
are evaluated by `scim.matching` for values in memory, and by `sql.filtering` for database rows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser

from tiled_scim.errors import ScimError, invalid_filter
from tiled_scim.scim.numbers import as_float

# Limits for one request, far above what providers send: a lookup has one or two comparisons, and
# few proxies accept a URL of 10,000 characters.
MAX_LENGTH = 10_000
MAX_CLAUSES = 100
MAX_DEPTH = 20

Literal = str | bool | int | float | None


@dataclass(frozen=True)
class Comparison:
    """`name operator value`, with the operator in lower case and the name as it was written."""

    name: str
    operator: str
    value: Literal


@dataclass(frozen=True)
class Present:
    """`name pr`."""

    name: str


@dataclass(frozen=True)
class And:
    """True if all operands are true."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """True if at least one operand is true."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """`not (operand)`."""

    operand: Expression


@dataclass(frozen=True)
class ElementFilter:
    """`name[operand]`: true if the operand is true for one element of a multi-valued attribute.

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
# The paths that providers send, often thousands of them: `members[value eq "…"]`. The parser would
# take ten times as long.
_ONE_EQUALITY = re.compile(
    r'(?P<name>[A-Za-z]+)\[(?P<part>[A-Za-z]+) eq (?P<value>"(?:[^"\\]|\\.)*")\]'
    r"(?:\.(?P<sub>[A-Za-z]+))?"
)
# Some documentation of providers shows values without quotes.
_QUOTES = " (text values need double quotes)"


class _Lexer(SCIMLexer):  # type: ignore[misc]  # sly and its users are untyped
    """The lexer with complete JSON literals, and with an attribute path and its URN as one token.

    The parser cannot handle the dots and colons of a URN, such as in `2.0:User`.
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


class _Parser(SCIMParser):  # type: ignore[misc]  # sly and its users are untyped
    """The parser with a higher precedence of `and` than `or`, which are equal in the package.

    sly does not inherit grammar rules, so they are repeated.
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

    def __init__(self, incomplete: str, end: int) -> None:
        """Prepare for one text.

        Args:
            incomplete: The detail of the error if the text ends too early.
            end: The length of the text, without what is appended to it.
        """
        self.incomplete = incomplete
        self.end = end

    def error(self, token: Any) -> None:
        if token is None or token.index >= self.end:
            raise invalid_filter(self.incomplete)
        raise _not_understood(str(token.value), token.index)


def number_of_comparisons(expression: Expression) -> int:
    """Return how many comparisons a filter has."""
    match expression:
        case And(operands) | Or(operands):
            return sum(map(number_of_comparisons, operands))
        case Not(operand) | ElementFilter(_, operand):
            return number_of_comparisons(operand)
    return 1


@lru_cache(maxsize=16)
def parse(text: str) -> Expression:
    """Parse a filter. A request asks for its filter more than once.

    Raises:
        ScimError: 400 `invalidFilter`. The detail says what is wrong and where.
    """
    if not text.strip():
        raise invalid_filter("The filter is empty.")
    return _expression(_syntax_tree(text, "The expression is incomplete."))


def parse_path(text: str) -> Path:
    """Parse the path of a PATCH operation (RFC 7644 section 3.5.2, figure 7).

    Raises:
        ScimError: 400 `invalidFilter`. The detail says what is wrong and where.
    """
    if len(text) <= MAX_LENGTH and (match := _ONE_EQUALITY.fullmatch(text)):
        comparison = Comparison(match["part"], "eq", string_literal(match["value"]))
        return Path(match["name"], comparison, match["sub"])
    if not text.strip():
        raise invalid_filter("The path is empty.")
    # The package's grammar has no rule for a path, so the path is parsed as part of a filter.
    no_path = f"{quoted(text)} is not a path."
    tree = _syntax_tree(text, no_path, appended=" pr").expr
    if not isinstance(tree, ast.AttrExpr):
        raise invalid_filter(no_path)
    target = tree.attr_path.attr_name
    if isinstance(target, str):
        return Path(target)
    sub_attribute = target.namespace.sub_attr
    return Path(
        _element_name(target),
        _expression(target.expr),
        sub_attribute.value if sub_attribute else None,
    )


def _syntax_tree(text: str, incomplete: str, appended: str = "") -> Any:
    if len(text) > MAX_LENGTH:
        raise invalid_filter(f"The expression is longer than {MAX_LENGTH} characters.")
    # Lexers and parsers are stateful, so a new one is created for each text.
    return _Parser(incomplete, len(text)).parse(_tokens(text + appended))


def _tokens(text: str) -> Iterator[Any]:
    """Yield the tokens of a filter, with literals as Python values.

    Raises:
        ScimError: 400 `invalidFilter` for an invalid token, or an expression with too many
            comparisons or levels of nesting.
    """
    previous = ""
    clauses = depth = 0
    for token in _Lexer().tokenize(text):
        _check_token(token, previous, text)
        if token.type in _LITERALS:
            # Read from the text, because the package's lexer also strips escaped quotes.
            token.value = _LITERALS[token.type](text[token.index : token.end])
        clauses += token.type == "PR" or token.type in _COMPARISON_TOKENS
        depth += _DEPTH_STEPS.get(token.type, 0)
        if clauses > MAX_CLAUSES:
            raise invalid_filter(f"The expression has more than {MAX_CLAUSES} comparisons.")
        if depth > MAX_DEPTH:
            raise invalid_filter(f"The expression is nested more than {MAX_DEPTH} levels deep.")
        previous = token.type
        yield token


def _check_token(token: Any, previous: str, text: str) -> None:
    """Reject tokens that the parser would misinterpret, and explain common mistakes."""
    rest = text[token.index :]
    if token.type == "SUBATTR" and previous != "RBRACKET":
        raise _not_understood(rest, token.index)  # the parser would ignore part of `emails .type`
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
        value.encode()  # raises an error for lone surrogates
    except ValueError:
        raise invalid_filter(f"{quoted(text)} is not a JSON string.") from None
    if "\0" in value:  # PostgreSQL does not support it
        raise invalid_filter(f"{quoted(text)} contains a NUL character.")
    return value


def _number(text: str) -> int | float:
    try:
        value: int | float = json.loads(text)
    except ValueError:  # Python converts only so many digits
        value = math.inf
    if as_float(value) is not None:
        return value
    raise invalid_filter(f"{quoted(text)} is too large.")


_LITERALS: dict[str, Callable[[str], Literal]] = {
    "COMP_VALUE": string_literal,
    "NUMBER": _number,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "NULL": lambda _: None,
}


def quoted(text: str, limit: int = 60) -> str:
    """Quote a text for an error detail, shortened to the limit."""
    return f"“{text[:limit]}…”" if len(text) > limit else f"“{text}”"


def _not_understood(rest: str, index: int, hint: str = "") -> ScimError:
    """Return the error for an expression that is invalid from an index.

    Args:
        rest: The text from the index.
        index: The position of the error, from 0.
        hint: Text to append to the detail.
    """
    word = re.match(r"[\s\S][^\s()\[\]]*", rest)
    place = f"{quoted(word[0] if word else rest)} at character {index + 1}"
    return invalid_filter(f"The expression is invalid: unexpected {place}{hint}.")


def _expression(node: Any) -> Expression:
    """Convert a syntax tree of the package into an expression."""
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
    """Convert `a and b and c` into a single And. The package nests one level per operand."""
    word = node.op.lower()
    operands: list[Expression] = []
    while isinstance(node, ast.LogExpr) and node.op.lower() == word:
        operands.append(_expression(node.expr2))
        node = _unwrap(node.expr1)
    operands.append(_expression(node))
    return (And if word == "and" else Or)(tuple(reversed(operands)))


def _unwrap(node: Any) -> Any:
    """Remove filter nodes that have no effect."""
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
    # The filter in brackets and the comparison apply to the same element.
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
