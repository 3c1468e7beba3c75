"""What a provider's program of 2018 and of 2020 does in a session, and who may do it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.kit.files.samples import scan
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.words import ACCEPTED
from tests.kit.service.requests import parameters_of
from tests.kit.service.running import (
    CONSULTANT,
    CONSULTANT_ADMIN,
    CONSULTANT_ELSEWHERE,
    GP,
    GP_ADMIN,
    PROVIDER_ADMIN,
    REFERRING_ADMIN,
    Person,
)
from tests.legacy.client import SESSIONS, Json, Program, chosen, programs

pytestmark = pytest.mark.anyio
REVIEWS: Final[Json] = {
    "parameter": [{"name": "listType", "valueCodeableConcept": {"coding": [{"code": "REFERRALS_FOR_REVIEW"}]}}]
}
CHARSET: Final = {"Content-Type": "application/json;charset=UTF-8"}


async def test_a_whole_sequence_of_a_provider(cast: Cast) -> None:
    """No Accept, a character set, empty bodies, a body with DELETE, and the key from the answer of A002."""
    referral = await cast.with_letter(await cast.awaiting_triage())
    ubrn = str(referral["id"])
    async with programs(cast.rig.run.service) as (program,):
        http = program.http
        del http.headers["Accept"]
        await program.begin(CONSULTANT.user)
        http.headers["HTTP_X_SESSION_KEY"] = (await program.select(chosen())).json()["id"]
        listed = await http.post("/v1/ReferralRequest/$ers.fetchworklist", json=REVIEWS, headers=CHARSET)
        assert {"reference": f"ReferralRequest/{ubrn}"} in [each["item"] for each in listed.json()["entry"]]
        read = await http.get(f"/v1/ReferralRequest/{ubrn}", headers={"Content-Type": "application/json+fhir"})
        (document,) = (each for each in read.json()["contained"] if each["resourceType"] == "DocumentReference")
        address = document["content"][0]["attachment"]["url"]
        pending = await http.get(f"/v1/{address}")
        assert (pending.status_code, error_of(pending.json())) == (422, "INVALID_REQUEST_STATE")
        await scan(cast.rig.run, *await files_of(cast, ubrn))
        for accept in (None, "*/*", "text/plain", "image/png, text/plain"):
            file = await http.get(f"/v1/{address}", headers={} if accept is None else {"Accept": accept})
            assert (file.status_code, file.content) == (200, b"Dear colleague")
            assert file.headers["content-type"] == "text/plain"
        refused = await http.get(f"/v1/{address}", headers={"Accept": "text/html"})
        assert (refused.status_code, refused.text) == (406, "Accept must allow text/plain.")
        summary = await http.get("/v1/Binary/$ers.generateCRI", params={"UBRN": ubrn}, headers={"Accept": "*/*"})
        assert (summary.status_code, summary.headers["content-type"]) == (200, "application/pdf")
        assert summary.content.startswith(b"%PDF-")
        version = (await http.get(f"/v1/ReferralRequest/{ubrn}")).json()["meta"]["versionId"]
        focus = f"ReferralRequest/{ubrn}/_history/{version}"
        tasks = await http.get("/STU3/v1/Task", params={"focus": focus, "intent": "proposal", "status": "ready"})
        assert tasks.json()["link"][0]["url"].startswith("http://127.0.0.1:8000/ers-api/STU3/v1/Task?focus=")
        reviewed = await http.post(
            f"/STU3/v1/ReferralRequest/{ubrn}/$ers.recordReviewOutcome",
            json=parameters_of("RecordReviewOutcome", list(ACCEPTED)),
            headers={**CHARSET, "If-Match": f'W/"{version}"'},
        )
        assert reviewed.status_code == 200, reviewed.text
        assert reviewed.headers["content-disposition"] == "inline;filename=f.txt"
        assert reviewed.headers["content-type"] == "application/fhir+json"
        ended = await http.request("DELETE", f"{SESSIONS}/{program.key}", content=b"", headers=CHARSET)
        assert (ended.status_code, ended.content) == (204, b"")


async def test_refusals_of_dstu2_have_the_codes_of_the_time(cast: Cast) -> None:
    referral = await cast.awaiting_triage()
    ubrn = str(referral["id"])
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT)
        get, post = program.http.get, program.http.post
        bare = [
            (await get("/v1/ReferralRequest/999999999999"), 404),
            (await get("/v1/ReferralRequest/7"), 404),
            (await get("/v1/ValueSet/CLINIC_TYPE"), 404),
            (await get("/v1/ValueSet/specialty"), 404),
            (await get(f"/v1/Binary/att-{int(ubrn)}-99999"), 404),
            (await get("/v1/Binary/att-1"), 404),
            (await get(f"/v1/Binary/$ers.generateCRI?UBRN={ubrn}"), 404),
            (await get("/v1/Nothing"), 404),
            (await get("/v1/ReferralRequest/$ers.fetchworklist"), 405),
        ]
        for reply, status in bare:
            assert (reply.status_code, reply.headers["content-type"]) == (status, "text/plain;charset=utf-8"), (
                reply.text
            )
        assert bare[-1][0].headers["allow"] == "POST"
        url = "/v1/ReferralRequest/$ers.fetchworklist"
        assigned = {"coding": [{"code": "ASSIGNED"}]}
        coded = [
            (await get("/v1/Binary/$ers.generateCRI"), "MISSING_VALUE"),
            (await post(url, content=b""), "FHIR_CONSTRAINT_VIOLATION"),
            (await post(url, json=[]), "FHIR_CONSTRAINT_VIOLATION"),
            (await post(url, json={}), "MISSING_VALUE"),
            (await post(url, json=listed("listType", code="LETTERS_OUTSTANDING", only=True)), "INVALID_CODE"),
            (await post(url, json=listed("specialtyAssignedIndicator", concept=assigned)), "MISSING_VALUE"),
            (await post(url, json=listed("specialty", code="CARDIOLOGY")), "UNEXPECTED_FIELD"),
            (await post(url, json=listed("specialtyAssignedIndicator", code="NOT_ASSIGNED")), "INVALID_VALUE"),
            (await post(url, json=listed("service", identifier="999")), "INVALID_VALUE"),
            (await post(url, json=listed("service", identifier="x")), "INVALID_VALUE"),
            (await post(url, json=listed("location", identifier="ZZ999")), "INVALID_VALUE"),
            (await post(url, json=listed("colour", code="RED")), "UNEXPECTED_FIELD"),
        ]
        for reply, wanted in coded:
            assert reply.status_code == 422, reply.text
            assert reply.headers["content-type"] == "application/json+fhir"
            assert error_of(reply.json()) == wanted, reply.text
        await program.log_in(CONSULTANT_ELSEWHERE)
        stranger = await get(f"/v1/ReferralRequest/{ubrn}")
        assert (stranger.status_code, error_of(stranger.json())) == (422, "NO_RELATIONSHIP")


def listed(name: str, *, code: str = "", concept: Json | None = None, identifier: str = "", only: bool = False) -> Json:
    """Return a body of A008 with one more parameter."""
    value: Json = {"valueCodeableConcept": concept or {"coding": [{"code": code}]}}
    if identifier:
        value = {"valueIdentifier": {"value": identifier}}
    more: Json = {"name": name, **value}
    return {"parameter": [more] if only else [*REVIEWS["parameter"], more]}


def error_of(outcome: Json) -> str:
    """Return the code of an OperationOutcome of DSTU2, which has exactly one issue."""
    assert outcome["meta"]["profile"] == ["http://fhir.nhs.net/StructureDefinition/ers-operationoutcome-1"]
    (issue,) = outcome["issue"]
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == "http://fhir.nhs.net/ValueSet/ers-apierrorcode-1"
    assert coding["display"]
    return str(coding["code"])


async def files_of(cast: Cast, ubrn: str) -> list[str]:
    """Return the ids of the files of a referral."""
    shown = await cast.rig.read({"id": ubrn})
    documents = [each for each in shown["contained"] if each["resourceType"] == "DocumentReference"]
    return [each["content"][0]["attachment"]["url"].removeprefix("Binary/") for each in documents]


MATRIX: Final[list[tuple[Person, str]]] = [
    (GP, "A004 A005 A006 A007"),
    (GP_ADMIN, "A004 A005 A006 A007"),
    (REFERRING_ADMIN, ""),
    (CONSULTANT, "A004 A005 A006 A007 A008"),
    (CONSULTANT_ADMIN, "A004 A005 A006 A007 A008"),
    (PROVIDER_ADMIN, "A008"),
]
"""The operations of DSTU2 that each role may call; of an administrator, the function of the clinician decides."""


@pytest.mark.parametrize(("who", "allowed"), MATRIX, ids=[who.function for who, _ in MATRIX])
async def test_roles_and_operations_of_dstu2(who: Person, allowed: str, cast: Cast) -> None:
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(who)
        statuses = await calls_of(program)
        assert {number for number, status in statuses.items() if status != 403} == set(allowed.split())


async def calls_of(program: Program) -> dict[str, int]:
    """Call each operation of DSTU2 for records that do not exist; return the statuses."""
    http = program.http
    return {
        "A004": (await http.get("/v1/ValueSet/SPECIALTY")).status_code,
        "A005": (await http.get("/v1/ReferralRequest/999999999999")).status_code,
        "A006": (await http.get("/v1/Binary/att-1-1")).status_code,
        "A007": (await http.get("/v1/Binary/$ers.generateCRI?UBRN=999999999999")).status_code,
        "A008": (await http.post("/v1/ReferralRequest/$ers.fetchworklist", json=REVIEWS)).status_code,
    }
