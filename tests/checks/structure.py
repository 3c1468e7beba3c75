"""Check the structure of the tree: no import cycles, no crowded folders, and no imports between test folders.

Imports under `TYPE_CHECKING` count, because a reader must understand those modules together.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from tests.checks.source import Finding, Source

MODULES: Final = 20
"""The maximum number of modules in a folder of `src` or `tests/kit`, without `__init__`."""
MODULES_BY_FOLDER: Final[Mapping[str, int]] = {"src/openers/domain": 35, "src/openers/usecases/*": 16}
"""Folders with another limit. `/*` stands for each folder below."""
UNBOUNDED: Final = ("src/openers/api/operations", "src/openers/store/migrations/versions")
"""Folders with one module for each operation or migration."""
FLOORS: Final = ("run", "web", "documents", "service", "store", "pas", "files", "referrals", "calls", "examples")
"""The folders of `tests/kit` from the lowest layer to the highest. A module imports its own layer and lower ones."""
WITHOUT_FOLDER: Final = ("tests/__init__.py", "tests/conftest.py", "tests/kit/__init__.py")
"""Modules outside the folders."""
_OF_TESTS: Final = re.compile(r"tests(\.\w+)+")


def circles(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield a finding if modules import each other, directly or through others. It reports one cycle at a time."""
    modules = {_module(source.path): source for source in sources if _is_module(source.path, "src/", "tests/")}
    try:
        TopologicalSorter({name: set(_imported(source.tree, modules)) for name, source in modules.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        what = f"these modules import each other in a circle: {' <- '.join(circle)}"
        yield Finding(modules[circle[0]].path, 1, what)


def crowded(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield folders of `src` and `tests/kit` with too many modules."""
    paths = [source.path for source in sources if _is_module(source.path, "src/", "tests/kit/")]
    held = Counter(path.rpartition("/")[0] for path in paths if not path.endswith("/__init__.py"))
    for folder, count in sorted(held.items()):
        most = _most(folder)
        if most is not None and count > most:
            yield Finding(folder, 1, f"{count} modules: at most {most} in this folder")


def borrowing(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield imports from another test folder, or from a higher layer of the kit.

    A module name in a string counts, as for a plugin. Modules outside the folders count too, because every test folder
    could import them.
    """
    for source in sources:
        if not _is_module(source.path, "tests/", "bench/", "scripts/"):
            continue
        if _is_homeless(source.path):
            yield Finding(source.path, 1, f"belongs in a folder of tests, or in one of tests/kit: {', '.join(FLOORS)}")
        own = source.path.removesuffix(".py").split("/")
        for node, name in _named_of_tests(source.tree):
            if what := _fault(own, name.split(".")):
                yield source.at(node, f"{name}: {what}")


TREE_CHECKS: Final = (circles, crowded, borrowing)
"""Every check that needs all texts together."""


def _is_homeless(path: str) -> bool:
    if path.startswith("tests/kit/"):
        return path not in WITHOUT_FOLDER and path.split("/")[2] not in FLOORS
    return path.startswith("tests/") and path.count("/") == 1 and path not in WITHOUT_FOLDER


def _named_of_tests(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield the names below `tests` that a module imports or contains as a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value]
        else:
            continue
        yield from ((node, name) for name in names if _OF_TESTS.fullmatch(name))


def _fault(own: list[str], named: list[str]) -> str:
    """Return the fault if the module with the parts `own` imports `named`, or an empty text."""
    if named[1] != "kit":
        return "" if own[:2] == named[:2] else "a folder of tests imports itself and tests.kit alone"
    is_above = own[:2] == ["tests", "kit"] and _floor(own) < _floor(named)
    return "a floor of tests/kit imports itself and lower ones alone" if is_above else ""


def _floor(parts: list[str]) -> int:
    """Return the layer of a module of the kit. A module outside the layers is above all of them."""
    return FLOORS.index(parts[2]) if len(parts) > 2 and parts[2] in FLOORS else len(FLOORS)


def _most(folder: str) -> int | None:
    """Return the maximum number of modules in the folder; `None` for no limit."""
    if folder in UNBOUNDED:
        return None
    parent = folder.rpartition("/")[0]
    return MODULES_BY_FOLDER.get(folder) or MODULES_BY_FOLDER.get(f"{parent}/*") or MODULES


def _is_module(path: str, *below: str) -> bool:
    return path.startswith(below) and path.endswith(".py")


def _module(path: str) -> str:
    """Return the dotted name of the module at `path`."""
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _imported(tree: ast.Module, modules: Mapping[str, Source]) -> Iterator[str]:
    """Yield the project's modules that a module imports. A package counts if one of its own names is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in modules:
                    yield inner
                elif node.module in modules:
                    yield node.module
