"""Find every regular expression of the packages, with its place and the methods called on it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

SOURCE: Final = Path(__file__).parents[2] / "src"
METHODS: Final = frozenset({"match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn"})
"""Methods of a pattern that read text."""


class Site(NamedTuple):
    """A regular expression: where it is made, and which methods the code calls on it.

    `pattern` is None if it depends on values known only at run time.
    """

    name: str
    pattern: re.Pattern[str] | None
    methods: frozenset[str]

    def readers(self) -> list[Callable[[str], object]]:
        """Return the calls that the code makes on the pattern."""
        pattern = self.pattern
        assert pattern is not None, self.name
        return [_reader(pattern, method) for method in sorted(self.methods)]


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Yield the syntax tree of each file of the packages, with its path below `src`."""
    for file in sorted(SOURCE.rglob("*.py")):
        yield file.relative_to(SOURCE).as_posix(), ast.parse(file.read_text("utf-8"))


@cache
def sites() -> tuple[Site, ...]:
    """Return every regular expression of the packages."""
    asked = _asked()
    found: list[Site] = []
    for path, tree in trees():
        for site in _sites_of(path, tree, asked):
            twins = sum(each.name.partition(" #")[0] == site.name for each in found)
            found.append(site._replace(name=f"{site.name} #{twins + 1}") if twins else site)
    return tuple(found)


def _asked() -> dict[str, frozenset[str]]:
    """Return the methods called on each name, anywhere in the packages."""
    found: dict[str, set[str]] = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                found.setdefault(_last_name(node.value), set()).add(node.attr)
    return {name: frozenset(methods) for name, methods in found.items()}


def _sites_of(path: str, tree: ast.Module, asked: dict[str, frozenset[str]]) -> Iterator[Site]:
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    for names, call in _calls(tree, ()):
        called, name = _last_name(call.func), names[-1] if names else ""
        place = f"{path}: {'.'.join(names)}"
        if called == "compile" and _is_of_re(call.func):
            yield Site(place, _compiled(module, call), asked.get(name, METHODS))
        elif called in METHODS and _is_of_re(call.func):
            texts = 2 if called in {"sub", "subn"} else 1
            yield Site(place, _compiled(module, call, texts), frozenset({called}))
        elif called == "Meta":
            for keyword in call.keywords:
                if keyword.arg == "pattern":
                    yield Site(place, re.compile(_value(module, keyword.value)), frozenset({"search"}))


def _calls(node: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ast.Call]]:
    """Yield all calls below a node, with the names of the enclosing classes, functions and assigned variable."""
    for child in ast.iter_child_nodes(node):
        inner = (*names, *_named(child))
        if isinstance(child, ast.Call):
            yield inner, child
        yield from _calls(child, inner)


def _named(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return (name,)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
        case _:
            return ()


def _is_of_re(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _compiled(module: str, call: ast.Call, texts: int = 0) -> re.Pattern[str] | None:
    """Return the pattern of a call of `re`; `texts` is the number of arguments between pattern and flags."""
    arguments = [call.args[0], *call.args[1 + texts :]]
    try:
        values = [_value(module, each) for each in arguments]
    except NameError:
        return None
    return re.compile(*values)


def _value(module: str, expression: ast.expr) -> Any:
    """Evaluate an expression of a module. Raises NameError if it depends on a local variable."""
    code = compile(ast.Expression(expression), module, "eval")
    return eval(code, dict(vars(importlib.import_module(module))))


def _reader(pattern: Any, method: str) -> Callable[[str], object]:
    if isinstance(pattern.pattern, bytes):
        read = _reader(re.compile(pattern.pattern.decode("latin-1"), pattern.flags | re.ASCII), method)
        return lambda text: read(text.encode().decode("latin-1"))
    if method in {"sub", "subn"}:
        return lambda text: pattern.sub("", text)
    if method == "finditer":
        return lambda text: list(pattern.finditer(text))
    return cast("Callable[[str], object]", getattr(pattern, method))
