"""Find code in the core that reads a clock, creates an id, names an HTTP status, or starts a background task."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from tests.checks.source import Finding, Source

CLOCKS_AND_IDS: Final = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "os.urandom",
        "time.gmtime",
        "time.localtime",
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid.uuid6",
        "uuid.uuid7",
    }
)
"""The world provides these. A measured duration (`time.perf_counter`, `time.monotonic`) uses no calendar time."""

STATUSES: Final = frozenset(int(status) for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST)
STARTERS: Final = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe"})


def clocks_and_ids(source: Source) -> Iterator[Finding]:
    """Yield references to a clock, to a source of ids, or to anything in `random`, under any imported name."""
    names = _imported(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            origin = _origin(node, names)
            if origin in CLOCKS_AND_IDS or origin.startswith("random."):
                yield source.at(node, f"{origin}: take it from the world (clock, wall, ids)")


def statuses(source: Source) -> Iterator[Finding]:
    """Yield HTTP error status numbers and imports of their names. `success=` and `refusal=` may contain a number."""
    excused = {id(word.value) for word in _keywords(source.tree) if word.arg in {"success", "refusal"}}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and _is_status(node.value) and id(node) not in excused:
            yield source.at(node, f"{node.value!r} is an HTTP status: raise an error of the domain")
        elif isinstance(node, ast.ImportFrom) and any(alias.name == "HTTPStatus" for alias in node.names):
            yield source.at(node, "HTTPStatus: raise an error of the domain")


def side_tasks(source: Source) -> Iterator[Finding]:
    """Yield calls that start a background task."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in STARTERS:
            yield source.at(node, f"{_last_name(node.func)}: only the edge and the due runner start tasks")


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in STATUSES


def _keywords(tree: ast.AST) -> Iterator[ast.keyword]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.keyword))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return the origin of each imported name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _origin(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full name of `node`, or an empty text if it is not imported."""
    match node:
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Attribute(value=value, attr=attribute):
            before = _origin(value, names)
            return f"{before}.{attribute}" if before else ""
        case _:
            return ""
