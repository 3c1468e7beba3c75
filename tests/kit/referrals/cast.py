"""All users who act on referrals, and a referral in each state, created by the steps that lead to that state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx

from openers.domain.booking import PasAppointment
from openers.domain.callers import SYSTEM, Pas
from openers.domain.identifiers import ServiceId, Ubrn
from openers.usecases.booking.book_by_telephone import BookByTelephone, book_by_telephone
from openers.usecases.booking.take_notification import Notification, take_notification
from openers.usecases.referring.record_assessment import record_assessment
from tests.kit.referrals.rig import SERVICE, Json, Rig, code
from tests.kit.referrals.rows import Rows, rows
from tests.kit.referrals.words import (
    ACCEPTED,
    ADVICE,
    ASSESSING,
    BY_TELEPHONE,
    LETTER,
    NO_LETTER,
    TRIAGE,
    VALID,
    appointment_of,
    document,
    request_of,
    uploaded,
)
from tests.kit.service.requests import create_referral, criteria
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, CONSULTANT_ELSEWHERE, GP_ADMIN, RC, Person

GP_ELSEWHERE: Final = Person("555073103211", "B86011", RC)
BEFORE: Final = ("referrals", "history", "slots", "claims", "events")
"""The tables that no rejected call may change."""


@dataclass
class Cast:
    """A service with a PAS, and one client for each user."""

    rig: Rig
    gp: httpx.AsyncClient
    gp_admin: httpx.AsyncClient
    consultant: httpx.AsyncClient
    consultant_admin: httpx.AsyncClient
    consultant_elsewhere: httpx.AsyncClient
    gp_elsewhere: httpx.AsyncClient
    application: httpx.AsyncClient

    def provider(self, referral: Json) -> httpx.AsyncClient:
        """Return the clinician of the provider that holds the referral.

        A second provider owns the services that are booked by telephone.
        """
        (shortlist,) = (each for each in referral["contained"] if each["resourceType"] == "List")
        service = shortlist["entry"][0]["item"]["identifier"]["value"]
        if held := appointment_of(referral):
            service = held["participant"][0]["actor"]["identifier"]["value"]
        return self.consultant_elsewhere if service in (BY_TELEPHONE, ASSESSING) else self.consultant

    def actor(self, number: str, referral: Json) -> httpx.AsyncClient:
        """Return the client of a user who may call the operation on the referral."""
        return self.gp if number in ("A012", "A031", "A032", "A036") else self.provider(referral)

    async def do(
        self,
        number: str,
        referral: Json,
        *parameters: Json,
        by: httpx.AsyncClient | None = None,
        tag: str | None = None,
    ) -> httpx.Response:
        """Call the operation, with a valid body unless parameters are given."""
        told = parameters or VALID[number]
        client = self.actor(number, referral) if by is None else by
        return await client.post(**request_of(number, referral, *told, tag=tag))

    async def done(self, number: str, referral: Json, *parameters: Json) -> Json:
        """Call the operation, which must succeed; return the referral afterwards."""
        reply = await self.do(number, referral, *parameters)
        assert reply.status_code == 200, reply.text
        return await self.rig.read(referral)

    async def actions(self, referral: Json, by: httpx.AsyncClient, version: str | None = None) -> httpx.Response:
        """Call A029 for the referral."""
        focus = f"ReferralRequest/{referral['id']}/_history/{version or referral['meta']['versionId']}"
        return await by.get("/STU3/Task", params={"focus": focus, "intent": "proposal", "status": "ready"})

    async def offered(self, referral: Json, by: httpx.AsyncClient) -> set[str] | None:
        """Return the action codes that A029 offers, or `None` if A029 does not find the referral."""
        reply = await self.actions(referral, by)
        if reply.status_code == 400 and code(reply) == (400, "REFERENCE_NOT_FOUND"):
            return None
        assert reply.status_code == 200, reply.text
        return {each["resource"]["code"]["coding"][0]["code"] for each in reply.json()["entry"]}

    async def rows(self) -> Rows:
        """Return the current rows of all tables that no rejected call may change."""
        return await rows(self.rig, *BEFORE)

    async def refer(self, *services: str, intention: Json = NO_LETTER, urgency: str = "URGENT") -> Json:
        """Create a referral."""
        body = create_referral(
            intention, services=services or (SERVICE, BY_TELEPHONE, TRIAGE), of=criteria(priority=urgency)
        )
        created = await self.gp.post(**body)
        assert created.status_code == 201, created.text
        return dict[str, Any](created.json())

    async def not_booked(self) -> Json:
        """Return a new referral without an appointment."""
        return await self.refer()

    async def awaiting_triage(self) -> Json:
        """Return a referral that was sent to a triage service."""
        return await self._made(self.rig.defer(await self.refer(), "TRIAGE", TRIAGE))

    async def deferred(self) -> Json:
        """Return a referral that was deferred to a directly bookable service."""
        return await self._made(self.rig.defer(await self.refer(), "BOOKING_ATTEMPT_PROBLEM", comment="busy"))

    async def deferred_with_letter(self) -> Json:
        """Return a deferred referral that has a letter."""
        return await self.with_letter(await self.deferred())

    async def booked(self, intention: Json = NO_LETTER) -> Json:
        """Return a referral that was booked through the service."""
        referral = await self.refer(SERVICE, intention=intention)
        return await self._made(self.rig.book(referral, (await self.rig.free())[0]))

    async def booked_by_telephone(self, service: str = BY_TELEPHONE) -> Json:
        """Return a referral that the patient has booked by telephone."""
        referral = await self.refer(service, intention=LETTER if service == ASSESSING else NO_LETTER)
        start = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
        command = BookByTelephone(ubrn=Ubrn(referral["id"]), service=ServiceId(service), start=start)
        await book_by_telephone(command, self.rig.world)
        return await self.rig.read(referral)

    async def triaged(self) -> Json:
        """Return a triaged referral whose provider must arrange the appointment."""
        return await self.done("A028", await self.awaiting_triage(), *ACCEPTED)

    async def returned(self) -> Json:
        """Return a referral that triage returned with advice."""
        return await self.done("A028", await self.awaiting_triage(), *ADVICE)

    async def rejected(self) -> Json:
        """Return a referral that the provider rejected."""
        return await self.done("A014", await self.booked())

    async def cancelled_by_patient(self) -> Json:
        """Return a referral whose booking the referrer cancelled, because the patient is ill."""
        referral = await self.booked()
        appointment = (await self.gp.get(f"/STU3/Appointment/{await self.appointment_id(referral)}")).json()
        return await self._made(self.rig.cancel(appointment, "PATIENT_ILL"))

    async def cancelled_by_provider(self) -> Json:
        """Return a referral whose booking the PAS cancelled."""
        return await self._told(await self.booked(), "cancelled", "CLINIC_CANCELLED")

    async def missed(self) -> Json:
        """Return a referral whose patient missed the appointment."""
        return await self._told(await self.booked(), "noshow", "PATIENT_FORGOT")

    async def assessed(self) -> Json:
        """Return a referral whose patient an assessment service has seen."""
        referral = await self.booked_by_telephone(ASSESSING)
        await record_assessment(Ubrn(referral["id"]), self.rig.world)
        return await self.rig.read(referral)

    async def cancelled(self) -> Json:
        """Return a cancelled referral, which was at a provider before."""
        return await self.done("A036", await self.awaiting_triage())

    async def with_letter(self, referral: Json) -> Json:
        """Add a letter to the referral; return it afterwards."""
        file = await uploaded(self.gp, referral["id"], f"letter-{uuid4()}.txt")
        return await self.done("A012", referral, document("referralLetterFile", file, "REFERRER"))

    async def appointment_id(self, referral: Json) -> str:
        """Return the id of the referral's current appointment."""
        (found,) = (each for each in referral["extension"] if each["url"].endswith("Appointment-Reference-1"))
        return str(found["valueReference"]["reference"].removeprefix("Appointment/"))

    async def _told(self, referral: Json, status: str, reason: str) -> Json:
        """Send a notification of the PAS with this status and reason; return the referral afterwards."""
        async with self.rig.world.read() as tx:
            stored = await tx.referrals.find(Ubrn(referral["id"]), SYSTEM)
        appointment = None if stored is None else stored.value.appointment
        assert appointment is not None
        told = PasAppointment(appointment.pas_id or "", appointment.booking_key or "", status, reason=reason)
        changed = await take_notification(
            Notification(by=Pas("demo-pas"), ubrn=Ubrn(referral["id"]), appointment=told), self.rig.world
        )
        assert changed
        return await self.rig.read(referral)

    async def _made(self, asked: Awaitable[httpx.Response]) -> Json:
        """Await a call about an appointment; return its referral afterwards."""
        reply = await asked
        assert reply.is_success, reply.text
        quoted = reply.json()["incomingReferral"][0]["reference"].split("/")[1]
        return await self.rig.read({"id": quoted})


