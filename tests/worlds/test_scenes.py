"""Scenes of a frozen world: an act runs in one scene that accepts it; a query runs in all scenes of its operation."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
import pytest

from openers.worlds.packs import PackError, parse_pack, read_pack
from tests.kit.service.running import RC, SPC
from tests.kit.service.worlds import Rig, published_world

pytestmark = pytest.mark.anyio
FHIR = "/referrals/FHIR"


@pytest.fixture(scope="module")
async def frozen(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    """Run a frozen service with the world that has scenes."""
    async with published_world(tmp_path_factory.mktemp("scenes")) as made:
        yield made


def records_of(scene: str) -> tuple[str, int]:
    """Return UBRN and version of the only referral in a scene."""
    [kept] = next(each for each in read_pack("published").scenes if each.name == scene).records.referrals
    return kept.value.ubrn, kept.version


async def act(frozen: Rig, operation: str, ubrn: str, version: int, **headers: str) -> httpx.Response:
    """Call an operation without a body as a clinician of the provider."""
    sent = {"NHSD-eRS-Business-Function": SPC, "If-Match": f'W/"{version}"', **headers}
    return await frozen.http.post(f"{FHIR}/STU3/ReferralRequest/{ubrn}/$ers.{operation}", headers=sent)


async def test_an_act_goes_to_the_scene_that_takes_it(frozen: Rig) -> None:
    """An act runs in the scene that has its version, although the base world has another one.

    Nothing of the act is saved.
    """
    ubrn, version = records_of("a013")
    for _ in range(2):
        accepted = await act(frozen, "acceptReferral", ubrn, version)
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["meta"]["versionId"] == str(version + 1)
    read = await frozen.http.get(f"{FHIR}/STU3/ReferralRequest/{ubrn}", headers={"NHSD-eRS-Business-Function": RC})
    assert read.json()["meta"]["versionId"] not in (str(version), str(version + 1))


async def test_an_act_that_no_scene_takes_is_refused_by_the_first(frozen: Rig) -> None:
    ubrn, version = records_of("a013")
    assert (await act(frozen, "acceptReferral", ubrn, version + 7)).status_code == 409


async def test_an_ordered_fault_is_told_whatever_scenes_there_are(frozen: Rig) -> None:
    """The service returns a simulated fault and does not try the next scene, which would hide it."""
    slots = (
        f"{FHIR}/STU3/Slot?schedule.actor:HealthcareService=12000&appointmentType=ROUTINE&status=free&_count=5&page=1"
    )
    sent = {"NHSD-eRS-Business-Function": RC, "NHSD-eRS-Comm-Rule-Org": "R69"}
    for kind, status in (("too-many-requests", 429), ("unavailable", 503)):
        await frozen.control("POST", "/faults", {"kind": kind, "count": 1})
        assert (await frozen.http.get(slots, headers=sent)).status_code == status
        await frozen.http.delete("/_test/faults")
    assert (await frozen.http.get(slots, headers=sent)).status_code == 200


async def test_a_question_is_answered_by_the_scene_that_knows_most(frozen: Rig) -> None:
    """A worklist runs in the scene of its kind; a header can select another scene."""
    for kind, function in (("REJECTED_TRIAGE_RESPONSE", RC), ("APPOINTMENT_SLOT_ISSUES", SPC)):
        assert await frozen.listed(kind, function)
    assert not await frozen.listed("APPOINTMENT_SLOT_ISSUES", SPC, **{"X-OpenERS-Scene": "a008-rejected"})


async def test_who_is_logged_in_is_known_in_scenes(frozen: Rig) -> None:
    """A token of the world is valid in its scenes; an unknown token is valid in none."""
    ubrn, version = records_of("a013")
    clinician = read_pack("published").open_to[SPC]  # pyright: ignore[reportArgumentType] -- a StrEnum's member
    begun = await frozen.control("POST", "/sessions", {"user": clinician})
    place = {"NHSD-End-User-Organisation-ODS": "R69"}
    mine = await act(frozen, "acceptReferral", ubrn, version, Authorization=f"Bearer {begun['access_token']}", **place)
    assert mine.status_code == 200, mine.text
    nobody = await act(frozen, "acceptReferral", ubrn, version, Authorization="Bearer nobody", **place)
    assert nobody.status_code == 401


def test_a_fault_in_a_scene_is_named_with_its_place() -> None:
    pack = 'name = "x"\ntitle = "X"\nday = 2026-01-01\n'
    with pytest.raises(PackError, match=r"scenes\[0\]"):
        parse_pack("x", pack, {"one": 'title = "One"\noperations = ["A013"]\n'})


def test_a_scene_has_the_records_of_the_world_or_its_own() -> None:
    pack = 'name = "x"\ntitle = "X"\nday = 2026-01-01\n'
    scene = 'title = "One"\noperations = []\nnow = 2026-01-01T00:00:00Z\nas_it_is = true\n'
    assert parse_pack("x", pack, {"one": scene}).scenes[0].as_it_is
    with pytest.raises(PackError, match=r"scenes\[0\].records: .*remove one of the two"):
        parse_pack("x", pack, {"one": f"{scene}[records]\nnumbers = {{ ubrn = 1 }}\n"})
