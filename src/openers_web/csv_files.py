"""CSV files that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from openers_web.headers import PAGE_HEADERS

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read these too
MARK: Final = "\ufeff"
"""Tells Excel that the file is UTF-8."""


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """Return CSV with CRLF. Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([guarded(heading) for heading in headings])
    writer.writerows([guarded(value) if isinstance(value, str) else value for value in row] for row in rows)
    return MARK + out.getvalue()


def guarded(text: str) -> str:
    """Return text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def csv_response(name: str, headings: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> Response:
    """Return a download; `name` is the file's name with `.csv`."""
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {**PAGE_HEADERS, "content-disposition": disposition}
    return Response(csv_text(headings, rows), headers=headers, media_type="text/csv; charset=utf-8")
