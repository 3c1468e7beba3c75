"""PDS that is slow, down, busy or wrong: a record that is recent enough is still used, otherwise the reply says why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from openers.domain.audit import AuditEntry
from openers.domain.errors import NeighbourSilent
from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import MirrorState, Patient, Standing
from openers.usecases.patients import renew as renew_module
from openers.usecases.ports.neighbours import FoundInPds, KnownPatient, NoPatient, SamePatient
from tests.kit.service.administration import ADMIN, administered, administrator, records
from tests.kit.service.live import free_port
from tests.kit.service.requests import NHS_NUMBER, PATIENT, create_referral, identifier
from tests.kit.service.running import GP, Running, entry, running, settings_for
from tests.neighbours.mock import Mock
from tests.neighbours.test_states import ADULT, code, find, found, renew

pytestmark = pytest.mark.anyio

AS_OF: Final = "x-openers-patient-as-of"
NEVER: Final = 600.0
FAULTS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "slow": ({"wait_s": NEVER}, {"pds_timeout_s": 0.2}),
    "down": ({}, {"pds_url": f"http://127.0.0.1:{free_port()}", "pds_token_url": f"http://127.0.0.1:{free_port()}"}),
    "garbage": ({"garbage": True}, {}),
    "unauthorised": ({"status": 401}, {}),
    "forbidden": ({"status": 403}, {}),
    "busy": ({"status": 429}, {}),
    "failing": ({"status": 500}, {}),
    "not PDS": ({"status": 404}, {}),
}
"""What PDS does, and the settings of the service."""


async def mirror(run: Running, number: str, age: timedelta) -> None:
    """Let the service have asked PDS for a patient of its store a while ago."""
    world = run.service.world.for_call(entry())
    async with world.begin("arrange") as tx:
        asked = world.wall.now() - age
        state = MirrorState(nhs_number=NhsNumber(number), asked=asked, standing=Standing.CURRENT, version="1")
        await tx.mirror.put(state)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_silent_pds_is_told(
    fault: str, sqlite_url: str, keys: Path, pds: Mock, settings_of_pds: Mapping[str, object]
) -> None:
    """A recent record is used and its age told; without one the reply is 503 with a text and a time to retry."""
    ordered, changed = FAULTS[fault]
    async with running(settings_for(sqlite_url, keys, **{**settings_of_pds, **changed})) as run:
        await mirror(run, PATIENT, timedelta(hours=1))
        await mirror(run, "9990000034", timedelta(days=2))
        gp = await run.as_person(GP)
        pds.fault(times=1000, **ordered)
        made = await gp.post(**create_referral())
        assert (made.status_code, len(made.headers[AS_OF])) == (201, 20)
        for never_asked_or_too_old in (ADULT, "9990000034"):
            refused = await gp.post(**find(never_asked_or_too_old))
            assert (refused.status_code, code(refused)) == (503, "SYSTEM_UNAVAILABLE")
            issue = refused.json()["issue"][0]
            assert "Personal Demographics Service does not respond" in issue["diagnostics"]
            assert refused.headers["retry-after"] == "5"
        assert (await gp.get(f"/STU3/ReferralRequest/{made.json()['id']}")).status_code == 200
        metrics = run.service.metrics.render().decode()
        assert "openers_neighbour_seconds_count{outcome=" in metrics


async def test_a_fault_that_ends_is_forgotten(asking_on_sqlite: Running, pds: Mock) -> None:
    """The next call gets the record of PDS, without the age of an old one."""
    await mirror(asking_on_sqlite, PATIENT, timedelta(hours=1))
    gp = await asking_on_sqlite.as_person(GP)
    pds.fault(times=1, status=500)
    assert AS_OF in (await gp.post(**find())).headers
    pds.change(PATIENT, family_name="Married")
    reply = await gp.post(**find())
    assert (found(reply), AS_OF in reply.headers) == ((PATIENT, "Married"), False)


async def test_a_token_serves_until_pds_refuses_it(asking_on_sqlite: Running, pds: Mock) -> None:
    """One token serves many calls; a refused one is replaced once and nobody notices."""
    gp = await asking_on_sqlite.as_person(GP)
    for _ in range(3):
        assert found(await gp.post(**find())) == (PATIENT, "Hartley")
    assert pds.requests("oauth2") == 1
    pds.end_tokens()
    assert found(await gp.post(**find())) == (PATIENT, "Hartley")
    assert (pds.requests("oauth2"), pds.requests(PATIENT)) == (2, 5)


async def test_an_unchanged_record_is_not_written_again(asking_on_sqlite: Running, pds: Mock) -> None:
    """PDS says that the version is the same; only the time of the question changes."""
    gp = await asking_on_sqlite.as_person(GP)
    versions: list[int] = []
    for name in ("Hartley", "Hartley", "Married", "Married"):
        pds.change(PATIENT, family_name=name) if len(versions) == 2 else None
        await gp.post(**find())
        async with asking_on_sqlite.service.world.read() as tx:
            stored = await tx.registers.patients.get(PATIENT)
        assert stored is not None
        versions.append(stored.version)
    assert versions == [1, 1, 2, 2]


async def test_an_unknown_number_is_asked_for_once_and_not_stored(
    sqlite_url: str, keys: Path, pds: Mock, settings_of_pds: Mapping[str, object]
) -> None:
    """Guesses cost PDS and the database nothing more."""
    settings = settings_for(sqlite_url, keys, **{**settings_of_pds, "pds_fresh_s": 1000.0})
    async with running(settings) as run:
        gp = await run.as_person(GP)
        for _ in range(3):
            assert code(await gp.post(**find("9000000033"))) == "PATIENT_ERROR"
        assert pds.requests("9000000033") == 1
        async with run.service.world.read() as tx:
            assert await tx.mirror.get(NhsNumber("9000000033")) is None


async def test_patients_of_pds_are_not_put_here(asking_on_sqlite: Running) -> None:
    """The next refresh would overwrite what an administrator puts."""
    client = await administrator(await administered(asking_on_sqlite))
    record = records()["patients"]
    refusal = await client.put(f"{ADMIN}/patients/{record['nhs_number']}", json=record)
    assert (refusal.status_code, "come from the Personal" in refusal.json()["detail"]) == (422, True)


class HeldPds:
    """A PDS that replies when the test releases it."""

    def __init__(self) -> None:
        """Begin with no question."""
        self.asked, self.released, self.questions = asyncio.Event(), asyncio.Event(), 0

    async def read(self, number: NhsNumber, version: str) -> KnownPatient | SamePatient | NoPatient:
        """Wait, then say that there is no such patient."""
        self.questions += 1
        self.asked.set()
        await self.released.wait()
        return NoPatient()

    async def search(self, search: PatientSearch) -> FoundInPds:
        """Say nothing."""
        raise NeighbourSilent("PDS", "of the test")

    async def close(self) -> None:
        """Do nothing."""


async def test_one_question_serves_all_and_holds_nothing(asking: Running) -> None:
    """While PDS is asked, others write to the same store; a caller that goes away takes nothing from the others."""
    assert asking.service.world.mirroring is not None
    held = asking.service.world.mirroring.source = HeldPds()
    gp = await asking.as_person(GP)
    calls = [asyncio.create_task(gp.post(**find())) for _ in range(20)]
    await held.asked.wait()
    calls.pop(0).cancel()
    with_locks: AuditEntry = entry()
    async with asking.service.world.for_call(with_locks).begin("write", lock=(f"patient/{PATIENT}",)) as tx:
        assert await tx.patients.get(NhsNumber(PATIENT)) is not None
    held.released.set()
    assert {code(await each) for each in calls} == {"PATIENT_ERROR"}
    assert held.questions == 1
    assert asking.service.world.mirroring.under_way == {}


class PartlySilentPds(HeldPds):
    """A PDS that never answers for some numbers, and knows every other number as that of the same person."""

    def __init__(self, person: Patient) -> None:
        """Begin with an answer for each number."""
        super().__init__()
        self.person, self.silent_for, self.order = person, set[str](), list[str]()

    async def read(self, number: NhsNumber, version: str) -> KnownPatient | SamePatient | NoPatient:
        """Note the question, and answer it unless the number is one of the silent ones."""
        self.order.append(number)
        if number in self.silent_for:
            raise NeighbourSilent("PDS", f"about {number}")
        return KnownPatient(msgspec.structs.replace(self.person, nhs_number=number), "1")


async def test_a_patient_without_an_answer_does_not_stop_the_renewal_of_others(
    asking: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are asked for, longest ago first. If PDS is silent for all, the next attempt begins with others."""
    world, numbers = asking.service.world, [f"99900001{number}" for number in range(10, 19)]
    async with world.read() as tx:
        person = await tx.patients.get(NhsNumber(PATIENT))
    assert world.mirroring is not None
    assert person is not None
    pds = world.mirroring.source = PartlySilentPds(person)
    gp = await asking.as_person(GP)
    for number in numbers:
        assert code(await gp.post(**create_referral(identifier("patient", NHS_NUMBER, number)))) == ""
    for age, number in enumerate(reversed(numbers), 1):
        await mirror(asking, number, timedelta(days=age))
    assert await _asked(asking, pds, silent_for=numbers[:2]) == numbers, "longest ago first"
    for number in numbers:
        await mirror(asking, number, timedelta(days=1))
    for attempt, asked in enumerate((numbers[:4], numbers[4:8], [*numbers[8:], *numbers[:3]]), 1):
        with pytest.raises(NeighbourSilent):
            await _asked(asking, pds, silent_for=numbers, attempt=attempt)
        assert pds.order == asked
    assert await _asked(asking, pds, silent_for=numbers[:4], attempt=2) == [*numbers[4:], *numbers[:4]]
    for number in numbers:
        await mirror(asking, number, timedelta(days=1))
    monkeypatch.setattr(renew_module, "AT_ONCE", 4)
    assert await _asked(asking, pds, silent_for=numbers[:4], attempt=2) == numbers[4:8], "also beyond one run"


async def _asked(run: Running, pds: PartlySilentPds, *, silent_for: Sequence[str], attempt: int = 1) -> list[str]:
    """Return the numbers for which a renewal asks. Raises NeighbourSilent."""
    pds.silent_for = set(silent_for)
    pds.order.clear()
    await renew(run, attempt)
    return pds.order
