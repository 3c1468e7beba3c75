"""Find a patient, and the patient's page with all requests that the caller may see."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from starlette.responses import Response

from openers_client import InvalidRequest
from openers_client.requests.patients import PatientSearch
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import CLINICIANS, REFERRERS
from openers_quickconnect.pages.shown import next_step, patient_facts, priority, short, state_of, ubrn
from openers_quickconnect.records import Overview, Person
from openers_quickconnect.words import SEXES, SIDES, words
from openers_web.dates import day_of
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option

_NUMBER: Final = re.compile(r"[0-9]{10}", re.ASCII)
_ENDED: Final = frozenset(
    {"CANCELLED_REFERRAL", "CONVERSATION_ENDED_CANCELLED", "CONVERSATION_ENDED_CLOSED", "ADVICE_CONVERTED"}
)


class Found(NamedTuple):
    """Patients that were found, and whether these are all."""

    people: list[Person]
    complete: bool


GENDERS: Final = [Option("", "Any"), *(Option(code, text) for code, text in SEXES.items())]


async def search(desk: Desk) -> Response:
    """Show the form to find a patient, and what it has found."""
    form, found = await desk.form(), None
    if desk.is_sent:
        found = await _found(desk, form)
        if found is not None and len(found.people) == 1 and form.text("number"):
            return desk.go(desk.at("patients", desk.seal.seal(found.people[0].nhs_number)))
    practices = [] if found is None else [each.practice or "" for each in found.people]
    born = (form.text("born-day"), form.text("born-month"), form.text("born-year"))
    return desk.page(
        "find_patient.html",
        current=desk.at("patients"),
        status=422 if form.errors else 200,
        form=form,
        found=found,
        born=born,
        genders=GENDERS,
        by_name=bool(form.text("family") or "family" in form.errors),
        practices=(await desk.names(organisations=practices)).organisations,
    )


async def patient(desk: Desk) -> Response:
    """Show a patient, and the requests that the caller may see."""
    number = desk.seal.open(desk.part("patient"))
    if number is None:
        return desk.go(desk.at("patients"), "Find the patient again: this address is not complete.", problem=True)
    found = await desk.find_patient(number)
    rows = await desk.requests_of(number)
    await desk.remember(each.ubrn for each in rows if each.kind == "advice" and each.state not in _ENDED)
    names = await desk.names(organisations=[found.practice or ""])
    return desk.page(
        "patient.html",
        current=desk.at("patients"),
        back=Link("Find another patient", desk.at("patients")),
        patient=found,
        facts_shown=patient_facts(found, names.organisations),
        open_rows=[each for each in rows if each.state not in _ENDED],
        ended_rows=[each for each in rows if each.state in _ENDED],
        sealed=desk.part("patient"),
        row_of=row_of,
        may_refer=desk.function in REFERRERS & CLINICIANS and found.died is None,
    )


def row_of(desk: Desk, each: Overview) -> tuple[object, ...]:
    """Return what the table of a patient shows of a request."""
    address = desk.at("advice" if each.kind == "advice" else "referrals", each.ubrn)
    return (
        address,
        each.service_name or each.specialty or ("Advice" if each.kind == "advice" else "No service chosen yet"),
        ubrn(each.ubrn),
        priority(each.priority),
        state_of(each),
        next_step(each),
        words(SIDES, each.next_side),
        short(each.next_due),
    )


async def _found(desk: Desk, form: Form) -> Found | None:
    """Return the patients that fit the form; `None` with errors on the form."""
    number = re.sub(r"[\s-]", "", form.text("number"))
    if number:
        if not _NUMBER.fullmatch(number):
            form.reject("number", "Enter an NHS number of ten digits, for example 991 200 3888")
            return None
        try:
            return Found([await desk.find_patient(number)], complete=True)
        except InvalidRequest:
            form.reject("number", "No patient with this number can be referred. Check the number")
            return None
    wanted = _demographics(form)
    return None if wanted is None else Found(*await desk.find_patients(wanted))


def _demographics(form: Form) -> PatientSearch | None:
    if not any(form.text(name) for name in ("family", "given", "born-day", "born-month", "born-year")):
        form.reject("number", "Enter an NHS number, or search by name and date of birth")
        return None
    family = form.required("family", "Enter the family name", 100)
    born = _day(form)
    if born is None:
        form.reject("born", "Enter a date of birth, for example 27 3 1955")
        return None
    if form.errors:
        return None
    return PatientSearch(
        family_name=family,
        birth_date=born,
        given_name=form.text("given") or None,
        gender=form.text("gender") or None,
        postcode=form.text("postcode").upper() or None,
    )


def _day(form: Form) -> date | None:
    try:
        return day_of(*(form.text(f"born-{part}") for part in ("year", "month", "day")))
    except ValueError:
        return None
