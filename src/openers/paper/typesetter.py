"""The typesetter: convert documents to tagged PDF with Typst, in one thread with one warm compiler for each template.

`openers.bootstrap` wires it. A template receives its data as one JSON value, so document texts are never markup. Typst
releases the interpreter lock, so the event loop continues. With one thread, documents use one processor at most. Typst
is imported with the first document, so that the service starts quickly.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from openers.domain.advice import MessageText
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.paper.legible import legible, spelled_out
from openers.paper.message_text import as_plain
from openers.usecases.ports.paper import Document

if TYPE_CHECKING:
    import typst

STANDARD: Final = "ua-1"
"""PDF/UA-1: Typst refuses documents that break the rules that it checks."""
MOST_WAITING: Final = 256
"""Maximum waiting documents; further callers are asked to retry later."""
_Json = str | bool | None | list["_Json"] | dict[str, "_Json"]
_NAME_PARTS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class TypstTypesetter:
    """The `Typesetter` port. One for a process."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        """Create the thread pool; nothing is started yet."""
        self._most_waiting = most_waiting
        self._thread = ThreadPoolExecutor(1, "typesetter")
        self._press: _Press | None = None
        self._waiting = 0

    async def pdf(self, document: Document, made: Instant) -> bytes:
        """Return the document as a tagged PDF with an instant as its creation time.

        Raises Unavailable if too many documents wait, or if Typst is not installed.
        """
        if self._waiting >= self._most_waiting:
            raise Unavailable("typesetter")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._set, document, made)
        finally:
            self._waiting -= 1

    def _set(self, document: Document, made: Instant) -> bytes:
        """Make the PDF, in the thread."""
        if self._press is None:
            self._press = _Press()
        return self._press.printed(document, made)


class _Press:
    """Fonts and compilers, created once. Used by one thread at a time."""

    def __init__(self) -> None:
        try:
            import typst
        except ImportError as error:
            raise Unavailable("typesetter: install openers[documents]") from error
        self._typst = typst
        here = Path(__file__).parent
        self._templates = here / "templates"
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(here / "fonts")]
        )
        self._compilers: dict[str, typst.Compiler] = {}

    def printed(self, document: Document, made: Instant) -> bytes:
        """Return the document as PDF."""
        says: _Json = msgspec.json.decode(msgspec.json.encode(document, enc_hook=_as_text))
        try:
            return self._compiled(type(document), _with_texts(says, legible), made)
        except self._typst.TypstError:  # no single font has all signs of a cluster, which only shaping detects
            return self._compiled(type(document), _with_texts(says, spelled_out), made)

    def _compiled(self, kind: type[Document], says: _Json, made: Instant) -> bytes:
        inputs = {"data": msgspec.json.encode(says).decode()}
        pdf = self._compiler(kind).compile(
            format="pdf", sys_inputs=inputs, pdf_standards=STANDARD, timestamp=made.replace(microsecond=0)
        )
        if not isinstance(pdf, bytes):
            raise TypeError(f"Typst gave {type(pdf).__name__}, not one PDF")
        return pdf

    def _compiler(self, kind: type[Document]) -> typst.Compiler:
        name = _NAME_PARTS.sub("_", kind.__name__).lower()
        if name not in self._compilers:
            self._compilers[name] = self._typst.Compiler(
                str(self._templates / f"{name}.typ"),
                root=str(self._templates),
                font_paths=self._fonts,
                ignore_system_fonts=True,
            )
        return self._compilers[name]


def _as_text(value: object) -> str:
    """Return the printed form of a special text type."""
    if isinstance(value, MessageText):
        return as_plain(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be printed in a document")


def _with_texts(value: _Json, change: Callable[[str], str]) -> _Json:
    """Return a JSON value with each of its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _with_texts(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each, change) for each in value]
    return value
