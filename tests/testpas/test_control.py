"""The control plane and the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from openers_testpas.hospital.clock import Clock
from openers_testpas.hospital.store import InUse, Store
from openers_testpas.server import build
from openers_testpas.system import System
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.testpas.hospital import Hospital, options_for
from tests.testpas.referral_service import ReferralService
from tests.testpas.subject import matches

pytestmark = pytest.mark.anyio


def _client(app: Starlette, host: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(host, 1)), base_url="http://testpas")


async def test_the_clock_is_set_and_the_diary_follows(hospital: Hospital) -> None:
    before = (await hospital.http.get("/_control/state")).json()["slots"]
    reply = await hospital.http.put("/_control/clock", json={"now": "2027-06-01T08:00:00Z", "advance_seconds": 3600})
    assert reply.json()["now"].startswith("2027-06-01T09:00:")
    after = (await hospital.http.get("/_control/state")).json()["slots"]
    assert after["free"] > before["free"]
    assert hospital.system.clock.today().isoformat() == "2027-06-01"
    days = (await hospital.http.get("/?day=2027-07-20")).text
    assert "09:00 to 09:30" in days
    assert (await hospital.http.put("/_control/clock", json={"now": None})).status_code == 200
    assert hospital.system.clock.offset.total_seconds() == 0


async def test_the_clock_outlives_the_process(shared_service: ReferralService, tmp_path: Path) -> None:
    options = options_for(shared_service, tmp_path)
    first = System(options)
    first.clock.set(first.clock.now().replace(year=2031))
    first.keep_clock()
    first.store.close()
    second = System(options)
    assert second.clock.now().year == 2031
    second.store.close()


async def test_stamps_rise_although_the_clock_goes_back(hospital: Hospital) -> None:
    slots = hospital.system.slots
    clock = hospital.system.clock
    stamps = [slots.add("empty", clock.now(), 10).updated]
    clock.set(clock.now().replace(year=2020))
    stamps.append(slots.add("empty", clock.now(), 10).updated)
    assert stamps[1] > stamps[0]


async def test_slots_are_added_and_closed(hospital: Hospital) -> None:
    start = hospital.system.clock.now().isoformat()
    reply = await hospital.http.post("/_control/slots", json={"add": [{"clinic": "empty", "start": start}]})
    [added] = reply.json()["added"]
    subject = msgspec.structs.replace(hospital.subject, service_id="90009")
    params = [("schedule.actor:identifier", "http://fhir.nhs.net/Id/ers-service|90009")]
    assert [each["id"] for each in matches((await subject.get("/Slot", params)).json())] == [added["id"]]
    for _ in range(2):
        closed = await hospital.http.post("/_control/slots", json={"close": [added["id"]]})
        assert closed.json()["closed"][0]["status"] == "busy-unavailable"
    assert matches((await subject.get("/Slot", params)).json()) == []
    assert (await _refused(hospital, {"close": ["nowhere"]})) == 404
    assert (await _refused(hospital, {"add": [{"clinic": "nowhere", "start": start}]})) == 404
    assert (await _refused(hospital, {"add": [{"clinic": "empty", "start": start, "minutes": 481}]})) == 409
    assert (await _refused(hospital, {"open": []})) == 422


async def _refused(hospital: Hospital, changes: object) -> int:
    return (await hospital.http.post("/_control/slots", json=changes)).status_code


async def test_a_closed_slot_stays_closed_when_the_diary_is_filled_again(hospital: Hospital) -> None:
    [slot] = await hospital.subject.free()
    hospital.system.slots.close(slot["id"])
    hospital.system.fill()
    assert (await hospital.subject.book(slot)).status_code == 409


async def test_a_booked_slot_can_not_be_closed(hospital: Hospital) -> None:
    [slot] = await hospital.subject.free()
    assert (await hospital.subject.book(slot)).status_code == 201
    assert await _refused(hospital, {"close": [slot["id"]]}) == 409


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ({"act": "arrive"}, "arrived"),
        ({"act": "not-attended", "reason": "PATIENT_ILL"}, "noshow"),
        ({"act": "cancel"}, "cancelled"),
    ],
)
async def test_the_hospital_acts_by_booking_key_or_id(hospital: Hospital, act: dict[str, str], status: str) -> None:
    [slot] = await hospital.subject.free()
    booked = (await hospital.subject.book(slot)).json()
    key = booked["identifier"][0]["value"]
    reply = await hospital.http.post(f"/_control/appointments/{key}", json=act)
    assert reply.json()["status"] == status
    again = await hospital.http.post(f"/_control/appointments/{booked['id']}", json=act)
    assert again.status_code == 409
    assert (await hospital.http.post("/_control/appointments/nowhere", json=act)).status_code == 404


@pytest.mark.parametrize(
    "act",
    [{"act": "cancel", "reason": "PATIENT_FORGOT"}, {"act": "cancel", "reason": "PRIORITY_CHANGE"}, {"act": "move"}],
)
async def test_an_act_that_makes_no_sense_is_refused(hospital: Hospital, act: dict[str, str]) -> None:
    [slot] = await hospital.subject.free()
    booked = (await hospital.subject.book(slot)).json()
    reply = await hospital.http.post(f"/_control/appointments/{booked['id']}", json=act)
    assert reply.status_code in {404, 409}
    assert hospital.system.bookings.one(booked["id"]).version == 1


async def test_others_than_this_machine_are_turned_away(hospital: Hospital) -> None:
    app = build(hospital.system)
    for host, status in (("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 403)):
        async with _client(app, host) as http:
            assert (await http.get("/_control/state")).status_code == status


async def test_a_page_elsewhere_can_not_send_a_form_here(hospital: Hospital) -> None:
    reply = await hospital.http.put(
        "/_control/faults", content=b'{"faults": []}', headers={"Content-Type": "text/plain"}
    )
    assert reply.status_code == 415


@pytest.mark.parametrize(("path", "status"), [("/fhir/Patient", 404), ("/fhir/Slot", 405), ("/nowhere", 404)])
async def test_other_addresses_are_none(hospital: Hospital, path: str, status: int) -> None:
    assert (await hospital.http.delete(path)).status_code == status


def test_a_file_belongs_to_one_process(tmp_path: Path) -> None:
    command = (
        "import sys; from pathlib import Path; from openers_testpas.hospital.store import Store; "
        "store = Store(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "one.db"
    with subprocess.Popen(
        [sys.executable, "-c", command, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(InUse):
            Store(path)
        other.communicate()
    Store(path).close()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--clinics", "nowhere.toml"], "nowhere.toml"),
        (["--client-key", "nowhere.json"], "nowhere.json"),
        (["--faults", "[{}]"], "kind"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(option: list[str], told: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "openers_testpas", "serve", "--database", str(tmp_path / "x.db"), *option]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANGS_AFTER_S)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_clock_runs_on_from_where_it_was_set() -> None:
    times = iter([Clock().now().replace(second=each) for each in (1, 2, 5)])
    clock = Clock(lambda: next(times))
    clock.set(Clock().now().replace(year=2030, second=0))
    assert (clock.now().year, clock.now().second) == (2030, 4)
