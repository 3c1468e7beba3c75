"""A referral: one patient's request for care, from its shortlist to its end.

Values are frozen: each act applies its row of the lifecycle and returns a new value. Source: rules chapters 3 and 4
(A005).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Self

import msgspec

from openers.domain.appointment import (
    Appointment,
    AppointmentStatus,
    CancellationReason,
    Reason,
    ReviewResult,
    Specialty,
)
from openers.domain.attachments import Attachment, Availability, ClinicalInformation, with_availability
from openers.domain.clock import Instant
from openers.domain.codes import AdditionalRequirement, LetterIntention, Priority
from openers.domain.decision import Decision
from openers.domain.errors import InvalidRequestState, InvalidValue
from openers.domain.fields import Field
from openers.domain.identifiers import FileId, NhsNumber, OdsCode, RequestId, ServiceId, Ubrn, UserId
from openers.domain.lifecycle import ENDED, Act, Precondition, ReferralState, row_of
from openers.domain.review import Review
from openers.domain.shortlist import Shortlist, ShortlistedService
from openers.domain.working_days import add_working_days

OLDEST_PATHWAY_START: Final = timedelta(days=365)
"""The furthest back that a referrer may date the start of a pathway."""
REVIEWED: Final = frozenset({Act.ACCEPT, Act.REJECT, Act.ACT_LATER, Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE})
"""Acts that are a review by the provider."""
FOR_REVIEW: Final = frozenset({ReferralState.BOOKED, ReferralState.AWAITING_TRIAGE, ReferralState.DEFERRED_TO_PROVIDER})
"""States in which the provider has something to review."""


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why the whole referral was cancelled, and by which organisation.

    `with_booking` is true if its booking was cancelled in the same act.
    """

    reason: CancellationReason
    comment: str | None = None
    with_booking: bool = False
    organisation: OdsCode | None = None


class ShortlistChange(msgspec.Struct, frozen=True, kw_only=True):
    """The values that a change of the shortlist replaces (A031)."""

    shortlist: Shortlist
    letter_intention: LetterIntention
    reminder_days: int
    letter_due: date | None


