"""What a page says when a call fails: what happened, whether anything changed, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openers_client import (
    CallRejected,
    ErsError,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    OutcomeUnknown,
    PasFailed,
    RecordLocked,
    ServiceUnreachable,
    TooManyRequests,
    VersionConflict,
)

ROLES_OF: Final = "Ask the administrator of your organisation for the role, or change the role."


@dataclass(frozen=True)
class Problem:
    """A page for an error."""

    status: int
    title: str
    cure: str


def problem_of(error: ErsError) -> Problem:
    """Return the page for an error of a call."""
    match error:
        case NotLoggedIn():
            return Problem(401, "You are not logged in any more", "Log in again. You come back to this page.")
        case NotAllowed():
            return Problem(403, "Your role may not do this", f"{_said(error)} {ROLES_OF}".strip())
        case NotFound():
            return Problem(404, "There is no such record", "Check the number. It may belong to another organisation.")
        case VersionConflict():
            return Problem(
                409, "Another user has changed this record", "Nothing was changed. Open it again, then decide."
            )
        case RecordLocked():
            return Problem(
                423, "Another user is changing this record now", "Nothing was changed. Try again in some seconds."
            )
        case TooManyRequests():
            return Problem(429, "Too many requests", "Nothing was changed. Wait a minute, then try again.")
        case PasFailed() | OutcomeUnknown():
            title = "The hospital's system did not answer"
            return Problem(504, title, "The service finds out what happened. Open the referral again in a minute.")
        case ServiceUnreachable():
            return Problem(503, "The service does not answer", "Nothing was changed. Try again in some minutes.")
        case CallRejected() if error.code == "NO_RELATIONSHIP":
            return Problem(403, "This record is not yours", "Your organisation has no part in it. Check the number.")
        case CallRejected() if error.status < 500:
            return Problem(422, "This is not possible", _said(error))
        case _:
            return Problem(
                502, "The service failed", "Try again. If it fails again, tell the service desk the ids below."
            )


def _said(error: CallRejected) -> str:
    return error.diagnostics.strip()
