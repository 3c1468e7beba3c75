"""The input of checks (a source text with its syntax tree) and their output (findings)."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.kit.run.project import ROOT

UNTRACKED: Final = frozenset({".git", ".venv", "var", "build", "dist", "site", "__pycache__", ".hypothesis"})
"""Folders that do not belong to the project's text. Tool caches begin with a dot and end in `cache`."""


@dataclass(frozen=True)
class Finding:
    """One violation of a rule."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """Return the finding in a form that editors can open."""
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Source:
    """One text of the project. `path` is relative to the project's folder, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree of a Python text."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines of the text."""
        return self.text.splitlines()

    def at(self, node: ast.AST, what: str) -> Finding:
        """Return a finding at the line of `node`."""
        return self.at_line(getattr(node, "lineno", 1), what)

    def at_line(self, line: int, what: str) -> Finding:
        """Return a finding in a line, which is counted from 1."""
        return Finding(self.path, line, what)


@dataclass(frozen=True)
class Check:
    """A rule: its name, the texts to which it applies, and the function that checks it."""

    name: str
    applies: Callable[[str], bool]
    find: Callable[[Source], Iterable[Finding]]


def texts(root: Path = ROOT) -> Iterator[Source]:
    """Yield every text file of the project below `root`, in order of path."""
    for path in sorted(_files(root)):
        try:
            yield Source(path.relative_to(root).as_posix(), path.read_text("utf-8"))
        except UnicodeDecodeError:
            continue  # an image or a font


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not _is_untracked(name)]
        yield from (Path(folder, name) for name in names if not _is_untracked(name))


def _is_untracked(part: str) -> bool:
    is_cache = part.startswith(".") and part.endswith("cache")
    return part in UNTRACKED or is_cache or part.endswith(".egg-info")


def run(check: Check, sources: Iterable[Source]) -> list[Finding]:
    """Return the findings of `check` in those `sources` to which it applies."""
    return [finding for source in sources if check.applies(source.path) for finding in check.find(source)]
