"""The assessment of a product as files: a sheet, and a document to print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from typing import Any, Final

import anyio.to_thread
from starlette.responses import Response

from openers_assurance import DISCLAIMER, Evidence, Row
from openers_assurance.report import HEADINGS, as_table, counts
from openers_portal.pages.assurance import Found, assess
from openers_portal.pages.assuring import hazards
from openers_portal.pages.products import product_of
from openers_portal.store.partners import StoredProduct
from openers_portal.store.statements import Statement
from openers_portal.visitor import NotHere, Visitor
from openers_web.dates import day_in_words, moment_in_words
from openers_web.pdf_files import NoPrinter, pdf_bytes, pdf_response
from openers_web.xlsx_files import xlsx_response

TEMPLATE: Final = files("openers_portal").joinpath("content/assessment.typ")
CANNOT_PRINT: Final = "This portal cannot print: its operator installs openers[documents]."


async def sheet(me: Visitor) -> Response:
    """Return the assessment as a sheet. Raises NotHere if the environment has no log of the product."""
    product, found = await _assessed(me)
    log = [hazards.HEADINGS, *(each.as_row() for each in await hazards.entries_of(me, product.id))]
    title = f"{product.product.name} {product.product.version}, {found.environment}, {me.today.isoformat()}"
    return xlsx_response("assessment.xlsx", [(DISCLAIMER,), (title,), (), HEADINGS, *as_table(found.rows), (), *log])


async def pdf(me: Visitor) -> Response:
    """Return the assessment as PDF. Raises NotHere if the environment has no log of the product."""
    product, found = await _assessed(me)
    statements = await me.store.statements.of(product.id)
    at = me.house.clock()
    told = {
        "title": f"Assessment of {product.product.name} {product.product.version} in {found.environment}",
        "disclaimer": DISCLAIMER,
        "summary": _summary(found, at),
        "groups": [*_groups(found.rows, statements), _hazard_log(await hazards.entries_of(me, product.id))],
    }
    try:
        content = await anyio.to_thread.run_sync(pdf_bytes, TEMPLATE, told, at)
    except NoPrinter:
        place = me.request.url.path.removesuffix(".pdf")
        return me.go(f"{place}?environment={found.environment}", CANNOT_PRINT, problem=True)
    return pdf_response("assessment.pdf", content)


async def _assessed(me: Visitor) -> tuple[StoredProduct, Found]:
    product = await product_of(me)
    found = await assess(me, product, me.asked("environment"))
    if not found.rows:
        raise NotHere
    return product, found


def _summary(found: Found, at: datetime) -> str:
    counted = ", ".join(f"{count} {state}" for state, count in counts(found.rows).items() if count)
    return f"{moment_in_words(at)}. {found.exchanges} calls were assessed: {counted}. {found.problem}"


def _groups(rows: Iterable[Row], statements: Mapping[str, Statement]) -> Iterator[dict[str, Any]]:
    """Yield each group of requirements as the template wants it."""
    for name, members in groupby(rows, key=lambda row: row.group):
        told = [
            {"id": row.id, "state": row.state, "demand": row.demand, "lines": list(_lines(row, statements.get(row.id)))}
            for row in members
        ]
        yield {"name": name, "rows": told}


def _hazard_log(entries: Sequence[hazards.Entry]) -> dict[str, Any]:
    """Return the hazard log as the template wants it."""
    rows = [
        {
            "id": f"{each.hazard.id} {each.hazard.name}",
            "state": each.status,
            "demand": f"{each.hazard.effect} {each.hazard.cause}",
            "lines": [
                f"{name}: {value}"
                for name, value in zip(hazards.HEADINGS[4:], each.as_row()[4:], strict=True)
                if value and name != "Status"
            ],
        }
        for each in entries
    ]
    return {"name": "Hazard log", "rows": rows}


def _lines(row: Row, statement: Statement | None) -> Iterator[str]:
    """Yield the lines about a requirement: breaches, last call that kept it, missing evidence, statement."""
    for each in row.breaches:
        yield f"{each.why}: {_call(each)}"
    if row.last_kept is not None:
        yield f"{row.kept} calls kept it, the last: {_call(row.last_kept)}"
    if row.wanting:
        yield row.wanting
    if statement is not None:
        told = "Statement" if statement.applies else "Does not apply"
        yield f"{told}: {statement.text} ({statement.by}, {day_in_words(statement.at)})"


def _call(of: Evidence) -> str:
    request = f", request {of.request_id}" if of.request_id else ""
    return f"{of.call}, {moment_in_words(of.at)}{request}"
