"""Each check explained: whether it applies to a call, the facts that it uses, and how to correct the call.

There is one row for each check of `openers.wire.rules`; a test checks that none is missing. Values come from the
gateway, the registry and the lifecycle; none is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from openers.api.http.media import FHIR_JSON
from openers.domain.lifecycle import TABLE
from openers.domain.principal import REFERRING_SIDE, SPCA
from openers.identity.assurance import AUTHENTICATOR_LEVELS_ACCEPTED, IDENTITY_LEVEL_NEEDED
from openers.identity.errors import TokenFault
from openers.identity.tokens import TOKEN_LIFE
from openers.wire.problems import ENDPOINT
from openers.wire.rules import Check
from openers.wire.session_v1.problems import LEGACY_HEADER, SESSION
from openers.worlds.recording.case import FUNCTION, ODS, ON_BEHALF_OF, Case
from openers.worlds.recording.cures import CURES
from openers.worlds.recording.near_misses import near_misses

Facts = Mapping[str, object]
"""The facts that a check used, by name, ready for JSON."""


@dataclass(frozen=True)
class Words:
    """The explanation of one check."""

    applies: Callable[[Case], bool]
    facts: Callable[[Case], Facts]
    fix: Callable[[Case], str]


def _always(_case: Case) -> bool:
    return True


# ------------------------------------------------------------------------------------------------------ the gateway


TOKEN_CURES: Final[dict[TokenFault, str]] = {
    TokenFault.ABSENT: "Send the header Authorization: Bearer, a space and the access token.",
    TokenFault.SCHEME: "Put Bearer before the access token: Authorization: Bearer <token>.",
    TokenFault.MALFORMED: "Send Authorization once, with one token after Bearer, without quotation marks or commas.",
    TokenFault.UNKNOWN: "Use the access_token from a reply of this service's /oauth2/token, unchanged.",
    TokenFault.EXPIRED: "Refresh it at /oauth2/token, or log in again: an access token is valid for {life} seconds.",
    TokenFault.ENDED: "Log in again at /oauth2/authorize: refresh tokens of this session are no longer valid.",
    TokenFault.OF_ANOTHER_WORLD: "Log in to the world that you call: each world has its own log-ins.",
    TokenFault.OF_NOBODY: "Put the application and an active person into the pack of the world, then log in again.",
}
"""The cure for each reason to refuse a token."""


def _token(case: Case) -> Facts:
    caller = case.exchange.caller
    if caller is None:
        why = case.exchange.token_fault
        sent = bool(case.sent("Authorization"))
        return {"sent": sent, "application": None, "why": None if why is None else str(why)}
    return {"application": caller.application, "user": caller.user, "expires": caller.expires.isoformat()}


def _own_cure(case: Case) -> str:
    """Return the text of a refusal of an endpoint or a session, which contains its cure; empty for others."""
    problem = case.exchange.problem
    return problem.diagnostics if problem is not None and problem.rule in WITH_CURE else ""


WITH_CURE: Final = frozenset({SESSION, LEGACY_HEADER, ENDPOINT})
"""Rules whose text in the reply contains the cure."""


def _fix_token(case: Case) -> str:
    own = _own_cure(case)
    if own:
        return own
    fault = case.exchange.token_fault or TokenFault.UNKNOWN
    cure = TOKEN_CURES[fault].format(life=int(TOKEN_LIFE.total_seconds()))
    return f"{str(fault)[0].upper()}{str(fault)[1:]}. {cure}"


def _assurance(case: Case) -> Facts:
    assurance = None if case.exchange.caller is None else case.exchange.caller.assurance
    if assurance is None:
        return {}
    return {
        "identity level": assurance.identity_level,
        "identity level needed": IDENTITY_LEVEL_NEEDED,
        "authenticator level": assurance.authenticator_level,
        "authenticator levels accepted": sorted(AUTHENTICATOR_LEVELS_ACCEPTED),
    }


def _fix_assurance(_case: Case) -> str:
    levels = " or ".join(map(str, sorted(AUTHENTICATOR_LEVELS_ACCEPTED)))
    return f"Log in with identity level {IDENTITY_LEVEL_NEEDED} or above, and authenticator level {levels}."


def _allow_list(case: Case) -> Facts:
    return {"organisation": case.sent(ODS), "allowed": sorted(case.gateway.allowed or ())}


def _fix_allow_list(case: Case) -> str:
    return f"Name one of these in {ODS}, or add {case.sent(ODS)} to OPENERS_ODS_ALLOW_LIST."


def _application(case: Case) -> Facts:
    caller = case.exchange.caller
    return {} if caller is None else {"application": caller.application, "asid": caller.asid}


def _fix_mode(case: Case) -> str:
    if case.is_of_a_person:
        return f"Name a function in {FUNCTION} that users have: {case.sent(FUNCTION)} is only for applications."
    return "Leave out the X-eRS headers: only the gateway sets them, from the application's registration."


def _address(case: Case) -> Facts:
    exchange = case.exchange
    operation = exchange.operation
    return {
        "asked": f"{exchange.method} {exchange.address}",
        "operation": None if operation is None else operation.id,
        "methods": list(exchange.methods),
    }


def _fix_address(case: Case) -> str:
    nearest = next((str(each) for each in near_misses(case.exchange)), "")
    return f"The call {nearest}." if nearest else _cure(case)


# ------------------------------------------------------------------------------------------------------- the caller


def _organisation(case: Case) -> Facts:
    return {"sent": case.sent(ODS), "roles held": list(case.roles_held)}


def _fix_organisation(case: Case) -> str:
    return f"Send {ODS} with an organisation at which the caller has a role: {_listed(case.roles_held)}."


def _role(case: Case) -> Facts:
    asked = f"{case.sent(FUNCTION)} at {case.sent(ODS)}" if case.is_of_a_person else None
    return {"asked for": asked, "roles held": list(case.roles_held), "may call": list(case.roles_that_may)}


def _fix_role(case: Case) -> str:
    fitting = [each for each in case.roles_held if each.partition(" at ")[0] in case.roles_that_may]
    if fitting and case.is_of_a_person:
        return f"Name in {FUNCTION} and {ODS} a role that the caller has and that may call this: {_listed(fitting)}."
    return f"Call in another role. Allowed: {_listed(case.roles_that_may)}; the caller has: {_listed(case.roles_held)}."


def _asks_on_behalf_of(case: Case) -> bool:
    operation = case.exchange.operation
    for_spca = operation is not None and operation.acts_for and case.sent(FUNCTION) == SPCA
    return for_spca or bool(case.sent(ON_BEHALF_OF))


def _fix_on_behalf_of(case: Case) -> str:
    if case.sent(FUNCTION) != SPCA:
        return f"Leave out {ON_BEHALF_OF}: only {SPCA} acts on behalf of a clinician."
    return f"Send {ON_BEHALF_OF} with a clinician whom A040 lists for this caller."


# ------------------------------------------------------------------------------------------------------ the request


def _media(case: Case) -> Facts:
    operation = case.exchange.operation
    answer = {"Accept": case.sent("Accept"), "offered": None if operation is None else operation.produces}
    sent = {"Content-Type": case.sent("Content-Type"), "expected": FHIR_JSON} if case.takes_json else {}
    return {**answer, **sent}


def _body(case: Case) -> Facts:
    operation = case.exchange.operation
    found = [f"{each.place}: {each.message}" for each in case.exchange.findings if each.part == "body"]
    return {"schema": None if operation is None else operation.request, "findings": found}


def _cure(case: Case) -> str:
    """Return the cure of the refusing rule, and the place in the request if it is known."""
    problem = case.exchange.problem
    rule = "" if problem is None else problem.rule.id
    place = case.exchange.facts.get("path")
    where = f"At {place}: " if isinstance(place, str) and place and case.failed is Check.BODY else ""
    return f"{where}{CURES.get(rule, _OTHERWISE)}"


_OTHERWISE: Final = (
    "Compare the call with the page of its operation, then with /referrals/openapi.json, and correct it."
)
"""For a rule without its own cure; a test checks that each rule of the service has one."""


def _fix_media(case: Case) -> str:
    operation = case.exchange.operation
    produced = FHIR_JSON if operation is None else operation.produces or FHIR_JSON
    sends = f" Send Content-Type: {FHIR_JSON}." if case.takes_json else ""
    return f"Send Accept: {produced}, or leave Accept out.{sends}"


# ------------------------------------------------------------------------------------------------------- the record


def _record(case: Case) -> Facts:
    return {"ubrn": case.exchange.ubrn or None, "found": case.holder is not None} if case.exchange.ubrn else {}


def _relationship(case: Case) -> Facts:
    caller, holder = case.exchange.caller, case.holder
    facts = {
        "organisation": case.sent(ODS) or _listed(case.roles_held),
        "workgroups": sorted(caller.workgroups if caller else ()),
    }
    return facts if holder is None else {**facts, "made by": holder.owner, "held by": holder.workgroup}


def _fix_relationship(case: Case) -> str:
    holder = case.holder
    if case.sent(FUNCTION) in REFERRING_SIDE:
        whose = f": {holder.owner}" if holder else ""
        return f"Call for the organisation that created the request{whose}."
    if holder is not None and holder.workgroup is None:
        return (
            "No provider has a relationship to the request yet: it has to be booked, deferred or sent for triage first."
        )
    whose = f": {holder.workgroup}" if holder else ""
    return f"Call as a member of the workgroup of the request's service{whose}."


def _version(case: Case) -> Facts:
    facts = case.exchange.facts
    return {"If-Match": case.sent("If-Match"), "sent": facts.get("sent"), "latest": facts.get("latest")}


def _fix_version(case: Case) -> str:
    latest = case.exchange.facts.get("latest")
    if latest is None or not case.sent("If-Match"):
        return _cure(case)
    return f'Read the record again, decide again, and send If-Match: W/"{latest}".'


def _state(case: Case) -> Facts:
    state = _state_of(case)
    return {"state": state or None, "acts that it allows": _acts_in(state)}


def _state_of(case: Case) -> str:
    """Return the state that caused the refusal, or the record's current state."""
    problem = case.exchange.problem
    if problem is not None and problem.rule.check is Check.STATE:
        return str(case.exchange.facts.get("value", ""))
    return case.holder.state if case.holder else ""


