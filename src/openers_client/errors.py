"""The errors of the client. All are `ErsError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urljoin


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
    """One issue of an OperationOutcome. `place` is the field that `diagnostics` names, if it names one."""

    code: str
    diagnostics: str

    @property
    def place(self) -> str | None:
        """Return the quoted name at the start of the diagnostics, such as `clinicType`."""
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
    """Another caller changed the record first (409): read it again, then decide again."""


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


def rejected(rejection: Rejection) -> CallRejected:
    """Return the error for a rejection."""
    other = ServiceFailed if rejection.status >= 500 else InvalidRequest
    return BY_STATUS.get(rejection.status, other)(rejection)


def issues_of(outcome: Mapping[str, Any]) -> tuple[Issue, ...]:
    """Return the issues of an OperationOutcome; empty if it is something else."""
    found = outcome.get("issue")
    listed = cast("list[Any]", found) if isinstance(found, list) else []
    return tuple(_issue(cast("dict[str, Any]", each)) for each in listed if isinstance(each, dict))


def explain_link(link: str | None, address: str) -> str | None:
    """Return the absolute address of a `Link` header with the relation `help`."""
    target, _, relation = (link or "").partition(";")
    target = target.strip()
    if 'rel="help"' not in relation or not (target.startswith("<") and target.endswith(">")):
        return None
    return urljoin(address, target[1:-1])


def _issue(issue: Mapping[str, Any]) -> Issue:
    details = issue.get("details")
    codings: Any = cast("dict[str, Any]", details).get("coding") if isinstance(details, dict) else None
    first: Any = cast("list[Any]", codings)[0] if isinstance(codings, list) and codings else {}
    named: Any = cast("dict[str, Any]", first).get("code") if isinstance(first, dict) else None
    return Issue(str(named or issue.get("code") or ""), str(issue.get("diagnostics") or ""))


def _described(rejection: Rejection) -> str:
    said = "; ".join(f"{each.code}: {each.diagnostics}" if each.diagnostics else each.code for each in rejection.issues)
    reason = f": {said or rejection.text}" if said or rejection.text else ""
    more = f" (explained at {rejection.explain_url})" if rejection.explain_url else ""
    return f"{rejection.call} returned {rejection.status}{reason}{more}"
