"""`--open` and `--frozen`: access without a token, and a world that saves nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from openers.settings import SettingsError, read_settings
from tests.kit.service.requests import create_referral, search
from tests.kit.service.running import CONSULTANT, GP, PEOPLE, Person, copied
from tests.kit.service.worlds import Rig, rig

pytestmark = pytest.mark.anyio
FHIR = "/referrals/FHIR"
FUNCTION, ODS = "NHSD-eRS-Business-Function", "NHSD-End-User-Organisation-ODS"
PLAIN = {"Content-Type": "application/json"}


@pytest.fixture
async def let_in(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with open access."""
    async with rig(copied(sqlite_template, tmp_path), keys, open=True) as made:
        yield made


@pytest.fixture
async def frozen(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with open access that saves nothing."""
    async with rig(copied(sqlite_template, tmp_path), keys, open=True, frozen=True) as made:
        yield made


async def _create(http: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> httpx.Response:
    asked = create_referral(**changes)
    return await http.post(f"{FHIR}{asked['url']}", json=asked["json"], headers=headers)


async def test_a_request_without_a_token_acts_as_the_person_of_its_function(let_in: Rig) -> None:
    """Plain JSON and a missing organisation are accepted."""
    created = await _create(let_in.http, {FUNCTION: "REFERRING_CLINICIAN", **PLAIN})
    assert created.status_code == 201, created.text
    [event] = (await let_in.control("GET", "/events"))["events"]
    assert event["by"] == GP.user
    path = f"{FHIR}/STU3/ReferralRequest/{created.json()['id']}"
    assert (await let_in.http.get(path, headers={FUNCTION: "REFERRING_CLINICIAN_ADMIN"})).status_code == 200
    assert (await let_in.http.get(path, headers={FUNCTION: "REFERRER_AUTHORISED_APPLICATION"})).status_code != 401


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: f"{who.function}-{who.organisation}")
async def test_everybody_of_the_demo_world_is_answered_as_if_logged_in(let_in: Rig, who: Person) -> None:
    headers = who.headers
    await let_in.control("PUT", "/clock", {"running": False})
    reply = await let_in.http.get(f"{FHIR}/STU3/CodeSystem/PRIORITY", headers=headers)
    logged_in = await let_in.fhir("GET", "/STU3/CodeSystem/PRIORITY", who=who)
    assert (reply.status_code, reply.content) == (logged_in.status_code, logged_in.content)
    assert reply.status_code in (200, 403)


async def test_the_rules_behind_the_door_apply(let_in: Rig) -> None:
    asked = search()
    address = f"{FHIR}{asked['url']}"
    for headers, status in (
        ({FUNCTION: "SERVICE_PROVIDER_CLINICIAN"}, 403),
        ({FUNCTION: "REFERRING_CLINICIAN", ODS: "RCD"}, 403),
        ({FUNCTION: "KING"}, 401),
        ({}, 403),
        ({FUNCTION: "REFERRING_CLINICIAN", "Authorization": "Bearer nobody"}, 401),
        ({FUNCTION: "REFERRING_CLINICIAN", "Content-Type": "text/plain"}, 415),
    ):
        reply = await let_in.http.post(address, json=asked["json"], headers={**PLAIN, **headers})
        assert reply.status_code == status, (headers, reply.text)


async def test_a_person_elsewhere_is_found_by_their_organisation(let_in: Rig) -> None:
    headers = {FUNCTION: "SERVICE_PROVIDER_CLINICIAN", ODS: "R69"}
    reply = await let_in.http.get(f"{FHIR}/R4/PractitionerRole", headers=headers)
    assert reply.status_code in (200, 400, 404), reply.text
    assert reply.status_code != 401


async def test_a_closed_door_stays_closed(here: Rig) -> None:
    reply = await here.http.get(f"{FHIR}/STU3/CodeSystem/PRIORITY", headers=GP.headers)
    assert reply.status_code == 401


async def test_nothing_stays_of_a_request_to_a_frozen_world(frozen: Rig) -> None:
    """Two identical calls get the same bytes, and no later call sees either."""
    headers = {FUNCTION: "REFERRING_CLINICIAN", **PLAIN}
    first, second = [await _create(frozen.http, headers) for _ in range(2)]
    assert first.status_code == 201
    assert (first.content, sorted(first.headers.items())) == (second.content, sorted(second.headers.items()))
    path = f"{FHIR}/STU3/ReferralRequest/{first.json()['id']}"
    assert (await frozen.http.get(path, headers=headers)).status_code == 404
    assert await frozen.acts() == []
    other = await _create(frozen.http, headers, services=["11001"])
    assert (other.json()["id"], other.content != first.content) == (first.json()["id"], True)


async def test_its_clock_stands_and_it_has_slots_of_its_own(frozen: Rig) -> None:
    told = [await frozen.control("GET", "/clock") for _ in range(2)]
    assert told[0] == told[1]
    assert told[0]["running"] is False
    query = {
        "schedule.actor:HealthcareService": "11006", "appointmentType": "ROUTINE", "status": "free", "_count": "2",
        "page": "1",
    }  # fmt: skip
    headers = {FUNCTION: "REFERRING_CLINICIAN", "NHSD-eRS-Comm-Rule-Org": "D82106"}
    slots = [await frozen.http.get(f"{FHIR}/STU3/Slot", params=query, headers=headers) for _ in range(2)]
    assert slots[0].content == slots[1].content
    assert len([each for each in slots[0].json()["entry"] if each["search"]["mode"] == "match"]) == 2
    assert await frozen.service.runner().look() == 0


async def test_log_ins_to_a_frozen_world_stay(frozen: Rig) -> None:
    assert (await frozen.fhir("GET", "/STU3/CodeSystem/PRIORITY", who=CONSULTANT)).status_code == 200
    created = await frozen.refer()
    again = await frozen.refer()
    assert created.status_code == 201
    assert created.content == again.content


async def test_a_frozen_world_moves_by_the_control_plane_alone(frozen: Rig) -> None:
    """A load replaces the world, and requests still leave no trace."""
    await frozen.control("POST", "/worlds/main/load", {"pack": "troubles"})
    acts = await frozen.acts()
    assert len(acts) > 20
    headers = {FUNCTION: "REFERRING_CLINICIAN", **PLAIN}
    assert (await frozen.http.get(f"{FHIR}/STU3/ReferralRequest/000000000001", headers=headers)).status_code == 200
    assert (await _create(frozen.http, headers, services=["11001"])).status_code == 201
    assert await frozen.acts() == acts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "production", "open": True}, "OPENERS_OPEN is only for test mode"),
        ({"mode": "production", "frozen": True}, "OPENERS_FROZEN is only for test mode"),
        ({"frozen": True, "database_url": "postgresql://x/y"}, "OPENERS_FROZEN needs a sqlite:/// database"),
        ({"open": "perhaps"}, "OPENERS_OPEN is 'perhaps'"),
    ],
)
def test_the_switches_are_for_test_mode(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_settings({}, given)