LETTER_DUE_WORKING_DAYS: Final = {Priority.ROUTINE: 3, Priority.URGENT: 1, Priority.TWO_WEEK_WAIT: 1}
"""Working days from creation until the letter of a referral is due (inferred: no source gives numbers)."""


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """The current value of a referral.

    `owner` is the organisation that made it and whose commissioning rules apply to it. `created_by` is the person who
    entered it, `referrer` the clinician responsible. `workgroup` is that of the service which holds it, if any.

    `specialty` is stored when the appointment, which has it too, may be gone: after an assessment or a cancellation.
    `from_advice` is true if it was converted from a request for advice, which remains under the same UBRN. `letter_due`
    is the day by which the intended letter is due. `reminder_days` is the number of days from creation until the
    patient is reminded to book. `updated` is the time of the last act.

    `additional_requirements` are the patient's needs for a visit; no operation of the interface changes them. `related`
    are other referrals of the same pathway, such as an onward referral.
    """

    ubrn: Ubrn
    request_id: RequestId
    state: ReferralState
    patient: NhsNumber
    owner: OdsCode
    referrer: UserId
    created_by: UserId
    created: Instant
    priority: Priority
    shortlist: Shortlist
    letter_intention: LetterIntention
    reminder_days: int
    commissioning_organisation: OdsCode
    pathway_start: Instant | None = None
    workgroup: str | None = None
    appointment: Appointment | None = None
    letter_due: date | None = None
    clinical_information: ClinicalInformation = ClinicalInformation()
    attachments: tuple[Attachment, ...] = ()
    review: Review = Review()
    cancellation: Cancellation | None = None
    specialty: Specialty | None = None
    updated: Instant | None = None
    from_advice: bool = False
    additional_requirements: tuple[AdditionalRequirement, ...] = ()
    related: tuple[Ubrn, ...] = ()

    @property
    def state_reason(self) -> Reason | None:
        """The reason for its state, if the state has one."""
        if self.cancellation is not None:
            return self.cancellation.reason
        return self.appointment.reason if self.appointment else None

    @property
    def state_comment(self) -> str | None:
        """The comment on its state."""
        if self.cancellation is not None:
            return self.cancellation.comment
        return self.appointment.comment if self.appointment else None

    @property
    def shown_specialty(self) -> Specialty | None:
        """The specialty of the referral, once a service is chosen."""
        return self.specialty if self.appointment is None else self.appointment.of_specialty

    @property
    def is_active(self) -> bool:
        """Whether any act is still possible."""
        return self.state not in ENDED

    @property
    def is_for_review(self) -> bool:
        """Whether the service that holds it has to review it."""
        return self.review.pending and self.state in FOR_REVIEW

    def shortlisted(self, service: ServiceId) -> ShortlistedService | None:
        """Return the shortlist entry of `service`; `None` if it is not on the shortlist."""
        return next((entry for entry in self.shortlist.services if entry.id == service), None)

    def check(self, act: Act, at: Instant) -> ReferralState:
        """Return the state that `act` leads to at the instant `at`.

        Raises `InvalidRequestState`, `InvalidRequestType`.
        """
        row = row_of(self.state, act)
        for need in row.needs:
            if not self._meets(need, at):
                raise InvalidRequestState(Field.REFERRAL, self.ubrn, need)
        return row.to

    def ask(self, act: Act, appointment: Appointment, workgroup: str) -> Self:
        """Send the referral to a service: booked (also by telephone), deferred, or sent for triage.

        Raises as `check`.
        """
        return msgspec.structs.replace(
            self,
            state=self.check(act, appointment.created),
            appointment=appointment,
            workgroup=workgroup,
            pathway_start=self.pathway_start or appointment.created,
            updated=appointment.created,
            review=self.review.asked_of(appointment.service.id),
        )

    def change_appointment(self, act: Act, appointment: Appointment, at: Instant) -> Self:
        """Apply a change by the PAS: appointment cancelled, moved, attended or missed. Raises as `check`."""
        return msgspec.structs.replace(self, state=self.check(act, at), appointment=appointment, updated=at)

    def decide(self, decision: Decision, at: Instant) -> Self:
        """Carry out a decision: review, rejection, return or cancellation. Raises as `check`."""
        state, appointment = self.check(decision.act, at), self.appointment
        review = self.review.withdrawn()
        if decision.act in REVIEWED and appointment is not None:
            review = self.review.recorded_by(appointment.service.id)
        if decision.act is Act.CANCEL_REFERRAL:
            return self._cancelled(decision, review, at)
        return msgspec.structs.replace(
            self,
            state=state,
            priority=decision.priority or self.priority,
            attachments=(*self.attachments, *decision.attachments),
            review=review,
            appointment=None if appointment is None else _decided(appointment, decision),
            updated=at,
        )

    def assess(self, at: Instant) -> Self:
        """Record that an assessment service has seen the patient, which ends the appointment. Raises as `check`."""
        state = self.check(Act.ASSESS, at)
        review = self.review.withdrawn()
        return msgspec.structs.replace(
            self, state=state, appointment=None, specialty=self.shown_specialty, review=review, updated=at
        )

    def change_shortlist(self, change: ShortlistChange, at: Instant) -> Self:
        """Replace the shortlist; the referral becomes unbooked and no service holds it. Raises as `check`."""
        priority = change.shortlist.criteria.priority
        review = self.review.after_change(priority=priority is not self.priority).withdrawn()
        return msgspec.structs.replace(
            self,
            state=self.check(Act.CHANGE_SHORTLIST, at),
            shortlist=change.shortlist,
            letter_intention=change.letter_intention,
            reminder_days=change.reminder_days,
            letter_due=change.letter_due,
            priority=priority,
            appointment=None,
            specialty=None,
            workgroup=None,
            review=review,
            updated=at,
        )

    def maintain_letter(self, attachments: tuple[Attachment, ...], at: Instant) -> Self:
        """Replace all attachments, of which the letter changed; an earlier review has to be repeated.

        Raises as `check`.
        """
        return msgspec.structs.replace(
            self,
            state=self.check(Act.MAINTAIN_LETTER, at),
            attachments=attachments,
            clinical_information=self.clinical_information.submitted(at),
            review=self.review.after_change(letter=True),
            updated=at,
        )

    def relate(self, other: Ubrn, at: Instant) -> Self:
        """Add another referral of the same pathway; the state does not change."""
        return msgspec.structs.replace(self, related=(*self.related, other), updated=at)

    def printed(self, at: Instant) -> Self:
        """Record that the provider has printed the clinical information."""
        return msgspec.structs.replace(self, clinical_information=self.clinical_information.on_paper(at))

    def scanned(self, file: FileId, availability: Availability) -> Self:
        """Record the scan result of an attached file."""
        return msgspec.structs.replace(self, attachments=with_availability(self.attachments, file, availability))

    def _meets(self, need: Precondition, at: Instant) -> bool:
        match need:
            case Precondition.PENDING_REVIEW:
                return self.is_for_review
            case Precondition.NOT_PAST:
                start = self.appointment.start if self.appointment else None
                return start is not None and start.date() >= at.date()
            case Precondition.LETTER_AS_INTENDED:
                intended = self.letter_intention is LetterIntention.NEED_TO_ADD_LATER
                return not intended or self.clinical_information.is_there
            case Precondition.CLINICAL_INFORMATION:
                return self.clinical_information.is_there
            case Precondition.BOOKED_THROUGH_PAS:
                return self.appointment is not None and self.appointment.is_in_pas

    def _cancelled(self, decision: Decision, review: Review, at: Instant) -> Self:
        """Return the cancelled referral (rules 3.1).

        Its booking is cancelled too, and a request that waits for its provider is withdrawn.
        """
        appointment = self.appointment
        stands = appointment is not None and appointment.stands
        is_before_provider = self.state in FOR_REVIEW and not stands
        reason = decision.reason
        if not isinstance(reason, CancellationReason):
            raise TypeError("the cancellation of a referral needs a reason")
        return msgspec.structs.replace(
            self,
            state=ReferralState.CANCELLED_REFERRAL,
            cancellation=Cancellation(
                reason=reason, comment=decision.comment, with_booking=stands, organisation=decision.organisation
            ),
            appointment=None if is_before_provider else appointment and _decided(appointment, decision),
            specialty=self.shown_specialty or decision.specialty,
            review=review,
            updated=at,
        )


