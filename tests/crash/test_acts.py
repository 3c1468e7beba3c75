"""A service killed between the steps of A014, A022 and A036: after a restart it completes each cancellation.

The steps are those of a cancellation (`test_booking.py`): claim, call the PAS, the PAS replies, confirm.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.crash.audit import check_audit
from tests.crash.gates import Gate, GatedPas
from tests.crash.test_booking import POINTS, QUICK, Desk, agreed, settled
from tests.kit.pas.small_pas import small_pas
from tests.kit.referrals.rig import booking
from tests.kit.referrals.scene import SERVICE, add_slots, prepared
from tests.kit.referrals.words import LATER, NO_LETTER, VALID, document, request_of, state_of
from tests.kit.service.live import Live, live
from tests.kit.service.requests import HEADERS, create_referral
from tests.kit.service.running import CONSULTANT
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
AFTERWARDS: Final = {"A014": "REJECTED", "A022": "TRIAGED_PROVIDER_TO_ACTION", "A036": "CANCELLED_REFERRAL"}


class Office(Desk):
    """A GP and a consultant at a live service."""

    def __init__(self, service: Live) -> None:
        """Log in."""
        super().__init__(service)
        self.consultant = service.as_person(CONSULTANT)

    def booked(self, slot: Json) -> Json:
        """Create a booked referral without a letter to come, and return it (A005)."""
        reply = self.gp.post(**create_referral(NO_LETTER, services=(SERVICE,)))
        made = self.gp.post("/STU3/Appointment", json=booking(reply.json(), slot), headers=HEADERS)
        assert made.status_code == 201, made.text
        return self.shown(reply.json())

    def shown(self, referral: Json) -> Json:
        """Read the referral (A005)."""
        return dict[str, Any](self.gp.get(f"/STU3/ReferralRequest/{referral['id']}").json())

    def act(self, number: str, referral: Json, *files: Json) -> httpx.Response:
        """Call the operation as a user who may call it."""
        words = LATER if number == "A022" else VALID[number]
        client = self.gp if number == "A036" else self.consultant
        return client.post(**request_of(number, referral, *words, *files))

    def file(self, referral: Json) -> Json:
        """Upload a file of the consultant for the referral, and return it as a parameter."""
        headers = {
            "Content-Type": "text/plain",
            "NHSD-eRS-File-Name": "plan.txt",
            "NHSD-eRS-Referral-ID": referral["id"],
        }
        reply = self.consultant.post("/STU3/Binary", content=b"Ring them.", headers=headers)
        assert reply.status_code == 201, reply.text
        return document("providerAttachmentFile", reply.headers["location"])


async def test_acts_that_were_under_way_are_settled(demo_url: str, keys: Path) -> None:
    """At each point of each act, the referral reaches its final state once, with its files."""
    with small_pas(GatedPas()) as pas:
        assert isinstance(pas, GatedPas)
        add_slots(pas, 12)
        settings = await prepared(demo_url, keys, pas, **QUICK)
        pas_slots = {str(key): pas_id for key, pas_id in await fetch(demo_url, "SELECT id, pas_id FROM slots")}
        with live(settings) as service:
            office = Office(service)
            free = office.free()
            cases = {(number, point): office.booked(free.pop()) for number in AFTERWARDS for point in POINTS}
            gates = {case: _gate(pas, pas_slots, referral, case[1]) for case, referral in cases.items()}
            files = {case: [office.file(referral)] for case, referral in cases.items() if case[0] == "A022"}
            with ThreadPoolExecutor(len(cases)) as pool:
                begun = [
                    pool.submit(office.act, case[0], referral, *files.get(case, [])) for case, referral in cases.items()
                ]
                for gate in gates.values():
                    gate.wait_for_somebody()
                service.kill()
                assert all(isinstance(each.exception(), httpx.TransportError) for each in begun)
        for gate in gates.values():
            gate.open()
        with live(settings) as service:
            await settled(demo_url)
            office = Office(service)
            for (number, _), referral in cases.items():
                now = office.shown(referral)
                assert state_of(now)[0] == AFTERWARDS[number]
                attached = [each for each in now["contained"] if each["resourceType"] == "DocumentReference"]
                assert len(attached) == (number == "A022")
                assert office.act(number, now).status_code == 422
            assert await agreed(demo_url, pas)
            service.stop()
            check_audit(service, settings)


def _gate(pas: GatedPas, pas_slots: dict[str, str], referral: Json, point: str) -> Gate:
    """Add a gate in the PAS for the referral's appointment."""
    (held,) = (each for each in referral["contained"] if each["resourceType"] == "Appointment")
    slot = pas_slots[held["slot"][0]["reference"].removeprefix("Slot/")]
    (there,) = (key for key, each in pas.appointments.items() if each["slot"][0]["reference"] == f"Slot/{slot}")
    return pas.gate(there, POINTS[point])
