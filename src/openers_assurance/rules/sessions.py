"""Rules of log-in, identity and professional sessions."""

from __future__ import annotations

from typing import Final

from openers_assurance.exchange import SESSION_ENDED, Exchange
from openers_assurance.history import History
from openers_assurance.rules.mark import KEPT, Mark, broken, rule

SPCA: Final = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
SMARTCARD: Final = "N3_SMARTCARD"
WITHOUT_CARD: Final = "without a smartcard"
_INCOMPLETE: Final = frozenset({"SESSION_NOT_ESTABLISHED", SESSION_ENDED, "HEADER_MISSING"})


@rule("AUT-001")
def smartcard_log_in(call: Exchange, _before: History) -> Mark | None:
    """A person logs in with a smartcard. A HAR file does not show it, as it has no acts."""
    if call.op == "A001" and call.is_success and call.act:
        return broken("the session began with a typed token, not with a smartcard") if _is_typed(call) else KEPT
    if call.is_legacy or not call.is_success:
        return None
    return KEPT if call.log_in == SMARTCARD else None  # other log-ins neither show it nor break it


@rule("AUT-002", on=["A001"])
def token_of_the_agent(call: Exchange, _before: History) -> Mark | None:
    """The token of a session comes from the Identity Agent."""
    if not call.is_success or not call.act:
        return None
    return broken("the token did not come from the Identity Agent") if _is_typed(call) else KEPT


@rule("AUT-003", "A003-01")
def obeys_the_end(call: Exchange, before: History) -> Mark | None:
    """After its end, a session's key is used once at most."""
    session = before.sessions.get(call.session_id) if call.session_id else None
    if call.outcome_code == SESSION_ENDED and session is not None:
        if session.refused:
            return broken("the key of an ended session was used again after the service had refused it")
        return KEPT
    return KEPT if call.op == "A003" and call.is_success else None


@rule("AUT-004")
def listens_for_the_end(call: Exchange, before: History) -> Mark | None:
    """The client learns of the end by the event of the card, not by a refused call."""
    session = before.sessions.get(call.session_id) if call.session_id else None
    if call.outcome_code == SESSION_ENDED and session is not None:
        return None if session.refused else broken("a call was sent with the key of a session that had ended")
    return KEPT if call.op == "A003" and call.is_success else None


@rule("AUT-005")
def chooses_a_profile(call: Exchange, before: History) -> Mark | None:
    """A user with several profiles has used more than one."""
    known = before.roles.get(call.user) if call.user else None
    if known is None or not call.org or not call.is_success:
        return None
    return KEPT if known != (call.org, call.function) else None


@rule("SEC-001")
def holds_an_endpoint(call: Exchange, _before: History) -> Mark | None:
    """Calls carry the ASID, and over mutual TLS the certificate, of a registered endpoint."""
    if call.status == 403 and call.cn and not call.function and not call.is_legacy:
        return broken(f"the certificate of {call.cn} does not belong to the ASID {call.asid}")
    return KEPT if call.asid and call.is_success else None


@rule("SEC-002")
def one_asid_for_each_deployment(call: Exchange, before: History) -> Mark | None:
    """In the API of 2018, an ASID is that of one deployed instance, so of one organisation."""
    if not call.is_legacy or not call.org or not call.is_success:
        return None
    if before.organisation and call.org != before.organisation:
        return broken(f"the ASID {call.asid} is used by {before.organisation} and by {call.org}")
    return KEPT


@rule("A001-01", on=["A001"])
def begins_sessions(call: Exchange, _before: History) -> Mark | None:
    """A001 succeeds with a registered ASID."""
    if call.is_success and call.asid:
        return KEPT
    is_wrong = call.outcome_code in ("HEADER_MISSING", "HEADERS_DIFFER", "VALIDATION_FAILED")
    return broken("A001 was not called as the interface wants it") if is_wrong else None


@rule("A002-01", on=["A002"])
def selects_a_role(call: Exchange, _before: History) -> Mark | None:
    """A002 chooses a function and an organisation that the user has."""
    if call.function == SPCA:
        return None
    if call.is_success:
        return KEPT
    is_refused = call.outcome_code in ("PERMISSION_NOT_HELD", "VALIDATION_FAILED", "ROLE_ALREADY_CHOSEN")
    return broken("A002 did not name a role that the user has") if is_refused else None


@rule("A002-02")
def names_the_clinician(call: Exchange, _before: History) -> Mark | None:
    """An administrator of a clinician names the clinician in a third call."""
    if call.function != SPCA or not call.is_legacy:
        return None
    if call.op == "A002":
        return KEPT if call.is_success and call.on_behalf_of else None
    is_incomplete = call.outcome_code == "SESSION_NOT_ESTABLISHED"
    return broken("the session was used before a clinician was named") if is_incomplete else None


@rule("A003-02", on=["A003"])
def closes_sessions(call: Exchange, before: History) -> Mark | None:
    """A session is closed when it is finished, and no call of it is running then."""
    if not call.is_success:
        return None
    session = before.sessions.get(call.session_id)
    if session is not None and session.busy_until > call.ts:
        return broken("the session was closed while a call in it was running")
    return KEPT


@rule("A005-01", on=["A005"])
@rule("A006-01", on=["A006"])
@rule("A007-01", on=["A007"])
@rule("A008-01", on=["A008"])
def in_a_complete_session(call: Exchange, _before: History) -> Mark | None:
    """The call has a user, a function and an organisation."""
    if call.is_success:
        if call.user and call.function and call.org:
            return KEPT
        if call.is_legacy:  # the service lets no call succeed without a role; a HAR file without A002 does not show it
            return None
        return broken("the call has no user, function or organisation")
    if call.status in (401, 403) and call.outcome_code in _INCOMPLETE:
        return broken("the session has no role, or has ended")
    return None


def _is_typed(call: Exchange) -> bool:
    return WITHOUT_CARD in call.act
