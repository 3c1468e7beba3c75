"""X003 to X007: names, patients, overviews and histories, only of what the caller may see. Source: ADR 0054."""

from __future__ import annotations

from typing import Any, Final

import httpx
import msgspec
import pytest

from openers.domain.callers import SYSTEM
from openers.domain.identifiers import Ubrn
from openers.usecases.events.recording import record_advice_event
from tests.kit.referrals.rig import code, test_entry
from tests.kit.referrals.talk import Talk, own
from tests.kit.referrals.words import said
from tests.kit.service.requests import (
    HEADERS,
    NHS_NUMBER,
    ODS,
    PATIENT,
    SDS_USER,
    Json,
    create_for_triage,
    identifier,
)
from tests.kit.service.running import CONSULTANT, GP

pytestmark = pytest.mark.anyio

SENSITIVE: Final = "9990000018"
UNKNOWN: Final = "9999999999"
UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
BORN: Final = {"name": "birthDate", "valueDate": "1955-03-14"}


async def post(by: httpx.AsyncClient, path: str, profile: str, *parameters: Json) -> httpx.Response:
    """Call an operation that takes parameters."""
    return await by.post(f"/STU3/{path}", json=own(profile, list(parameters)), headers=HEADERS)


async def entries(reply: httpx.Response) -> list[tuple[str, Json]]:
    """Return the entries of a reply with parts: the name of each, and the values of its parts by name."""
    assert reply.status_code == 200, reply.text
    return [(each["name"], _parts(each)) for each in reply.json()["parameter"] if "part" in each]


def _parts(entry: Json) -> Json:
    return {part["name"]: next(value for key, value in part.items() if key != "name") for part in entry["part"]}


async def names(by: httpx.AsyncClient, *patients: str) -> list[str]:
    """Return the family names that X003 shows for these patients."""
    wanted = [identifier("patient", NHS_NUMBER, each) for each in patients]
    found = await entries(await post(by, "Patient/$openers.findNames", "FindNames", *wanted))
    return [parts["name"]["family"] for _, parts in found]


async def triaged(talk: Talk) -> Json:
    """Create a referral that a service of the consultant holds for triage."""
    made = await talk.gp.post(**create_for_triage())
    assert made.status_code == 201, made.text
    return dict[str, Any](made.json())


async def test_a_provider_learns_names_only_of_its_own_patients(both: Talk) -> None:
    """A referrer may look anybody up; a provider needs a request. A sensitive patient has no name for anybody."""
    assert await names(both.gp, PATIENT, SENSITIVE, UNKNOWN, PATIENT) == ["Hartley"]
    assert await names(both.consultant, PATIENT) == []
    await triaged(both)
    assert await names(both.consultant, PATIENT) == ["Hartley"]
    assert await names(both.consultant_elsewhere, PATIENT) == []


async def test_people_and_organisations_have_names(both: Talk) -> None:
    wanted = [
        identifier("organisation", ODS, "D82106"),
        identifier("organisation", ODS, "NOBODY"),
        identifier("person", SDS_USER, GP.user),
    ]
    found = await entries(await post(both.consultant, "Patient/$openers.findNames", "FindNames", *wanted))
    assert [(name, parts["identifier"]["value"]) for name, parts in found] == [
        ("person", GP.user),
        ("organisation", "D82106"),
    ]
    assert found[1][1]["name"] == "Park Square Surgery"


@pytest.mark.parametrize(("count", "refusal"), [(0, "MISSING_VALUE"), (100, None), (101, "TOO_MANY_ITEMS")])
async def test_at_most_a_hundred_names(both: Talk, count: int, refusal: str | None) -> None:
    wanted = [identifier("patient", NHS_NUMBER, PATIENT)] * count
    reply = await post(both.gp, "Patient/$openers.findNames", "FindNames", *wanted)
    assert code(reply) == (422, refusal) if refusal else await entries(reply)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ((identifier("patient", NHS_NUMBER, PATIENT),), ["Hartley"]),
        ((identifier("patient", NHS_NUMBER, SENSITIVE),), "PATIENT_ERROR"),
        ((identifier("patient", NHS_NUMBER, UNKNOWN),), "PATIENT_ERROR"),
        ((said("familyName", "hartley"), BORN), ["Hartley"]),
        ((said("familyName", "HARTLEY"), BORN, said("givenName", "wal"), said("postcode", "LS1 4EY")), ["Hartley"]),
        ((said("familyName", "Hartley"), BORN, {"name": "gender", "valueCode": "female"}), []),
        ((said("familyName", "Hart"), BORN), []),
        ((said("familyName", "Shielding"), {"name": "birthDate", "valueDate": "1984-07-02"}), []),
        ((said("familyName", "Hartley"),), "VALUE_IS_REQUIRED"),
        ((BORN,), "VALUE_IS_REQUIRED"),
        ((said("familyName", "Hartley"), {"name": "birthDate", "valueDate": "1955-3-14"}), "INVALID_VALUE"),
        ((identifier("patient", NHS_NUMBER, PATIENT), said("familyName", "Hartley"), BORN), "FIELD_NOT_PERMITTED"),
        ((), "MISSING_VALUE"),
    ],
)
async def test_a_patient_is_found(both: Talk, parameters: tuple[Json, ...], expected: list[str] | str) -> None:
    reply = await post(both.gp, "Patient/$openers.find", "FindPatients", *parameters)
    if isinstance(expected, str):
        assert code(reply) == (422, expected)
    else:
        assert [parts["name"]["family"] for _, parts in await entries(reply)] == expected


