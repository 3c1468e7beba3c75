"""The summary of a referral: whose, in which state, what next; its appointment, files and history, and what to do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from openers_client import ErsError, fhir
from openers_client.records.files import UploadedFile
from openers_client.records.overview import Event
from openers_client.records.referral import Referral
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import worklist_named
from openers_quickconnect.pages.shown import next_in_full, patient_name, priority, ubrn, when
from openers_quickconnect.records import FoundNames, Overview
from openers_quickconnect.words import STATES, words
from openers_web.layout import Link
from openers_web.parts.texts import Entry, Fact

FILES: Final = {
    "REFERRER": "Referral letter",
    "PROVIDER": "From the provider",
    "ADVICE_REQUEST": "Question",
    "GUIDANCE_RESPONSE": "Answer",
}
APPOINTMENT_STATES: Final = {
    "booked": "Booked",
    "proposed": "Requested",
    "pending": "With the provider",
    "arrived": "The patient has arrived",
    "cancelled": "Cancelled",
    "noshow": "The patient did not attend",
}


@dataclass(frozen=True)
class Attached:
    """A file of a referral. `is_letter` says that it belongs to the referral letter, which its referrer may change."""

    id: str
    title: str
    kind: str
    description: str | None
    is_letter: bool
    size_kb: int
    added: str
    uploaded: UploadedFile


@dataclass(frozen=True)
class Deed:
    """Something that can be done with a referral: a page that asks, and why it is offered."""

    text: str
    address: str
    hint: str = ""
    variant: str = "secondary"


async def referral(desk: Desk) -> Response:
    """Show the summary of a referral."""
    wanted = desk.part("ubrn")
    found, overviews, events = await asyncio.gather(
        desk.caller.read_referral(wanted), desk.overviews([wanted]), desk.caller.history(wanted)
    )
    overview = next((each for each in overviews if each.kind == "referral"), None)
    names, codes = await asyncio.gather(_names(desk, found, overview, events), actions(desk, found))
    person = names.patients.get(found.patient or "")
    return desk.page(
        "referral.html",
        back=_back(desk),
        referral=found,
        overview=overview,
        person=person,
        name=patient_name(person, found.patient or ""),
        number=ubrn(found.ubrn),
        state=words(STATES, found.state),
        tag=priority(found.priority),
        next_text=next_in_full(overview),
        facts_shown=_facts(found, overview, names),
        files=files_of(found),
        entries=[_entry(each, names) for each in reversed(events)],
        deeds=deeds(desk, found, overview, codes),
        services=found.shortlist,
    )


async def actions(desk: Desk, found: Referral) -> frozenset[str]:
    """Return the codes of the actions that the caller may perform now (A029)."""
    try:
        return frozenset(each.code for each in await desk.caller.available_actions(found))
    except ErsError:
        return frozenset()


def deeds(desk: Desk, found: Referral, overview: Overview | None, codes: frozenset[str]) -> list[Deed]:
    """Return what the caller may do now, the most likely first."""
    here = ("referrals", found.ubrn)
    step = None if overview is None else overview.next_step
    offered = list[Deed]()
    if desk.function.startswith("REFERRING"):
        if "CREATE_APPOINTMENT" in codes:
            offered.append(Deed("Book an appointment", desk.at(*here, "slots"), variant="primary"))
            offered.append(Deed("Send to the provider", desk.at(*here, "send"), "For triage, or without a free slot"))
        if found.state not in ("CANCELLED_REFERRAL", "DID_NOT_ATTEND"):
            offered.append(Deed("Add or change the letter", desk.at(*here, "letter")))
        if "CHANGE_SHORTLIST" in codes:
            offered.append(Deed("Change the shortlist", desk.at(*here, "shortlist")))
        if "CANCEL_DIRECTLY_BOOKED_APPOINTMENT" in codes:
            offered.append(Deed("Cancel the appointment", desk.at(*here, "cancel-appointment")))
    elif step == "REVIEW":
        offered.append(Deed("Review", desk.at(*here, "review"), "Accept, reject, or book later", "primary"))
    if "RECORD_REVIEW_OUTCOME" in codes:
        offered.append(Deed("Record the triage outcome", desk.at(*here, "outcome"), variant="primary"))
    if "CANCEL_REFERRAL" in codes:
        offered.append(Deed("Cancel the referral", desk.at(*here, "cancel")))
    return offered


def files_of(found: Referral) -> list[Attached]:
    """Return the files of a referral."""
    return [_attached(each) for each in fhir.contained(found.resource, "DocumentReference")]


async def _names(desk: Desk, found: Referral, overview: Overview | None, events: tuple[Event, ...]) -> FoundNames:
    people = [each.actor or "" for each in events]
    organisations = list[str]()
    if overview is not None:
        people.append(overview.clinician)
        organisations.append(overview.organisation)
    return await desk.names([found.patient or ""], people, organisations)


def _facts(found: Referral, overview: Overview | None, names: FoundNames) -> list[Fact]:
    facts = list[Fact]()
    if overview is not None:
        clinician = names.people.get(overview.clinician, overview.clinician)
        organisation = names.organisations.get(overview.organisation, overview.organisation)
        facts.append(Fact("Referred by", f"{clinician}, {organisation}"))
        facts.append(Fact("Created", when(overview.created)))
        if overview.service_name:
            facts.append(Fact("Service", overview.service_name))
        if overview.specialty:
            facts.append(Fact("Specialty", overview.specialty))
        if overview.appointment_start:
            facts.append(Fact("Appointment", when(overview.appointment_start)))
    if found.appointment_status:
        facts.append(Fact("Appointment status", words(APPOINTMENT_STATES, found.appointment_status)))
    if found.reason:
        facts.append(Fact("Reason", words({}, found.reason)))
    if found.comments:
        facts.append(Fact("Comments", found.comments))
    return facts


def _entry(event: Event, names: FoundNames) -> Entry:
    who = "The service" if event.actor is None else names.people.get(event.actor, event.actor)
    at = event.at or datetime.min.replace(tzinfo=UTC)
    return Entry(at, event.act.capitalize(), f"{who} · version {event.version}")


def _attached(document: fhir.Json) -> Attached:
    attachment = fhir.at(document, "content", 0, "attachment")
    size = fhir.at(attachment, "size")
    url = fhir.text(attachment, "url")
    kind = fhir.code(fhir.at(document, "type")) or ""
    return Attached(
        id=fhir.last(url),
        title=fhir.text(attachment, "title") or "Without a name",
        kind=words(FILES, kind),
        description=fhir.maybe(document, "description"),
        is_letter=kind == "REFERRER",
        uploaded=UploadedFile(fhir.last(url), f"Binary/{fhir.last(url)}"),
        size_kb=max(1, (size if isinstance(size, int) else 0) // 1000),
        added=when(fhir.instant(fhir.at(document, "indexed"))),
    )


def _back(desk: Desk) -> Link | None:
    wanted = worklist_named(desk.asked("list"))
    return None if wanted is None else Link(wanted.title, desk.at("worklists", wanted.name))
