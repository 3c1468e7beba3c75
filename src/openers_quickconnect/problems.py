"""What a page says when a call fails: what happened, whether anything changed, and what to do now."""

from __future__ import annotations

from collections.abc import Collection
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
from openers_quickconnect.words import ROLES

REFUSED: Final = "User does not have the required Business Function at the specified Organisation"
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
            return Problem(403, "Your role may not do this", f"{_in_words(_said(error))} {ROLES_OF}".strip())
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


def _in_words(said: str) -> str:
    """Return a refusal with the words for roles in place of their codes."""
    said = said.replace(REFUSED, "You do not have the role that this needs")
    for code in sorted(ROLES, key=len, reverse=True):  # some codes begin with another one
        said = said.replace(code, ROLES[code].lower())
    return said


def _said(error: CallRejected) -> str:
    return error.diagnostics.strip()


def said_of(error: CallRejected) -> str:
    """Return cause and cure of a rejection, as a sentence for a form."""
    cure = next((each.cure for each in error.issues if each.cure), None)
    said = _said(error).rstrip(".")
    shown = f"{said[:1].upper()}{said[1:]}"
    return f"{shown}: {cure}" if cure else shown


def field_at(place: str | None, names: Collection[str]) -> str:
    """Return the control of a form for a place in a record, a JSON pointer; empty if the form has none."""
    parts = (place or "").strip("/").split("/")
    tried = ("_".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((each for each in tried if each in names), "")
