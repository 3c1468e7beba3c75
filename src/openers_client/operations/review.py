"""Decisions of providers on referrals."""

from __future__ import annotations

from openers_client.operations.base import Operations, Versioned
from openers_client.operations.referrals import act
from openers_client.records import referral as records
from openers_client.records.referral import Referral
from openers_client.requests.decisions import ActLater, RejectionOfReferral, ReviewOutcome


class Review(Operations):
    """Operations of providers on referrals. Each raises `ErsError`."""

    async def accept_referral(self, referral: Versioned) -> Referral:
        """Accept a booked referral (A013)."""
        return records.referral(await self._json(act("A013", referral, "acceptReferral")))

    async def reject_referral(self, referral: Versioned, rejection: RejectionOfReferral) -> Referral:
        """Reject a booked referral and return it to its referrer (A014)."""
        return records.referral(await self._json(act("A014", referral, "rejectReferral", rejection.body())))

    async def cancel_appointment_action_later(self, referral: Versioned, later: ActLater) -> Referral:
        """Cancel the appointment of a referral and book the patient later (A022)."""
        call = act("A022", referral, "cancelAppointmentActionLater", later.body())
        return records.referral(await self._json(call))

    async def record_review_outcome(self, referral: Versioned, outcome: ReviewOutcome) -> Referral:
        """Record the outcome of a triage (A028)."""
        return records.referral(await self._json(act("A028", referral, "recordReviewOutcome", outcome.body())))
