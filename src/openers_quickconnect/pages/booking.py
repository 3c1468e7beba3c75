"""Appointments: free slots by day, booking, sending to the provider, and cancelling."""

from __future__ import annotations

from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from openers_client import (
    Deferral,
    ErsError,
    InvalidRequest,
    OutcomeUnknown,
    PasFailed,
    RecordLocked,
    SlotQuery,
    VersionConflict,
)
from openers_client.records.booking import Slot, SlotPage
from openers_client.records.directory import Service
from openers_client.records.referral import Referral
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.reasons import Act, reasons
from openers_quickconnect.pages.referrals import files_of
from openers_quickconnect.pages.shown import identified, identity, ubrn
from openers_quickconnect.words import PRIORITIES, words
from openers_web.dates import UK, day_in_words, moment_in_words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option
from openers_web.parts.texts import Fact

ON_A_PAGE: Final = 50
LOST: Final = (
    "The hospital's system has not answered yet. The service asks it again and updates this referral by itself. "
    "Do not book again before the state has changed."
)
TAKEN: Final = "This slot has been taken or withdrawn. Choose another one. Nothing was changed."
TRIAGE: Final = "TRIAGE"


async def slots(desk: Desk) -> Response:
    """Show the free slots of a service on the shortlist; check the one that was chosen, then book it."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    if desk.is_sent:
        return await _book(desk, referral, await desk.form())
    if desk.asked("slot"):
        return await _check(desk, referral)
    bookable = [each for each in await services_of(desk, referral) if each.bookable_type == "DIRECTLY_BOOKABLE"]
    wanted = desk.asked("service") or (bookable[0].id if bookable else "")
    page = _page(desk.asked("page"))
    found = await _slots(desk, referral, wanted, page) if wanted else None
    return desk.page(
        "slots.html",
        back=_back(desk, referral),
        **await identified(desk, referral.patient),
        number=ubrn(referral.ubrn),
        lacks_letter=not files_of(referral),
        letter_at=desk.at("referrals", referral.ubrn, "letter"),
        options=[Option(each.id, each.name) for each in bookable],
        service=wanted,
        days=_by_day(found),
        total=0 if found is None else found.total,
        page=page,
        has_next=found is not None and found.has_next,
        send=desk.at("referrals", referral.ubrn, "send"),
    )


async def send(desk: Desk) -> Response:
    """Send a referral to a service for triage, or leave the booking to it."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    services = await services_of(desk, referral)
    form = await desk.form()
    if desk.is_sent:
        service = form.required("service", "Choose a service")
        chosen = next((each for each in services if each.id == service), None)
        if chosen is not None:
            reason = TRIAGE if "REVIEW" in chosen.request_flows else "NO_SLOTS_AT_SERVICE"
            try:
                comment = form.text("comment") or None
                await desk.caller.defer(referral, Deferral(service=service, reason=reason, comment=comment))
            except InvalidRequest as error:
                form.reject("service", error.diagnostics or "This service does not accept the referral now")
            else:
                said = "Sent for triage." if reason == TRIAGE else "The provider arranges the appointment."
                return desk.go(desk.at("referrals", referral.ubrn), said)
    options = [Option(each.id, each.name, _kind(each)) for each in services]
    return desk.page(
        "send.html",
        back=_back(desk, referral),
        **await identified(desk, referral.patient),
        number=ubrn(referral.ubrn),
        form=form,
        options=options,
        status=422 if form.errors else 200,
    )


