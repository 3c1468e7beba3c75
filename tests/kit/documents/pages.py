"""Read PDFs with independent libraries: their text in reading order, tags and metadata."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject


def text_of(pdf: bytes) -> str:
    """Return all text in the order of the file, page by page, with each run of white space as one space."""
    pages = [str(page.get_textpage().get_text_range()) for page in _opened(pdf)]
    return " ".join(" ".join(pages).split())


def overhang(pdf: bytes) -> float:
    """Return the right edge of the rightmost character of any page, as a share of the page's width."""
    widest = 0.0
    for page in _opened(pdf):
        text = page.get_textpage()
        for number in range(text.count_chars()):
            widest = max(widest, text.get_charbox(number)[2] / page.get_width())
    return widest


def _opened(pdf: bytes) -> Any:
    """Open the pages with a library that has no type annotations."""
    return import_module("pypdfium2").PdfDocument(pdf)


def squeezed(text: str) -> str:
    """Remove all white space, because line breaks within long words add or remove some."""
    return "".join(text.split())


def page_count(pdf: bytes) -> int:
    """Return the number of pages."""
    return len(PdfReader(io.BytesIO(pdf)).pages)


def root_of(pdf: bytes) -> dict[str, Any]:
    """Return the document catalogue."""
    return cast("dict[str, Any]", PdfReader(io.BytesIO(pdf)).trailer["/Root"].get_object())


def metadata_of(pdf: bytes) -> dict[str, str]:
    """Return the metadata: title, author, dates."""
    told = cast("dict[str, Any]", PdfReader(io.BytesIO(pdf)).metadata or {})
    return {name: str(value) for name, value in told.items()}


def tags_of(pdf: bytes) -> list[tuple[int, str]]:
    """Return the structure tree in reading order: depth and role of each element."""
    return list(_walk(root_of(pdf)["/StructTreeRoot"], 0))


def _walk(node: Any, depth: int) -> Iterator[tuple[int, str]]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, ArrayObject):
        for each in node:
            yield from _walk(each, depth)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            yield depth, str(node["/S"])[1:]
        yield from _walk(node.get("/K", ArrayObject()), depth + 1)
