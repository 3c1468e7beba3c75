"""Recorded calls: masking, findings against our OpenAPI document, exports and near misses."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from openers.worlds.packs import read_pack
from openers.worlds.recording.masking import Masker
from tests.kit.referrals.rig import Rig
from tests.kit.service.requests import PATIENT, create_referral, criteria, search
from tests.kit.service.running import CONSULTANT_ADMIN, FHIR, GP, Running
from tests.probe.har import HAR

pytestmark = pytest.mark.anyio
PRIORITY = "/STU3/CodeSystem/PRIORITY"
Json = dict[str, Any]


async def kept(run: Running, name: str = "") -> Any:
    """Return all recorded calls, or one of them."""
    return (await run.pages().get(f"/_test/requests{name and '/'}{name}")).json()


# ------------------------------------------------------------------------------------------------------- recorded calls


async def test_calls_are_remembered_the_latest_first(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await gp.get(PRIORITY, headers={"X-Correlation-ID": "mine"})
    refused = await gp.get("/STU3/ReferralRequest/000000000001")
    listed = (await kept(probed))["requests"]
    assert [(each["operation"], each["status"], each["correlation_id"]) for each in listed] == [
        ("A005", 404, ""),
        ("A004", 200, "mine"),
    ]
    assert listed[0]["request_id"] == refused.headers["x-request-id"]
    assert (await kept(probed, "mine"))["call"] == "GET /referrals/FHIR/STU3/CodeSystem/PRIORITY"
    assert (await kept(probed, refused.headers["x-request-id"]))["rule"] == "REFERENCE_NOT_FOUND (rules 2.6)"


async def test_the_list_can_be_narrowed_and_forgotten(probed: Running) -> None:
    gp = await probed.as_person(GP)
    for address in (PRIORITY, "/STU3/ReferralRequest/000000000001", PRIORITY):
        await gp.get(address)
    pages = probed.pages()
    for query, count in (("status=404", 1), ("operation=A004", 2), ("limit=1", 1), ("operation=A005&status=200", 0)):
        assert len((await pages.get(f"/_test/requests?{query}")).json()["requests"]) == count, query
    assert (await pages.get("/_test/requests?status=x")).status_code == 400
    assert (await pages.delete("/_test/requests")).status_code == 200
    assert (await kept(probed))["requests"] == []


async def test_only_the_last_ones_are_kept(probed: Running) -> None:
    gp = await probed.as_person(GP)
    for _ in range(205):
        await gp.get(PRIORITY)
    numbers = [each["number"] for each in (await kept(probed))["requests"]]
    assert numbers == list(range(205, 5, -1))
    assert (await probed.pages().get("/_test/requests/5")).status_code == 404


async def test_an_unknown_name_is_told_to_be_forgotten(probed: Running) -> None:
    reply = await probed.pages().get("/_test/requests/nobody")
    assert (reply.status_code, "'nobody'" in reply.json()["error"]) == (404, True)


# -------------------------------------------------------------------------------------------------------------- masking


async def test_nothing_that_is_shown_tells_of_a_patient_or_a_secret(desk: Rig) -> None:
    """No patient data or secret is shown of a search, a creation, a booking, a cancellation or a refusal."""
    referral, slot = await desk.refer(), (await desk.free())[0]
    appointment = (await desk.book(referral, slot)).json()
    await desk.cancel(appointment, "PATIENT_PREGNANT", comment="Mrs Arkwright of Beck Lane rang")
    wanted: Json = {"name": "postcode", "valueString": "QQ99 9QQ"}
    refused = await desk.gp.post(**search(of=criteria(wanted)))
    assert "QQ99 9QQ" in refused.text
    admin = await desk.run.as_person(CONSULTANT_ADMIN)
    await admin.get(f"/R4/ServiceRequest?identifier={PATIENT}")
    pages = desk.run.pages()
    shown = [(await pages.get("/_test/requests?as=har")).text]
    for each in (await kept(desk.run))["requests"]:
        for form, accept in (("", "*/*"), ("", "text/html"), ("?as=curl", "*/*")):
            name = f"/_test/requests/{each['number']}{form}"
            shown.append((await pages.get(name, headers={"Accept": accept})).text)
        explained = await pages.get(f"/_test/explain/{each['number']}")
        shown.append(explained.text)
    token = desk.gp.headers["authorization"].partition(" ")[2]
    for text in shown:
        for secret in (PATIENT, token, "Arkwright", "QQ99 9QQ", "published-secret"):
            assert secret not in text


def test_names_and_addresses_of_every_patient_are_masked() -> None:
    """Names and addresses are masked in a Patient, within Parameters, and where a text repeats them."""
    for patient in read_pack("demo").patients:
        name = {"family": patient.family_name, "given": [patient.given_name], "text": "whoever"}
        address = {"line": list(patient.address), "postalCode": patient.postcode}
        person: Json = {"resourceType": "Patient", "id": "p", "name": [name], "address": [address]}
        person |= {"identifier": [{"system": "http://fhir.nhs.net/Id/nhs-number", "value": patient.nhs_number}]}
        masker = Masker()
        body = json.dumps({"parameter": [{"name": "patient", "resource": person}], "birthDate": str(patient.born)})
        text = masker.body(body.encode(), FHIR) + masker.text(f"{patient.address[0]} is unknown")
        for secret in (patient.nhs_number, *patient.address, str(patient.postcode), str(patient.born), "whoever"):
            assert secret not in text
        assert '"name":"patient"' in text
        assert '"id":"p"' in text


@pytest.mark.parametrize(
    ("masked", "text", "shown"),
    [
        ("Arkwright", "'name' (Arkwright) is unknown", "'name' ([masked]) is unknown"),
        ("Arkwright", "Arkwrights and arkwright", "Arkwrights and arkwright"),
        ("QQ99 9QQ", "QQ99 9QQ, QQ99-9QQ and QQ99", "[masked], [masked] and QQ99"),
        ("12 Beck Lane", "at 12 Beck Lane", "at [masked]"),
        ("O'Neill", "O'Neill (O'Neill)", "[masked] ([masked])"),
        ("she rang on Monday", "said: she rang on Monday. Call her", "said: [masked]. Call her"),
        ("she rang on Monday, again", "said: she rang on Monday, again", "said: [masked]"),
        ("--", "a -- b", "a -- b"),
        ("ab", "ab", "ab"),
    ],
)
def test_what_a_request_lost_is_masked_where_it_is_repeated(masked: str, text: str, shown: str) -> None:
    masker = Masker()
    masker.value({"family": masked})
    assert masker.text(text) == shown


def test_what_names_things_stays_readable() -> None:
    body: Json = {
        "resourceType": "Parameters",
        "meta": {"profile": ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-ServiceSearchCriteria-Parameters-1"]},
        "extension": [{"url": "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-eRS-Shortlist-SearchCriteria-1"}],
        "parameter": [{"name": "service", "valueIdentifier": {"system": "x", "value": "11001"}}],
        "name": "Heart Failure Clinic",
    }
    assert json.loads(Masker().body(json.dumps(body).encode(), FHIR)) == body


@pytest.mark.parametrize(
    ("body", "media_type", "shown"),
    [
        (b"", FHIR, ""),
        (b"{", FHIR, "[invalid JSON, 1 bytes]"),
        (b"%PDF-1.7 Mrs Arkwright", "application/pdf", "[application/pdf, 22 bytes]"),
        (b"12 bytes of ", "", "[file, 12 bytes]"),
        (b"a letter", "text/plain", "[text/plain, 8 bytes]"),
    ],
)
def test_bodies_that_are_no_fhir(body: bytes, media_type: str, shown: str) -> None:
    assert Masker().body(body, media_type) == shown


def test_the_line_of_a_refusal_is_shown() -> None:
    line = b"NHS number 999 000 0018 is unknown"
    assert Masker().body(line, "text/plain;charset=utf-8", is_refusal=True) == "NHS number [masked] is unknown"


def test_of_credentials_the_scheme_stays() -> None:
    headers = [(b"Authorization", b"Bearer abc"), (b"Cookie", b"s=1"), (b"NHSD-eRS-File-Name", b"Arkwright.pdf")]
    assert dict(Masker().headers([*headers, (b"Accept", b"*/*")])) == {
        "Authorization": "Bearer [masked]",
        "Cookie": "[masked]",
        "NHSD-eRS-File-Name": "[masked]",
        "Accept": "*/*",
    }


# ------------------------------------------------------------------------------------------------------------- findings


async def test_findings_tell_where_a_request_is_not_as_described(probed: Running) -> None:
    gp = await probed.as_person(GP)
    creation = create_referral()
    creation["json"]["parameter"].append({"name": "patient", "surplus": "Arkwright"})
    del creation["json"]["meta"]
    assert (await gp.post(**creation)).status_code == 422
    told = await kept(probed, "1")
    places = {(each["part"], each["place"]) for each in told["findings"]["request"]}
    assert ("body", "") in places
    assert any(part == "body" and place.startswith("parameter/") for part, place in places)
    assert told["findings"]["reply"] == []
    assert "Arkwright" not in json.dumps(told["findings"])


async def test_of_a_long_body_the_first_finding_is_told(probed: Running) -> None:
    gp = await probed.as_person(GP)
    creation = create_referral()
    creation["json"]["parameter"] += [{}] * 1000
    assert (await gp.post(**creation)).status_code == 422
    (finding,) = (await kept(probed, "1"))["findings"]["request"]
    assert (finding["part"], finding["place"]) == ("body", "parameter/4")


async def test_a_call_as_described_has_no_findings(probed: Running) -> None:
    gp = await probed.as_person(GP)
    assert (await gp.post(**create_referral())).status_code == 201
    assert (await kept(probed, "1"))["findings"] == {"request": [], "reply": []}


# ---------------------------------------------------------------------------------------------------------- near misses

CANCEL = "/STU3/Appointment/1"
FIND = "/STU3/ReferralRequest/$ers.createReferral"
MISSES: list[tuple[str, str, dict[str, str], str]] = [
    ("PUT", CANCEL, {"Content-Type": FHIR}, "A034 but If-Match was absent"),
    ("PUT", CANCEL, {"Content-Type": "application/json", "If-Match": 'W/"1"'}, "A034 but Content-Type was application"),
    ("GET", PRIORITY, {"Accept": "application/xml"}, "A004 but Accept was application/xml, not application/fhir+json"),
    ("DELETE", PRIORITY, {}, "A004 but the method was DELETE, not GET"),
    (
        "GET",
        "/STU3/CodeSystems/PRIORITY",
        {},
        "A004 but the path was /STU3/CodeSystems/PRIORITY, not /STU3/CodeSystem/",
    ),
    ("POST", f"{FIND}s", {"Content-Type": FHIR}, "A011 but the path was"),
    ("GET", PRIORITY, {"NHSD-End-User-Organisation-ODS": ""}, "A004 but NHSD-End-User-Organisation-ODS was absent"),
    ("GET", PRIORITY, {"NHSD-eRS-Business-Function": "X"}, "A004 but NHSD-eRS-Business-Function was X, not"),
    ("GET", PRIORITY, {"Authorization": ""}, "A004 but Authorization was absent"),
]


@pytest.mark.parametrize(("method", "path", "headers", "told"), MISSES, ids=[each[3] for each in MISSES])
async def test_a_refused_call_is_told_what_it_nearly_was(
    probed: Running, method: str, path: str, headers: dict[str, str], told: str
) -> None:
    gp = await probed.as_person(GP)
    assert (await gp.request(method, path, headers=headers, content=b"{}")).status_code >= 400
    (miss, *_) = (await kept(probed))["requests"][0]["near_misses"]
    assert miss.startswith(f"would have matched {told}")


async def test_an_admin_who_names_nobody_is_told_so(probed: Running) -> None:
    admin = await probed.as_person(replace(CONSULTANT_ADMIN, on_behalf_of=None))
    await admin.get("/STU3/ReferralRequest/000000000001")
    (miss, *_) = (await kept(probed))["requests"][0]["near_misses"]
    assert miss.startswith("would have matched A005 but NHSD-eRS-On-Behalf-Of-User-ID was absent")


async def test_a_call_that_got_to_its_operation_missed_nothing(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await gp.get(PRIORITY)
    await gp.get("/STU3/ReferralRequest/000000000001")
    assert [each["near_misses"] for each in (await kept(probed))["requests"]] == [[], []]


# -------------------------------------------------------------------------------------------------------------- exports


async def test_the_archive_is_valid_and_in_order(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await gp.post(**create_referral())
    await gp.get("/STU3/CodeSystem/PRIORITY?x=1&y=", headers={"Accept": "text/html"})
    archive = (await probed.pages().get("/_test/requests?as=har")).json()
    assert [error.message for error in jsonschema_rs.Draft202012Validator(HAR).iter_errors(archive)] == []
    first, second = archive["log"]["entries"]
    assert (first["request"]["method"], first["response"]["status"]) == ("POST", 201)
    assert first["request"]["postData"]["mimeType"] == FHIR
    assert second["request"]["queryString"] == [{"name": "x", "value": "1"}, {"name": "y", "value": ""}]
    one = (await probed.pages().get("/_test/requests/2?as=har")).json()
    assert one["log"]["entries"] == [second]


async def test_the_command_is_the_call(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await gp.post(**create_referral(), params={"it's": "$HOME"})
    command = (await probed.pages().get("/_test/requests/1?as=curl")).text
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:6] == ["curl", "-sS", "-i", "-X", "POST", words[5]]
    assert words[5].startswith("http://127.0.0.1:8000/referrals/FHIR/STU3/ReferralRequest/$ers.createReferral?")
    headers = [after.lower() for word, after in pairwise(words) if word == "-H"]
    assert '-H "Authorization: Bearer $TOKEN"' in command
    assert f"nhsd-end-user-organisation-ods: {GP.organisation.lower()}" in headers
    body = msgspec.json.decode(words[words.index("--data-raw") + 1])
    assert body["parameter"][0]["valueIdentifier"]["value"] == "[masked]"


@pytest.mark.parametrize("address", ["/_test/requests", "/_test/requests/1", "/_test/requests/2"])
async def test_people_get_pages(probed: Running, address: str) -> None:
    gp = await probed.as_person(GP)
    await gp.post(**create_referral())
    await gp.get("/STU3/CodeSystem/<script>")
    page = await probed.pages().get(address, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "CodeSystem/<script" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