async def cancel_appointment(desk: Desk) -> Response:
    """Ask whether to cancel the appointment, and cancel it."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form = await desk.form()
    if desk.is_sent:
        reason = form.required("reason", "Choose a reason")
        if reason:
            appointment = await desk.caller.read_appointment(referral.appointment_id or "")
            try:
                await desk.caller.cancel_appointment(appointment, reason, form.text("comment") or None)
            except (PasFailed, OutcomeUnknown):
                return desk.go(desk.at("referrals", referral.ubrn), LOST, problem=True)
            except InvalidRequest as error:
                form.reject("reason", error.diagnostics or "This reason is not possible now")
            else:
                return desk.go(desk.at("referrals", referral.ubrn), "The appointment is cancelled.")
    return desk.page(
        "decide.html",
        back=_back(desk, referral),
        **await identified(desk, referral.patient),
        number=ubrn(referral.ubrn),
        title="Change or cancel the appointment",
        consequence="The slot becomes free for others. The referral stays. To change the time, cancel this "
        "appointment, then choose another slot.",
        form=form,
        options=await reasons(desk, Act.CANCEL_APPOINTMENT),
        act="Cancel the appointment",
        status=422 if form.errors else 200,
    )


async def services_of(desk: Desk, referral: Referral) -> list[Service]:
    """Return the services on the shortlist of a referral, in its order."""
    found = await desk.caller.read_services([each.id for each in referral.shortlist])
    by_id = {each.id: each for each in found}
    return [by_id[each.id] for each in referral.shortlist if each.id in by_id]


async def _slots(desk: Desk, referral: Referral, service: str, page: int) -> SlotPage | None:
    query = SlotQuery(service=service, priority=referral.priority or "ROUTINE", page_size=ON_A_PAGE)
    try:
        return await desk.caller.slot_page(query, page)
    except InvalidRequest:
        return None


async def _check(desk: Desk, referral: Referral) -> Response:
    """Show what a booking would book, for the user to confirm."""
    here = desk.at("referrals", referral.ubrn, "slots")
    service, page = desk.asked("service"), _page(desk.asked("page"))
    found = await _slots(desk, referral, service, page)
    slot = _chosen(found, desk.asked("slot"))
    others = f"{here}?{urlencode({'service': service, 'page': page})}"
    if slot is None or slot.start is None:
        return desk.go(others, TAKEN, problem=True)
    shown = await desk.names([referral.patient or ""], [slot.clinician or ""])
    facts = [
        Fact("Service", next((each.name for each in referral.shortlist if each.id == service), service)),
        Fact("Clinician", shown.people.get(slot.clinician or "", "")),
        Fact("Day and time", f"{slot.start.astimezone(UK):%A} {moment_in_words(slot.start)}"),
        Fact("Priority", words(PRIORITIES, referral.priority)),
    ]
    return desk.page(
        "book.html",
        back=Link("Other slots", others),
        **identity(desk, shown.patients.get(referral.patient or ""), referral.patient or ""),
        number=ubrn(referral.ubrn),
        facts_shown=[each for each in facts if each.value],
        here=here,
        others=others,
        service=service,
        page=page,
        slot=slot.id,
    )


def _chosen(found: SlotPage | None, wanted: str) -> Slot | None:
    return next((each for each in found.slots if each.id == wanted), None) if found is not None else None


async def _book(desk: Desk, referral: Referral, form: Form) -> Response:
    """Book the chosen slot, which must still be free."""
    here = desk.at("referrals", referral.ubrn)
    wanted, service, page = form.text("slot"), form.text("service"), _page(form.text("page"))
    again = f"{here}/slots?{urlencode({'service': service, 'page': page})}"
    found = await _slots(desk, referral, service, page)
    slot = _chosen(found, wanted)
    if slot is None:
        return desk.go(again, TAKEN, problem=True)
    try:
        await desk.caller.book(referral, slot)
    except (PasFailed, OutcomeUnknown, RecordLocked):
        return desk.go(here, LOST, problem=True)
    except VersionConflict:
        return desk.go(here, "Another user has changed this referral. Look at it, then book again.", problem=True)
    except (InvalidRequest, ErsError):
        return desk.go(again, TAKEN, problem=True)
    return desk.go(here, "The appointment is booked.")


def _by_day(found: SlotPage | None) -> list[tuple[str, list[Slot]]]:
    slots = [] if found is None else [each for each in found.slots if each.start is not None]
    days = groupby(slots, lambda each: each.start.astimezone(UK).date() if each.start else None)
    return [(f"{day:%A} {day_in_words(day)}", list(those)) for day, those in days if day is not None]


def _page(asked: str) -> int:
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 1


def _kind(service: Service) -> str:
    if "REVIEW" in service.request_flows:
        return "The service triages the referral"
    return "The provider contacts the patient"


def _back(desk: Desk, referral: Referral) -> Link:
    return Link("Referral", desk.at("referrals", referral.ubrn))
