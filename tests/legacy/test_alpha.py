"""A009 to A014 of the alpha API: a referral from the search to the decision, and what each refuses."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

import httpx
import pytest

from tests.kit.files.samples import scan
from tests.kit.referrals.cast import Cast
from tests.kit.service.requests import PATIENT, criteria, search
from tests.kit.service.running import CONSULTANT, CONSULTANT_ELSEWHERE, GP, GP_ADMIN
from tests.legacy.client import Json, Program, programs
from tests.legacy.test_provider import error_of, files_of

pytestmark = pytest.mark.anyio
EXTENSION: Final = "http://fhir.nhs.net/StructureDefinition/extension-ers-healthcareService-1-0"
SEARCH: Final = {
    "patientNhsNumber": PATIENT,
    "requestType": "APPOINTMENT_REQUEST",
    "commissioningProvisioning": "ALL_AVAILABLE_FOR_BOOKING",
    "priority": "URGENT",
    "specialty": "CARDIOLOGY",
    "clinicType": "HEART_FAILURE",
    "clinicalTerm": "",
    "sortBy": "DISTANCE",
}
PATIENT_SEARCH: Final = "/v1/HealthcareService/$patient.serviceSearch"
DIRECTORY_SEARCH: Final = "/v1/HealthcareService/$dos.serviceSearch"


def parameters(values: Json) -> Json:
    """Return a body as clients of the alpha API wrote it: texts, and a profile that is no list."""
    profile = "http://fhir.nhs.net/OperationDefinition/ers-PatientServiceSearch-operation-1"
    return {
        "meta": {"profile": profile},
        "parameter": [{"name": name, "valueString": value} for name, value in values.items()],
    }


def referral(*services: str, letter: bool = True, **changes: str) -> Json:
    """Return a body of A011."""
    told = [
        {"url": "clinicalInformationIntent", "valueBoolean": letter},
        {"url": "firstReminderFollowUpDays", "valueInteger": 14},
        {"url": "contentSensitive", "valueBoolean": False},
    ]
    entries = [{"resource": {"extension": [{"url": EXTENSION}], "identifier": [{"value": each}]}} for each in services]
    return {
        "extension": [
            {"url": "http://fhir.nhs.net/StructureDefinition/extension-ers-referralRequest-1-0", "extension": told}
        ],
        "searchCriteria": parameters({**SEARCH, **changes}),
        "shortlist": {"total": len(entries), "entry": entries},
    }


def letter(**lists: list[Json]) -> Json:
    """Return a body of A012."""
    return {"parameter": [{"name": name, "resource": {"entry": entries}} for name, entries in lists.items()]}


def file(name: str, text: str) -> Json:
    """Return a file to insert."""
    content = b64encode(text.encode()).decode()
    return {
        "data": content,
        "contentType": "text/plain",
        "title": name,
        "extension": [{"valueString": f"About {name}"}],
    }


async def version_of(program: Program, ubrn: str) -> dict[str, str]:
    """Return the header that names the version of a referral."""
    read = await program.http.get(f"/v1/ReferralRequest/{ubrn}")
    return {"If-Match": f'W/"{read.json()["meta"]["versionId"]}"'}


async def attachments_of(program: Program, ubrn: str) -> list[Json]:
    """Return the files of a referral."""
    shown = (await program.http.get(f"/v1/ReferralRequest/{ubrn}")).json()
    documents = [each for each in shown["contained"] if each["resourceType"] == "DocumentReference"]
    return [{**each["content"][0]["attachment"], "description": each["description"]} for each in documents]


async def test_a_referral_from_the_search_to_the_letter(cast: Cast) -> None:
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(GP)
        post = program.http.post
        found = (await post(PATIENT_SEARCH, json=parameters(SEARCH))).json()
        assert (found["resourceType"], found["type"], found["total"]) == ("Bundle", "searchset", len(found["entry"]))
        services = [each["resource"] for each in found["entry"]]
        today = {each["item"]["identifier"]["value"] for each in (await search_of_today(cast)).json()["entry"]}
        assert {each["identifier"][0]["value"] for each in services} == today
        first = services[0]
        assert first["identifier"] == [{"value": first["identifier"][0]["value"]}]
        (more,) = first["extension"]
        details = {each["url"]: next(iter({*each} - {"url"})) for each in more["extension"]}
        assert more["url"] == EXTENSION
        assert details["bookable"] == "valueCode"
        assert details["distance"] == "valueInteger"
        assert "namedClinicians" not in details
        sites = {f"#{each['id']}" for each in found["contained"]}
        assert {each["location"][0]["reference"] for each in services} == sites
        of_directory = {name: SEARCH[name] for name in ("priority", "specialty", "clinicType")}
        directory = (
            await post(DIRECTORY_SEARCH, json=parameters({**of_directory, "professionalPostcode": "LS1 4AP"}))
        ).json()
        assert {each["resource"]["identifier"][0]["value"] for each in directory["entry"]} >= today
        created = await post("/v1/CreateReferral", json=referral("11002"))
        assert created.status_code == 201, created.text
        made = created.json()
        assert made.keys() == {"resourceType", "meta", "identifier"}
        ubrn = made["identifier"]["value"]
        assert created.headers["etag"] == f'W/"{made["meta"]["versionId"]}"'
        await change_letter(program, cast, ubrn)


async def change_letter(program: Program, cast: Cast, ubrn: str) -> None:
    """Add two files to a letter, then replace one of them."""
    address = f"/v1/ReferralRequest/{ubrn}/$ers.uploadReferralLetter"
    version = await version_of(program, ubrn)
    two = letter(attachmentsToInsert=[file("one.txt", "First"), file("two.txt", "Second")])
    added = await program.http.post(address, json=two, headers=version)
    assert (added.status_code, added.content) == (200, b""), added.text
    stale = await program.http.post(address, json=two, headers=version)
    assert (stale.status_code, "is not the latest one" in stale.text) == (409, True)
    one, two_ = await attachments_of(program, ubrn)
    assert (one["title"], one["description"]) == ("one.txt", "About one.txt")
    await scan(cast.rig.run, *await files_of(cast, ubrn))
    assert (await program.http.get(f"/v1/{two_['url']}")).content == b"Second"
    three = letter(
        attachmentsToRetain=[{"value": one["id"], "extension": []}],
        attachmentsToRemove=[{"value": two_["id"], "extension": []}],
        attachmentsToInsert=[file("three.txt", "Third")],
    )
    changed = await program.http.post(address, json=three, headers=await version_of(program, ubrn))
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == (await version_of(program, ubrn))["If-Match"]
    assert [each["title"] for each in await attachments_of(program, ubrn)] == ["one.txt", "three.txt"]


async def search_of_today(cast: Cast) -> httpx.Response:
    """Call A010 of today with the same criteria."""
    return await cast.gp.post(**search(of=criteria(appropriate=True)))


async def test_what_the_alpha_api_refuses(cast: Cast) -> None:
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(GP)
        post = program.http.post
        unbooked = await cast.refer()
        ubrn, version = str(unbooked["id"]), {"If-Match": f'W/"{unbooked["meta"]["versionId"]}"'}
        upload = f"/v1/ReferralRequest/{ubrn}/$ers.uploadReferralLetter"
        refused: list[tuple[str, Any, str]] = [
            (PATIENT_SEARCH, parameters({**SEARCH, "patientNhsNumber": ""}), "MISSING_VALUE"),
            (PATIENT_SEARCH, parameters({**SEARCH, "priority": ""}), "MISSING_VALUE"),
            (PATIENT_SEARCH, parameters({**SEARCH, "priority": "SOON"}), "INVALID_CODE"),
            (PATIENT_SEARCH, parameters({**SEARCH, "specialty": "NO_SUCH"}), "INVALID_CODE"),
            (PATIENT_SEARCH, parameters({**SEARCH, "distanceLimit": "x"}), "INVALID_VALUE"),
            (PATIENT_SEARCH, parameters({**SEARCH, "colour": "red"}), "UNEXPECTED_FIELD"),
            (DIRECTORY_SEARCH, parameters({"priority": "URGENT"}), "MISSING_VALUE"),
            (DIRECTORY_SEARCH, parameters({**SEARCH}), "UNEXPECTED_FIELD"),
            ("/v1/CreateReferral", {}, "MISSING_VALUE"),
            ("/v1/CreateReferral", {**referral(), "shortlist": None}, "MISSING_VALUE"),
            ("/v1/CreateReferral", referral(), "MISSING_VALUE"),
            ("/v1/CreateReferral", referral("x"), "INVALID_VALUE"),
            ("/v1/CreateReferral", referral("11002", "11002"), "CONFLICTING_VALUES"),
            (upload, letter(attachmentsToInsert=[{"title": "a.txt", "contentType": "text/plain"}]), "MISSING_VALUE"),
            (upload, letter(attachmentsToInsert=[{**file("a.txt", "A"), "data": "?"}]), "INVALID_VALUE"),
            (upload, letter(attachmentsToInsert=[file("a.txt", "A"), file("a.exe", "A")]), "CONFLICTING_VALUES"),
            (upload, letter(attachmentsToRetain=[{"value": "99999"}]), "INVALID_VALUE"),
            (upload, {}, "MISSING_VALUE"),
        ]
        before = await cast.rows()
        for address, body, wanted in refused:
            reply = await post(address, json=body, headers=version)
            assert (reply.status_code, error_of(reply.json())) == (422, wanted), (address, body, reply.text)
        assert await cast.rows() == before
        assert (await post(upload, json=letter(attachmentsToInsert=[file("a.txt", "A")]))).status_code == 412
        await program.log_in(GP_ADMIN)
        admin = await post(PATIENT_SEARCH, json=parameters(SEARCH))
        assert (admin.status_code, error_of(admin.json())) == (422, "MISSING_VALUE")
        named = await post(PATIENT_SEARCH, json=parameters({**SEARCH, "referringClinicianId": GP.user}))
        assert named.status_code == 200


async def test_accept_and_reject(cast: Cast) -> None:
    accepted, rejected = [str((await cast.booked())["id"]) for _ in range(2)]
    by_telephone = str((await cast.booked_by_telephone())["id"])
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT)
        post = program.http.post
        address = f"/v1/ReferralRequest/{accepted}/$ers.accept"
        version = await version_of(program, accepted)
        assert (await post(address)).status_code == 412
        reply = await post(address, headers=version)
        assert (reply.status_code, reply.content) == (200, b"")
        stale = await post(address, headers=version)
        assert (stale.status_code, "is not the latest one" in stale.text) == (409, True)
        address = f"/v1/ReferralRequest/{rejected}/$ers.reject"
        version = await version_of(program, rejected)
        reason = parameters({"reason": "OTHER", "comment": "Not for us"})
        for body, wanted in (
            (parameters({"comment": "why"}), "MISSING_VALUE"),
            (parameters({"reason": "SEVEN"}), "INVALID_CODE"),
            (parameters({"reason": "OTHER", "cancelledInPas": "maybe"}), "INVALID_VALUE"),
            (parameters({"reason": "OTHER", "comment": "x", "cancelledInPas": "true"}), "UNEXPECTED_FIELD"),
        ):
            reply = await post(address, json=body, headers=version)
            assert (reply.status_code, error_of(reply.json())) == (422, wanted), reply.text
        reply = await post(address, json=reason, headers=version)
        assert (reply.status_code, reply.content) == (200, b""), reply.text
        again = await post(address, json=reason, headers={"If-Match": reply.headers["etag"]})
        assert (again.status_code, error_of(again.json())) == (422, "INVALID_REQUEST_STATE")
        await program.log_in(CONSULTANT_ELSEWHERE)
        version = await version_of(program, by_telephone)
        address = f"/v1/ReferralRequest/{by_telephone}/$ers.reject"
        without = await post(address, json=reason, headers=version)
        assert (without.status_code, error_of(without.json())) == (422, "MISSING_VALUE")
        told = parameters({"reason": "OTHER", "comment": "Not for us", "cancelledInPas": "true"})
        assert (await post(address, json=told, headers=version)).status_code == 200
        await program.log_in(GP)
        shown = (await program.http.get(f"/v1/ReferralRequest/{rejected}")).json()
        assert shown["status"] == "rejected"
