"""Who has seen a patient: an operator's search of the audit, page by page, or as CSV.

The NHS number is sent as a form, and the address of the result has it sealed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from starlette.responses import Response

from openers_client.administration import AuditEvent, AuditSearch
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.shown import ubrn
from openers_quickconnect.words import ROLES, words
from openers_web.csv_files import csv_response
from openers_web.dates import moment_in_words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.tables import Cell, Row
from openers_web.parts.texts import tag

ON_A_PAGE: Final = 50
MOST_IN_CSV: Final = 5_000
AT_ONCE: Final = 250
"""Entries in one call for a CSV file."""
REFUSED: Final = 400
FILTERS: Final = ("from", "to", "person", "organisation", "operation")
_NUMBER: Final = re.compile(r"[0-9]{10}", re.ASCII)
_DAY: Final = "Enter a day, for example 27 3 2031, or leave it empty"
_PERSON: Final = re.compile(r"[0-9]{12}", re.ASCII)
_ORGANISATION: Final = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
_FORMATS: Final = {
    "person": (_PERSON, "Enter a user id: twelve digits"),
    "organisation": (_ORGANISATION, "Enter an ODS code: capital letters and digits"),
}
HEADS: Final = (
    *("Time (UTC)", "Person", "Name", "On behalf of", "Organisation", "Name of the organisation", "Function"),
    *("Application", "What", "Operation", "UBRN", "File", "Patients shown", "Status", "Code", "Request id"),
)


async def search(desk: Desk) -> Response:
    """Show the form, and go to the result."""
    form = await desk.form()
    if desk.is_sent:
        number = re.sub(r"[\s-]", "", form.text("number"))
        if not _NUMBER.fullmatch(number):
            form.reject("number", "Enter an NHS number: ten digits")
        _check(form)
        if not form.errors:
            asked = {name: form.text(name) for name in FILTERS if form.text(name)}
            return desk.go(desk.at("audit", desk.seal.seal(number), **asked))
    return _page(desk, form, status=422 if form.errors else 200)


async def found(desk: Desk) -> Response:
    """Show who has seen the patient, the newest first, or return it as CSV."""
    number = desk.seal.open(desk.part("patient"))
    if number is None:
        return desk.go(desk.at("audit"), "Search again: this address is not complete.", problem=True)
    asked = {name: desk.asked(name) for name in FILTERS if desk.asked(name)}
    form = Form([("number", number), *asked.items()])
    _check(form)
    if form.errors:
        return _page(desk, form, status=422)
    wanted = _wanted(number, asked)
    if desk.asked("as") == "csv":
        return csv_response("who-has-seen.csv", HEADS, [_csv_row(each) for each in await _newest(desk, wanted)])
    page = await desk.administration.audit.page(wanted, desk.asked("cursor") or None, ON_A_PAGE)
    here = ("audit", desk.part("patient"))
    return _page(
        desk,
        form,
        rows=[_row(each) for each in page.items],
        csv=desk.at(*here, **asked, **{"as": "csv"}),
        first=desk.at(*here, **asked) if desk.asked("cursor") else "",
        following=desk.at(*here, **asked, cursor=page.next) if page.next else "",
        back=Link("New search", desk.at("audit")),
        number=number,
    )


def _page(desk: Desk, form: Form, status: int = 200, back: Link | None = None, **shown: object) -> Response:
    empty: dict[str, object] = {"rows": None, "csv": "", "first": "", "following": "", "number": ""}
    values = {**empty, **shown}
    return desk.page("audit.html", current=desk.at("audit"), back=back, status=status, form=form, **values)


def _check(form: Form) -> None:
    """Reject on the form what cannot be searched for."""
    for name in ("from", "to"):
        if form.text(name) and _day(form.text(name)) is None:
            form.reject(name, _DAY)
    if not form.errors and form.text("from") and form.text("to") and form.text("to") < form.text("from"):
        form.reject("to", "Enter a day that is not before the first one")
    for name, (pattern, said) in _FORMATS.items():
        if form.text(name) and not pattern.fullmatch(form.text(name)):
            form.reject(name, said)


def _wanted(number: str, asked: dict[str, str]) -> AuditSearch:
    return AuditSearch(
        nhs_number=number,
        first=_day(asked.get("from", "")),
        last=_day(asked.get("to", "")),
        person=asked.get("person"),
        organisation=asked.get("organisation"),
        operation=asked.get("operation"),
    )


def _day(text: str) -> date | None:
    """Return a day as a browser sends it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 <= found.year < 3000 else None


async def _newest(desk: Desk, wanted: AuditSearch) -> list[AuditEvent]:
    """Return the newest entries, at most `MOST_IN_CSV`."""
    events, cursor = list[AuditEvent](), None
    while len(events) < MOST_IN_CSV:
        page = await desk.administration.audit.page(wanted, cursor, AT_ONCE)
        events += page.items
        cursor = page.next
        if cursor is None:
            break
    return events[:MOST_IN_CSV]


def _row(event: AuditEvent) -> Row:
    other = event.on_behalf_of_name or event.on_behalf_of
    who = event.person_name or event.person or event.application or "The service"
    return Row(
        [
            Cell(moment_in_words(event.at)),
            Cell(who, f"for {other}" if other else event.person),
            Cell(event.organisation_name or event.organisation, words(ROLES, event.function)),
            Cell(_what(event), event.operation),
            Cell(ubrn(event.ubrn), event.file),
            tag("Refused", "orange") if event.outcome >= REFUSED else tag("Done", "white"),
        ]
    )


def _what(event: AuditEvent) -> str:
    """Return the kind of call in words: the published audit types begin with API."""
    return event.audit_type.removeprefix("API ")


def _csv_row(event: AuditEvent) -> tuple[str | float, ...]:
    return (
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.person,
        event.person_name,
        event.on_behalf_of,
        event.organisation,
        event.organisation_name,
        words(ROLES, event.function),
        event.application,
        _what(event),
        event.operation,
        event.ubrn,
        event.file,
        event.patients,
        event.outcome,
        event.code,
        event.request_id,
    )
