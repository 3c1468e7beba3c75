"""A service that is linked to a small PAS over real HTTP, with slots, referrals and common steps of tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

from openers.bootstrap import Service, open_service
from openers.domain.audit import AuditEntry
from openers.domain.codes import ClinicalTerm
from openers.domain.identifiers import ServiceId
from openers.key_files import read_or_make_signing_key
from openers.settings import Settings
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.booking.poll_slots import POLL, poll_now
from openers.usecases.due import run_due, system_entry
from openers.usecases.jobs import JOBS
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from tests.kit.pas.hasty import give_up_what_hangs
from tests.kit.pas.small_pas import SmallPas, small_pas
from tests.kit.service.requests import HEADERS, NHS_NUMBER, PATIENT, SDS_USER, create_referral
from tests.kit.service.running import GP, Running, running, settings_for
from tests.kit.store.outside import execute

SERVICE = "11002"
NO_SLOTS = "11021"
OTHER = "11001"
RULES = {"NHSD-eRS-Comm-Rule-Org": "D82106"}
ALL = ("ROUTINE", "URGENT", "TWO_WEEK_WAIT")
Json = dict[str, Any]


@dataclass
class Rig:
    """The service, its PAS, and a GP who uses the service."""

    run: Running
    pas: SmallPas
    gp: httpx.AsyncClient

    @property
    def world(self) -> World:
        """Return the service's world, for direct use by a test."""
        return self.run.service.world.for_call(test_entry())

    async def add_slots(self, count: int, service: str = SERVICE, clinician: str | None = None) -> None:
        """Add `count` free slots, one each hour from tomorrow, and poll them."""
        schedule = f"schedule-{service}-{clinician or 'any'}"
        self.pas.add_schedule(schedule, service, clinician)
        first = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        for number in range(count):
            start = first + timedelta(hours=number)
            times = (start.isoformat(), (start + timedelta(minutes=30)).isoformat())
            self.pas.add_slot(f"{service}-{clinician or 'any'}-{number}", schedule, times, *ALL)
        await self.poll(service)

    async def poll(self, service: str = SERVICE) -> int:
        """Poll one service now; return the number of slots that changed."""
        return await poll_now(ServiceId(service), self.world)

    async def sweep(self, after: timedelta = timedelta(minutes=5)) -> list[Exception]:
        """Run all work that is due by that time; return the failures."""
        failures: list[Exception] = []

        def _note(_item: DueItem, error: Exception | None) -> None:
            if error is not None:
                failures.append(error)

        later = _Later(self.run.service.world, after)
        while await run_due(later.world, JOBS, _note):
            pass
        return failures

    async def slots(self, service: str = SERVICE, **query: str) -> httpx.Response:
        """Call A015."""
        asked = {
            "schedule.actor:HealthcareService": service,
            "appointmentType": "URGENT",
            "status": "free",
            "_count": "100",
            "page": "1",
        }
        return await self.gp.get("/STU3/Slot", params={**asked, **query}, headers=RULES)

    async def free(self, service: str = SERVICE) -> list[Json]:
        """Return the slots that A015 shows."""
        bundle = (await self.slots(service)).json()
        return [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"]

    async def refer(self, *services: str) -> Json:
        """Create a referral; return the response of A011."""
        created = await self.gp.post(**create_referral(services=services or (SERVICE, NO_SLOTS, "11004")))
        assert created.status_code == 201, created.text
        referral: Json = created.json()
        return referral

    async def read(self, referral: Json) -> Json:
        """Return the referral as A005 returns it now."""
        shown: Json = (await self.gp.get(f"/STU3/ReferralRequest/{referral['id']}")).json()
        return shown

    async def book(self, referral: Json, slot: Json, **changes: Any) -> httpx.Response:
        """Book the slot (A016)."""
        return await self.gp.post("/STU3/Appointment", json=booking(referral, slot, **changes), headers=HEADERS)

    async def defer(self, referral: Json, reason: str, /, service: str = SERVICE, **changes: Any) -> httpx.Response:
        """Defer the referral (A016 without a booking)."""
        return await self.gp.post(
            "/STU3/Appointment", json=deferral(referral, reason, service, **changes), headers=HEADERS
        )

    async def cancel(
        self, appointment: Json, reason: str, /, version: str | None = None, **changes: Any
    ) -> httpx.Response:
        """Cancel the appointment (A034)."""
        tag = f'W/"{version or appointment["meta"]["versionId"]}"'
        body = cancellation(appointment, reason, **changes)
        address = f"/STU3/Appointment/{appointment['id']}"
        return await self.gp.put(address, json=body, headers={**HEADERS, "If-Match": tag})


class _Later:
    """The service's world with a clock that is ahead."""

    def __init__(self, world: World, by: timedelta) -> None:
        import msgspec

        self._world, self._by = world, by
        self.world = msgspec.structs.replace(world, clock=self)

    def now(self) -> datetime:
        """Return the world's current time plus the offset."""
        return self._world.clock.now() + self._by


def test_entry() -> AuditEntry:
    """Return an audit entry for an act that a test performs directly."""
    return system_entry("Test", datetime.now(UTC))


test_entry.__test__ = False  # pyright: ignore[reportFunctionMemberAccess] -- pytest must not collect it as a test


def code(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and error code of a rejection."""
    return reply.status_code, str(reply.json()["issue"][0]["details"]["coding"][0]["code"])


def booking(referral: Json, slot: Json, **changes: Any) -> Json:
    """Return the body that books a slot."""
    participants = [_participant("http://fhir.nhs.net/Id/ers-service", slot["schedule"]["reference"][9:14])]
    participants.append(_participant(NHS_NUMBER, PATIENT))
    clinician = slot["schedule"]["reference"].partition("-")[2]
    if clinician:
        kind = {"coding": [{"system": "http://hl7.org/fhir/ValueSet/encounter-participant-type", "code": "CON"}]}
        participants.append({"type": kind, **_participant(SDS_USER, clinician)})
    return {
        **_appointment(referral),
        "status": "booked",
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": participants,
        **changes,
    }


def deferral(referral: Json, reason: str, /, service: str = SERVICE, **changes: Any) -> Json:
    """Return the body that defers the referral to the provider."""
    coding = {"system": "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReviewReason-1", "code": reason}
    return {
        **_appointment(referral),
        "status": "proposed",
        "reason": [{"coding": [coding]}],
        "participant": [
            _participant("http://fhir.nhs.net/Id/ers-service", service),
            _participant(NHS_NUMBER, PATIENT),
        ],
        **changes,
    }


def cancellation(appointment: Json, reason: str, /, **changes: Any) -> Json:
    """Return the body that cancels an appointment."""
    coding = {"system": "_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON", "code": reason}
    return {**appointment, "status": "cancelled", "reason": [{"coding": [coding]}], **changes}


def _appointment(referral: Json) -> Json:
    return {
        "resourceType": "Appointment",
        "id": "appointment",
        "meta": {
            "profile": [
                "https://fhir.nhs.uk/STU3/StructureDefinition/eRS-Appointment-1",
                "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1",
            ]
        },
        "language": "en",
        "description": "e-Referral Appointment",
        "incomingReferral": [
            {"reference": f"ReferralRequest/{referral['id']}/_history/{referral['meta']['versionId']}"}
        ],
    }


def _participant(system: str, value: str) -> Json:
    return {"actor": {"identifier": {"system": system, "value": value}}, "status": "accepted"}


@asynccontextmanager
async def rig(database_url: str, keys: Path, **settings: object) -> AsyncGenerator[Rig]:
    """Run the service on a database with the demo world, and link its services to a small PAS.

    The service waits for that PAS without a time limit, but soon abandons one that the test makes hang.
    """
    small = SmallPas()

    async def _open(settings: Settings, terms: Iterable[ClinicalTerm]) -> Service:
        return give_up_what_hangs(await open_service(settings, terms), small)

    async with (
        running(settings_for(database_url, keys, **settings), open_it=_open) as run,
        linked(run, small) as it,
    ):
        yield it


@asynccontextmanager
async def linked(run: Running, small: SmallPas | None = None) -> AsyncGenerator[Rig]:
    """Link a running service to a small PAS."""
    with small_pas(small) as pas:
        pas.issuer = run.service.settings.base_url
        signing = read_or_make_signing_key(run.service.settings.signing_key_file)
        pas.kid = signing.kid
        pas.key = RSAKey.import_key(dict(signing.public_keys()["keys"][0]))
        await _forget_links(run)
        for service in (SERVICE, NO_SLOTS, OTHER):
            command = LinkPas(service=ServiceId(service), url=pas.url, client_id="demo-pas")
            await link_pas(command, run.service.world.for_call(test_entry()))
        yield Rig(run, pas, await run.as_person(GP))


async def _forget_links(run: Running) -> None:
    """Remove the PAS links of the demo world, because that PAS does not run in tests."""
    for table in ("pas_links", f"due WHERE kind = '{POLL}'"):
        await execute(run.service.settings.database_url, f"DELETE FROM {table}")
