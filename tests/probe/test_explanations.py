"""Explanations of a reply: the check that failed, its rule, the checks before it, and the cure."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from openers.domain import errors
from openers.domain.credentials import CredentialKind, Grant
from openers.domain.errors import OpenersError
from openers.identity.errors import TokenFault
from openers.identity.opaque import digest
from openers.wire import problems
from openers.wire.dialect import Problem
from openers.wire.rules import Check, check_of
from openers.wire.stu3.dialect import STU3
from openers.worlds.recording.check_texts import WORDS
from tests.kit.calls.violations import ALWAYS, PATHS, Violation, good
from tests.kit.referrals.rig import Rig
from tests.kit.service.requests import create_referral
from tests.kit.service.running import (
    CONSULTANT,
    CONSULTANT_ADMIN,
    FHIR,
    GP,
    Running,
    copied,
    open_test_service,
    running,
    settings_for,
)

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
USER_APP = "demo-user-app"
INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")

REFUSALS = {
    "token": ("token", "ACCESS_TOKEN"),
    "method of log-in": ("assurance", "AUTHENTICATION_METHOD"),
    "identity": ("assurance", "IDENTITY_LEVEL"),
    "organisation missing": ("allow-list", "ALLOW_LIST"),
    "organisation not on the list": ("allow-list", "ALLOW_LIST"),
    "ASID": ("application", "ASID"),
    "rate": ("limit", "RATE_LIMIT"),
    "function of applications": ("access mode", "ACCESS_MODE"),
    "path": ("address", "PATH"),
    "method": ("address", "METHOD"),
    "role not held": ("role", "BUSINESS_FUNCTION"),
    "on behalf of somebody": ("on behalf of", "ON_BEHALF_OF"),
    "accept": ("media types", "ACCEPT"),
    "content type": ("media types", "CONTENT_TYPE"),
    "size": ("JSON", "BODY_SIZE"),
    "JSON": ("JSON", "INVALID_FHIR_STRUCTURE"),
}
"""The check and the rule for each violation of the gateway tests, typed from rules chapter 2.3."""
ORDER = (
    *("client certificate", "token", "assurance", "allow-list", "application", "limit", "access mode", "address"),
    *("organisation", "role"),
    *("on behalf of", "media types", "JSON", "headers and path values", "body", "record", "relationship", "version"),
    *("state", "rule", "service"),
)
"""The checks in the order in which a call meets them (rules chapters 2.3, 2.4, 3.4)."""


@pytest.fixture(scope="module")
async def gate(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> AsyncGenerator[Running]:
    """Run a service in test mode whose gateway makes every check; its rate limit is too high to be reached."""
    settings = settings_for(
        copied(sqlite_template, tmp_path_factory.mktemp("gate")),
        keys,
        ods_allow_list="D82106,RCD,B86099",
        rate_limit_per_second=5000,
    )
    async with running(settings, open_it=open_test_service) as run:
        yield run


async def explained(run: Running, reply: httpx.Response) -> Json:
    """Return the explanation of a reply."""
    told = (await run.pages().get(f"/_test/explain/{reply.headers['x-request-id']}")).json()
    assert "explanations" in told, told
    (explanation,) = told["explanations"]
    return dict(explanation)


def verdicts(explanation: Json) -> dict[str, str]:
    """Return the verdict of each check."""
    return {each["check"]: each["verdict"] for each in explanation["steps"]}


def facts(explanation: Json, check: str) -> Json:
    """Return the facts of a check."""
    return next(dict(each["facts"]) for each in explanation["steps"] if each["check"] == check)


def check_failed_at(explanation: Json, check: str, rule: str) -> None:
    """Assert that this check failed, and that each earlier check passed or does not apply."""
    failure = explanation["failure"]
    assert (failure["check"], failure["rule"]) == (check, rule)
    assert "rules" not in failure["page"]
    assert failure["fix"]
    assert failure["fix"] != failure["told"]
    found = verdicts(explanation)
    assert tuple(found) == ORDER
    assert found[check] == "failed"
    place = ORDER.index(check)
    assert {found[each] for each in ORDER[:place]} <= {"passed", "does not apply"}
    assert {found[each] for each in ORDER[place + 1 :]} <= {"not reached", "does not apply"}


# ---------------------------------------------------------------------------------------------------------- the gateway


def cases() -> list[tuple[str, Violation]]:
    """Return every violation with each version of FHIR to which it applies, except the rate limit."""
    return [(fhir, each) for each in ALWAYS for fhir in each.only if each.name != "rate"]


@pytest.mark.parametrize(("fhir", "violation"), cases(), ids=lambda each: getattr(each, "name", each))
async def test_each_refusal_of_the_gateway_is_explained(gate: Running, fhir: str, violation: Violation) -> None:
    sent = violation.spoil(good(fhir))
    token = sent.token or await gate.token(GP.user, sent.application, sent.assurance)
    client = gate.anonymous({"Authorization": f"Bearer {token}", **sent.headers})
    reply = await client.request(sent.method, sent.path or PATHS[sent.fhir], content=sent.content)
    assert reply.status_code == violation.status
    check_failed_at(await explained(gate, reply), *REFUSALS[violation.name])
    link = reply.headers.get("link", "")
    assert link == f'</_test/explain/{reply.headers["x-request-id"]}>; rel="help"'


async def test_the_limit_is_explained(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    settings = settings_for(copied(sqlite_template, tmp_path), keys, rate_limit_per_second=1)
    async with running(settings, open_it=open_test_service) as run:
        gp = await run.as_person(GP)
        replies = [await gp.get(PATHS["STU3"]) for _ in range(20)]
        limited = next(each for each in replies if each.status_code == 429)
        explanation = await explained(run, limited)
        check_failed_at(explanation, *REFUSALS["rate"])
        assert facts(explanation, "limit") == {"calls a second": 1.0}


async def test_a_caller_without_the_role_learns_which_would_do(gate: Running) -> None:
    admin = await gate.as_person(CONSULTANT_ADMIN)
    refused = await admin.post(**create_referral())
    explanation = await explained(gate, refused)
    assert facts(explanation, "role")["may call"] == ["REFERRING_CLINICIAN", "REFERRING_CLINICIAN_ADMIN"]
    assert "REFERRING_CLINICIAN_ADMIN at D82106" in explanation["failure"]["fix"]
    consultant = await gate.as_person(CONSULTANT)
    other = await explained(gate, await consultant.post(**create_referral()))
    assert other["failure"]["fix"].startswith("Call in another role. Allowed: REFERRING_CLINICIAN")


async def test_an_application_is_asked_neither_organisation_nor_assurance(gate: Running) -> None:
    client = await gate.as_application("demo-referrer-app")
    reply = await client.post(**create_referral())
    explanation = await explained(gate, reply)
    check_failed_at(explanation, "role", "BUSINESS_FUNCTION")
    found = verdicts(explanation)
    assert [found[each] for each in ("assurance", "allow-list", "organisation")] == ["does not apply"] * 3
    assert facts(explanation, "role")["roles held"] == ["REFERRER_AUTHORISED_APPLICATION at D82106"]


# ------------------------------------------------------------------------------------------------------- the operations


async def test_a_call_that_succeeds_has_passed_everything(probed: Running) -> None:
    gp = await probed.as_person(GP)
    explanation = await explained(probed, await gp.post(**create_referral()))
    assert explanation["failure"] is None
    assert set(verdicts(explanation).values()) == {"passed", "does not apply"}
    assert facts(explanation, "relationship")["made by"] == "D82106"


async def test_an_unknown_record(probed: Running) -> None:
    gp = await probed.as_person(GP)
    explanation = await explained(probed, await gp.get("/STU3/ReferralRequest/000000000001"))
    check_failed_at(explanation, "record", "REFERENCE_NOT_FOUND")


async def test_no_relationship(desk: Rig) -> None:
    """The explanation names the organisation that made the referral, and the step that is still missing."""
    referral = await desk.refer()
    consultant = await desk.run.as_person(CONSULTANT)
    explanation = await explained(desk.run, await consultant.get(f"/STU3/ReferralRequest/{referral['id']}"))
    check_failed_at(explanation, "relationship", "NO_RELATIONSHIP")
    assert explanation["failure"]["page"] == "docs/operations/a005.md"
    assert "booked, deferred or sent for triage first" in explanation["failure"]["fix"]
    assert facts(explanation, "relationship")["made by"] == "D82106"


async def test_a_stale_version(desk: Rig) -> None:
    appointment = (await desk.book(await desk.refer(), (await desk.free())[0])).json()
    cancelled = await desk.cancel(appointment, "PATIENT_ILL")
    version = cancelled.json()["meta"]["versionId"]
    reply = await desk.cancel(appointment, "PATIENT_ILL")
    assert reply.status_code == 409
    explanation = await explained(desk.run, reply)
    check_failed_at(explanation, "version", "VERSION_CONFLICT")
    assert explanation["failure"]["fix"].endswith(f'send If-Match: W/"{version}".')


async def test_a_state_that_does_not_allow_it(desk: Rig) -> None:
    """If the state does not allow an act, the explanation suggests one that it allows."""
    referral, (first, second, *_) = await desk.refer(), await desk.free()
    assert (await desk.book(referral, first)).status_code == 201
    reply = await desk.book(await desk.read(referral), second)
    assert reply.status_code == 422
    explanation = await explained(desk.run, reply)
    assert (explanation["failure"]["check"], explanation["failure"]["rule"]) == ("state", "INVALID_REQUEST_STATE")
    assert "cancel the appointment" in explanation["failure"]["fix"]
    assert verdicts(explanation)["relationship"] == "passed"


async def test_a_body_that_can_t_be_read(probed: Running) -> None:
    gp = await probed.as_person(GP)
    creation = create_referral()
    creation["json"]["parameter"].pop()
    explanation = await explained(probed, await gp.post(**creation))
    check_failed_at(explanation, "body", "MISSING_VALUE")
    assert explanation["failure"]["told"] not in explanation["failure"]["fix"]
    assert explanation["failure"]["fix"].startswith("Add the field")


async def test_a_rule_of_the_service(probed: Running) -> None:
    """The explanation names the rule and the refused value, although no record was read."""
    gp = await probed.as_person(GP)
    explanation = await explained(probed, await gp.post(**create_referral(services=("11001", "11001"))))
    assert (explanation["failure"]["check"], explanation["failure"]["rule"]) == ("rule", "DUPLICATE_SERVICE")
    assert facts(explanation, "rule")["value"] == "11001"
    found = verdicts(explanation)
    assert [found[each] for each in ("body", "record", "rule")] == ["passed", "does not apply", "failed"]


async def test_an_absent_precondition(probed: Running) -> None:
    gp = await probed.as_person(GP)
    reply = await gp.post(
        "/STU3/ReferralRequest/000000000001/$ers.maintainReferralLetter", headers={"Content-Type": FHIR}, json={}
    )
    assert reply.status_code in {412, 422}
    assert (await explained(probed, reply))["failure"]["check"] in {"headers and path values", "body"}


async def test_a_fault_that_was_ordered_is_owned_up_to(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await probed.pages().put("/_test/faults", json={"faults": [{"kind": "error"}]})
    explanation = await explained(probed, await gp.get(PATHS["STU3"]))
    check_failed_at(explanation, "service", "ORDERED_FAULT")
    assert "DELETE /_test/faults" in explanation["failure"]["fix"]


# ------------------------------------------------------------------------------------------------------------ the token


def sent(token: str) -> dict[str, tuple[str | None, str]]:
    """Return invalid Authorization headers, each with the expected explanation."""
    return {
        "absent": (None, "no Authorization header"),
        "another scheme": (f"Basic {token}", "does not use the Bearer scheme"),
        "no scheme": (token, "does not use the Bearer scheme"),
        "malformed": (f"Bearer {token} {token}", "does not contain exactly one token"),
        "unknown": ("Bearer unknown", "did not issue the token"),
    }


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_each_refusal_of_a_token_is_told_apart(gate: Running, fhir: str) -> None:
    """Each invalid token has its own explanation, but the reply is the same.

    Only the challenge differs, if no token was sent (RFC 6750).
    """
    fixes, replies = set[str](), set[tuple[int, bytes]]()
    for header, why in sent(await gate.token(GP.user, USER_APP)).values():
        client = gate.anonymous({**GP.headers, **({} if header is None else {"Authorization": header})})
        reply = await client.get(PATHS[fhir])
        explanation = await explained(gate, reply)
        check_failed_at(explanation, "token", "ACCESS_TOKEN")
        assert why in facts(explanation, "token")["why"]
        assert why.lower() in explanation["failure"]["fix"].lower()
        fixes.add(explanation["failure"]["fix"])
        is_sent = (header or "").startswith("Bearer")
        assert ("error=" in reply.headers["www-authenticate"]) is is_sent
        replies.add((reply.status_code, INSTANT.sub(b"", reply.content)))
    assert len(fixes) == 4
    assert len(replies) == 1


@pytest.mark.parametrize("spaces", [" ", "  ", "    "])
async def test_a_token_may_stand_behind_several_spaces(gate: Running, spaces: str) -> None:
    client = gate.anonymous({**GP.headers, "Authorization": f"bearer{spaces}{await gate.token(GP.user, USER_APP)}"})
    assert (await client.get(PATHS["STU3"])).status_code == 200


async def test_a_token_that_was_revoked_is_told_so(probed: Running) -> None:
    gp = await probed.as_person(GP)
    assert (await gp.get(PATHS["STU3"])).status_code == 200
    token = str(gp.headers["Authorization"]).removeprefix("Bearer ")
    probed.service.edge.gateway.access.forget_token("demo", digest(token))
    async with probed.service.world.begin("end") as tx:
        await tx.credentials.take(CredentialKind.ACCESS_TOKEN, digest(token), Grant)
    explanation = await explained(probed, await gp.get(PATHS["STU3"]))
    assert "session of the token has ended" in explanation["failure"]["fix"]


async def test_a_token_that_has_expired_is_told_so(probed: Running) -> None:
    gp, token = probed.anonymous(GP.headers), "expired-long-ago"
    past = probed.service.world.wall.now() - timedelta(seconds=1)
    async with probed.service.world.begin("issue") as tx:
        grant = Grant(client_id="demo-user-app", expires=past)
        await tx.credentials.add(CredentialKind.ACCESS_TOKEN, digest(token), grant, past)
    explanation = await explained(probed, await gp.get(PATHS["STU3"], headers={"Authorization": f"Bearer {token}"}))
    assert "token has expired" in explanation["failure"]["fix"]


async def test_a_token_of_another_world_is_told_so(probed: Running) -> None:
    gp = await probed.as_person(GP)
    assert (await gp.get(PATHS["STU3"])).status_code == 200
    token = str(gp.headers["Authorization"]).removeprefix("Bearer ")
    access = probed.service.edge.gateway.access
    assert access.why_unknown("demo", "x") is TokenFault.UNKNOWN
    assert access.why_unknown("another", token) is TokenFault.OF_ANOTHER_WORLD


async def test_a_token_of_an_application_that_is_gone_is_told_so(probed: Running) -> None:
    gp, token = probed.anonymous(GP.headers), "of-nobody"
    later = probed.service.world.wall.now() + timedelta(minutes=5)
    async with probed.service.world.begin("issue") as tx:
        grant = Grant(client_id="gone-app", expires=later)
        await tx.credentials.add(CredentialKind.ACCESS_TOKEN, digest(token), grant, later)
    explanation = await explained(probed, await gp.get(PATHS["STU3"], headers={"Authorization": f"Bearer {token}"}))
    assert "is not registered" in explanation["failure"]["fix"]


# ------------------------------------------------------------------------------------------------- finding explanations


async def test_a_correlation_id_explains_all_its_calls(probed: Running) -> None:
    gp = await probed.as_person(GP)
    for address in (PATHS["STU3"], "/STU3/ReferralRequest/000000000001"):
        await gp.get(address, headers={"X-Correlation-ID": "one-visit"})
    told = (await probed.pages().get("/_test/explain/one-visit")).json()["explanations"]
    assert [each["status"] for each in told] == [404, 200]


async def test_what_is_not_remembered_can_t_be_explained(probed: Running) -> None:
    reply = await probed.pages().get("/_test/explain/nobody")
    assert (reply.status_code, "nobody" in reply.json()["error"]) == (404, True)


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_people_get_a_page(gate: Running, fhir: str) -> None:
    client = gate.anonymous({**GP.headers, "Authorization": "Bearer x"})
    reply = await client.get(PATHS[fhir])
    page = await gate.pages().get(f"/_test/explain/{reply.headers['x-request-id']}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Refused at: token" in page.text
    assert '<a href="/docs/rules/02-access.html#rule-2-3">rules 2.3</a>' in page.text
    assert '<a href="/docs/operations/' in page.text
    assert "&lt;" not in page.text


# --------------------------------------------------------------------------------------------------------- completeness


def test_every_check_is_put_in_words() -> None:
    assert list(WORDS) == list(Check)
    assert tuple(Check) == ORDER


@pytest.mark.parametrize("error", list(STU3.outcomes), ids=lambda each: each.__name__)
def test_every_error_has_its_check(error: type[OpenersError]) -> None:
    """Only internal failures belong to the check of the service."""
    check = check_of(error.__new__(error))
    assert (check is Check.SERVICE) == (issubclass(error, errors.Failure) or error is OpenersError)


def test_every_rule_of_the_edge_says_where_it_is_written() -> None:
    rules = [value for name, value in vars(problems).items() if name.isupper() and isinstance(value, problems.Rule)]
    assert len({each.id for each in rules}) == len(rules) > 15
    for rule in rules:
        assert rule.source.startswith(("rules ", "setting OPENERS_"))
        assert rule.check not in {Check.RECORD, Check.RELATIONSHIP, Check.VERSION, Check.STATE, Check.RULE}


def test_a_problem_can_t_be_without_a_rule() -> None:
    with pytest.raises(TypeError, match="rule"):
        Problem(status=400)  # pyright: ignore[reportCallIssue]  # that it is refused is the point
