"""Tagged PDF documents (PDF/UA-1) from Typst templates, by the extra `documents`.

A template receives its data as one JSON value in `sys.inputs.data`, so no text in it is markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from typing import Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from openers_web.headers import PAGE_HEADERS

PDF: Final = "application/pdf"
STANDARD: Final = "ua-1"
LAST_LATIN: Final = 0x17F
PUNCTUATION: Final = frozenset(
    map(chr, (*range(0x2013, 0x2015), *range(0x2018, 0x201F), 0x2020, 0x2021, 0x2022, 0x2026, 0x20AC, 0x2122))
)
"""Signs after `LAST_LATIN` that the fonts of Typst have; they lack others."""
_Json = str | bool | float | None | list["_Json"] | dict[str, "_Json"]


class NoPrinter(Exception):
    """Typst is not installed."""


def pdf_bytes(template: Traversable, told: Mapping[str, object], at: datetime) -> bytes:
    """Return a document that was made at `at`, to the second. Call it in a thread: it takes some tenths of a second.

    Raises NoPrinter.
    """
    try:
        import typst
    except ImportError as error:
        raise NoPrinter from error
    data: _Json = _legible(msgspec.json.decode(msgspec.json.encode(told, enc_hook=str)))
    with as_file(template) as place:
        return typst.compile(
            str(place),
            format="pdf",
            sys_inputs={"data": msgspec.json.encode(data).decode()},
            pdf_standards=STANDARD,
            font_paths=typst.Fonts(include_system_fonts=False),
            ignore_system_fonts=True,
            timestamp=at.replace(microsecond=0),
        )


def pdf_response(name: str, content: bytes) -> Response:
    """Return a download; `name` is the file's name with `.pdf`."""
    headers = {**PAGE_HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, headers=headers, media_type=PDF)


def _legible(value: _Json) -> _Json:
    """Return a JSON value with a code in its texts in place of each sign that a font may lack."""
    if isinstance(value, str):
        return "".join(map(_sign, value))
    if isinstance(value, dict):
        return {key: _legible(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_legible(each) for each in value]
    return value


def _sign(sign: str) -> str:
    is_shown = sign in PUNCTUATION or sign == "\n" or (ord(sign) <= LAST_LATIN and sign.isprintable())
    return sign if is_shown else f"U+{ord(sign):04X} "
