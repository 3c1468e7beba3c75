"""The audit that the service writes: one entry for each call, durable before the reply, with the fields of the rules.

Source: rules chapter 8 (Audit). `tests/cli/test_audit_verify.py` tests how tampering is detected.
"""

from __future__ import annotations

import io
import json
import logging
from datetime import datetime
from typing import Any

import pytest

from openers.server import HEADS_EVERY_S, AuditHeads
from openers.telemetry.formats import LogFormat
from openers.telemetry.logs import configure
from tests.kit.run.moments import now
from tests.kit.service.requests import PATIENT, create_referral, search
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, Running
from tests.kit.store.outside import entries

pytestmark = pytest.mark.anyio


async def test_an_act_leaves_one_entry_with_all_fields(on_both: Running) -> None:
    """An entry states user, organisation, role, application, time, record and outcome."""
    gp = await on_both.as_person(GP)
    before = now()
    reply = await gp.post(**_with(create_referral(), {"X-Correlation-ID": "correlation 1"}))
    assert reply.status_code == 201, reply.text
    entry = (await entries(on_both))[-1]
    at = datetime.fromisoformat(entry.pop("at"))
    assert before <= at <= now()
    assert entry.pop("session")
    assert entry.pop("asid")
    assert entry == {
        "event_type": "POST",
        "audit_type": "API Create Referral",
        "operation": "A011",
        "request_id": reply.headers["x-request-id"],
        "correlation_id": "correlation 1",
        "user": GP.user,
        "organisation": GP.organisation,
        "business_function": GP.function,
        "application": "demo-user-app",
        "fqdn": reply.request.headers["host"],
        "ubrn": reply.json()["id"],
        "nhs_number": PATIENT,
        "services": ["11002"],
        "act": "create referral",
        "outcome": 201,
    }


async def test_an_entry_names_whose_rights_counted(on_both: Running) -> None:
    """If an admin acts on behalf of a clinician, the entry names both."""
    ubrn = (await (await on_both.as_person(GP)).post(**create_referral())).json()["id"]
    admin = await on_both.as_person(CONSULTANT_ADMIN)
    assert (await admin.get(f"/STU3/ReferralRequest/{ubrn}")).status_code == 422
    entry = (await entries(on_both))[-1]
    assert (entry["user"], entry["on_behalf_of"]) == (CONSULTANT_ADMIN.user, CONSULTANT_ADMIN.on_behalf_of)


def _with(request: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    return {**request, "headers": {**request["headers"], **headers}}


async def test_each_call_leaves_one_entry_before_its_reply(on_both: Running) -> None:
    """Reads, searches and refusals of every kind leave an entry with their outcome and code."""
    gp, consultant = await on_both.as_person(GP), await on_both.as_person(CONSULTANT)
    ubrn = (await gp.post(**create_referral())).json()["id"]
    there = f"/STU3/ReferralRequest/{ubrn}"
    calls = [
        (gp.get(there), 200, "A005", None),
        (gp.post(**search()), 200, "A010", None),
        (consultant.get(there), 422, "A005", "NO_RELATIONSHIP"),
        (gp.get("/STU3/ReferralRequest/999999999999"), 404, "A005", "..."),
        (on_both.anonymous().get(there), 401, "A005", "..."),
        (gp.get("/STU3/Nothing"), 404, "", "..."),
        (gp.post(**create_referral(services=("999999",))), 422, "A011", "REFERENCE_NOT_FOUND"),
    ]
    for call, status, operation, code in calls:
        before = len(await entries(on_both))
        assert (await call).status_code == status
        after = await entries(on_both)
        assert len(after) == before + 1
        last = after[-1]
        assert (last["outcome"], last.get("operation", "")) == (status, operation)
        assert code in ("...", last.get("code"))
    refused = (await entries(on_both))[-1]
    assert (refused["nhs_number"], refused["services"]) == (PATIENT, ["999999"])


async def test_what_identifies_a_patient_is_in_the_audit_and_never_in_the_log(on_both: Running) -> None:
    """Patient identifiers appear only in the audit; tokens appear neither there nor in the log."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers = list(root.handlers)
    configure(LogFormat.JSON, logging.DEBUG, written)
    try:
        gp = await on_both.as_person(GP)
        await gp.post(**search())
        ubrn = (await gp.post(**create_referral())).json()["id"]
        await gp.get(f"/STU3/ReferralRequest/{ubrn}")
    finally:
        root.handlers[:] = handlers
    audit = json.dumps(await entries(on_both))
    token = gp.headers["authorization"].removeprefix("Bearer ")
    assert PATIENT in audit
    assert token not in audit
    assert PATIENT not in written.getvalue()
    assert token not in written.getvalue()


async def test_the_heads_are_noted_each_minute_if_they_have_moved(on_both: Running) -> None:
    """Changed heads are logged as stored, in a form that redaction leaves readable."""
    store = on_both.service.world.store
    written = io.StringIO()
    root = logging.getLogger()
    handlers = list(root.handlers)
    configure(LogFormat.JSON, logging.INFO, written)
    try:
        heads = AuditHeads(store)
        await on_both.as_person(GP)
        await store.upkeep()
        first = list(await store.heads())
        await heads.log_each_minute(0.0)
        await on_both.as_person(GP)
        await store.upkeep()
        second = list(await store.heads())
        await heads.log_each_minute(HEADS_EVERY_S - 1)
        await heads.log_each_minute(HEADS_EVERY_S)
        await heads.log_each_minute(2 * HEADS_EVERY_S)
    finally:
        root.handlers[:] = handlers
    noted = [json.loads(line)["head"] for line in written.getvalue().splitlines()]
    assert noted == [*first, *second]
    assert first != second
