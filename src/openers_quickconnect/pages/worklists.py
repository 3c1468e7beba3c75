"""Worklists: fifty rows on a page, with names, next steps and ages, as a page or as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from openers_client.records.worklists import WorklistRow
from openers_client.requests.worklists import Filters
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import ADVICE, Worklist, worklist_named
from openers_quickconnect.pages.shown import ON_A_PAGE, begin_of, next_step, patient_name, short, ubrn
from openers_quickconnect.records import FoundNames, Overview
from openers_quickconnect.words import PRIORITIES, SIDES, words
from openers_web.csv_files import csv_response
from openers_web.dates import moment_in_words
from openers_web.parts.lists import Pill

ORDER: Final = ("TWO_WEEK_WAIT", "URGENT", "ROUTINE")


@dataclass(frozen=True)
class Line:
    """A row as it is shown."""

    ubrn: str
    address: str
    priority: str
    patient: str
    nhs_number: str
    place: str
    second: str
    referred: str
    step: str
    side: str
    due: str


async def worklist(desk: Desk) -> Response:
    """Show a worklist, or return it as CSV."""
    wanted = worklist_named(desk.part("list"))
    if wanted is None or desk.function not in wanted.roles:
        return desk.go(desk.at(), "Your role has no such worklist.", problem=True)
    rows = await _rows(desk, wanted)
    by_priority = {code: sum(row.priority == code for row in rows) for code in ORDER}
    chosen = desk.asked("priority")
    shown = [row for row in rows if chosen in ("", row.priority)]
    begin = begin_of(desk.asked("from"), len(shown))
    if desk.asked("as") == "csv":
        return _csv(wanted, await _lines(desk, wanted, shown[:1000]))
    here = desk.at("worklists", wanted.name)
    return desk.page(
        "worklist.html",
        current=here,
        worklist=wanted,
        lines=await _lines(desk, wanted, shown[begin : begin + ON_A_PAGE]),
        total=len(shown),
        begin=begin,
        on_a_page=ON_A_PAGE,
        here=here,
        chosen=chosen,
        filters=_filters(here, chosen, len(rows), by_priority),
        read_at=moment_in_words(datetime.now(UTC)),
    )


async def _rows(desk: Desk, wanted: Worklist) -> tuple[WorklistRow, ...]:
    filters = Filters(service=desk.asked("service") or None)
    if wanted.name == ADVICE:
        return await desk.caller.advice_worklist(wanted.code, filters)
    return await desk.caller.worklist(wanted.code, filters)


def _filters(here: str, chosen: str, total: int, counts: dict[str, int]) -> list[Pill]:
    pills = [Pill("All", here, total, not chosen)]
    pills += [
        Pill(words(PRIORITIES, code), f"{here}?priority={code}", count, chosen == code)
        for code, count in counts.items()
        if count
    ]
    return pills


async def _lines(desk: Desk, wanted: Worklist, rows: list[WorklistRow]) -> list[Line]:
    """Return rows with names and next steps: two calls for each hundred rows."""
    lines = list[Line]()
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        names = await desk.names(patients=[row.patient or "" for row in part])
        overviews = await desk.overviews([row.ubrn for row in part])
        kind = "advice" if wanted.name == ADVICE else "referral"
        known = {each.ubrn: each for each in overviews if each.kind == kind}
        lines += [_line(desk, wanted, row, known.get(row.ubrn), names) for row in part]
    return lines


def _line(desk: Desk, wanted: Worklist, row: WorklistRow, overview: Overview | None, names: FoundNames) -> Line:
    number = row.patient or ""
    place = "" if overview is None else overview.service_name or ""
    kind = "advice" if wanted.name == ADVICE else "referrals"
    return Line(
        ubrn=ubrn(row.ubrn),
        address=desk.at(kind, row.ubrn, list=wanted.name),
        priority=row.priority or "",
        patient=patient_name(names.patients.get(number), number),
        nhs_number=number,
        place=place or str(row.columns.get("clinicalContext") or "No service chosen yet"),
        second="" if overview is None else overview.specialty or "",
        referred="" if overview is None else short(overview.created),
        step=next_step(overview),
        side="" if overview is None else words(SIDES, overview.next_side),
        due="" if overview is None else short(overview.next_due),
    )


def _csv(wanted: Worklist, lines: list[Line]) -> Response:
    heads = ("Priority", "Patient", "NHS number", "UBRN", "Service", "Referred", "Next step", "Who", "Due")
    rows = [
        (
            words(PRIORITIES, line.priority),
            line.patient,
            line.nhs_number,
            line.ubrn,
            line.place,
            line.referred,
            line.step,
            line.side,
            line.due,
        )
        for line in lines
    ]
    return csv_response(f"{wanted.name}.csv", heads, rows)
