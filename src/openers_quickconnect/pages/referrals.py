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
from openers_quickconnect.lists import CLINICIANS, worklist_named
from openers_quickconnect.pages.shown import identity, next_in_full, priority, state_of, ubrn, when
from openers_quickconnect.records import FoundNames, Overview
from openers_quickconnect.words import ACTS, STATES, words
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
    if desk.function not in CLINICIANS:
        return await outline(desk, "referral")
    wanted = desk.part("ubrn")
    found, overviews, events = await asyncio.gather(
        desk.caller.read_referral(wanted), desk.overviews([wanted]), desk.caller.history(wanted)
    )
    overview = next((each for each in overviews if each.kind == "referral"), None)
    names, codes = await asyncio.gather(_names(desk, found, overview, events), actions(desk, found))
    number = found.patient or ""
    return desk.page(
        "referral.html",
        back=back(desk),
        referral=found,
        **identity(desk, names.patients.get(number), number),
        number=ubrn(found.ubrn),
        state=words(STATES, found.state) if overview is None else state_of(overview),
        tag=priority(found.priority),
        next_text=next_in_full(overview),
        facts_shown=[*facts_of(overview, names), *_decided(found)],
        files=files_of(found),
        entries=[_entry(each, names) for each in reversed(events)],
        deeds=deeds(desk, found, overview, codes),
        services=found.shortlist,
    )


async def outline(desk: Desk, kind: str) -> Response:
    """Show what a role without access to clinical records may see of a request: its facts, next step and history."""
    wanted = desk.part("ubrn")
    overviews, events = await asyncio.gather(desk.overviews([wanted]), desk.caller.history(wanted))
    overview = next((each for each in overviews if each.kind == kind), None)
    if overview is None:
        return desk.go(desk.at(), "You have no request with this UBRN. Check the number.", problem=True)
    people = [overview.clinician, *(each.actor or "" for each in events)]
    names = await desk.names([overview.patient], people, [overview.organisation])
    return desk.page(
        "outline.html",
        back=back(desk),
        **identity(desk, names.patients.get(overview.patient), overview.patient),
        title=f"{'Advice' if kind == 'advice' else 'Referral'} {ubrn(wanted)}",
        state=state_of(overview),
        tag=priority(overview.priority),
        next_text=next_in_full(overview),
        facts_shown=facts_of(overview, names),
        entries=[_entry(each, names) for each in reversed(events)],
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
            offered.append(_letter(desk, found, is_next="CREATE_APPOINTMENT" not in codes))
        if "CHANGE_SHORTLIST" in codes:
            offered.append(Deed("Change the shortlist", desk.at(*here, "shortlist")))
        if "CANCEL_DIRECTLY_BOOKED_APPOINTMENT" in codes:
            offered.append(Deed("Change or cancel the appointment", desk.at(*here, "cancel-appointment")))
    elif step == "REVIEW":
        offered.append(Deed("Review", desk.at(*here, "review"), "Accept, reject, or book later", "primary"))
    if "RECORD_REVIEW_OUTCOME" in codes:
        offered.append(Deed("Record the triage outcome", desk.at(*here, "outcome"), variant="primary"))
    if "CANCEL_REFERRAL" in codes:
        offered.append(Deed("Cancel the referral", desk.at(*here, "cancel")))
    return offered


def _letter(desk: Desk, found: Referral, *, is_next: bool) -> Deed:
    at = desk.at("referrals", found.ubrn, "letter")
    if any(each.is_letter for each in files_of(found)):
        return Deed("Change the letter", at)
    return Deed("Add the letter", at, variant="primary" if is_next else "secondary")


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


def facts_of(overview: Overview | None, names: FoundNames) -> list[Fact]:
    """Return who asked, when, and for what."""
    if overview is None:
        return []
    clinician = names.people.get(overview.clinician, overview.clinician)
    organisation = names.organisations.get(overview.organisation, overview.organisation)
    facts = [
        Fact("Referral number (UBRN)", ubrn(overview.ubrn)),
        Fact("Asked by" if overview.kind == "advice" else "Referred by", f"{clinician}, {organisation}"),
        Fact("Created", when(overview.created)),
        Fact("Service", overview.service_name or ""),
        Fact("Specialty", overview.specialty or ""),
        Fact("Appointment", when(overview.appointment_start)),
    ]
    return [each for each in facts if each.value]


def _decided(found: Referral) -> list[Fact]:
    """Return the state of the appointment, and why the referral is in its state."""
    facts = list[Fact]()
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
    return Entry(at, words(ACTS, event.act), f"{who} · version {event.version}")


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


def back(desk: Desk) -> Link | None:
    """Return the way back to the worklist from which the user came."""
    wanted = worklist_named(desk.asked("list"))
    return None if wanted is None else Link(wanted.title, desk.at("worklists", wanted.name))
