"""Phrases that make a reader stop, per 1,000 words: a limit for each kind of text, in place of a verdict on a sentence.

A phrase is a hint that a sentence names a thing by a riddle ("what it is told") instead of by its noun. A sentence that
quotes the real service may have one; the limits leave room for that.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from tests.checks.source import Finding, Source

PHRASES: Final = re.compile(
    r"\bwhat (?:is|was|were|are|has|had|have|it|they|he|she|there|can|may|must|comes?|came|goes|became|falls|needs)\b"
    r"|\b(?:some|no|any)body\b|\bwhoever\b|\bwh(?:at|ich)ever\b"
    r"|\btold\b|\btells\b|\btell of\b|\bstands\b|\blies\b|\brests\b|\balone\b"
    r"|\b(?:is|are|was) no (?!such|longer)\w+|\b(?:has|have|had) none\b|\bso many\b|\bas many as\b",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]*")
CODE: Final = re.compile(r"`[^`\n]*`")
FENCE: Final = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
TAG: Final = re.compile(r"<[^>]*>|\{[%{#].*?[%}#]\}", re.DOTALL)
FEWEST_WORDS: Final = 5
"""A string with fewer words is a name or a key, not a sentence."""
SHOWN: Final = 12
"""How many places of a kind of text above its limit are shown."""

LIMITS: Final = {
    "README and tutorials": 1.0,
    "documents": 2.0,
    "pages": 1.0,
    "texts of the service": 1.0,
    "source": 2.0,
    "tests": 3.0,
}
"""Phrases per 1,000 words, by kind of text."""

Line = tuple[int, str]


def phrases(sources: Sequence[Source]) -> Iterator[Finding]:
    """Find the phrases of each kind of text that has more of them than its limit."""
    texts = defaultdict[str, list[tuple[Source, Line]]](list)
    for source in sources:
        for kind, line in _prose(source):
            texts[kind].append((source, line))
    for kind, limit in LIMITS.items():
        words = sum(len(WORD.findall(text)) for _, (_, text) in texts[kind])
        found = [
            source.at_line(number, f"{hit[0]!r}")
            for source, (number, text) in texts[kind]
            for hit in PHRASES.finditer(text)
        ]
        if len(found) * 1000 > limit * words:
            rate = len(found) * 1000 / words
            yield Finding(kind, 0, f"{rate:.1f} phrases in 1,000 words make a reader stop; at most {limit:g} may")
            yield from found[:SHOWN]


def _prose(source: Source) -> Iterator[tuple[str, Line]]:
    """The sentences of a text, with the kind that their limit goes by."""
    top, _, rest = source.path.partition("/")
    if source.path.endswith(".md"):
        is_first = source.path == "README.md" or rest.startswith("tutorial/")
        kind = "README and tutorials" if is_first else "documents"
        yield from ((kind, line) for line in _markdown(source.text))
    elif source.path.endswith(".html") and top == "src":
        yield from (("pages", line) for line in _numbered(TAG.sub(_blank, source.text)))
    elif source.path.endswith(".py"):
        kind = "tests" if top == "tests" else "source"
        yield from ((kind, line) for line in chain(_docstrings(source.tree), _comments(source.text)))
        if top == "src":
            yield from (("texts of the service", line) for line in _strings(source.tree))


def _markdown(text: str) -> Iterator[Line]:
    return _numbered(CODE.sub(" x ", FENCE.sub(_blank, text)))


def _blank(found: re.Match[str]) -> str:
    """Nothing but the line breaks of what was found, so that lines keep their numbers."""
    return "\n" * found[0].count("\n") or " "


def _numbered(text: str) -> Iterator[Line]:
    return enumerate(text.splitlines(), start=1)


def _docstrings(tree: ast.Module) -> Iterator[Line]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, CODE.sub(" x ", node.value.value)


def _comments(text: str) -> Iterator[Line]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], CODE.sub(" x ", token.string)


def _strings(tree: ast.Module) -> Iterator[Line]:
    """The sentences that the service says: strings, docstrings left out."""
    described = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in described:
            continue
        if len(WORD.findall(node.value)) >= FEWEST_WORDS:
            yield node.lineno, CODE.sub(" x ", node.value)
