"""Parts that several pages show: priorities, states, next steps, due dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from openers_client.records.worklists import WorklistRow
from openers_quickconnect.desk import Desk
from openers_quickconnect.records import Overview, Person
from openers_quickconnect.words import ACCEPTED, PRIORITIES, SEXES, SIDES, STATES, STEPS, words
from openers_web.dates import UK, day_in_words, moment_in_words, short_day
from openers_web.parts.texts import Fact, nhs_number, tag

ON_A_PAGE: Final = 50
"""Rows of a list on one page."""
COLOURS: Final = {"TWO_WEEK_WAIT": "red", "URGENT": "orange"}
ATTEND: Final = "ATTEND"


def begin_of(asked: str, total: int) -> int:
    """Return the first row of the page that an address asks for; 0 for any other text."""
    begin = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    return begin - begin % ON_A_PAGE if begin < total else 0


def after(rows: Sequence[WorklistRow], present: str) -> WorklistRow | None:
    """Return the row after the one with a UBRN, the first one after the last; `None` without another row."""
    at = next((number for number, row in enumerate(rows) if row.ubrn == present), -1)
    return next((row for row in (*rows[at + 1 :], *rows[: max(at, 0)])), None)


def priority(code: str | None) -> Markup:
    """Return the tag of a priority."""
    colour = "red" if code == "TWO_WEEK_WAIT" else "orange" if code == "URGENT" else "white"
    return tag(words(PRIORITIES, code), colour)


def ubrn(number: str) -> str:
    """Return a UBRN in groups of four."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def when(due: date | datetime | None) -> str:
    """Return a day or an instant in words; empty if there is none."""
    if due is None:
        return ""
    return moment_in_words(due) if isinstance(due, datetime) else day_in_words(due)


def short(due: date | datetime | None) -> str:
    """Return the day of a day or an instant, for tables."""
    if due is None:
        return ""
    return short_day(due.astimezone(UK).date() if isinstance(due, datetime) else due)


def next_step(row: Overview | None) -> str:
    """Return what happens next, in words."""
    if row is None or row.next_step is None:
        return "Nothing: this request has ended"
    return words(STEPS, row.next_step)


def next_in_full(row: Overview | None) -> str:
    """Return who must do what, and by when, as a sentence."""
    if row is None or row.next_step is None:
        return "Nothing. This request has ended."
    until = "on" if row.next_step == ATTEND else "by"
    due = f", {until} {when(row.next_due)}" if row.next_due else ""
    return f"{words(SIDES, row.next_side)}: {words(STEPS, row.next_step).lower()}{due}."


def state_of(row: Overview) -> str:
    """Return the state of a request in words. A booked referral whose review is done has been accepted."""
    accepted = row.state == "BOOKED" and row.next_step == ATTEND
    return words(STATES, ACCEPTED if accepted else row.state)


def identity(desk: Desk, person: Person | None, number: str) -> dict[str, Any]:
    """Return what the strip with the patient shows: name, record and, for referrers, the way to the patient's page."""
    refers = desk.function.startswith("REFERRING") and person is not None
    return {
        "name": patient_name(person, number),
        "person": person,
        "patient_at": desk.at("patients", desk.seal.seal(number)) if refers else "",
    }


async def identified(desk: Desk, number: str | None) -> dict[str, Any]:
    """Return what the strip with the patient shows, by NHS number (X003)."""
    known = number or ""
    return identity(desk, (await desk.names([known])).patients.get(known), known)


def patient_name(person: Person | None, number: str) -> str:
    """Return a patient's name, or the number if the name is not known."""
    return number if person is None else f"{person.family_name}, {person.given_name}"


def patient_facts(person: Person, names: Mapping[str, str]) -> list[Fact]:
    """Return a patient's demographics; `names` are those of organisations."""
    shown = [
        Fact("NHS number", nhs_number(person.nhs_number)),
        Fact("Date of birth", when(person.born)),
        Fact("Sex", words(SEXES, person.gender)),
    ]
    if person.address or person.postcode:
        lines = [*person.address, *([person.postcode] if person.postcode else [])]
        shown.append(Fact("Address", Markup("<br>").join(escape(line) for line in lines)))
    if person.practice:
        shown.append(Fact("GP practice", names.get(person.practice, person.practice)))
    if person.died:
        shown.append(Fact("Died", when(person.died)))
    return shown
