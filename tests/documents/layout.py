"""Measures the position of characters on a PDF's pages, to find overlapping characters and characters off the page."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, NamedTuple

_SAME_LINE: Final = 0.25
"""Largest distance between two baselines of one line, as a share of the type size."""
_LETTER: Final = (-0.05, 0.5)
"""Height of a line that every letter fills, in type sizes: from just below the baseline to the top of an `x`."""
_TOUCH_PT: Final = 0.75
"""How far letters of different lines may overlap, in points."""
_KERNED: Final = 0.6
"""Share of the narrower letter that its neighbour on the same line may cover."""


class Glyph(NamedTuple):
    """One printed character: its edges in points from the page's lower left corner, its baseline and type size."""

    page: int
    text: str
    left: float
    bottom: float
    right: float
    top: float
    baseline: float
    size: float


class Page(NamedTuple):
    """A page, in points, with the characters printed on it."""

    width: float
    height: float
    glyphs: list[Glyph]


def pages_of(pdf: bytes) -> list[Page]:
    """Return the pages with every visible character; a mark above or below a letter counts as part of the letter."""
    raw = import_module("pypdfium2.raw")
    document = import_module("pypdfium2").PdfDocument(pdf)
    try:
        return [
            Page(page.get_width(), page.get_height(), list(_glyphs(page.get_textpage(), raw, number)))
            for number, page in enumerate(document, 1)
        ]
    finally:
        document.close()


def _glyphs(text: Any, raw: Any, page: int) -> Iterator[Glyph]:
    last = None
    for number in range(text.count_chars()):
        sign = chr(raw.FPDFText_GetUnicode(text, number))
        if raw.FPDFText_IsGenerated(text, number) == 1 or sign.isspace() or unicodedata.category(sign)[0] in "MC":
            continue
        x, y = ctypes.c_double(), ctypes.c_double()
        raw.FPDFText_GetCharOrigin(text, number, x, y)
        box = text.get_charbox(number)
        if (x.value, y.value, box) == last or box[0] == box[2]:  # one glyph for several characters
            continue
        last = (x.value, y.value, box)
        left, bottom, right, top = box
        yield Glyph(page, sign, left, bottom, right, top, y.value, raw.FPDFText_GetFontSize(text, number))


def overprinted(pdf: bytes) -> list[str]:
    """Return a description of each pair of characters that overlap; empty if all can be read."""
    found: list[str] = []
    for page in pages_of(pdf):
        glyphs = sorted(page.glyphs, key=lambda glyph: glyph.left)
        open_: list[Glyph] = []
        for glyph in glyphs:
            open_ = [other for other in open_ if other.right > glyph.left]
            found += [_words(other, glyph) for other in open_ if _collide(other, glyph)]
            open_.append(glyph)
    return found


def off_the_page(pdf: bytes, margin_pt: float = 20.0) -> list[str]:
    """Return a description of each character nearer to the edge of its page than `margin_pt` points."""
    return [
        f"{glyph.text!r} on page {glyph.page} at {glyph.left:.0f},{glyph.bottom:.0f}"
        for page in pages_of(pdf)
        for glyph in page.glyphs
        if min(glyph.left, glyph.bottom, page.width - glyph.right, page.height - glyph.top) < margin_pt
    ]


def _collide(one: Glyph, two: Glyph) -> bool:
    across = min(one.right, two.right) - max(one.left, two.left)
    if abs(one.baseline - two.baseline) < _SAME_LINE * max(one.size, two.size):
        upright = min(one.top, two.top) - max(one.bottom, two.bottom)  # some letters are stacked
        return upright > _TOUCH_PT and across > max(
            _TOUCH_PT, _KERNED * min(one.right - one.left, two.right - two.left)
        )
    low, high = (
        (glyph.baseline + _LETTER[0] * glyph.size, glyph.baseline + _LETTER[1] * glyph.size) for glyph in (one, two)
    )
    return across > _TOUCH_PT and min(low[1], high[1]) - max(low[0], high[0]) > _TOUCH_PT


def _words(one: Glyph, two: Glyph) -> str:
    return f"{one.text!r} and {two.text!r} on page {one.page} at {two.left:.0f},{two.baseline:.0f}"
