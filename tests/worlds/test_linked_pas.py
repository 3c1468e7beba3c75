"""A Test PAS follows the world's clock, and so does its diary; both run as processes."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from openers.domain.identifiers import ServiceId
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.due import system_entry
from tests.kit.referrals.rig import RULES, booking
from tests.kit.run import moments
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.demo import Demo, demo_in
from tests.kit.service.live import free_port
from tests.kit.service.requests import HEADERS, create_referral
from tests.kit.service.running import GP, copied
from tests.kit.service.worlds import rig

NEARLY = timedelta(minutes=5)
SLOTS = {
    "schedule.actor:HealthcareService": "11006", "appointmentType": "URGENT", "status": "free", "_count": "50",
    "page": "1",
}  # fmt: skip
FAR = {"days": 100}


@pytest.fixture
def demo(tmp_path: Path) -> Generator[Demo]:
    """Run the demo world and its Test PAS."""
    with demo_in(tmp_path) as running:
        yield running


def _post(demo: Demo, path: str, body: Any = None, method: str = "POST") -> dict[str, Any]:
    reply = httpx.request(method, f"{demo.base_url}/_test{path}", json=body, timeout=HANGS_AFTER_S)
    assert reply.is_success, reply.text
    told: dict[str, Any] = reply.json()
    return told


def _at_the_pas(demo: Demo) -> tuple[datetime, dict[str, Any]]:
    state = httpx.get(f"{demo.pas_url}/_control/state", timeout=HANGS_AFTER_S).json()
    return datetime.fromisoformat(state["now"]), state


def test_its_time_and_its_diary_follow(demo: Demo) -> None:
    """The service offers and books the slots of the later diary; a reset keeps the link."""
    before, _ = _at_the_pas(demo)
    shown = _post(demo, "/clock/advance", FAR)
    assert shown["told"] == [{"pas": demo.pas_url, "told": True, "reason": None}]
    now, state = _at_the_pas(demo)
    assert abs(now - datetime.fromisoformat(shown["now"])) < NEARLY
    assert now - before >= timedelta(**FAR)
    token = _post(demo, "/sessions", {"user": GP.user})["access_token"]
    headers = {"Authorization": f"Bearer {token}", **GP.headers}
    with httpx.Client(base_url=f"{demo.base_url}/referrals/FHIR", headers=headers, timeout=HANGS_AFTER_S) as gp:
        referral = gp.post(**create_referral(services=["11006"])).json()
        offered = [each["resource"] for each in gp.get("/STU3/Slot", params=SLOTS, headers=RULES).json()["entry"]]
        slots = [each for each in offered if each["resourceType"] == "Slot"]
        assert len(slots) > 5
        assert all(datetime.fromisoformat(each["start"]) > now for each in slots)
        booked = gp.post("/STU3/Appointment", json=booking(referral, slots[0]), headers=HEADERS)
        assert booked.status_code == 201, booked.text
    assert _at_the_pas(demo)[1]["appointments"] == {"booked": 1}
    assert state["appointments"] == {}
    _post(demo, "/worlds/main/reset")
    assert _post(demo, "/clock", {"real": True}, "PUT")["told"][0]["told"] is True
    assert abs(_at_the_pas(demo)[0] - moments.now()) < NEARLY


@pytest.mark.anyio
async def test_one_that_is_not_there_is_named(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """If a PAS is unreachable, the clock still moves, and the reply names that PAS."""
    async with rig(copied(sqlite_template, tmp_path), keys, own_pas=False) as here:
        nowhere = f"http://127.0.0.1:{free_port()}"
        world = here.service.world
        for service in (ServiceId("11001"), ServiceId("11006")):
            command = LinkPas(service=service, url=f"{nowhere}/fhir", client_id="demo-pas")
            await link_pas(command, world.for_call(system_entry("Test", world.wall.now())))
        before = await here.control("GET", "/clock")
        shown = await here.control("PUT", "/clock", {"now": "2027-03-01T12:00:00Z"})
        (told,) = (each for each in shown["told"] if each["pas"] == nowhere)
        assert told == {"pas": nowhere, "told": False, "reason": "ClientConnectorError"}
        assert before["now"] < shown["now"]
