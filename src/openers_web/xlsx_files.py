"""Sheets for spreadsheet programs (XLSX) with text cells only, so that nothing in them runs."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from starlette.responses import Response

from openers_web.headers import PAGE_HEADERS

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_CELL: Final = 32_000
_SHEETS: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OF_SHEETS: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LONGEST_NAME: Final = 31
"""Characters of a sheet's name."""


def xlsx_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook with one sheet; each cell is text. Equal rows make equal files."""
    return workbook_bytes({"Sheet1": rows})


def workbook_bytes(sheets: Mapping[str, Iterable[Sequence[str]]]) -> bytes:
    """Return a workbook with sheets by their names; each cell is text. Equal rows make equal files."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as parts:
        for name, content in _parts(list(sheets)).items():
            parts.writestr(ZipInfo(name), _HEAD + content, ZIP_DEFLATED)
        for number, rows in enumerate(sheets.values(), 1):
            lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            sheet = f'<worksheet xmlns="{_SHEETS}"><sheetData>{lines}</sheetData></worksheet>'
            parts.writestr(ZipInfo(f"xl/worksheets/sheet{number}.xml"), _HEAD + sheet, ZIP_DEFLATED)
    return out.getvalue()


def _parts(names: Sequence[str]) -> dict[str, str]:
    """Return the parts that name the sheets."""
    types, listed, related = list[str](), list[str](), list[str]()
    for number, name in enumerate(names, 1):
        types.append(f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_OF_SHEETS}"/>')
        shown = escape(_FORBIDDEN.sub("", name[:LONGEST_NAME]), {'"': "&quot;"})
        listed.append(f'<sheet name="{shown}" sheetId="{number}" r:id="rId{number}"/>')
        target = f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"'
        related.append(f'<Relationship Id="rId{number}" {target}/>')
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{XLSX}.main+xml"/>{"".join(types)}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}">'
        f"<sheets>{''.join(listed)}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{''.join(related)}</Relationships>",
    }


def xlsx_response(name: str, rows: Iterable[Sequence[str]]) -> Response:
    """Return a download; `name` is the file's name with `.xlsx`."""
    headers = {**PAGE_HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(xlsx_bytes(rows), headers=headers, media_type=XLSX)


def _cell(text: str) -> str:
    shown = escape(_FORBIDDEN.sub("", text[:LONGEST_CELL]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
