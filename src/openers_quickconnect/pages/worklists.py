"""Worklists: fifty rows on a page, with names, next steps and ages, as a page or as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from openers_client.records.worklists import WorklistRow
from openers_client.requests.worklists import Filters
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import ADVICE, ADVISING, ANSWERS, TO_ANSWER, Worklist, worklist_named
from openers_quickconnect.pages.answers import answers
from openers_quickconnect.pages.shown import ON_A_PAGE, begin_of, next_step, patient_name, short, ubrn
from openers_quickconnect.records import FoundNames, Overview
from openers_quickconnect.views import LONGEST_NAME, MOST_VIEWS, TooManyViews, View
from openers_quickconnect.words import PRIORITIES, SIDES, words
from openers_web.csv_files import csv_response
from openers_web.dates import moment_in_words
from openers_web.layout import Link
from openers_web.parts.forms import small_button
from openers_web.parts.lists import Pill
from openers_web.parts.tables import Cell, Row

FILTERS: Final = ("priority", "service")
"""The filters of an address, which a saved view keeps."""
LONGEST_FILTER: Final = 40
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
    tick: Markup
    """The control that selects the row."""


async def worklist(desk: Desk) -> Response:
    """Show a worklist, or return it, or the selected rows, as CSV."""
    wanted = worklist_named(desk.part("list"))
    if wanted is None or desk.function not in wanted.roles:
        return desk.go(desk.at(), "Your role has no such worklist.", problem=True)
    rows = await _rows(desk, wanted)
    by_priority = {code: sum(row.priority == code for row in rows) for code in ORDER}
    chosen, filters = desk.asked("priority"), _filters(desk)
    shown = [row for row in rows if chosen in ("", row.priority)]
    begin = begin_of(desk.asked("from"), len(shown))
    if desk.asked("as") == "csv":
        selected = frozenset(desk.request.query_params.getlist("row"))
        listed = [row for row in shown if not selected or row.ubrn in selected]
        return _csv(wanted, await _lines(desk, wanted, listed[:1000]))
    views = await desk.views(wanted.name)
    before, following = begin - ON_A_PAGE, begin + ON_A_PAGE
    return desk.page(
        "worklist.html",
        current=desk.at("worklists", wanted.name),
        worklist=wanted,
        lines=await _lines(desk, wanted, shown[begin : begin + ON_A_PAGE]),
        total=len(shown),
        begin=begin,
        on_a_page=ON_A_PAGE,
        here=desk.at("worklists", wanted.name),
        filters=filters,
        csv=desk.at("worklists", wanted.name, **filters, **{"as": "csv"}),
        pages=[desk.at("worklists", wanted.name, **filters, **{"from": str(each)}) for each in (before, following)],
        pills_shown=_pills(desk, wanted, len(rows), by_priority),
        views=[Pill(each.name, desk.at("worklists", wanted.name, **dict(each.filters))) for each in views],
        views_at=desk.at("worklists", wanted.name, "views", **filters),
        read_at=moment_in_words(datetime.now(UTC)),
    )


async def views(desk: Desk) -> Response:
    """Show the saved views of a worklist; save the present filters under a name, or remove a view."""
    wanted = worklist_named(desk.part("list"))
    if wanted is None or desk.function not in wanted.roles:
        return desk.go(desk.at(), "Your role has no such worklist.", problem=True)
    form, filters = await desk.form(), _filters(desk)
    here = desk.at("worklists", wanted.name, "views", **filters)
    if desk.is_sent and form.text("remove"):
        await desk.remove_view(wanted.name, form.text("remove"))
        return desk.go(here, "The view is removed.")
    if desk.is_sent and (name := form.required("name", "Enter a name", LONGEST_NAME)) and not form.errors:
        try:
            await desk.save_view(View(wanted.name, name, tuple(filters.items())))
        except TooManyViews:
            form.reject("name", f"You have {MOST_VIEWS} views in this role: remove one first")
        else:
            return desk.go(desk.at("worklists", wanted.name, **filters), f"The view {name} is saved.")
    return desk.page(
        "views.html",
        current=desk.at("worklists", wanted.name),
        back=Link(wanted.title, desk.at("worklists", wanted.name, **filters)),
        status=422 if form.errors else 200,
        form=form,
        title=f"Saved views: {wanted.title}",
        shows=_shown(filters),
        rows=[
            Row(
                [
                    Cell(each.name, "", desk.at("worklists", wanted.name, **dict(each.filters))),
                    _shown(dict(each.filters)),
                    small_button("Remove", name="remove", value=each.name, about=each.name),
                ]
            )
            for each in await desk.views(wanted.name)
        ],
    )


def _filters(desk: Desk) -> dict[str, str]:
    """Return the filters of the address that are set, as far as they can be kept."""
    return {name: desk.asked(name) for name in FILTERS if 0 < len(desk.asked(name)) <= LONGEST_FILTER}


def _shown(filters: dict[str, str]) -> str:
    """Return filters in words."""
    service = filters.get("service")
    shown = (words(PRIORITIES, filters.get("priority")), f"service {service}" if service else "")
    return ", ".join(each for each in shown if each) or "All rows"


async def _rows(desk: Desk, wanted: Worklist) -> tuple[WorklistRow, ...]:
    filters = Filters(service=desk.asked("service") or None)
    if wanted.name == ANSWERS:
        return await answers(desk)
    if wanted.name == ADVICE:
        found = await desk.caller.advice_worklist(wanted.code, filters)
        return tuple(sorted(found, key=lambda row: row.status != TO_ANSWER))  # those to answer come first
    return await desk.caller.worklist(wanted.code, filters)


def _pills(desk: Desk, wanted: Worklist, total: int, counts: dict[str, int]) -> list[Pill]:
    """Return the filters by priority, as links that keep the other filters."""
    chosen = desk.asked("priority")
    kept = {name: value for name, value in _filters(desk).items() if name != "priority"}
    pills = [Pill("All", desk.at("worklists", wanted.name, **kept), total, not chosen)]
    for code, count in counts.items():
        if count:
            address = desk.at("worklists", wanted.name, **kept, priority=code)
            pills.append(Pill(words(PRIORITIES, code), address, count, chosen == code))
    return pills


async def _lines(desk: Desk, wanted: Worklist, rows: list[WorklistRow]) -> list[Line]:
    """Return rows with names and next steps: two calls for each hundred rows."""
    lines = list[Line]()
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        names = await desk.names(patients=[row.patient or "" for row in part])
        overviews = await desk.overviews([row.ubrn for row in part])
        kind = "advice" if wanted.name in ADVISING else "referral"
        known = {each.ubrn: each for each in overviews if each.kind == kind}
        lines += [_line(desk, wanted, row, known.get(row.ubrn), names) for row in part]
    return lines


def _line(desk: Desk, wanted: Worklist, row: WorklistRow, overview: Overview | None, names: FoundNames) -> Line:
    number = row.patient or ""
    place = "" if overview is None else overview.service_name or ""
    kind = "advice" if wanted.name in ADVISING else "referrals"
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
        tick=Markup('<input type="checkbox" class="qc-tick" name="row" value="{}" aria-label="Select {}">').format(
            row.ubrn, ubrn(row.ubrn)
        ),
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
