"""The differences between FHIR versions in refusals: one value for each version, with its codes and its resource.

The values are in `openers.wire.stu3.dialect` and `openers.wire.r4.dialect`. `outcome.py` uses them to map errors;
`problems.py` creates the edge's problems, and a version gives each its code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Final, NamedTuple

import msgspec

from openers.domain.clock import Instant
from openers.domain.errors import OpenersError
from openers.wire.json import Json, JsonValue, encode
from openers.wire.rules import Rule

ASK_FOR_TOKEN: Final = 'Bearer realm="OpenERS"'
"""The challenge of a 401 if no token was sent. Source: RFC 6750 chapter 3.1."""
TEXT: Final = "text/plain;charset=utf-8"
"""Content type of a refusal that is a text."""
INVALID_TOKEN: Final = f'{ASK_FOR_TOKEN}, error="invalid_token"'
"""The challenge if a token was sent."""


class Form(StrEnum):
    """The form of a refusal's body."""

    OUTCOME = "OperationOutcome"
    TEXT = "text"
    EMPTY = "empty"


class EdgeProblem(Enum):
    """The problems that the edge detects. Each FHIR version has a code for each."""

    TOKEN = "the access token is missing or not valid"
    ACCESS = "the person, the application or the organisation has no access"
    MODE = "a header that only the gateway may set"
    FUNCTION = "the user lacks the business function, or it may not perform this operation"
    MISSING_HEADER = "a header that is always required is missing"
    VALUE = "the value of a header or of a part of the path is not permitted"
    LIMIT = "the rate limit is reached"
    ACCEPT = "the caller accepts none of the offered media types"
    CONTENT_TYPE = "the media type of the body is not supported"
    PATH = "nothing exists at this address"
    METHOD = "the address does not allow this method"
    NO_HOST = "no Host header, or several"
    FOREIGN_HOST = "the Host does not belong to this service"
    SIZE = "the body is too long"
    PACE = "the body arrives too slowly"
    PRECONDITION = "If-Match is missing"
    UNEXPECTED = "the service failed"
    UNAVAILABLE = "the service cannot reply at present"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal.

    `rule` is the rule that it enforces. A problem of the edge has a `kind`, and no code until `Fhir.coded` sets it.
    `gateway` marks refusals that the real service's gateway sends. `allow` lists the methods of an address; `challenge`
    is the WWW-Authenticate header of a 401.
    """

    status: int
    rule: Rule
    kind: EdgeProblem | None = None
    issue_code: str = ""
    code: str = ""
    diagnostics: str = ""
    form: Form = Form.OUTCOME
    gateway: bool = False
    retry_after_s: int | None = None
    allow: str = ""
    challenge: str = INVALID_TOKEN


class Outcome(NamedTuple):
    """Status, issue code and code of an error, and the form of its body."""

    status: int
    issue_code: str
    code: str
    form: Form = Form.OUTCOME


class Coded(NamedTuple):
    """A version's codes for a problem of the edge; `issue_code` is only set if it differs from the usual one."""

    code: str = ""
    issue_code: str = ""
    form: Form = Form.OUTCOME


class Fhir(msgspec.Struct, frozen=True, kw_only=True):
    """A version of FHIR.

    `name` is part of paths, `release` of CapabilityStatements. `outcomes` has a row for each class of error or for a
    family of them, `edge` for each problem of the edge. `write` returns the resource of a refusal; `schema` is the name
    of its schema component. `media_type` is that of its JSON.
    """

    name: str
    release: str
    outcomes: Mapping[type[OpenersError], Outcome]
    edge: Mapping[EdgeProblem, Coded]
    write: Callable[[Problem, Instant], Json]
    schema: str
    media_type: str = "application/fhir+json"

    def outcome(self, error: OpenersError) -> Outcome:
        """Return the row of the nearest base class; the root class always has one."""
        return next(self.outcomes[each] for each in type(error).__mro__ if each in self.outcomes)

    def coded(self, problem: Problem) -> Problem:
        """Return the problem with this version's code; an existing code stays."""
        if problem.kind is None:
            return problem
        code, issue_code, form = self.edge[problem.kind]
        return msgspec.structs.replace(
            problem,
            code=problem.code or code,
            issue_code=issue_code or problem.issue_code,
            form=form,
            diagnostics="" if form is Form.EMPTY else problem.diagnostics,
        )

    def media_type_of(self, problem: Problem) -> str | None:
        """Return the content type of the refusal `problem`; `None` if its body is empty."""
        return {Form.OUTCOME: self.media_type, Form.TEXT: TEXT, Form.EMPTY: None}[problem.form]

    def body(self, problem: Problem, at: Instant) -> bytes:
        """Return the body of the refusal `problem` at the time `at`."""
        match problem.form:
            case Form.OUTCOME:
                return encode(self.write(problem, at))
            case Form.TEXT:
                return problem.diagnostics.encode()
            case Form.EMPTY:
                return b""


def operation_outcome(problem: Problem, meta: Json, coding: Json) -> Json:
    """Return the OperationOutcome, with the parts that differ by version: its `meta` and the `coding` of its code."""
    details: JsonValue = {"coding": [coding]}
    issue: Json = {"severity": "error", "code": problem.issue_code, "details": details}
    if problem.diagnostics:
        issue["diagnostics"] = problem.diagnostics
    return {"resourceType": "OperationOutcome", "meta": meta, "issue": [issue]}