def _acts_in(state: str) -> list[str]:
    return [str(act) for before, act in TABLE if before == state]


def _fix_state(case: Case) -> str:
    state = _state_of(case)
    if not state:
        return "Another caller is changing the record: wait, then read it again."
    return f"In state {state} only these acts are allowed: {_listed(_acts_in(state))}."


def _rule(case: Case) -> Facts:
    problem = case.exchange.problem
    return case.exchange.facts if problem is not None and problem.rule.check is Check.RULE else {}


def _fix_service(case: Case) -> str:
    if case.exchange.fault:
        return f"The fault {case.exchange.fault} was injected: remove it with DELETE /_test/faults."
    return "Retry later; the request did not cause the failure."


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "none"


def _has_refused_certificate(case: Case) -> bool:
    problem = case.exchange.problem
    return problem is not None and problem.rule.check is Check.CERTIFICATE


WORDS: Final[dict[Check, Words]] = {
    Check.CERTIFICATE: Words(
        _has_refused_certificate,
        lambda _case: {},
        lambda _case: "Call with a certificate that `openers ca sign` has issued and that is in force, or with none.",
    ),
    Check.TOKEN: Words(_always, _token, _fix_token),
    Check.ASSURANCE: Words(lambda case: case.is_of_a_person, _assurance, _fix_assurance),
    Check.ALLOW_LIST: Words(
        lambda case: case.gateway.allowed is not None and case.is_of_a_person and case.has_roles,
        _allow_list,
        _fix_allow_list,
    ),
    Check.APPLICATION: Words(
        _always,
        _application,
        lambda case: _own_cure(case) or "Call from an application whose registration has an ASID.",
    ),
    Check.LIMIT: Words(
        lambda case: case.gateway.limit.per_second > 0,
        lambda case: {"calls a second": case.gateway.limit.per_second},
        lambda case: f"Wait 1 s: an application may make {case.gateway.limit.per_second:g} calls a second.",
    ),
    Check.MODE: Words(_always, lambda case: {"for a person": case.is_of_a_person}, _fix_mode),
    Check.ADDRESS: Words(_always, _address, _fix_address),
    Check.ORGANISATION: Words(lambda case: case.has_roles and case.is_of_a_person, _organisation, _fix_organisation),
    Check.ROLE: Words(lambda case: case.has_roles, _role, _fix_role),
    Check.ON_BEHALF_OF: Words(
        _asks_on_behalf_of, lambda case: {ON_BEHALF_OF: case.sent(ON_BEHALF_OF)}, _fix_on_behalf_of
    ),
    Check.MEDIA: Words(_always, _media, _fix_media),
    Check.JSON: Words(lambda case: case.takes_json, lambda case: {"bytes": case.exchange.request.size}, _cure),
    Check.HEADERS: Words(_always, lambda case: {"If-Match": case.sent("If-Match")}, _cure),
    Check.BODY: Words(lambda case: case.takes_json, _body, _cure),
    Check.RECORD: Words(
        lambda case: case.has_record, _record, lambda _case: "Look the record up again: it is not in this world."
    ),
    Check.RELATIONSHIP: Words(lambda case: case.has_record, _relationship, _fix_relationship),
    Check.VERSION: Words(lambda case: bool(case.sent("If-Match")) and case.has_record, _version, _fix_version),
    Check.STATE: Words(lambda case: case.has_record and case.exchange.method != "GET", _state, _fix_state),
    Check.RULE: Words(_always, _rule, _cure),
    Check.SERVICE: Words(_always, lambda case: {"fault": case.exchange.fault or None}, _fix_service),
}
"""The explanation of each check."""
