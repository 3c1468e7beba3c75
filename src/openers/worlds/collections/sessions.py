"""The Postman collection of the API of 2018: card, log-in token, session, reads, and the end of the session.

Its addresses are `{{ers_url}}` (the API) and `{{control_url}}` (the card reader of test mode), which differ over mutual
TLS. Postman and newman add the client certificate. A script keeps token, session key and UBRN. Reads of a referral are
skipped if the worklist is empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
NAME: Final = "OpenERS, sessions of 2018"
SESSION: Final = "{{ers_url}}/v1/ProfessionalSession"
WORKLIST: Final = {
    "parameter": [{"name": "listType", "valueCodeableConcept": {"coding": [{"code": "REFERRALS_FOR_REVIEW"}]}}]
}
ROLE: Final = {"permission": {"businessFunction": "{{function}}", "orgIdentifier": "{{organisation}}"}}
SYSTEM: Final = {"XAPI_ASID": "{{asid}}", "XAPI_FQDN": "{{fqdn}}"}
KEY: Final = {**SYSTEM, "HTTP_X_SESSION_KEY": "{{session_key}}"}
VARIABLES: Final = {
    "asid": "999900000101",
    "fqdn": "demo.example",
    "uuid": "555032006106",
    "function": "SERVICE_PROVIDER_CLINICIAN",
    "organisation": "RCD",
}
"""The endpoint and the holder of the card, as the demo world has them."""


class Step(NamedTuple):
    """A request. `saves` are scripts by the variable that they set, with `body` as the reply."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str]
    status: int
    body: Any = None
    saves: Mapping[str, str] = {}
    needs: str = ""


STEPS: Final = (
    Step("Card: insert", "PUT", "{{control_url}}/inserted", {}, 200, {"uuid": "{{uuid}}"}),
    Step("Card: fetch log-in token", "POST", "{{control_url}}/ticket", {}, 200, saves={"ticket": "body.ticket"}),
    Step("A001 Begin session", "POST", SESSION, SYSTEM, 201, {"token": "{{ticket}}"}, {"session_key": "body.id"}),
    Step("A002 Choose role", "PUT", f"{SESSION}/{{{{session_key}}}}", KEY, 200, ROLE),
    Step("A004 Read specialties", "GET", "{{ers_url}}/v1/ValueSet/SPECIALTY", KEY, 200),
    Step(
        "A008 Fetch worklist",
        "POST",
        "{{ers_url}}/v1/ReferralRequest/$ers.fetchworklist",
        KEY,
        200,
        WORKLIST,
        {"ubrn": '((body.entry || [])[0] || {item: {reference: ""}}).item.reference.split("/").pop()'},
    ),
    Step("A005 Read referral", "GET", "{{ers_url}}/v1/ReferralRequest/{{ubrn}}", KEY, 200, needs="ubrn"),
    Step(
        "A007 Print referral",
        "GET",
        "{{ers_url}}/v1/Binary/$ers.generateCRI?UBRN={{ubrn}}",
        KEY,
        200,
        needs="ubrn",
    ),
    Step("A003 End session", "DELETE", f"{SESSION}/{{{{session_key}}}}", KEY, 204),
    Step("Card: remove", "DELETE", "{{control_url}}/inserted", {}, 200),
)


def session_files(base_url: str) -> Mapping[str, str]:
    """Return the collection and its environment; `base_url` is the address of the service."""
    collection = {"info": {"name": NAME, "schema": SCHEMA}, "item": [_item(each) for each in STEPS]}
    values = {"ers_url": f"{base_url}/ers-api", "control_url": f"{base_url}/_test/cards", **VARIABLES}
    environment = {
        "name": f"{NAME}, at {base_url}",
        "values": [{"key": name, "value": value, "enabled": True} for name, value in values.items()],
        "_postman_variable_scope": "environment",
    }
    return {
        "postman/sessions-2018.json": _text(collection),
        "postman/sessions-2018-environment.json": _text(environment),
    }


def _item(step: Step) -> dict[str, Any]:
    checks = [f'pm.test("returns {step.status}", () => pm.response.to.have.status({step.status}));']
    if step.saves:
        checks += ["const body = pm.response.json();"]
    checks += [f'pm.collectionVariables.set("{name}", {script});' for name, script in step.saves.items()]
    events = [_event("test", checks)]
    if step.needs:
        events.append(_event("prerequest", [f'if (!pm.variables.get("{step.needs}")) pm.execution.skipRequest();']))
    request: dict[str, Any] = {
        "method": step.method,
        "header": [{"key": name, "value": value} for name, value in step.headers.items()],
        "url": step.url,
        "auth": {"type": "noauth"},
    }
    if step.body is not None:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {"mode": "raw", "raw": json.dumps(step.body, indent=2)}
    return {"name": step.title, "event": events, "request": request}


def _event(listen: str, script: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": script}}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
