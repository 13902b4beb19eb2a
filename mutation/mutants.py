"""The mutants of a module: its functions, each with one small change."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from types import CodeType
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import deep_replace
from mutmut.mutation.mutators import mutation_operators

# What these contain runs when the module is imported, which forks do not do again.
RUNS_AT_IMPORT = cst.Annotation | cst.Decorator | cst.Parameters
STATEMENT = cst.SimpleStatementLine | cst.BaseCompoundStatement
FUNCTION = cst.FunctionDef | cst.Lambda
# Functions have this flag, and the bodies of classes do not.
CO_OPTIMIZED = 1

Found = Iterator[tuple[cst.CSTNode, cst.CSTNode, range]]


@dataclass(frozen=True)
class Mutant:
    """One change in a module.

    Args:
        path: The module.
        lines: The lines from the start of the changed statement to the change.
        texts: The changed function or its class, before and after.
        functions: The code of the changed functions, before and after.
    """

    path: Path
    lines: range
    texts: tuple[str, str]
    functions: list[tuple[CodeType, CodeType]]

    def __str__(self) -> str:
        before, after = (text.splitlines() for text in self.texts)
        diff = unified_diff(before, after, n=0, lineterm="")
        changed = [line for line in diff if line.startswith(("-  ", "+  "))]
        return "\n".join([f"{self.path.relative_to(Path.cwd())}:{self.lines[-1]}", *changed])


def mutants_of(path: Path, share: float) -> Iterator[Mutant]:
    """Make the mutants of a module, or a share of them: the same ones each time."""
    source = path.read_text()
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    module, positions = wrapper.module, wrapper.resolve(PositionProvider)
    line = sum(module.code_for_node(empty).count("\n") for empty in module.header)
    for statement in module.body:
        before = module.code_for_node(statement)
        for node, mutation, lines in _found(statement, None, positions):
            name = path.name + source.splitlines()[lines[-1] - 1] + module.code_for_node(mutation)
            if zlib.crc32(name.encode()) < share * 2**32:
                changed = cast(cst.CSTNode, deep_replace(statement, node, mutation))
                after = module.code_for_node(changed)
                codes = (compile("\n" * line + text, path, "exec") for text in (before, after))
                if functions := _changed(*codes):
                    yield Mutant(path, lines, (before, after), functions)
        line += before.count("\n")


def _found(
    node: cst.CSTNode, start: int | None, positions: Mapping[cst.CSTNode, CodeRange]
) -> Found:
    """Yield what can be changed and how, with the lines from the start of its statement."""
    if isinstance(node, RUNS_AT_IMPORT):
        return
    if isinstance(node, FUNCTION) or (start and isinstance(node, STATEMENT)):
        start = positions[node].start.line
    if start is not None:
        lines = range(start, positions[node].start.line + 1)
        for mutation in _mutations(node):
            if _is_useful(node, mutation):
                yield node, mutation, lines
    for child in node.children:
        yield from _found(child, start, positions)


def _mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Apply mutmut's operators, and two that it lacks: negate a condition, delete a call."""
    if isinstance(node, cst.If | cst.CompIf):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield cst.Pass()
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _is_useful(node: cst.CSTNode, mutation: cst.CSTNode) -> bool:
    """Return False for another text for people, a call that always fails, a double negation."""
    match node, mutation:
        case cst.SimpleString(value=text), cst.SimpleString(value=other):
            return " " not in text and "XX" in other
        case cst.Call(func=cst.Name(value="cast" | "isinstance" | "len")), _:
            return False
        case cst.Call(args=arguments), cst.Call(args=others):
            return len(arguments) == len(others) or any(each.keyword for each in arguments)
        case cst.If(test=cst.Comparison() | cst.UnaryOperation()), cst.If():
            return False
    return True


def _changed(before: CodeType, after: CodeType) -> list[tuple[CodeType, CodeType]]:
    """Return the functions that differ, or none if what runs at import differs.

    Those inside of them are among them, because decorators have run and left some.
    """
    old, new = list(_functions(before)), list(_functions(after))
    pairs = zip(old, new, strict=True) if len(old) == len(new) else ()
    found = [(f, g) for f, g in pairs if f != g and f.co_freevars == g.co_freevars]
    return found + [inner for f, g in found for inner in _changed(f, g)]


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the functions of a module and its classes, without those inside of others."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            is_function = constant.co_flags & CO_OPTIMIZED
            yield from (constant,) if is_function else _functions(constant)
