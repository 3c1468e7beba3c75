"""The errors of the client. All are `ErsError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from openers_client import fhir


class ErsError(Exception):
    """A call failed. Each subclass says how."""


class ServiceUnreachable(ErsError):
    """No service replies at the address in time, or the reply is not HTTP."""


class OutcomeUnknown(ErsError):
    """The reply to a change was lost. The service may have made the change, so read the record before you repeat it."""


class UnreadableReply(ErsError):
    """The service replied with a success whose body is not what the operation returns."""


class LogInFailed(ErsError):
    """The service replied without a token. The text gives the reason."""


@dataclass(frozen=True)
class Issue:
    """One issue of an OperationOutcome, or the problem of the administration API with its `pointer` and `cure`."""

    code: str
    diagnostics: str
    pointer: str | None = None
    cure: str | None = None

    @property
    def place(self) -> str | None:
        """Return the pointer, or else the quoted name at the start of the diagnostics, such as `clinicType`."""
        if self.pointer is not None:
            return self.pointer
        quote, _, rest = self.diagnostics.partition("'")
        place, end, _ = rest.partition("'")
        return place if end and not quote else None


@dataclass(frozen=True)
class Rejection:
    """What a rejected call returned.

    `correlation_id` is the one that the client sent; `request_id` is the service's. `explain_url` is the address of the
    explanation, which services in test mode have. `retry_after_s` is the wait in seconds that the service asks for.
    """

    status: int
    call: str
    issues: tuple[Issue, ...] = ()
    text: str = ""
    correlation_id: str = ""
    request_id: str | None = None
    explain_url: str | None = None
    retry_after_s: float | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


class CallRejected(ErsError):
    """The service rejected the call and changed nothing, except as `PasFailed` says."""

    def __init__(self, rejection: Rejection) -> None:
        """Store `rejection`, whose values are attributes of the error too."""
        self.rejection: Final = rejection
        super().__init__(_described(rejection))

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.rejection.status

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Return all issues of the reply; empty if its body is not an OperationOutcome."""
        return self.rejection.issues

    @property
    def code(self) -> str | None:
        """Return the code of the first issue, such as `NO_RELATIONSHIP`."""
        return self.issues[0].code if self.issues else None

    @property
    def diagnostics(self) -> str:
        """Return the diagnostics of the first issue, or else the text of the reply."""
        return self.issues[0].diagnostics if self.issues else self.rejection.text

    @property
    def place(self) -> str | None:
        """Return the field that the first issue names."""
        return self.issues[0].place if self.issues else None

    @property
    def correlation_id(self) -> str:
        """Return the correlation id that the client sent."""
        return self.rejection.correlation_id

    @property
    def explain_url(self) -> str | None:
        """Return the address of the explanation in test mode."""
        return self.rejection.explain_url


class InvalidRequest(CallRejected):
    """A value or rule rejects the request (400, 406, 412, 415, 422)."""


class NotLoggedIn(CallRejected):
    """The token is missing, expired or too weak (401)."""


class NotAllowed(CallRejected):
    """The role, organisation or application has no permission (403)."""


class NotFound(CallRejected):
    """The record does not exist, or the version is not the latest (404)."""


class VersionConflict(CallRejected):
    """Another caller changed the record first (409; 412 of the administration): read it again, then decide again."""


class RecordLocked(CallRejected):
    """Another request is changing the record (423)."""


class TooManyRequests(CallRejected):
    """The limit of requests is reached (429), and the client has stopped repeating the call."""


class ServiceFailed(CallRejected):
    """The service or a part of it failed (500, 503)."""


class PasFailed(CallRejected):
    """The provider's Patient Administration System (PAS) refused (502) or did not reply (504).

    After 504 the service finds the outcome later, so the record may still change.
    """


BY_STATUS: Final[Mapping[int, type[CallRejected]]] = {
    401: NotLoggedIn,
    403: NotAllowed,
    404: NotFound,
    409: VersionConflict,
    423: RecordLocked,
    429: TooManyRequests,
    502: PasFailed,
    504: PasFailed,
}


OUTDATED: Final = "OUTDATED"
"""Code of the administration API for a record that another caller has changed."""


def rejected(rejection: Rejection) -> CallRejected:
    """Return the error for a rejection."""
    if rejection.issues and rejection.issues[0].code == OUTDATED:
        return VersionConflict(rejection)
    other = ServiceFailed if rejection.status >= 500 else InvalidRequest
    return BY_STATUS.get(rejection.status, other)(rejection)


def issues_of(outcome: Mapping[str, Any]) -> tuple[Issue, ...]:
    """Return the issues of an OperationOutcome, or the one of problem details; empty if it is something else."""
    if "detail" in outcome and "code" in outcome:
        place, cure = (str(outcome[name]) if outcome.get(name) else None for name in ("place", "cure"))
        return (Issue(str(outcome["code"]), str(outcome["detail"]), place, cure),)
    return tuple(_issue(each) for each in fhir.items(outcome, "issue"))


def explain_link(link: str | None, address: str) -> str | None:
    """Return the absolute address of a `Link` header with the relation `help`."""
    target, _, relation = (link or "").partition(";")
    target = target.strip()
    if 'rel="help"' not in relation or not (target.startswith("<") and target.endswith(">")):
        return None
    return urljoin(address, target[1:-1])


def _issue(issue: Mapping[str, Any]) -> Issue:
    named = fhir.text(issue, "details", "coding", 0, "code")
    return Issue(named or str(issue.get("code") or ""), str(issue.get("diagnostics") or ""))


def _described(rejection: Rejection) -> str:
    said = "; ".join(map(_said, rejection.issues))
    reason = f": {said or rejection.text}" if said or rejection.text else ""
    more = f" (explained at {rejection.explain_url})" if rejection.explain_url else ""
    return f"{rejection.call} returned {rejection.status}{reason}{more}"


def _said(issue: Issue) -> str:
    """Return code, place, cause and cure of an issue as far as it has them."""
    at = f" at {issue.pointer}" if issue.pointer else ""
    cause = f": {issue.diagnostics}" if issue.diagnostics else ""
    return f"{issue.code}{at}{cause}{f'; {issue.cure}' if issue.cure else ''}"
