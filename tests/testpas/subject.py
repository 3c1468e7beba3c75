"""A client for a system under the contract: it searches for slots, books, looks up and cancels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import msgspec

from tests.testpas.referral_service import ReferralService

MEDIA_TYPE: Final = "application/fhir+json"
BOOKING_KEY: Final = "https://openers.example/Id/booking-key"
SERVICE: Final = "http://fhir.nhs.net/Id/ers-service"
FAR: Final = timedelta(days=60)

Resource = dict[str, Any]


class Subject(msgspec.Struct, frozen=True):
    """The system's address, its callers and its services.

    `service_id` has at least 30 free slots within the next eight weeks, `empty_service_id` none.
    """

    base: str
    http: httpx.AsyncClient
    service: ReferralService
    service_id: str
    empty_service_id: str

    def signed(self, **headers: str) -> dict[str, str]:
        """Return the headers of one call."""
        return {"Authorization": f"Bearer {self.service.token(self.base)}", **headers}

    async def get(self, url: str, params: Sequence[tuple[str, str]] = ()) -> httpx.Response:
        """Send a signed GET to a path below the base, or to a whole URL."""
        whole = url if url.startswith("http") else f"{self.base}{url}"
        query = f"?{urlencode(params)}" if params else ""
        return await self.http.get(f"{whole}{query}", headers=self.signed())

    async def search(self, *more: tuple[str, str], service_id: str | None = None) -> Resource:
        """Search for slots in the next 60 days, and return the Bundle."""
        now = datetime.now(UTC)
        params = [
            ("schedule.actor:identifier", f"{SERVICE}|{service_id or self.service_id}"),
            ("start", f"ge{now.isoformat()}"),
            ("start", f"lt{(now + FAR).isoformat()}"),
            ("_include", "Slot:schedule"),
            *more,
        ]
        found = await self.get("/Slot", params)
        assert found.status_code == 200, found.text
        return found.json()

    async def free(self, count: int = 1) -> list[Resource]:
        """Return `count` free slots."""
        found = matches(await self.search(("_count", "500")))
        assert len(found) >= count
        return found[:count]

    async def book(self, slot: Resource, key: str | None = None, /, **changes: Any) -> httpx.Response:
        """Try to book a slot, with a new key if none is given."""
        key = key or str(uuid4())
        body = {**wanted(slot, key), **changes}
        return await self.post({name: value for name, value in body.items() if value is not None}, key)

    async def post(self, body: object, key: str | None) -> httpx.Response:
        """Send a POST with any body."""
        condition = {} if key is None else {"If-None-Exist": f"identifier={BOOKING_KEY}|{key}"}
        headers = self.signed(**{"Content-Type": MEDIA_TYPE}, **condition)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.post(f"{self.base}/Appointment", content=content, headers=headers)

    async def look_up(self, key: str) -> Resource:
        """Look up a key, and return the Bundle."""
        found = await self.get("/Appointment", [("identifier", f"{BOOKING_KEY}|{key}")])
        assert found.status_code == 200, found.text
        return found.json()

    async def put(self, appointment: Resource, identity: str | None = None) -> httpx.Response:
        """Send a PUT of an appointment."""
        url = f"{self.base}/Appointment/{identity or appointment['id']}"
        headers = self.signed(**{"Content-Type": MEDIA_TYPE})
        return await self.http.put(url, content=msgspec.json.encode(appointment), headers=headers)

    async def cancel(self, appointment: Resource) -> httpx.Response:
        """Try to cancel an appointment."""
        reason = {"coding": [{"code": "PATIENT_HOLIDAY"}]}
        return await self.put({**appointment, "status": "cancelled", "cancelationReason": reason})


def wanted(slot: Resource, key: str) -> Resource:
    """Return the Appointment that books a slot."""
    patient = {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000042"}}
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "identifier": [
            {"system": BOOKING_KEY, "value": key},
            {"system": "https://fhir.nhs.uk/Id/UBRN", "value": "000000070042"},
        ],
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "created": "2026-01-05T08:00:00+00:00",
        "participant": [{"actor": patient, "status": "accepted"}],
    }


def matches(bundle: Resource) -> list[Resource]:
    """Return the resources that matched the search."""
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def included(bundle: Resource) -> list[Resource]:
    """Return the included resources."""
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "include"]


def link(bundle: Resource, relation: str) -> str | None:
    """Return the address of a link of a Bundle."""
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)


def problem(reply: httpx.Response) -> tuple[int, str]:
    """Return the status of a refusal and the code of its OperationOutcome."""
    body = reply.json()
    assert body["resourceType"] == "OperationOutcome"
    assert reply.headers["content-type"].startswith(MEDIA_TYPE)
    return reply.status_code, body["issue"][0]["code"]
