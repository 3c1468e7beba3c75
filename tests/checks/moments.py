"""Find tests that compare a time in microseconds with a stored one, which has milliseconds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.checks.source import Finding, Source

READ: Final = "datetime.now"


def uncut_instants(source: Source) -> Iterator[Finding]:
    """Yield comparisons with `datetime.now`, called directly or through a local name."""
    functions = [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield from _compared(source, source.tree, set())
    for function in functions:
        given = {name for node in ast.walk(function) if isinstance(node, ast.Assign) for name in _given(node)}
        yield from _compared(source, function, given)


def _compared(source: Source, scope: ast.AST, uncut: set[str]) -> Iterator[Finding]:
    """Yield the comparisons in `scope` that use the current time or one of these names."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Compare) and any(_is_uncut(part, uncut) for part in ast.walk(node)):
            yield source.at(node, f"{READ} is compared: take tests.kit.run.moments.now, which is cut to milliseconds")


def _given(node: ast.Assign) -> Iterator[str]:
    """Yield the names to which an assignment gives the current time in microseconds."""
    if any(_reads(part) for part in ast.walk(node.value)):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_uncut(node: ast.AST, names: set[str]) -> bool:
    return _reads(node) or (isinstance(node, ast.Name) and node.id in names)


def _reads(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == READ