async def test_each_side_sees_its_own_requests_of_a_patient(both: Talk) -> None:
    """The practice sees both requests, newest first; the hospital those of its workgroups; others none."""
    advice, referral = await both.ask(), await triaged(both)
    patient = identifier("patient", NHS_NUMBER, PATIENT)
    expected = {
        both.gp: [referral["id"], advice["id"]],
        both.consultant: [referral["id"], advice["id"]],
        both.gp_elsewhere: [],
        both.consultant_elsewhere: [],
    }
    for by, ubrns in expected.items():
        found = await entries(await post(by, "Patient/$openers.requests", "PatientRequests", patient))
        assert [parts["identifier"]["value"] for _, parts in found] == ubrns
    wanted = [identifier("request", UBRN, each) for each in (advice["id"], referral["id"])]
    for by, ubrns in expected.items():
        found = await entries(await post(by, "ReferralRequest/$openers.overviews", "Overviews", *wanted))
        assert [parts["identifier"]["value"] for _, parts in found] == sorted(ubrns)


async def test_an_overview_names_the_next_step_and_the_last_act(both: Talk) -> None:
    advice = await both.ask()
    wanted = identifier("request", UBRN, advice["id"])

    async def shown() -> tuple[str, str, str, str]:
        reply = await post(both.gp, "ReferralRequest/$openers.overviews", "Overviews", wanted)
        ((_, parts),) = await entries(reply)
        return parts["nextStep"], parts["nextSide"], parts["lastAct"], parts["lastActor"]["value"]

    assert await shown() == ("RESPOND", "PROVIDER", "ask for advice", GP.user)
    await both.done(await both.respond(advice))
    assert await shown() == ("READ_RESPONSE", "REFERRER", "return with advice", CONSULTANT.user)


async def test_the_service_itself_is_no_person(both: Talk) -> None:
    """An act of the service has no actor: its name is not an identifier of a person."""
    advice = await both.ask()
    world = both.run.service.world
    async with world.begin("test") as tx:
        stored = await tx.conversations.find(Ubrn(advice["id"]), SYSTEM)
        assert stored is not None
        await record_advice_event(
            tx, world.for_call(msgspec.structs.replace(test_entry(), user="SYSTEM")), "act", stored
        )
    reply = await both.gp.get(f"/STU3/ReferralRequest/{advice['id']}/$openers.history")
    assert ["actor" in parts for _, parts in await entries(reply)] == [True, False]


async def test_a_history_has_each_act_once(both: Talk) -> None:
    advice = await both.ask()
    await both.done(await both.respond(advice))
    reply = await both.gp.get(f"/STU3/ReferralRequest/{advice['id']}/$openers.history")
    shown = [(parts["kind"], parts["act"], parts["actor"]["value"]) for _, parts in await entries(reply)]
    assert shown == [("advice", "ask for advice", GP.user), ("advice", "return with advice", CONSULTANT.user)]
    for by in (both.gp_elsewhere, both.consultant_elsewhere):
        refused = await by.get(f"/STU3/ReferralRequest/{advice['id']}/$openers.history")
        assert code(refused) == (422, "NO_RELATIONSHIP")
    unknown = await both.gp.get("/STU3/ReferralRequest/999999999999/$openers.history")
    assert code(unknown) == (404, "REFERENCE_NOT_FOUND")


async def test_a_converted_request_has_both_histories(both: Talk) -> None:
    advice = await both.ask()
    converted = await both.convert(await both.read(advice))
    assert converted.status_code == 201, converted.text
    reply = await both.gp.get(f"/STU3/ReferralRequest/{advice['id']}/$openers.history")
    kinds = [parts["kind"] for _, parts in await entries(reply)]
    assert sorted(set(kinds)) == ["advice", "referral"]
    found = await post(
        both.gp, "ReferralRequest/$openers.overviews", "Overviews", identifier("request", UBRN, advice["id"])
    )
    assert sorted(parts["kind"] for _, parts in await entries(found)) == ["advice", "referral"]
