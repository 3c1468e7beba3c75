"""Support for tests that replay published appointments against a service linked to a PAS, in either world."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import httpx
from joserfc.jwk import RSAKey
from tests.conformance.worlds import Template, World
from tests.kit.documents.reference import Example, published
from tests.kit.pas.small_pas import SmallPas, small_pas
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import GP, PRACTICE, Running, entry

from openers.domain.identifiers import OdsCode, ServiceId
from openers.key_files import read_or_make_signing_key
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.booking.poll_slots import poll_now

Json = dict[str, Any]

ALL: Final = ("ROUTINE", "URGENT", "TWO_WEEK_WAIT")
AHEAD: Final = timedelta(days=3)
"""Minimum lead time of a moved published appointment, because slots in the past cannot be booked."""


@dataclass
class Behind:
    """A service linked to a PAS, and a client for a GP."""

    world: World
    run: Running
    pas: SmallPas
    gp: httpx.AsyncClient

    async def offer(self, service: str, *slots: Json, clinician: str | None = None) -> None:
        """Add free slots (USRN, start and end) for a service to the PAS, then poll them into e-RS."""
        schedule = f"{service}-{clinician or 'any'}"
        self.pas.add_schedule(schedule, service, clinician)
        for slot in slots:
            key = re.sub(r"\W", "-", slot["usrn"])
            self.pas.add_slot(key, schedule, (slot["start"], slot["end"]), *ALL)
            self.pas.slots[key]["identifier"][0]["value"] = slot["usrn"]
        world = self.run.service.world.for_call(entry())
        command = LinkPas(service=ServiceId(service), url=self.pas.url, client_id="demo-pas")
        await link_pas(command, world)
        await poll_now(command.service, world)

    async def slots(self, service: str, **query: str) -> httpx.Response:
        """Search for free slots (A015), with the query parameters in the published order."""
        asked = {
            "schedule.actor:HealthcareService": service,
            "appointmentType": "ROUTINE",
            "_count": "20",
            "status": "free",
            "_include": "Slot:schedule",
            "page": "1",
        }
        rules = {"NHSD-eRS-Comm-Rule-Org": self.world.id(OdsCode, PRACTICE)}
        return await self.gp.get("/STU3/Slot", params={**asked, **query}, headers=rules)

    async def refer(self, service: str, criteria: list[Json] | None = None, priority: str = "ROUTINE") -> Json:
        """Create a referral from the smallest published request, with this service, criteria and priority."""
        request = next(each for each in published("A011", "request") if each.name == "MinimalRequest.json")
        body: Json = self.world.told(request.read())
        shortlist = next(each["resource"] for each in body["parameter"] if each["name"] == "shortlist")
        shortlist["entry"][0]["item"]["identifier"]["value"] = service
        found = shortlist["contained"][0]
        found["parameter"] = criteria or found["parameter"]
        wanted = next(each for each in found["parameter"] if each["name"] == "priority")
        wanted["valueCoding"]["code"] = priority
        created = await self.gp.post(request.address, json=body, headers=HEADERS)
        assert created.status_code == 201, created.text
        return cast("Json", created.json())

    async def ask(self, example: Example, referral: Json, **changes: Any) -> httpx.Response:
        """Send a published booking request (A016) for this referral, with `changes` applied."""
        body = {**self.world.told(example.read()), **_quoting(referral), **changes}
        return await self.gp.post("/STU3/Appointment", json=body, headers=HEADERS)

    async def booked(self, service: str, start: str, end: str, clinician: str | None = None) -> tuple[Json, Json]:
        """Create a referral, book an appointment for it at that time, and return both."""
        await self.offer(service, {"usrn": f"USRN-{start}", "start": start, "end": end}, clinician=clinician)
        (slot,) = _matches((await self.slots(service)).json())
        referral = await self.refer(service)
        reply = await self.book(referral, slot)
        assert reply.status_code == 201, reply.text
        return referral, reply.json()

    async def book(self, referral: Json, slot: Json) -> httpx.Response:
        """Send the published booking request (A016) for this referral and slot."""
        example = next(each for each in published("A016", "request") if each.name == "MinimalBooking.json")
        service, _, clinician = slot["schedule"]["reference"].removeprefix("Schedule/").partition("-")
        participants: list[Json] = self.world.told(example.read())["participant"]
        participants[0]["actor"]["identifier"]["value"] = service
        if clinician:
            kind = {"system": "http://hl7.org/fhir/ValueSet/encounter-participant-type", "code": "CON"}
            actor = {"identifier": {"system": "http://fhir.nhs.net/Id/sds-user-id", "value": clinician}}
            participants.append({"type": {"coding": [kind]}, "actor": actor, "status": "accepted"})
        changes: Json = {"start": slot["start"], "end": slot["end"], "slot": [{"reference": f"Slot/{slot['id']}"}]}
        return await self.ask(example, referral, **changes, participant=participants)

    async def cancel(self, example: Example, appointment: Json, **changes: Any) -> httpx.Response:
        """Send a published cancellation request (A034) for this appointment, with `changes` applied."""
        told = self.world.told(example.read())
        kept = {name: appointment[name] for name in ("id", "meta", "incomingReferral", "participant")}
        tag = f'W/"{appointment["meta"]["versionId"]}"'
        address = f"/STU3/Appointment/{appointment['id']}"
        return await self.gp.put(address, json={**told, **kept, **changes}, headers={**HEADERS, "If-Match": tag})


@asynccontextmanager
async def behind(template: Template, directory: Path) -> AsyncGenerator[Behind]:
    """Run a service on a copy of the template's world in `directory`, linked to a small PAS."""
    with small_pas() as pas:
        async with template.serve(directory) as run:
            settings = run.service.settings
            signing = read_or_make_signing_key(settings.signing_key_file)
            pas.issuer, pas.kid = settings.base_url, signing.kid
            pas.key = RSAKey.import_key(dict(signing.public_keys()["keys"][0]))
            gp = await run.as_person(template.world.person(GP))
            yield Behind(template.world, run, pas, gp)


def in_time(node: Any, by: timedelta) -> Any:
    """Return published JSON with each start and end moved by `by`, in the service's timestamp format."""
    if isinstance(node, list):
        return [in_time(each, by) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    return {
        name: later(value, by) if name in ("start", "end") else in_time(value, by)
        for name, value in cast("Json", node).items()
    }


def later(instant: str, by: timedelta) -> str:
    """Return a published instant moved by `by`."""
    moved = datetime.fromisoformat(instant).astimezone(UTC) + by
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ahead_of(instant: str) -> timedelta:
    """Return the whole days by which to move a published instant, so that it is in the future.

    The result is the same for all instants of one day.
    """
    published = datetime.fromisoformat(instant).astimezone(UTC).date()
    return timedelta(days=(datetime.now(UTC).date() - published).days) + AHEAD


def _matches(bundle: Json) -> list[Json]:
    return [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match"]


def _quoting(referral: Json) -> Json:
    version = referral["meta"]["versionId"]
    return {"incomingReferral": [{"reference": f"ReferralRequest/{referral['id']}/_history/{version}"}]}
