"""Tables, written by hand since the macro is seventy times slower. Below 640 px each row becomes a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from markupsafe import Markup, escape

ColumnKind = Literal["text", "number", "short"]
_CLASSES: Final = {"text": "", "number": "kit-number", "short": "kit-short"}


class Column(msgspec.Struct, frozen=True):
    """A column: `number` stands to the right with figures of one width, `short` is never broken into lines."""

    heading: str
    kind: ColumnKind = "text"


class Cell(msgspec.Struct, frozen=True):
    """A cell of one or two lines. The first line is a link if `href` is given; `breach` makes it bold and red."""

    text: str | Markup
    second: str | Markup = ""
    href: str = ""
    breach: bool = False


class Row(msgspec.Struct, frozen=True):
    """A row. Its first cell is the heading of the row. `current` marks the row that the user comes from."""

    cells: Sequence[Cell | Markup | str]
    current: bool = False
    id: str = ""


def table(
    caption: str, columns: Sequence[Column], rows: Sequence[Row], *, empty: str = "None.", shows_caption: bool = False
) -> Markup:
    """Return a table; without rows, a box with the text `empty`. The caption is for screen readers unless shown."""
    if not rows:
        return Markup('<p class="kit-empty">{}</p>').format(empty)
    hide = "" if shows_caption else ' class="nhsuk-u-visually-hidden"'
    out = [
        f'<table class="kit-table"><caption{hide}>{escape(caption)}</caption><thead><tr>',
        *(f'<th scope="col"{_class(column)}>{escape(column.heading)}</th>' for column in columns),
        "</tr></thead><tbody>",
        *(_row(columns, row) for row in rows),
        "</tbody></table>",
    ]
    return Markup("".join(out))  # noqa: S704 - each value above is escaped


def _row(columns: Sequence[Column], row: Row) -> str:
    state = (f' id="{escape(row.id)}"' if row.id else "") + (' class="kit-current"' if row.current else "")
    cells = "".join(
        _cell(number, column, cell) for number, (column, cell) in enumerate(zip(columns, row.cells, strict=True))
    )
    return f"<tr{state}>{cells}</tr>"


def _cell(number: int, column: Column, cell: Cell | Markup | str) -> str:
    element = 'th scope="row"' if number == 0 else "td"
    label = f' data-label="{escape(column.heading)}"' if number else ""
    content = _content(cell if isinstance(cell, Cell) else Cell(cell))
    return f"<{element}{_class(column)}{label}>{content}</{element[:2]}>"


def _content(cell: Cell) -> str:
    if not cell.text and not cell.second:
        return ""
    first = str(escape(cell.text))
    first = f'<a href="{escape(cell.href)}">{first}</a>' if cell.href else first
    first = f'<span class="kit-breach">{first}</span>' if cell.breach else first
    second = f'<span class="kit-second">{escape(cell.second)}</span>' if cell.second else ""
    return f"<div>{first}{second}</div>"


def _class(column: Column) -> str:
    return f' class="{_CLASSES[column.kind]}"' if _CLASSES[column.kind] else ""
