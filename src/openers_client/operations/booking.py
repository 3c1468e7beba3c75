"""Slots and appointments: find, book, defer, read, and cancel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from openers_client.errors import CallRejected, ErsError, OutcomeUnknown, PasFailed
from openers_client.operations.base import Call, path
from openers_client.operations.referrals import Referrals
from openers_client.records import booking as records
from openers_client.records.booking import Appointment, Slot, SlotPage
from openers_client.records.referral import Referral
from openers_client.requests import appointments
from openers_client.requests.appointments import Deferral

APPOINTMENTS: Final = "/STU3/Appointment"
NOT_BOOKED: Final = 502
"""Status of a booking that the provider's system refused, so that the outcome is known."""


@dataclass(frozen=True, kw_only=True)
class SlotQuery:
    """Which free slots to find (A015).

    `priority` is that of the referral. `rule_organisation` is the one whose commissioning rules apply, by default the
    caller's. `page_size` is at most 100.
    """

    service: str
    priority: str = "ROUTINE"
    clinician: str | None = None
    rule_organisation: str | None = None
    page_size: int = 100


class Booking(Referrals):
    """Operations on slots and appointments. Each raises `ErsError`."""

    async def slot_page(self, query: SlotQuery, page: int = 1) -> SlotPage:
        """Find one page of free slots (A015)."""
        role = self._calling.role
        rules = query.rule_organisation or (role.organisation if role is not None else "")
        asked = [
            ("schedule.actor:HealthcareService", query.service),
            *([] if query.clinician is None else [("schedule.actor:Practitioner", query.clinician)]),
            ("appointmentType", query.priority),
            ("status", "free"),
            ("_count", str(query.page_size)),
            ("page", str(page)),
            ("_include", "Slot:schedule"),
        ]
        headers = {"NHSD-eRS-Comm-Rule-Org": rules}
        call = Call(number="A015", method="GET", path="/STU3/Slot", reads=True, query=asked, headers=headers)
        return records.slot_page(await self._json(call))

    async def slots(self, query: SlotQuery) -> AsyncIterator[Slot]:
        """Yield all free slots, page after page (A015). It reads a page only when its slots are needed."""
        for number in count(1):
            page = await self.slot_page(query, number)
            for slot in page.slots:
                yield slot
            if not page.has_next:
                return

    async def book(self, referral: Referral, slot: Slot, comment: str | None = None) -> Appointment:
        """Book a slot for a referral (A016).

        If the provider's system refuses or does not reply, or the reply is lost, the client reads the referral first.
        If the slot is booked, it returns the appointment. If the outcome is still unknown, it waits and tries again:
        the service accepts no second booking meanwhile. Raises PasFailed or OutcomeUnknown if it stays unknown.
        """
        failure: ErsError | None = None
        for attempt in count(1):
            try:
                body = appointments.booking(referral, slot, comment)
                return records.appointment(await self._json(_post(body)))
            except (PasFailed, OutcomeUnknown) as error:
                failure = error
            except CallRejected:
                if failure is None:
                    raise
            referral = await self.read_referral(referral.ubrn)
            if referral.appointment_status == "booked" and referral.appointment_slot == slot.id:
                return await self.read_appointment(referral.appointment_id or "")
            wait_s = self._calling.transport.retry.wait_s(attempt)
            if wait_s is None or (isinstance(failure, PasFailed) and failure.status == NOT_BOOKED):
                raise failure
            await self._calling.transport.retry.sleep(wait_s)
        raise AssertionError("the loop above has no end")

    async def defer(self, referral: Referral, deferral: Deferral) -> Appointment:
        """Leave the booking to a provider, or send the referral for triage (A016)."""
        return records.appointment(await self._json(_post(appointments.deferral(referral, deferral))))

    async def read_appointment(self, appointment_id: str, version: int | None = None) -> Appointment:
        """Read an appointment (A038). With a `version`, raise NotFound if it is not the latest."""
        where = path(f"{APPOINTMENTS}/{{}}", appointment_id)
        if version is not None:
            where = path(f"{APPOINTMENTS}/{{}}/_history/{{}}", appointment_id, str(version))
        return records.appointment(await self._json(Call(number="A038", method="GET", path=where, reads=True)))

    async def cancel_appointment(
        self, appointment: Appointment, reason: str, comment: str | None = None
    ) -> Appointment:
        """Cancel a booked appointment (A034). `reason` is a code of APPOINTMENT-CANCELLATION-REASON."""
        where = path(f"{APPOINTMENTS}/{{}}", appointment.id)
        body = appointments.cancellation(appointment, reason, comment)
        call = Call(number="A034", method="PUT", path=where, version=appointment.version, body=body)
        return records.appointment(await self._json(call))


def _post(body: dict[str, object]) -> Call:
    return Call(number="A016", method="POST", path=APPOINTMENTS, body=body)
