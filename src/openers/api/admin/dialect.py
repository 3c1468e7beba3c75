"""Write refusals of the administration as problem details (RFC 9457) with cause, place and cure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from openers.api.dialects import PLAIN, PROBLEM_JSON, problem_of, refusal_headers
from openers.api.http.reply import Header, Reply
from openers.api.interaction import ActiveCall
from openers.domain.errors import RecordLocked
from openers.domain.services.publishing import Finding
from openers.usecases.administration import refusals as r
from openers.wire.admin.translating import UnreadableRecord
from openers.wire.dialect import Problem
from openers.wire.rules import Check, Rule


class Answer(NamedTuple):
    """Status and code of a class of refusals."""

    status: int
    code: str


ANSWERS: Final[dict[type[Exception], Answer]] = {
    r.AdministrationRefused: Answer(400, "REFUSED"),
    r.Malformed: Answer(400, "MALFORMED"),
    r.Unfit: Answer(422, "INVALID_RECORD"),
    r.Missing: Answer(422, "INVALID_RECORD"),
    r.NotYet: Answer(422, "NOT_YET"),
    r.NotAllowed: Answer(403, "NOT_ALLOWED"),
    r.LogIsOff: Answer(404, "LOG_IS_OFF"),
    r.NoSuchRecord: Answer(404, "NO_SUCH_RECORD"),
    r.NotEndable: Answer(422, "NOT_ENDABLE"),
    r.NotPublishable: Answer(422, "NOT_PUBLISHABLE"),
    r.PasFailed: Answer(502, "PAS_FAILED"),
    r.VersionNeeded: Answer(428, "VERSION_NEEDED"),
    r.KeyReused: Answer(422, "KEY_REUSED"),
}
"""The reply to each class of refusals."""
OUTDATED: Final = Answer(412, "OUTDATED")
LOCKED: Final = Answer(423, "RECORD_LOCKED")
_CURES: Final = {
    401: "ask for an access token at /oauth2/token, and send it as Authorization: Bearer",
    403: "use an application, a person and a role that may do this",
    404: "compare the address with /admin/v1/openapi.json",
    405: "use one of the methods in the header Allow",
    406: "accept application/json",
    408: "send the whole body at once",
    413: "send fewer or shorter records at once",
    415: "send JSON, with Content-Type: application/json",
    429: "wait as long as the header Retry-After says",
    500: "report the error with its request_id",
    503: "send the request again later",
}


class Told(msgspec.Struct, frozen=True):
    """The parts of a problem: status, code, cause, place and cure, and further members."""

    answer: Answer
    cause: str
    place: str
    cure: str
    more: dict[str, Any] = {}


class AdminDialect(msgspec.Struct, frozen=True):
    """Problem details with cause (`detail`), `place` and `cure`, for programs and people."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal of a call."""
        problem, told = _told(error)
        status, code = told.answer
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": told.cause,
            "place": told.place,
            "cure": told.cure,
            "request_id": call.entry.request_id,
            **told.more,
        }
        headers: list[Header] = [PROBLEM_JSON, *refusal_headers(problem)]
        return problem, Reply(status, msgspec.json.encode(body, enc_hook=str), tuple(headers))


def _told(error: Exception) -> tuple[Problem, Told]:
    """Return the refusal, for the audit and for the reply."""
    match error:
        case r.NotPublishable():
            more = {"findings": [shown_finding(each) for each in error.findings]}
            told = Told(ANSWERS[type(error)], error.cause, error.place, error.cure, more)
        case r.AdministrationRefused():
            told = Told(ANSWERS[type(error)], error.cause, error.place, error.cure, _more(error))
        case r.Outdated():
            present = f"the record has version {error.version} now" if error.version else "there is no such record"
            cure = "read it again, apply your change to it, and send its new version in If-Match"
            more = {"version": error.version, "difference": error.differences}
            told = Told(OUTDATED, present, "If-Match", cure, more)
        case RecordLocked():
            cause = "another request is changing the record at this moment"
            told = Told(LOCKED, cause, "path", "send the request again")
        case _:
            problem = problem_of(error, PLAIN)
            cause = problem.diagnostics or HTTPStatus(problem.status).phrase
            cure = _CURES.get(problem.status, "correct the request")
            return problem, Told(Answer(problem.status, problem.code), cause, "request", cure)
    rule = Rule(Check.RULE, told.answer.code, "administration")
    problem = Problem(status=told.answer.status, rule=rule, code=told.answer.code, diagnostics=told.cause)
    return problem, told


def shown_finding(found: Finding) -> dict[str, str]:
    """Return a finding of the checks of publishing as it is shown."""
    kind = "warning" if found.is_warning else "error"
    return {"check": found.check, "kind": kind, "detail": found.cause, "place": found.place, "cure": found.cure}


def refused_record(index: int, error: r.AdministrationRefused) -> dict[str, Any]:
    """Return the refusal of one record among others, which is the one at `index`."""
    told = {"index": index, "code": ANSWERS[type(error)].code, "detail": error.cause, "place": error.place}
    return {**told, "cure": error.cure, **_more(error)}


def _more(error: r.AdministrationRefused) -> dict[str, Any]:
    """Return the further members of a refusal."""
    if isinstance(error, r.Missing):
        return {"missing": {"resource": error.resource, "key": str(error.key)}}
    return {}


def refused_body(error: UnreadableRecord, schema: str) -> r.AdministrationRefused:
    """Return the refusal of a body that is not a record; `schema` or the operation of this name has the right shape."""
    cure = f"compare it with {schema} in /admin/v1/openapi.json"
    kind = r.Malformed if error.cause.startswith("the body is") else r.Unfit
    return kind(error.cause, error.place or "body", cure)
