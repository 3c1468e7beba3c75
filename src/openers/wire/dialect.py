"""How a FHIR version tells refusals: one value for each version, with its codes and its way to write them.

The values are in `openers.wire.stu3.dialect` and `openers.wire.r4.dialect`. `outcome.py` maps errors through them.
`problems.py` makes the problems that the edge finds; a version gives each its code.
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
"""What a 401 asks for where no token was sent. Source: RFC 6750 chapter 3.1."""
INVALID_TOKEN: Final = f'{ASK_FOR_TOKEN}, error="invalid_token"'
"""The same where one was sent."""


class Form(StrEnum):
    """What the body of a refusal is."""

    OUTCOME = "OperationOutcome"
    TEXT = "text"
    EMPTY = "empty"


class EdgeProblem(Enum):
    """The problems that the edge finds, which each version has a code for."""

    TOKEN = "the access token is missing or not valid"
    ACCESS = "the person, the application or the organisation has no access"
    MODE = "a header that only the gateway may set"
    FUNCTION = "the business function is not held, or may not do this"
    MISSING_HEADER = "a header that is always needed is missing"
    VALUE = "a header or a part of the path has a value that it cannot have"
    LIMIT = "the rate limit is reached"
    ACCEPT = "the caller accepts nothing that is offered"
    CONTENT_TYPE = "the body has another media type"
    PATH = "nothing is at this address"
    METHOD = "the address has no such method"
    NO_HOST = "no Host header, or several"
    FOREIGN_HOST = "the Host is not a name of this service"
    SIZE = "the body is too long"
    PACE = "the body is too slow"
    PRECONDITION = "If-Match is missing"
    UNEXPECTED = "the service failed"
    UNAVAILABLE = "the service cannot answer at present"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal.

    `rule` is what it enforces. One that the edge finds names its `kind` and has no code until `Fhir.coded` gives it
    one. `gateway` marks what a gateway would tell; `allow` lists the methods of an address; `challenge` is what a 401
    asks for.
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

    @property
    def media_type(self) -> str | None:
        """Content type of the body, `None` if there is none."""
        return _MEDIA_TYPES[self.form]


class Outcome(NamedTuple):
    """Status, kind of issue and code of an error."""

    status: int
    issue_code: str
    code: str


class Coded(NamedTuple):
    """What a version makes of a problem of the edge; `issue_code` is set where it differs from the usual one."""

    code: str = ""
    issue_code: str = ""
    form: Form = Form.OUTCOME


class Fhir(msgspec.Struct, frozen=True, kw_only=True):
    """A version of FHIR.

    `name` stands in paths, `release` in CapabilityStatements. `outcomes` has a row for each class of error, or for a
    family of them; `edge` has all problems of the edge. `write` makes the resource of a refusal, `schema` describes it.
    """

    name: str
    release: str
    outcomes: Mapping[type[OpenersError], Outcome]
    edge: Mapping[EdgeProblem, Coded]
    write: Callable[[Problem, Instant], Json]
    schema: str

    def outcome(self, error: OpenersError) -> Outcome:
        """The row of the nearest class; the root's row is always there."""
        return next(self.outcomes[each] for each in type(error).__mro__ if each in self.outcomes)

    def coded(self, problem: Problem) -> Problem:
        """The problem as this version tells it; one that has a code already keeps it."""
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

    def body(self, problem: Problem, at: Instant) -> bytes:
        """The body of the refusal `problem`, told at `at`."""
        match problem.form:
            case Form.OUTCOME:
                return encode(self.write(problem, at))
            case Form.TEXT:
                return problem.diagnostics.encode()
            case Form.EMPTY:
                return b""


def operation_outcome(problem: Problem, meta: Json, coding: Json) -> Json:
    """The resource that both versions write, with what differs: its `meta` and the `coding` of its code."""
    details: JsonValue = {"coding": [coding]}
    issue: Json = {"severity": "error", "code": problem.issue_code, "details": details}
    if problem.diagnostics:
        issue["diagnostics"] = problem.diagnostics
    return {"resourceType": "OperationOutcome", "meta": meta, "issue": [issue]}


_MEDIA_TYPES: Final = {Form.OUTCOME: "application/fhir+json", Form.TEXT: "text/plain;charset=utf-8", Form.EMPTY: None}
