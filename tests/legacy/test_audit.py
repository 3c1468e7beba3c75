"""The audit of calls of the API of 2018: the fields of the published table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openers.worlds.recording.masking import Masker
from tests.kit.files.samples import scan
from tests.kit.referrals.cast import Cast
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, copied
from tests.kit.service.worlds import rig
from tests.kit.store.outside import entries
from tests.legacy.client import ASID, Json, programs
from tests.legacy.test_provider import REVIEWS, files_of

pytestmark = pytest.mark.anyio


async def test_each_call_leaves_the_fields_of_the_table(cast: Cast) -> None:
    referral = await cast.with_letter(await cast.awaiting_triage())
    ubrn = str(referral["id"])
    await scan(cast.rig.run, *await files_of(cast, ubrn))
    known = len(await entries(cast.rig.run))
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT_ADMIN)
        key = program.key
        shown = (await program.http.get(f"/v1/ReferralRequest/{ubrn}")).json()
        (document,) = (each for each in shown["contained"] if each["resourceType"] == "DocumentReference")
        attachment = document["content"][0]["attachment"]
        assert (await program.http.get(f"/v1/{attachment['url']}")).status_code == 200
        assert (await program.http.post("/v1/ReferralRequest/$ers.fetchworklist", json=REVIEWS)).status_code == 200
        assert (await program.http.get("/v1/ReferralRequest/999999999999")).status_code == 404
        assert (await program.end()).status_code == 204
        assert (await program.specialties()).status_code == 403
    made = [each for each in (await entries(cast.rig.run))[known:] if each.get("asid")]
    who = {"user": CONSULTANT_ADMIN.user, "session": key, "asid": ASID, "fqdn": "demo.example"}
    role = {**who, "organisation": "RCD", "business_function": "SERVICE_PROVIDER_CLINICIAN_ADMIN"}
    acting = {**role, "on_behalf_of": CONSULTANT_ADMIN.on_behalf_of}
    of_referral = {**acting, "ubrn": ubrn, "nhs_number": PATIENT}
    wanted: list[tuple[str, str, int, Json]] = [
        ("POST", "API Professional login attempt", 201, who),
        ("PUT", "API Establish Session", 200, role),
        ("PUT", "API Establish Session", 200, acting),
        ("GET", "API Retrieve Request Summary", 200, {**of_referral, "resource_type": "Referral Request"}),
        ("GET", "API Retrieve Clinical Attachment", 200, {
            **of_referral,
            "resource_type": "Clinical Attachment",
            "attachment": attachment["id"],
            "attachment_type": ".TXT",
            "file_name": attachment["title"],
        }),
        ("POST", "API Retrieve Request List", 200, {**acting, "resource_type": "Worklist"}),
        ("GET", "API Retrieve Request Summary", 404, {**acting, "ubrn": "999999999999"}),
        ("DELETE", "API Close Session", 204, acting),
        ("GET", "API Retrieve Reference Data", 403, {"asid": ASID, "fqdn": "demo.example"}),
    ]  # fmt: skip
    told: list[dict[str, Any]] = [each for each in made if each["event_type"] != "SYSTEM"]
    assert [(each["event_type"], each["audit_type"], each["outcome"]) for each in told] == [row[:3] for row in wanted]
    for each, (*_, fields) in zip(told, wanted, strict=True):
        assert {name: each.get(name) for name in fields} == fields


async def test_a_key_of_a_session_is_masked_in_recorded_calls() -> None:
    """The recorder of test mode never shows a key or a log-in token."""
    masker, key = Masker(), "pro-xapi-session_38dbf5e1-0000-4000-8000-000000000000"
    shown = dict(masker.headers([(b"http_x_session_key", key.encode())]))
    assert "38dbf5e1" not in shown["http_x_session_key"]
    assert "38dbf5e1" not in masker.text(
        "/v1/ProfessionalSession/pro-xapi-session_38dbf5e1-0000-4000-8000-000000000000"
    )
    body = b'{"id":"pro-xapi-session_38dbf5e1-0000-4000-8000-000000000000","token":"AQIC5w"}'
    assert "38dbf5e1" not in masker.body(body, "application/json")
    assert "AQIC5w" not in masker.body(body, "application/json")
    assert CONSULTANT.user in masker.body(b'{"identifier":"%s"}' % CONSULTANT.user.encode(), "application/json")


async def test_a_refusal_is_explained_with_its_own_cure(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    async with rig(copied(sqlite_template, tmp_path), keys) as here, programs(here.service) as (program,):
        for headers, text in (
            ({}, "The session is not known."),
            ({"XAPI_ASID": "200000009999"}, "No endpoint with the ASID 200000009999 is registered here."),
            ({"XAPI_ASID": ""}, "The header XAPI_ASID is missing."),
        ):
            sent = {"HTTP_X_SESSION_KEY": "pro-xapi-session_0", **headers}
            refused = await program.http.get("/v1/ValueSet/SPECIALTY", headers=sent)
            told = await here.control("GET", f"/explain/{refused.headers['X-Request-ID']}")
            failure = told["explanations"][0]["failure"]
            assert failure["fix"] == failure["told"] == refused.text
            assert failure["fix"].startswith(text)
