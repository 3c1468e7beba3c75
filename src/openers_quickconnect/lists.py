"""The worklists of each role, and what each shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFERRERS: Final = frozenset({"REFERRING_CLINICIAN", "REFERRING_CLINICIAN_ADMIN", "REFERRING_ADMIN"})
PROVIDERS: Final = frozenset(
    {"SERVICE_PROVIDER_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN_ADMIN", "SERVICE_PROVIDER_ADMIN"}
)
CLINICIANS: Final = frozenset(
    {
        *("REFERRING_CLINICIAN", "REFERRING_CLINICIAN_ADMIN"),
        *("SERVICE_PROVIDER_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN_ADMIN"),
    }
)
"""Roles that may read and change requests."""
ADVICE: Final = "advice"
"""Name of the worklist of requests for advice, which is an operation of its own (A023)."""

ANSWERS: Final = "advice-answered"
"""Name of the list of answers that wait for their referrer, which Quick Connect makes itself."""
ADVISING: Final = frozenset({ADVICE, ANSWERS})
"""Lists whose rows are requests for advice."""
TO_ANSWER: Final = "PROVIDER_RESPONSE_REQUIRED"
"""Status of a question that its provider has to answer; the list also has those that wait for their referrer."""


@dataclass(frozen=True)
class Worklist:
    """A worklist: its name in addresses, its published code, its title, who has it, and what an empty one says."""

    name: str
    code: str
    title: str
    roles: frozenset[str]
    empty: str


WORKLISTS: Final = (
    Worklist("to-book", "AWAITING_BOOKING", "To book", REFERRERS, "No referral waits for its booking."),
    Worklist("letters", "LETTERS_OUTSTANDING", "Letters to add", REFERRERS, "No referral lacks its letter."),
    Worklist("come-back", "REJECTED_TRIAGE_RESPONSE", "Rejected or returned", REFERRERS, "No referral has come back."),
    Worklist(
        "to-follow-up",
        "ASSESSMENT_RETURNED_CANCELLED_DNA",
        "To follow up",
        REFERRERS,
        "No referral was assessed, cancelled or missed.",
    ),
    Worklist(ANSWERS, "", "Advice answered", REFERRERS, "No answer to a question for advice waits for you."),
    Worklist("to-review", "REFERRALS_FOR_REVIEW", "To review", PROVIDERS, "No referral waits for a review."),
    Worklist("slot-issues", "APPOINTMENT_SLOT_ISSUES", "No slot found", PROVIDERS, "No referral lacks a slot."),
    Worklist(ADVICE, "ADVICE_AND_GUIDANCE_REQUESTS", "Advice", PROVIDERS, "No question waits for an answer."),
)


def worklists_of(function: str) -> tuple[Worklist, ...]:
    """Return the worklists of a role, in the order of the navigation."""
    return tuple(each for each in WORKLISTS if function in each.roles)


def worklist_named(name: str) -> Worklist | None:
    """Return the worklist with this name in addresses."""
    return next((each for each in WORKLISTS if each.name == name), None)
