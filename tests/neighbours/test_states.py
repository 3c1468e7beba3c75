"""What each state of a patient at PDS means for each operation. Source: ADR 0079."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx
import msgspec
import pytest

from openers.bootstrap import do_due_work
from openers.domain.identifiers import NhsNumber
from openers.domain.patient import MirrorState, Standing
from openers.store.records.patient_mirror import SqlPatientMirror
from openers.usecases.patients.renew import KIND, renew_patients
from openers.usecases.ports.transaction import DueItem
from tests.kit.referrals.talk import own, question
from tests.kit.referrals.words import said
from tests.kit.referrals.worklists import asking as worklist
from tests.kit.service.requests import (
    HEADERS,
    NHS_NUMBER,
    PATIENT,
    create_for_triage,
    create_referral,
    identifier,
    search,
)
from tests.kit.service.running import CONSULTANT, GP, Running, entry
from tests.neighbours.mock import Mock

pytestmark = pytest.mark.anyio

OTHER: Final = "9990000034"
"""A patient with whose number that of PATIENT was merged; without a practice."""

ADULT: Final = "9990528799"
"""A patient of the practice who can be referred."""

STATES: Final[dict[str, dict[str, Any]]] = {
    "unchanged": {},
    "renamed": {"family_name": "Married"},
    "restricted": {"confidentiality": "R"},
    "very restricted": {"confidentiality": "V"},
    "dead": {"died": "2026-11-01"},
    "replaced": {"replaced_by": OTHER},
    "invalid": {"invalid": True},
}
NEW: Final = {
    "A010": search(),
    "A011": create_referral(),
    "A021": create_for_triage(),
    "A044": question(),
}
EXPECTED: Final[dict[str, str]] = {
    "unchanged": "",
    "renamed": "",
    "restricted": "PATIENT_ERROR",
    "very restricted": "PATIENT_ERROR",
    "dead": "PATIENT_ERROR",
    "replaced": "NO_REG_GP_PRACTICE",
    "invalid": "REFERENCE_NOT_FOUND",
}
"""The refusal of a new request in each state; that of the replacing number, if the number was replaced."""
FOUND: Final[dict[str, tuple[str, str]]] = {
    "unchanged": (PATIENT, "Hartley"),
    "renamed": (PATIENT, "Married"),
    "restricted": ("", "PATIENT_ERROR"),
    "very restricted": ("", "PATIENT_ERROR"),
    "dead": (PATIENT, "Hartley"),
    "replaced": (OTHER, "Newcombe"),
    "invalid": ("", "PATIENT_ERROR"),
}
"""The number and name that X004 finds, or its refusal."""


def code(reply: httpx.Response) -> str:
    """Return the code of a refusal; empty for success."""
    return "" if reply.is_success else str(reply.json()["issue"][0]["details"]["coding"][0]["code"])


def find(number: str = PATIENT) -> dict[str, Any]:
    """Return the call of X004 by number."""
    body = own("FindPatients", [identifier("patient", NHS_NUMBER, number)])
    return {"url": "/STU3/Patient/$openers.find", "json": body, "headers": HEADERS}


def found(reply: httpx.Response) -> tuple[str, str]:
    """Return the number and family name in a reply of X004, or its refusal."""
    if not reply.is_success:
        return "", code(reply)
    (patient,) = [each for each in reply.json()["parameter"] if each["name"] == "patient"]
    parts = {each["name"]: each for each in patient["part"]}
    return parts["identifier"]["valueIdentifier"]["value"], parts["name"]["valueHumanName"]["family"]


async def renew(run: Running, attempt: int = 1) -> None:
    """Let the service renew its patients now."""
    world, now = run.service.world, run.service.world.clock.now()
    assert world.mirroring is not None
    world.mirroring.renewed = world.mirroring.fresh
    await renew_patients(DueItem(kind=KIND, key=KIND, due_at=now, attempt=attempt), world)


async def test_new_requests_follow_what_pds_says_now(asking: Running, pds: Mock) -> None:
    """Each state is a table row; the record in the store was loaded before and says otherwise."""
    gp = await asking.as_person(GP)
    for state, change in STATES.items():
        pds.reset()
        pds.change(PATIENT, **change)
        for operation, call in NEW.items():
            assert (state, operation, code(await gp.post(**call))) == (state, operation, EXPECTED[state])
        assert (state, found(await gp.post(**find()))) == (state, FOUND[state])
    assert code(await gp.post(**find("9000000033"))) == "PATIENT_ERROR"
    assert code(await gp.post(**search(identifier("patient", NHS_NUMBER, "9000000033")))) == "REFERENCE_NOT_FOUND"


async def test_a_replaced_number_is_replaced_on_a_new_referral_only(asking: Running, pds: Mock) -> None:
    """The referral made before keeps its number; the new one has the present number."""
    gp = await asking.as_person(GP)
    before = (await gp.post(**create_referral())).json()
    pds.change(PATIENT, replaced_by=ADULT)
    after = (await gp.post(**create_referral())).json()
    assert [each["subject"]["identifier"]["value"] for each in (before, after)] == [PATIENT, ADULT]
    read = (await gp.get(f"/STU3/ReferralRequest/{before['id']}")).json()
    assert read["subject"]["identifier"]["value"] == PATIENT
    asked = [identifier("patient", NHS_NUMBER, each) for each in (PATIENT, ADULT)]
    body = own("FindNames", asked)
    named = (await gp.post("/STU3/Patient/$openers.findNames", json=body, headers=HEADERS)).json()["parameter"]
    parts = [{each["name"]: each for each in entry["part"]} for entry in named]
    assert [each["name"]["valueHumanName"]["family"] for each in parts] == ["Xu", "Xu"]
    assert [each.get("replacedBy", {}).get("valueIdentifier", {}).get("value") for each in parts] == [ADULT, None]


async def test_requests_under_way_follow_after_the_next_renewal(asking: Running, pds: Mock) -> None:
    """A referral under way asks nobody: it shows the last known record, which due work renews."""
    gp, consultant = await asking.as_person(GP), await asking.as_person(CONSULTANT)
    made = (await gp.post(**create_for_triage())).json()
    reads = f"/STU3/ReferralRequest/{made['id']}"
    counted = pds.requests(PATIENT)
    pds.change(PATIENT, confidentiality="R")
    assert code(await consultant.get(reads)) == ""
    assert pds.requests(PATIENT) == counted
    await renew(asking)
    assert pds.requests(PATIENT) == counted + 1
    assert code(await consultant.get(reads)) == "PATIENT_ERROR"
    listed = (await consultant.post(**worklist("REFERRALS_FOR_REVIEW"))).json()
    assert made["id"] not in str(listed)
    async with asking.service.world.read() as tx:
        stored = await tx.patients.get(NhsNumber(PATIENT))
    assert stored is not None
    assert (stored.sensitive, stored.address, stored.postcode, stored.practice) == (True, (), None, None)
    for change in ({"confidentiality": "U"}, {"invalid": True}, {"died": "2026-11-01"}):
        pds.change(PATIENT, **{"confidentiality": "U", **change})
        await renew(asking)
        assert code(await consultant.get(reads)) == "", change
    pds.change(PATIENT, replaced_by="9990000018")
    await renew(asking)
    assert code(await consultant.get(reads)) == "PATIENT_ERROR", "the record that replaced it is restricted"
    await do_due_work(asking.service)


async def test_a_search_leaves_out_replaced_numbers_in_one_look_up(
    asking: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many patients it finds."""
    gp, asked = await asking.as_person(GP), list[list[str]]()
    world = asking.service.world
    async with world.for_call(entry()).begin("arrange") as tx:
        person = await tx.patients.get(NhsNumber(PATIENT))
        assert person is not None
        numbers = [NhsNumber(f"99900002{number}") for number in range(10, 30)]
        for number in numbers:
            await tx.patients.put(msgspec.structs.replace(person, nhs_number=number))
            standing = Standing.REPLACED if number == numbers[3] else Standing.CURRENT
            await tx.mirror.put(MirrorState(nhs_number=number, asked=world.wall.now(), standing=standing))
    several, get = SqlPatientMirror.several, SqlPatientMirror.get

    async def _several(mirror: SqlPatientMirror, keys: Sequence[NhsNumber]) -> Sequence[MirrorState]:
        asked.append(list(keys))
        return await several(mirror, keys)

    async def _get(mirror: SqlPatientMirror, key: NhsNumber) -> MirrorState | None:
        asked.append([key])
        return await get(mirror, key)

    monkeypatch.setattr(SqlPatientMirror, "several", _several)
    monkeypatch.setattr(SqlPatientMirror, "get", _get)
    body = own("FindPatients", [said("familyName", "Hartley"), {"name": "birthDate", "valueDate": "1955-03-14"}])
    reply = await gp.post("/STU3/Patient/$openers.find", json=body, headers=HEADERS)
    shown = [each["part"] for each in reply.json()["parameter"] if each["name"] == "patient"]
    found = {part["valueIdentifier"]["value"] for parts in shown for part in parts if part["name"] == "identifier"}
    assert found == {PATIENT, *numbers} - {numbers[3]}
    assert [len(each) for each in asked] == [21]
