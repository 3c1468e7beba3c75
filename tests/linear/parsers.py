"""Find every use of a parser in the packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.linear.patterns import trees

NAMES: Final = frozenset(
    {
        *("parse_qsl", "parse_qs", "urlsplit", "unquote", "unquote_plus", "fromisoformat", "strptime", "ZipFile"),
        *("HTMLParser", "clean", "decode_header", "b64decode", "urlsafe_b64decode", "guess", "loads", "Decoder"),
        *("extract_compact", "SequenceMatcher", "DictReader", "parse_any"),
    }
)
"""Functions and classes that parse text, of any module."""


def uses() -> Iterator[str]:
    """Yield every use of a parser in the packages: the file and the function that is called."""
    for path, tree in trees():
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            of = getattr(getattr(called, "value", None), "attr", "")
            if name in NAMES or (name, of) == ("decode", "json"):
                yield f"{path}: {name}"
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") in NAMES for base in node.bases):
                yield f"{path}: {node.name}"
