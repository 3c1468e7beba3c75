"""Find log calls that put values into the message. Such a message cannot be searched or redacted; fields can."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.checks.source import Finding, Source

LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "msg"})


def composed_messages(source: Source) -> Iterator[Finding]:
    """Yield log calls with an argument that is composed with an f-string, `%`, `+` or `.format`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _is_log_call(node.func):
            given = (*node.args, *(word.value for word in node.keywords))
            if any(_is_composed(each) for each in given):
                yield source.at(node, "a log call passes values as fields, not inside a text")


def _is_log_call(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr in LEVELS and "log" in ast.unparse(function.value)


def _is_composed(value: ast.expr) -> bool:
    match value:
        case ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Mod() | ast.Add(), right=right):
            return any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (left, right))
        case ast.Call(func=ast.Attribute(value=text, attr="format")):
            return _is_text(text)
        case _:
            return False


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
