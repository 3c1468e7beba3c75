"""One referral as a program of 2018, of 2020 and of today reads it, element by element."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.kit.referrals.cast import Cast
from tests.kit.referrals.words import LETTER
from tests.kit.service.requests import parameters_of, posted
from tests.kit.service.running import CONSULTANT
from tests.legacy.client import Json, programs

pytestmark = pytest.mark.anyio
NET: Final = "http://fhir.nhs.net/"
SD: Final = "https://fhir.nhs.uk/STU3/StructureDefinition/"


def extension(resource: Json, name: str, value: str) -> Any:
    """Return the value of an extension by the end of its address; `None` if there is none."""
    found = [each[value] for each in resource["extension"] if each["url"].lower().endswith(f"{name.lower()}-1")]
    return found[0] if found else None


def contained(resource: Json, kind: str) -> list[Json]:
    """Return the contained resources of a type."""
    return [each for each in resource["contained"] if each["resourceType"] == kind]


def assert_same_referral(old: Json, new: Json) -> None:
    """Compare a referral in DSTU2 with the same one in STU3, as the table of ADR 0073 maps them."""
    assert (old["id"], old["meta"]["versionId"]) == (new["id"], new["meta"]["versionId"])
    assert old["meta"]["profile"] == [f"{NET}StructureDefinition/ers-referralrequest-1"]
    assert new["meta"]["profile"] == [f"{SD}eRS-ReferralRequest-1"]
    for name, value in (
        ("Appointment", "valueReference"),
        ("ClinicalInfoFirstSubmitted", "valueDateTime"),
        ("ClinicalInfoLastUpdated", "valueDateTime"),
    ):
        assert extension(old, name, value) == extension(new, name, value), name
    assert old["status"] == "active" == new["status"]
    (was,), (now) = old["specialty"]["coding"], new["specialty"]["coding"][0]
    assert (was["code"], was["display"]) == (now["code"], now["display"])
    assert was["system"] == f"{NET}ValueSet/ers-specialty-1"
    (priority,) = old["priority"]["coding"]
    assert priority["system"] == f"{NET}ValueSet/ers-priority-1"
    assert priority["code"] == extension(new, "ReferralPriority", "valueCodeableConcept")["coding"][0]["code"]
    number = new["subject"]["identifier"]["value"]
    assert old["patient"] == {"reference": f"#Patient-{number}"}
    (patient,) = contained(old, "Patient")
    assert (patient["id"], patient["identifier"]) == (f"Patient-{number}", [new["subject"]["identifier"]])
    assert old["supportingInformation"] == new["supportingInfo"]
    assert_same_files(old, new)
    assert_same_appointment(old, new)
    assert not {"intent", "identifier", "subject", "supportingInfo"} & old.keys()


def assert_same_files(old: Json, new: Json) -> None:
    """Compare the files: the people who attached them are contained in DSTU2, and identifiers in STU3."""
    people = {each["id"]: each["identifier"] for each in contained(old, "Practitioner")}
    pairs = list(zip(contained(old, "DocumentReference"), contained(new, "DocumentReference"), strict=True))
    assert pairs
    for was, now in pairs:
        assert (was["id"], was["status"], was["indexed"]) == (now["id"], now["status"], now["indexed"])
        assert was["description"] == now.get("description", "")
        assert was["type"]["coding"][0]["code"] == now["type"]["coding"][0]["code"]
        before, after = was["content"][0]["attachment"], now["content"][0]["attachment"]
        for name in ("id", "contentType", "size", "title", "creation"):
            assert before[name] == after[name]
        assert before["url"] == f"Binary/att-{int(old['id'])}-{before['id']}"
        by = extension(before, "attachedby", "valueReference")["reference"].removeprefix("#")
        assert people[by] == [extension(after, "AttachedBy", "valueReference")["identifier"]]


def assert_same_appointment(old: Json, new: Json) -> None:
    """Compare the appointment: its actors are contained in DSTU2, and identifiers in STU3."""
    (was,), (now,) = contained(old, "Appointment"), contained(new, "Appointment")
    assert was["id"] == now["id"] == "appointment"
    for name in ("status", "start", "end"):
        assert was.get(name) == now.get(name)
    (service,) = contained(old, "HealthcareService")
    actor = now["participant"][0]["actor"]
    assert service["identifier"] == {"system": f"{NET}Id/ers-service", "value": actor["identifier"]["value"]}
    assert was["participant"][0] == {
        "actor": {"reference": f"#{service['id']}", "display": actor["display"]},
        "status": "accepted",
    }
    (location,) = contained(old, "Location")
    assert service["location"] == {"reference": f"#{location['id']}"}
    assert location["identifier"]["system"] == f"{NET}Id/ods-site-code"


async def test_one_referral_read_by_three_generations(cast: Cast) -> None:
    referral = await cast.with_letter(await cast.booked(LETTER))
    today = (await cast.consultant.get(f"/STU3/ReferralRequest/{referral['id']}")).json()
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT)
        of_2018 = await program.http.get(f"/v1/ReferralRequest/{referral['id']}")
        of_2020 = await program.http.get(f"/STU3/v1/ReferralRequest/{referral['id']}")
        assert of_2018.headers["content-type"] == "application/json+fhir"
        assert of_2020.headers["content-type"] == "application/fhir+json"
        assert of_2018.headers["etag"] == of_2020.headers["etag"] == f'W/"{today["meta"]["versionId"]}"'
        assert_same_referral(of_2018.json(), today)
        base = cast.rig.run.service.settings.base_url
        moved = of_2020.text.replace(f"{base}/ers-api/STU3/v1/CodeSystem/", f"{base}/referrals/FHIR/STU3/CodeSystem/")
        assert moved != of_2020.text
        assert moved == (await cast.consultant.get(f"/STU3/ReferralRequest/{referral['id']}")).text


async def test_the_worklist_of_a_provider_in_two_generations(cast: Cast) -> None:
    """The columns of DSTU2 have the values of the columns of today."""
    referral = await cast.with_letter(await cast.booked(LETTER))
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT)
        asked = {"name": "listType", "valueCodeableConcept": {"coding": [{"code": "REFERRALS_FOR_REVIEW"}]}}
        old = (await program.http.post("/v1/ReferralRequest/$ers.fetchworklist", json={"parameter": [asked]})).json()
    system = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReferralListSelector-1"
    asked["valueCodeableConcept"] = {"coding": [{"system": system, "code": "REFERRALS_FOR_REVIEW"}]}
    body = parameters_of("FetchWorklist", [asked])
    new = (await cast.consultant.post(**posted("/STU3/ReferralRequest/$ers.fetchworklist", body))).json()
    assert [each["item"] for each in old["entry"]] == [each["item"] for each in new["entry"]]
    assert (old["status"], old["mode"]) == (new["status"], new["mode"])
    assert {each["id"] for each in contained(old, "Patient")} == {each["id"] for each in contained(new, "Patient")}
    was, now = (columns_of(each, str(referral["id"])) for each in (old, new))
    assert was.pop("dateWhenBookingMade")
    for name in ("clinicalInfoFirstSubmitted", "appointmentStart", "clinicalInfoPrinted", "patient"):
        assert was.pop(name) == now[name], name
    assert was.pop("eReferralPathwayStart") == now["eReferralPathwayStart"]
    assert {name: each["coding"][0]["code"] for name, each in was.items()} == {
        name: now[name]["coding"][0]["code"]
        for name in ("specialty", "requestContextStatus", "priority", "referralType")
    }
    assert was["requestContextStatus"]["coding"][0]["display"] == "Never Reviewed"


def columns_of(worklist: Json, ubrn: str) -> Json:
    """Return the columns of a referral's entry by name."""
    (entry,) = (each for each in worklist["entry"] if each["item"]["reference"] == f"ReferralRequest/{ubrn}")
    columns = entry["extension"][0]["extension"]
    return {each["url"]: next(value for key, value in each.items() if key != "url") for each in columns}
