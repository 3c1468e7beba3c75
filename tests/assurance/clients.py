"""Two clients of a running service: one that keeps the rules, and one that does what careless programs do."""

from __future__ import annotations

import json
from time import sleep
from typing import Any, Final
from urllib.parse import urlencode

from openers.testing import Role, WorldOfTest
from openers_client.http import Answer, send
from tests.kit.referrals.rig import RULES, SERVICE, booking
from tests.kit.referrals.words import PATHS, cancelling
from tests.kit.service.requests import create_referral, parameters_of, search
from tests.kit.service.running import GP

REFERRER: Final = Role(GP.user, GP.organisation, GP.function)
ENDPOINT: Final = {"XAPI_ASID": "999900000101", "XAPI_FQDN": "demo.example"}
SESSIONS: Final = "/ers-api/v1/ProfessionalSession"
AT_ONCE: Final = 4
"""Calls that are repeated at once after 429."""
_CANCEL: Final = parameters_of("CancelReferral-Request", [cancelling()])
Json = dict[str, Any]


class Program:
    """A program of a practice. Its token lasts for the whole run."""

    def __init__(self, world: WorldOfTest) -> None:
        """Log in."""
        self._world = world
        self._headers = {**world.headers(REFERRER), "Content-Type": "application/fhir+json"}

    def get(self, path: str) -> Answer:
        """Read."""
        return send("GET", f"{self._world.fhir_url}{path}", None, self._headers)

    def post(self, wanted: Json, **headers: str) -> Answer:
        """Send a change or a search, as the functions of the kit describe it."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps(wanted["json"])
        return send("POST", f"{self._world.fhir_url}{wanted['url']}", body, {**self._headers, **more})

    def create(self) -> str:
        """Create a referral; return its UBRN."""
        created = self.post(create_referral(services=(SERVICE,)))
        assert created.status == 201, created.text
        return str(created.json()["id"])

    def read(self, ubrn: str) -> Answer:
        """Read a referral."""
        return self.get(f"/STU3/ReferralRequest/{ubrn}")

    def cancel(self, ubrn: str, version: str) -> Answer:
        """Cancel a referral in a version."""
        path = f"/STU3/ReferralRequest/{ubrn}/$ers.{PATHS['A036']}"
        return self.post({"url": path, "json": _CANCEL}, If_Match=version)

    def slot(self, page: int = 1) -> Json:
        """Return the first free slot of a page."""
        asked = {"appointmentType": "URGENT", "status": "free", "_count": "5", "page": str(page)}
        query = urlencode({"schedule.actor:HealthcareService": SERVICE, **asked})
        found = send("GET", f"{self._world.fhir_url}/STU3/Slot?{query}", None, {**self._headers, **RULES})
        assert found.status == 200, found.text
        return next(e["resource"] for e in found.json()["entry"] if e["search"]["mode"] == "match")

    def book(self, referral: Json, slot: Json) -> Answer:
        """Book a slot."""
        return self.post({"url": "/STU3/Appointment", "json": booking(referral, slot)})

    def fault(self, kind: str, **more: Any) -> None:
        """Order a fault for one call."""
        self._world.control("PUT", "/faults", {"faults": [{"kind": kind, "count": 1, **more}]})


def careful(world: WorldOfTest) -> None:
    """Do what the rules want, also after errors."""
    program = Program(world)
    assert program.get("/STU3/CodeSystem/SPECIALTY").status == 200
    assert program.post(search()).status == 200
    ubrn = program.create()
    referral = program.read(ubrn)
    program.slot(1)
    slot = program.slot(2)
    program.fault("pas-silent")
    assert program.book(referral.json(), slot).status == 504
    version = str(program.read(ubrn).headers["ETag"])
    program.fault("too-many-requests", operations=["A005"])
    assert program.read(ubrn).status == 429
    sleep(1.1)  # Retry-After is one second
    assert program.read(ubrn).status == 200
    other = program.create()
    version = str(program.read(other).headers["ETag"])
    assert program.cancel(other, version).status == 200
    assert _in_session(world, closes=True) == 200


def careless(world: WorldOfTest) -> None:
    """Retry at once, ignore ETags, keep the session open, and do not read after 504."""
    program = Program(world)
    ubrn, other = program.create(), program.create()
    referral = program.read(ubrn)
    program.fault("pas-silent")
    assert program.book(referral.json(), program.slot()).status == 504
    program.book(referral.json(), program.slot())
    program.fault("too-many-requests", operations=["A005"], count=AT_ONCE)
    for _ in range(AT_ONCE):  # on a busy machine, more than a second may lie between two of them, but not between all
        assert program.read(ubrn).status == 429
    assert program.read(ubrn).status == 200
    program.read(other)
    for _ in range(2):
        assert program.cancel(other, 'W/"99"').status == 409
    assert _in_session(world, closes=False) == 200


def _in_session(world: WorldOfTest, *, closes: bool) -> int:
    """Read a code list in a session of 2018; return the status of that call."""
    headers = {**world.tenant, **ENDPOINT, "Content-Type": "application/json"}
    base = world.base_url
    begun = send("POST", f"{base}{SESSIONS}", json.dumps({"token": f"{GP.user} x x x"}), headers)
    key = str(begun.json()["id"])
    headers["HTTP_X_SESSION_KEY"] = key
    role = {"permission": {"businessFunction": GP.function, "orgIdentifier": GP.organisation}}
    assert send("PUT", f"{base}{SESSIONS}/{key}", json.dumps(role), headers).status == 200
    status = send("GET", f"{base}/ers-api/v1/ValueSet/SPECIALTY", None, headers).status
    if closes:
        assert send("DELETE", f"{base}{SESSIONS}/{key}", None, headers).status in (200, 204)
    return status
