"""The frozen world `published` is consistent: a record exists for every operation and role, or for none.

The tests request every record of the pack, in every version of a scene. They take a record's present version from the
pack: from the base world or, failing that, the latest scene that has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, Final, NamedTuple

import httpx
import pytest

from openers.domain.principal import BusinessFunction
from openers.worlds.packs import read_pack
from tests.kit.service.running import RC, RCA, SPC, SPCA
from tests.kit.service.worlds import Rig, published_world

pytestmark = pytest.mark.anyio
ROLES: Final = (RC, RCA, SPC, SPCA)
FOCUS: Final = "/STU3/Task?intent=proposal&status=ready&focus="
BASED_ON: Final = "/STU3/Communication?based-on="
NOBODY_HAS: Final = 999
"""A version that exists in no scene."""
CONVERSATION, REFERRAL, APPOINTMENT = "CommunicationRequest", "ReferralRequest", "Appointment"
BY_VERSION: Final[Mapping[str, str]] = {REFERRAL: FOCUS, CONVERSATION: BASED_ON, APPOINTMENT: "/STU3/"}
"""The other operation that reads a record in a version."""


LISTS: Final = (
    ("REJECTED_TRIAGE_RESPONSE", RC),
    ("AWAITING_BOOKING", RC),
    ("ASSESSMENT_RETURNED_CANCELLED_DNA", RC),
    ("APPOINTMENT_SLOT_ISSUES", SPC),
    ("REFERRALS_FOR_REVIEW", SPC),
)


class Versions(NamedTuple):
    """The present version of a record, and the distinct values of each version."""

    now: int
    versions: dict[int, list[Any]]


def _told() -> Iterator[tuple[str, str, int, Any]]:
    """Yield kind, number, version and value of all records; the first of each record is the present one."""
    pack = read_pack("published")
    scenes = sorted(pack.scenes, key=lambda each: -each.now.timestamp())
    for records in (pack.records, *(each.records for each in scenes)):
        for referral in records.referrals:
            yield REFERRAL, referral.value.ubrn, referral.version, referral.value
            if (booked := referral.value.appointment) is not None:
                yield APPOINTMENT, str(booked.id), booked.version, referral.value
        for advice in records.conversations:
            yield CONVERSATION, advice.value.ubrn, advice.version, advice.value


def _kept() -> dict[tuple[str, str], Versions]:
    found = dict[tuple[str, str], Versions]()
    for kind, number, version, value in _told():
        held = found.setdefault((kind, number), Versions(version, defaultdict(list))).versions[version]
        if value not in held:
            held.append(value)
    return found


KEPT: Final = _kept()
RECORDS: Final = sorted(KEPT)


class World(NamedTuple):
    """The world with open access, and the clinician for whom a provider's admin acts."""

    rig: Rig
    clinician: str

    async def ask(self, path: str, role: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Send a request without a token."""
        headers["NHSD-eRS-Business-Function"] = role
        if role == SPCA and self.clinician:
            headers["NHSD-eRS-On-Behalf-Of-User-ID"] = self.clinician
        return await self.rig.http.request(method, f"/referrals/FHIR{path}", headers=headers)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Run the world; A040 lists the clinician for whom its admin may act."""
    async with published_world(tmp_path_factory.mktemp("truth")) as made:
        reply = await World(made, "").ask("/R4/Practitioner?_query=onBehalfOf", SPCA)
        [entry] = reply.json()["entry"]
        yield World(made, entry["resource"]["id"])


def _is_absent(reply: httpx.Response) -> bool:
    """Return whether the reply says that the version does not exist."""
    return "latest" in reply.text and reply.status_code in (400, 404)


@pytest.mark.parametrize(("kind", "number"), RECORDS)
async def test_a_number_has_the_same_version_now_for_everybody_who_may_see_it(
    kind: str, number: str, world: World
) -> None:
    replies = [await world.ask(f"/STU3/{kind}/{number}", role) for role in ROLES]
    seen = {(each.json()["meta"]["versionId"], each.headers["etag"]) for each in replies if each.status_code == 200}
    now = KEPT[kind, number].now
    assert seen == {(str(now), f'W/"{now}"')}, [each.text for each in replies]


@pytest.mark.parametrize(("kind", "number"), RECORDS)
async def test_a_version_exists_for_every_operation_that_can_be_asked_for_it(
    kind: str, number: str, world: World
) -> None:
    """Only if scenes differ in the contents of a version may they differ in who sees it."""
    for version, values in KEPT[kind, number].versions.items():
        quoted = f"{kind}/{number}/_history/{version}"
        seen = list[tuple[int, int]]()
        for role in ROLES:
            read = await world.ask(f"/STU3/{quoted}", role)
            other = await world.ask(f"{BY_VERSION[kind]}{quoted}", role)
            assert not _is_absent(read), read.text
            assert not _is_absent(other), other.text
            assert read.status_code != 200 or read.json()["meta"]["versionId"] == str(version)
            assert len(values) > 1 or (read.status_code == 200) == (other.status_code == 200), (quoted, role)
            seen.append((read.status_code, other.status_code))
        assert any(read == 200 for read, _ in seen), (quoted, seen)
        assert any(other == 200 for _, other in seen), (quoted, seen)


@pytest.mark.parametrize(("kind", "number"), RECORDS)
async def test_a_version_that_no_moment_holds_exists_nowhere(kind: str, number: str, world: World) -> None:
    """The refusal names the latest version that a read returns."""
    for role in ROLES:
        sees = (await world.ask(f"/STU3/{kind}/{number}", role)).status_code == 200
        for address in ("/STU3/", BY_VERSION[kind]):
            reply = await world.ask(f"{address}{kind}/{number}/_history/{NOBODY_HAS}", role)
            assert reply.status_code in (400, 404, 422)
            assert _is_absent(reply) == sees, reply.text
            assert not sees or f"({KEPT[kind, number].now})" in reply.text, reply.text


@pytest.mark.parametrize("number", sorted({number for kind, number in RECORDS if kind != APPOINTMENT}))
async def test_a_number_is_looked_up_as_all_that_it_is(number: str, world: World) -> None:
    """A041 finds the referral and the request for advice that the same caller can read."""
    for role in ROLES:
        read = {
            kind for kind in (REFERRAL, CONVERSATION) if (await world.ask(f"/STU3/{kind}/{number}", role)).is_success
        }
        found = await world.ask(f"/R4/ServiceRequest?identifier={number}", role)
        assert found.status_code == 200, found.text
        assert found.json()["total"] == len(read), (role, read, found.text)


@pytest.mark.parametrize("number", sorted(number for kind, number in RECORDS if kind == REFERRAL))
async def test_an_act_finds_what_reading_finds(number: str, world: World) -> None:
    """A version that the provider's clinician can read is found by an act, which may still be refused for its state."""
    address = f"/STU3/ReferralRequest/{number}"
    for version, values in KEPT[REFERRAL, number].versions.items():
        read = await world.ask(f"{address}/_history/{version}", SPC)
        act = await world.ask(f"{address}/$ers.acceptReferral", SPC, "POST", **{"If-Match": f'W/"{version}"'})
        assert act.status_code != 409, act.text
        assert len(values) > 1 or (act.status_code == 404) == (read.status_code == 404), (version, act.text, read.text)


@pytest.mark.parametrize("service", sorted(str(each.id) for each in read_pack("published").services))
async def test_a_service_is_there_in_every_way(service: str, world: World) -> None:
    for role in (RC, RCA):
        read = await world.ask(f"/R4/HealthcareService/{service}", role)
        told = await world.ask(f"/R4/HealthcareService/{service}", role, "HEAD")
        found = await world.ask(f"/R4/HealthcareService?_id={service}", role)
        assert (read.status_code, told.status_code, found.status_code) == (200, 200, 200)
        assert read.headers["etag"] == told.headers["etag"]
        [entry] = found.json()["entry"]
        assert entry["resource"]["meta"]["versionId"] == read.json()["meta"]["versionId"]


@pytest.mark.parametrize("function", read_pack("published").open_to)
def test_whoever_the_open_door_lets_in_is_in_the_world_with_that_function(function: BusinessFunction) -> None:
    pack = read_pack("published")
    [person] = [each for each in pack.users if each.id == pack.open_to[function]]
    assert any(function in each.functions for each in person.roles)


async def test_the_open_doors_administrator_acts_for_somebody_in_the_world_who_sees_it(world: World) -> None:
    """The admin sees whatever the provider's clinician sees."""
    [clinician] = [each for each in read_pack("published").users if each.id == world.clinician]
    assert any(SPC in each.functions for each in clinician.roles)
    for kind, number in RECORDS:
        told = [await world.ask(f"/STU3/{kind}/{number}", role) for role in (SPC, SPCA)]
        assert told[0].status_code == told[1].status_code, [each.text for each in told]


@pytest.mark.parametrize(("kind", "role"), LISTS)
async def test_what_is_on_a_worklist_is_there(kind: str, role: str, world: World) -> None:
    """At least one role can read each referral on a worklist; another scene may let other roles see it."""
    listed = await world.rig.listed(kind, role)
    assert listed
    for reference in listed:
        statuses = {(await world.ask(f"/STU3/{reference}", each)).status_code for each in ROLES}
        assert 200 in statuses, (reference, statuses)


async def test_a_named_scene_is_the_same_for_every_operation(world: World) -> None:
    """A named scene also serves operations that it is not listed for."""
    scene = next(each for each in read_pack("published").scenes if each.name == "a013")
    [kept] = scene.records.referrals
    for path in ("", f"/_history/{kept.version}"):
        named = {"X-OpenERS-Scene": scene.name}
        read = await world.ask(f"/STU3/ReferralRequest/{kept.value.ubrn}{path}", SPC, **named)
        assert read.json()["meta"]["versionId"] == str(kept.version), read.text
