"""The operations that read: A004, A005, A030, A033, A035, A037, A040 and A041. Source: rules chapter 4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
import pytest
from tests.kit.calls.expectations import R4_ERS, R4_HTTP, check_refusal, told
from tests.kit.service.arrangements import (
    created,
    patient_called,
    put,
    sent_for_triage,
    service_called,
    user_called,
)
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import (
    CONSULTANT,
    CONSULTANT_ADMIN,
    CONSULTANT_ELSEWHERE,
    GP,
    GP_ADMIN,
    PROVIDER_ADMIN,
    RC,
    SPC,
    Person,
    Running,
)

pytestmark = pytest.mark.anyio

GP_ELSEWHERE = Person("555073103211", "B86011", RC)
BOTH_SIDES = Person("021600556514", "R69", SPC)
UBRN_SYSTEM = "https://fhir.nhs.uk/Id/UBRN"


@dataclass
class Arranged:
    """A service with one unbooked referral and one that awaits triage at RCD."""

    run: Running
    unbooked: str
    triage: str

    async def get(self, who: Person | str, path: str) -> httpx.Response:
        """Send a GET request as a person or an application."""
        person = self.run.as_application(who) if isinstance(who, str) else self.run.as_person(who)
        return await (await person).get(path)


@pytest.fixture(scope="module")
async def arranged(shared: Running) -> Arranged:
    return Arranged(shared, await created(shared), await sent_for_triage(shared))


# ------------------------------------------------------------------------------------------------------------- A004


@pytest.mark.parametrize(
    ("name", "codes", "properties"),
    [
        ("SPECIALTY", 93, {"effectiveFrom", "effectiveTo"}),
        ("CLINIC-TYPE", 672, {"effectiveFrom", "effectiveTo", "specialty"}),
        ("PRIORITY", 3, {"effectiveFrom", "effectiveTo", "deferToProviderContactDays", "triageContactDays"}),
        ("APPOINTMENT-CANCELLATION-REASON", 36, {"commentIsMandatory", "businessFunction", "usage"}),
        ("APPOINTMENT-NON-ATTENDANCE-REASON", 8, {"effectiveFrom", "effectiveTo"}),
        ("REFERRAL-CANCELLATION-REASON", 18, {"canCancelAppointment", "referrerUsage", "businessFunction"}),
    ],
)
async def test_a_code_system_is_whole(arranged: Arranged, name: str, codes: int, properties: set[str]) -> None:
    reply = await arranged.get(GP, f"/STU3/CodeSystem/{name}")
    body = reply.json()
    assert body["url"] == f"http://127.0.0.1:8000/referrals/FHIR/STU3/CodeSystem/{name}"
    assert (body["status"], body["publisher"], body["content"]) == ("active", "e-Referral Service", "complete")
    assert len(body["concept"]) == len({each["code"] for each in body["concept"]})
    assert len(body["concept"]) == codes
    assert {each["code"] for each in body["property"]} >= properties


async def test_contact_days_of_priorities(arranged: Arranged) -> None:
    body = (await arranged.get(GP, "/STU3/CodeSystem/PRIORITY")).json()
    days = {
        concept["code"]: [each["valueInteger"] for each in concept["property"] if each["code"].endswith("ContactDays")]
        for concept in body["concept"]
    }
    assert days == {"ROUTINE": [40, 40], "URGENT": [10, 5], "TWO_WEEK_WAIT": [5, 2]}


@pytest.mark.parametrize("name", ["priority", "NOTHING", "CLINIC_TYPE", "%20", "PRIORITY%2F", "x" * 3000])
async def test_an_unknown_code_system(arranged: Arranged, name: str) -> None:
    reply = await arranged.get(GP, f"/STU3/CodeSystem/{name}")
    assert reply.status_code == (200 if name == "PRIORITY%2F" else 404)
    if reply.status_code == 404:
        check_refusal(reply, "STU3")


# -------------------------------------------------------------------------------------------------------- A005, A041


RELATED = [
    # caller; may see the unbooked referral; may see the referral that awaits triage at RCD
    (GP, True, True),
    (GP_ADMIN, True, True),
    (GP_ELSEWHERE, False, False),
    (CONSULTANT, False, True),
    (CONSULTANT_ADMIN, False, True),
    (CONSULTANT_ELSEWHERE, False, False),
    (BOTH_SIDES, False, False),
    (replace(BOTH_SIDES, organisation="RCD"), False, True),
    ("demo-provider-app", False, True),
]


@pytest.mark.parametrize("version", ["", "/_history/3"])
@pytest.mark.parametrize(("who", "unbooked", "triage"), RELATED, ids=str)
async def test_a_referral_is_read_by_those_related_to_it(
    arranged: Arranged, who: Person | str, unbooked: bool, triage: bool, version: str
) -> None:
    for ubrn, seen in ((arranged.unbooked, unbooked), (arranged.triage, triage)):
        reply = await arranged.get(who, f"/STU3/ReferralRequest/{ubrn}{version}")
        if seen:
            assert (reply.status_code, reply.json()["id"], reply.headers["etag"]) == (200, ubrn, 'W/"3"')
        else:
            assert told(reply)[:3] == (422, "business-rule", "NO_RELATIONSHIP")


@pytest.mark.parametrize(("who", "unbooked", "triage"), [row for row in RELATED if row[0] != "demo-provider-app"])
async def test_requests_are_found_by_those_related_to_them(
    arranged: Arranged, who: Person, unbooked: bool, triage: bool
) -> None:
    for ubrn, seen in ((arranged.unbooked, unbooked), (arranged.triage, triage)):
        for asked in (ubrn, f"{UBRN_SYSTEM}|{ubrn}", f"{UBRN_SYSTEM}%7C{ubrn}"):
            reply = await arranged.get(who, f"/R4/ServiceRequest?identifier={asked}")
            assert (reply.status_code, reply.json()["total"]) == (200, int(seen))
            assert len(reply.json().get("entry", [])) == int(seen)


async def test_another_clinicians_workgroup_counts_for_an_admin(service: Running) -> None:
    """For an admin, the workgroups of the represented clinician decide about the relationship."""
    ubrn = await sent_for_triage(service)
    surgeon = await user_called(service, "555032006106")
    await put(service, msgspec.structs.replace(surgeon, workgroups=frozenset({"RCD/Medicine"})))
    client = await service.as_person(replace(CONSULTANT_ADMIN, on_behalf_of=surgeon.id))
    assert told(await client.get(f"/STU3/ReferralRequest/{ubrn}"))[2] == "NO_RELATIONSHIP"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("999999999999", 404, "REFERENCE_NOT_FOUND"),
        ("00000000000", 400, "INVALID_VALUE"),
        ("0000000000000", 400, "INVALID_VALUE"),
        ("x", 400, "INVALID_VALUE"),
        ("%D9%A3" * 12, 400, "INVALID_VALUE"),
        ("{ubrn}/_history/2", 404, "HISTORY_NOT_SUPPORTED"),
        ("{ubrn}/_history/4", 404, "HISTORY_NOT_SUPPORTED"),
        ("{ubrn}/_history/0", 404, "HISTORY_NOT_SUPPORTED"),
        ("{ubrn}/_history/-1", 400, "INVALID_VALUE"),
        ("{ubrn}/_history/x", 400, "INVALID_VALUE"),
        ("{ubrn}/_history/" + "9" * 30, 400, "INVALID_VALUE"),
        ("999999999999/_history/3", 404, "REFERENCE_NOT_FOUND"),
    ],
)
async def test_a_referral_that_cannot_be_read(arranged: Arranged, path: str, status: int, code: str) -> None:
    reply = await arranged.get(GP, f"/STU3/ReferralRequest/{path.replace('{ubrn}', arranged.unbooked)}")
    assert told(reply)[0::2] == (status, code, *told(reply)[3:])[:2]
    check_refusal(reply, "STU3")


async def test_the_relationship_is_checked_before_the_version(arranged: Arranged) -> None:
    reply = await arranged.get(GP_ELSEWHERE, f"/STU3/ReferralRequest/{arranged.unbooked}/_history/2")
    assert told(reply)[2] == "NO_RELATIONSHIP"


async def test_a_record_that_has_become_sensitive_is_told_no_more(service: Running) -> None:
    """After a record becomes sensitive, even callers who have read the referral before get an error."""
    ubrn = await sent_for_triage(service)
    gp, consultant = await service.as_person(GP), await service.as_person(CONSULTANT)
    for client in (gp, consultant):
        assert (await client.get(f"/STU3/ReferralRequest/{ubrn}")).status_code == 200
    await put(service, msgspec.structs.replace(await patient_called(service, PATIENT), sensitive=True))
    for client in (gp, consultant):
        for path in (ubrn, f"{ubrn}/_history/3"):
            reply = await client.get(f"/STU3/ReferralRequest/{path}")
            assert told(reply)[0:3] == (422, "business-rule", "PATIENT_ERROR")
            assert PATIENT not in reply.text
        found = await client.get(f"/R4/ServiceRequest?identifier={ubrn}")
        assert found.status_code == 400
        assert PATIENT not in found.text
        check_refusal(found, "R4")


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("", "required"),
        ("?identifier", "required"),
        ("?identifier=", "required"),
        ("?Identifier=000000000001", "required"),
        ("?identifier=1", "invalid"),
        ("?identifier=http://x|000000000001", "invalid"),
        ("?identifier=|000000000001", "invalid"),
        (f"?identifier={UBRN_SYSTEM}|", "invalid"),
        ("?identifier=000000000001&identifier=000000000002", "invalid"),
        ("?identifier=000000000001,000000000002", "invalid"),
        ("?identifier=%FF%00", "invalid"),
    ],
)
async def test_requests_asked_for_wrongly(arranged: Arranged, query: str, issue: str) -> None:
    reply = await arranged.get(GP, f"/R4/ServiceRequest{query}")
    assert told(reply)[:3] == (400, issue, "REC_BAD_REQUEST")
    assert told(reply)[3].startswith("'identifier' ")
    check_refusal(reply, "R4")


async def test_an_unknown_ubrn_is_an_empty_bundle(arranged: Arranged) -> None:
    body = (await arranged.get(GP, "/R4/ServiceRequest?identifier=999999999999")).json()
    assert (body["type"], body["total"], body.get("entry", [])) == ("searchset", 0, [])


# -------------------------------------------------------------------------------------------------- A033, A035, A037


@pytest.mark.parametrize("number", ["99999", "11028", "x", "0", "011001", "9" * 30, "%E2%82%AC", "11001,11002"])
async def test_a_service_that_cannot_be_read(arranged: Arranged, number: str) -> None:
    """The service is unknown or withdrawn, or the id is not the number of a service."""
    reply = await arranged.get(GP, f"/R4/HealthcareService/{number}")
    assert told(reply)[:3] == (404, "not-found", "REC_NOT_FOUND")
    assert reply.json()["issue"][0]["details"]["coding"][0]["system"] == R4_HTTP
    head = await (await arranged.run.as_person(GP)).head(f"/R4/HealthcareService/{number}")
    assert (head.status_code, head.content) == (404, b"")


async def test_a_version_changes_with_the_service(service: Running) -> None:
    gp = await service.as_person(GP)
    before = await gp.get("/R4/HealthcareService/11001")
    await put(service, msgspec.structs.replace(await service_called(service, "11001"), name="Another name"))
    head, after = await gp.head("/R4/HealthcareService/11001"), await gp.get("/R4/HealthcareService/11001")
    assert head.headers["etag"] == after.headers["etag"] != before.headers["etag"]
    assert (after.json()["name"], after.headers["etag"]) == (
        "Another name",
        f'W/"{after.json()["meta"]["versionId"]}"',
    )
    other = await gp.head("/R4/HealthcareService/11002")
    assert other.headers["etag"] == before.headers["etag"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_id=11001", ["11001"]),
        ("_id=11002,11001", ["11002", "11001"]),
        ("_id=11002%2C11001", ["11002", "11001"]),
        ("_id=11002&_id=11001", ["11002", "11001"]),
        ("_id=11001,11001", ["11001"]),
        ("_id=99999,11001,11028", ["11001"]),
        ("_id=99999", []),
        ("_id=" + ",".join(str(11001 + n) for n in range(20)), [str(11001 + n) for n in range(20)]),
    ],
)
async def test_services_by_id(arranged: Arranged, query: str, found: list[str]) -> None:
    body: Any = (await arranged.get(GP, f"/R4/HealthcareService?{query}")).json()
    assert [each["resource"]["id"] for each in body.get("entry", [])] == found
    assert (body["type"], body["total"]) == ("searchset", len(found))
    assert body["timestamp"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?_id",
        "?_id=",
        "?id=11001",
        "?_id=11001,",
        "?_id=x",
        "?_id=-1",
        "?_id=11001;11002",
        "?_id=" + ",".join(str(11001 + n) for n in range(21)),
        "?_id=11001&_id=x",
        "?_id=%00",
    ],
)
async def test_services_asked_for_wrongly(arranged: Arranged, query: str) -> None:
    reply = await arranged.get(GP, f"/R4/HealthcareService{query}")
    assert told(reply)[:3] == (400, "invalid", "REC_BAD_REQUEST")
    assert told(reply)[3].startswith("'_id' ")
    check_refusal(reply, "R4")


# --------------------------------------------------------------------------------------------------------- A030, A040


@pytest.mark.parametrize(
    ("person", "roles"),
    [
        (GP, {"D82106": ["REFERRING_CLINICIAN"]}),
        (GP_ADMIN, {"D82106": ["REFERRING_CLINICIAN_ADMIN"], "RCD": ["SERVICE_PROVIDER_CLINICIAN_ADMIN"]}),
        (Person("555032006100", "RCD", "SERVICE_DEFINER"), {"RCD": ["SERVICE_DEFINER"]}),
    ],
)
async def test_functions_at_each_organisation(arranged: Arranged, person: Person, roles: dict[str, list[str]]) -> None:
    body = (await arranged.get(person, "/R4/PractitionerRole")).json()
    shown = {
        each["resource"]["organization"]["identifier"]["value"]: [
            coding["code"] for code in each["resource"]["code"] for coding in code["coding"]
        ]
        for each in body["entry"]
    }
    assert (shown, body["total"]) == (roles, len(roles))
    assert {each["resource"]["practitioner"]["identifier"]["value"] for each in body["entry"]} == {person.user}


async def test_somebody_without_roles_has_an_empty_bundle(service: Running) -> None:
    await put(service, msgspec.structs.replace(await user_called(service, GP.user), roles=()))
    body = (await (await service.as_person(GP)).get("/R4/PractitionerRole")).json()
    assert (body["total"], body.get("entry", [])) == (0, [])


async def test_clinicians_to_act_for(arranged: Arranged) -> None:
    """A040 lists active clinicians of the organisation who share a workgroup with the admin, and no others."""
    reply = await arranged.get(replace(CONSULTANT_ADMIN, on_behalf_of=None), "/R4/Practitioner?_query=onBehalfOf")
    assert [each["resource"]["id"] for each in reply.json()["entry"]] == [
        "021600556514",
        "555031999105",
        "555032006106",
    ]
    assert all(each["resource"]["identifier"]["value"] == each["resource"]["id"] for each in reply.json()["entry"]), (
        "an object, as published"
    )


@pytest.mark.parametrize(
    "query", ["", "?_query", "?_query=", "?_query=onbehalfof", "?_query=x", "?_query=onBehalfOf&_query=onBehalfOf"]
)
async def test_clinicians_asked_for_wrongly(arranged: Arranged, query: str) -> None:
    reply = await arranged.get(CONSULTANT_ADMIN, f"/R4/Practitioner{query}")
    assert told(reply)[:3] == (400, "invalid", "REC_BAD_REQUEST")
    assert told(reply)[3].startswith("'_query' ")


async def test_whom_one_may_act_for_can_be_acted_for(arranged: Arranged) -> None:
    admin = replace(CONSULTANT_ADMIN, on_behalf_of=None)
    listed = (await arranged.get(admin, "/R4/Practitioner?_query=onBehalfOf")).json()["entry"]
    for each in listed:
        acting = replace(admin, on_behalf_of=each["resource"]["id"])
        assert (await arranged.get(acting, "/STU3/CodeSystem/PRIORITY")).status_code == 200


async def test_provider_admins_have_no_list(arranged: Arranged) -> None:
    reply = await arranged.get(PROVIDER_ADMIN, "/R4/Practitioner?_query=onBehalfOf")
    assert told(reply)[:3] == (403, "forbidden", "REC_FORBIDDEN")
    assert reply.json()["issue"][0]["details"]["coding"][0]["system"] != R4_ERS
