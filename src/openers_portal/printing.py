"""Print a document with its signature as a tagged PDF (PDF/UA-1), by Typst of the extra `documents`."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any, Final

import msgspec

from openers_portal.rules.documents import Document, Signature
from openers_web.dates import moment_in_words

STANDARD: Final = "ua-1"
LAST_LATIN: Final = 0x17F
"""The last sign of which the fonts of Typst are sure to have a picture."""


class NoPrinter(Exception):
    """Typst is not installed."""


def printed(document: Document, partner: str, signature: Signature | None) -> bytes:
    """Return a document as PDF. It takes some tenths of a second: call it in a thread. Raises NoPrinter."""
    try:
        import typst
    except ImportError as error:
        raise NoPrinter from error
    told: dict[str, Any] = {
        "title": document.title,
        "version": document.version,
        "purpose": document.purpose,
        "sections": [{"heading": each.heading, "text": each.text} for each in document.sections],
        "sha256": document.sha256 if signature is None else signature.sha256,
        "partner": _legible(partner),
        "signature": None if signature is None else _signed(signature),
    }
    with as_file(files("openers_portal").joinpath("content/document.typ")) as template:
        return typst.compile(
            str(template),
            format="pdf",
            sys_inputs={"data": msgspec.json.encode(told).decode()},
            pdf_standards=STANDARD,
            font_paths=typst.Fonts(include_system_fonts=False),
            ignore_system_fonts=True,
            timestamp=None if signature is None else signature.at.replace(microsecond=0),
        )


def _signed(signature: Signature) -> dict[str, str]:
    at = moment_in_words(signature.at)
    return {"name": _legible(signature.name), "role": signature.role, "at": at}


def _legible(text: str) -> str:
    """Return a text with the code in place of each sign that a font may lack."""
    return "".join(each if ord(each) <= LAST_LATIN and each.isprintable() else f"U+{ord(each):04X} " for each in text)
