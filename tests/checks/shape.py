"""Check the shape of the code: size of files and functions, number of parameters, docstrings and return types."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final, TypeAlias

from tests.checks.source import Finding, Source

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 60
PARAMETERS: Final = 5
SILENCERS: Final = re.compile(
    r"#\s*(?:type:\s*ignore|pyright:\s*ignore|noqa|ruff:\s*noqa)(?::?\s*[A-Z]+\d+|\[[^\]]*\]|[,:\s]+[A-Z]+\d+)*"
)
COMMAND_MAKERS: Final = frozenset({"command", "callback"})
DECLARATIONS: Final = frozenset({"operation"})
"""Functions whose keyword arguments are the fields of a declaration (`openers.api.registry`)."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def sizes(source: Source) -> Iterator[Finding]:
    """Yield files, functions and parameter lists that are too long. Options of a command do not count as parameters."""
    if len(source.lines) > FILE_LINES:
        yield Finding(source.path, FILE_LINES, f"{len(source.lines)} lines: at most {FILE_LINES} in a file")
    for function in _functions(source.tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            yield source.at(function, f"{function.name} has {length} lines: at most {FUNCTION_LINES}")
        width = len(_parameters(function))
        if width > PARAMETERS and not _is_command(function) and function.name not in DECLARATIONS:
            yield source.at(function, f"{function.name} has {width} parameters: at most {PARAMETERS}")


def docstrings(source: Source) -> Iterator[Finding]:
    """Yield public modules, classes, functions and methods without a docstring.

    In a module of tests, only the module itself needs a docstring, because the names of tests describe them.
    """
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "the module has no docstring")
    if not source.path.rpartition("/")[2].startswith("test_"):
        yield from _undocumented(source, source.tree)


def return_types(source: Source) -> Iterator[Finding]:
    """Yield functions without a return type."""
    for function in _functions(source.tree):
        if function.returns is None:
            yield source.at(function, f"{function.name} declares no return type")


def silencers(source: Source) -> Iterator[Finding]:
    """Yield comments that silence a tool without a reason in the same comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        silenced = SILENCERS.search(token.string)
        if silenced and len(token.string[silenced.end() :].strip(" #-:")) < len("a reason"):
            yield Finding(source.path, token.start[0], "a silenced finding needs its reason in the same comment")


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _parameters(function: Function) -> list[ast.arg]:
    given = function.args
    everything = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [each for each in everything if each.arg not in {"self", "cls"}]


def _is_command(function: Function) -> bool:
    made_by = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return any(isinstance(each, ast.Attribute) and each.attr in COMMAND_MAKERS for each in made_by)


def _undocumented(source: Source, parent: ast.Module | ast.ClassDef) -> Iterator[Finding]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or _is_overload(node):
            continue
        if not ast.get_docstring(node):
            yield source.at(node, f"{node.name} has no docstring")
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(source, node)


def _is_overload(node: ast.ClassDef | Function) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)
