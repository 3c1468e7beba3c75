"""Make any text printable: a character without glyph is written as `[U+1F9FF]`, so no text is lost or refused.

The typesetter calls it for each text of a document. PDF/UA refuses a document with a single character without glyph or
meaning, and referrers may type any character. `coverage.tsv` lists the characters of the fonts (made by
`scripts/make_font_coverage.py`). The typesetter handles line breaking, shaping and direction.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of the following text, with which a text could be made to read differently."""
_UNSEEN: Final = _DIRECTIONS | frozenset("\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff")
"""Characters that are invisible and have no meaning on paper."""
LONGEST_CLUSTER_CACHED: Final = 16
"""Maximum characters of a cluster that is a cache key, since a caller may put any number of marks on a letter."""
_JOINERS: Final = frozenset("\u200c\u200d")
_LINE_ENDS: Final = str.maketrans(
    {"\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"}
)


def legible(text: str) -> str:
    """Return the printable text: composed, with `\\n` as line ends, without direction marks."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").translate(_LINE_ENDS))
    return "".join(map(_shown, _clusters(composed)))


def spelled_out(text: str) -> str:
    """Return the text in ASCII, for texts that the typesetter refuses although each character has a glyph."""
    return "".join(each if each.isascii() else _spelled(each) for each in text)


def _clusters(text: str) -> Iterator[str]:
    """Yield each character with its combining marks; a cluster is set in one font or not at all."""
    cluster = ""
    for character in text:
        if character in _UNSEEN:
            continue
        if cluster and cluster != "\n" and _joins(character):
            cluster += character
            continue
        if cluster:
            yield cluster
        cluster = "" if character in _JOINERS else character
    if cluster:
        yield cluster


def _joins(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character).startswith("M")


def _shown(cluster: str) -> str:
    return (_printable_cached if len(cluster) <= LONGEST_CLUSTER_CACHED else _printable)(cluster)


def _printable(cluster: str) -> str:
    if cluster == "\n":
        return cluster
    if cluster.isspace():
        return " "
    if _fonts_of(cluster):
        return cluster
    return "".join(each if _fonts_of(each) and not _joins(each) else _spelled(each) for each in cluster)


_printable_cached: Final = lru_cache(maxsize=4096)(_printable)


def _spelled(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        return ""
    return f"[U+{ord(character):04X}]"


def _fonts_of(cluster: str) -> int:
    """Return the fonts that have all characters of a cluster, one bit each."""
    fonts = -1
    for character in cluster:
        fonts &= _fonts_with(character)
    return fonts


@lru_cache(maxsize=8192)
def _fonts_with(character: str) -> int:
    if not character.isprintable() and character not in _JOINERS:
        return 0
    fonts = 0
    for number, (starts, ends) in enumerate(_coverage()):
        place = bisect_right(starts, ord(character)) - 1
        if place >= 0 and ord(character) <= ends[place]:
            fonts |= 1 << number
    return fonts


@cache
def _coverage() -> tuple[tuple[list[int], list[int]], ...]:
    """Return for each font the starts and ends of its ranges of characters."""
    lines = files("openers.paper").joinpath("coverage.tsv").read_text("utf-8").splitlines()
    return tuple(_ranges(line.partition("\t")[2]) for line in lines)


def _ranges(text: str) -> tuple[list[int], list[int]]:
    pairs = [each.split("-") for each in text.split(",")]
    return [int(first, 16) for first, _ in pairs], [int(last, 16) for _, last in pairs]
