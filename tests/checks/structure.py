"""The structure of the tree: no modules import each other in a circle, and no folder holds more than a reader surveys.

Imports under `TYPE_CHECKING` count: a reader has to understand those modules together all the same.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from tests.checks.source import Finding, Source

MODULES: Final = 20
"""How many modules a folder of `src` may hold, its `__init__` not counted."""
MODULES_BY_FOLDER: Final[Mapping[str, int]] = {"src/openers/domain": 35, "src/openers/usecases/*": 16}
"""Folders with another limit; `/*` stands for each folder below."""
UNBOUNDED: Final = ("src/openers/api/operations", "src/openers/store/migrations/versions")
"""Folders with one module for each operation or migration."""


def circles(sources: Iterable[Source]) -> Iterator[Finding]:
    """Modules that import each other, directly or through others. One circle is found at a time."""
    modules = {_module(source.path): source for source in sources if _is_module(source.path)}
    try:
        TopologicalSorter({name: set(_imported(source.tree, modules)) for name, source in modules.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        what = f"these modules import each other in a circle: {' <- '.join(circle)}"
        yield Finding(modules[circle[0]].path, 1, what)


def crowded(sources: Iterable[Source]) -> Iterator[Finding]:
    """Folders of `src` that hold more modules than a reader surveys."""
    paths = [source.path for source in sources if _is_module(source.path)]
    held = Counter(path.rpartition("/")[0] for path in paths if not path.endswith("/__init__.py"))
    for folder, count in sorted(held.items()):
        most = _most(folder)
        if most is not None and count > most:
            yield Finding(folder, 1, f"{count} modules: at most {most} in this folder")


def _most(folder: str) -> int | None:
    """How many modules the folder may hold; `None` for any number."""
    if folder in UNBOUNDED:
        return None
    parent = folder.rpartition("/")[0]
    return MODULES_BY_FOLDER.get(folder) or MODULES_BY_FOLDER.get(f"{parent}/*") or MODULES


def _is_module(path: str) -> bool:
    return path.startswith("src/") and path.endswith(".py")


def _module(path: str) -> str:
    """The dotted name of the module at `path`."""
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _imported(tree: ast.Module, modules: Mapping[str, Source]) -> Iterator[str]:
    """The modules of the project that a module imports. A package counts where a name of its own is imported."""
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