def _decided(appointment: Appointment, decision: Decision) -> Appointment:
    """Return the appointment after a decision."""
    if decision.act is Act.ACCEPT:
        return appointment
    if isinstance(decision.reason, ReviewResult):
        left = appointment.proposed(decision.reason, decision.comment)
    elif appointment.stands:
        reason = decision.booking_reason or decision.reason
        left = appointment.ended(AppointmentStatus.CANCELLED, reason, decision.comment)
    else:
        return appointment
    return msgspec.structs.replace(left, cancelled_in_pas=decision.cancelled_in_pas)


def check_pathway_start(start: Instant | None, now: Instant) -> None:
    """Raise `InvalidValue` unless `start` is in the past and at most 365 days ago (rules 4, A011)."""
    if start is None:
        return
    if start > now:
        raise InvalidValue(Field.PATHWAY_START, start.isoformat(), "must be in the past")
    if now - start > OLDEST_PATHWAY_START:
        raise InvalidValue(Field.PATHWAY_START, start.isoformat(), "must be no longer than 365 days ago")


def letter_due(intention: LetterIntention, priority: Priority, created: Instant) -> date | None:
    """Return the day by which an intended letter is due; `None` if no letter is intended."""
    if intention is LetterIntention.NOT_INTENDING_TO_ADD:
        return None
    return add_working_days(created.date(), LETTER_DUE_WORKING_DAYS[priority])