STATES: Final[Mapping[str, tuple[str, Callable[[Cast], Awaitable[Json]]]]] = {
    "not booked": ("NOT_BOOKED", Cast.not_booked),
    "awaiting triage": ("AWAITING_TRIAGE", Cast.awaiting_triage),
    "deferred": ("DEFERRED_TO_PROVIDER", Cast.deferred),
    "deferred with letter": ("DEFERRED_TO_PROVIDER", Cast.deferred_with_letter),
    "booked": ("BOOKED", Cast.booked),
    "booked by telephone": ("BOOKED", Cast.booked_by_telephone),
    "triaged": ("TRIAGED_PROVIDER_TO_ACTION", Cast.triaged),
    "returned": ("TRIAGE_RESPONSE", Cast.returned),
    "rejected": ("REJECTED", Cast.rejected),
    "cancelled by the patient": ("APPT_CANCELLED_BY_PATIENT", Cast.cancelled_by_patient),
    "cancelled by the provider": ("APPT_CANCELLED_BY_PROVIDER", Cast.cancelled_by_provider),
    "missed": ("DID_NOT_ATTEND", Cast.missed),
    "assessed": ("ASSESSMENT_RESULT", Cast.assessed),
    "cancelled": ("CANCELLED_REFERRAL", Cast.cancelled),
}
"""For each kind of referral: the state that the API shows, and the function that creates it."""


async def gathered(desk: Rig) -> Cast:
    """Log in all users at this service."""
    run = desk.run
    return Cast(
        rig=desk,
        gp=desk.gp,
        gp_admin=await run.as_person(GP_ADMIN),
        consultant=await run.as_person(CONSULTANT),
        consultant_admin=await run.as_person(CONSULTANT_ADMIN),
        consultant_elsewhere=await run.as_person(CONSULTANT_ELSEWHERE),
        gp_elsewhere=await run.as_person(GP_ELSEWHERE),
        application=await run.as_application("demo-provider-app"),
    )
