"""A referral: one patient's request for care, from its shortlist to its end.

Frozen: each act returns a new value, having applied its row of the lifecycle. Source: rules chapters 3 and 4 (A005).
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
"""How long ago a referrer may say that a pathway began."""
REVIEWED: Final = frozenset({Act.ACCEPT, Act.REJECT, Act.ACT_LATER, Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE})
"""Acts that are a review by the provider."""
FOR_REVIEW: Final = frozenset({ReferralState.BOOKED, ReferralState.AWAITING_TRIAGE, ReferralState.DEFERRED_TO_PROVIDER})
"""States in which there is something to review."""


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why the whole referral was cancelled, and by whose organisation.

    `with_booking`: its booking was cancelled in the same act.
    """

    reason: CancellationReason
    comment: str | None = None
    with_booking: bool = False
    organisation: OdsCode | None = None


class ShortlistChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a referrer replaces when they think again (A031)."""

    shortlist: Shortlist
    letter_intention: LetterIntention
    reminder_days: int
    letter_due: date | None


LETTER_DUE_WORKING_DAYS: Final = {Priority.ROUTINE: 3, Priority.URGENT: 1, Priority.TWO_WEEK_WAIT: 1}
"""How many working days after its creation a referral is to have its letter (inferred: no source gives numbers)."""


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """The current value of a referral.

    `owner` is the organisation that made it and whose commissioning rules apply to it, `created_by` the person who
    typed it, `referrer` the clinician responsible. `workgroup` is that of the service which holds it, if any.
    `specialty` is kept where there is no appointment to tell it: of a service that has assessed the patient, and of
    cancelled referrals. `from_advice`: it was a request for advice, which is still there under the same UBRN.
    `letter_due` is the day by which the letter that is intended has to be there. `reminder_days` after its creation
    the patient is reminded of booking. `updated` is when somebody last did something with it.
    `additional_requirements` are what the patient needs for a visit; no operation of the interface changes them.
    `related` are other referrals of the same pathway, such as an onward referral.
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
        """Why it is in its state, where a state has reasons."""
        if self.cancellation is not None:
            return self.cancellation.reason
        return self.appointment.reason if self.appointment else None

    @property
    def state_comment(self) -> str | None:
        """What was said about it."""
        if self.cancellation is not None:
            return self.cancellation.comment
        return self.appointment.comment if self.appointment else None

    @property
    def shown_specialty(self) -> Specialty | None:
        """The specialty that it belongs to, once a service was chosen."""
        return self.specialty if self.appointment is None else self.appointment.of_specialty

    @property
    def is_active(self) -> bool:
        """Whether anything can still be done with it."""
        return self.state not in ENDED

    @property
    def is_for_review(self) -> bool:
        """Whether the service that holds it is to review it."""
        return self.review.pending and self.state in FOR_REVIEW

    def shortlisted(self, service: ServiceId) -> ShortlistedService | None:
        """The entry of `service` on the shortlist."""
        return next((entry for entry in self.shortlist.services if entry.id == service), None)

    def check(self, act: Act, at: Instant) -> ReferralState:
        """The state that `act` leads to at an instant. Raises `InvalidRequestState`, `InvalidRequestType`."""
        row = row_of(self.state, act)
        for need in row.needs:
            if not self._meets(need, at):
                raise InvalidRequestState(Field.REFERRAL, self.ubrn, need)
        return row.to

    def ask(self, act: Act, appointment: Appointment, workgroup: str) -> Self:
        """A service is asked: booked, by telephone too, deferred to, or sent for triage. Raises as `check`."""
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
        """The PAS has cancelled, moved or kept the appointment, or it was missed. Raises as `check`."""
        return msgspec.structs.replace(self, state=self.check(act, at), appointment=appointment, updated=at)

    def decide(self, decision: Decision, at: Instant) -> Self:
        """A decision is carried out: review, rejection, return or cancellation. Raises as `check`."""
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
        """An assessment service has seen the patient; its appointment is over. Raises as `check`."""
        state = self.check(Act.ASSESS, at)
        review = self.review.withdrawn()
        return msgspec.structs.replace(
            self, state=state, appointment=None, specialty=self.shown_specialty, review=review, updated=at
        )

    def change_shortlist(self, change: ShortlistChange, at: Instant) -> Self:
        """Another shortlist, unbooked again; whoever held it holds it no more. Raises as `check`."""
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
        """All attachments, the letter among them changed: who has reviewed it is to do so again. Raises as `check`."""
        return msgspec.structs.replace(
            self,
            state=self.check(Act.MAINTAIN_LETTER, at),
            attachments=attachments,
            clinical_information=self.clinical_information.submitted(at),
            review=self.review.after_change(letter=True),
            updated=at,
        )

    def relate(self, other: Ubrn, at: Instant) -> Self:
        """Add another referral of the same pathway; the state stays as it is."""
        return msgspec.structs.replace(self, related=(*self.related, other), updated=at)

    def printed(self, at: Instant) -> Self:
        """The provider has its clinical information on paper."""
        return msgspec.structs.replace(self, clinical_information=self.clinical_information.on_paper(at))

    def scanned(self, file: FileId, availability: Availability) -> Self:
        """What the scan of an attached file has found."""
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
        """At its end. A booking is cancelled with it, and what was before a provider is withdrawn (rules 3.1)."""
        appointment = self.appointment
        stands = appointment is not None and appointment.stands
        is_before_provider = self.state in FOR_REVIEW and not stands
        reason = decision.reason
        if not isinstance(reason, CancellationReason):
            raise TypeError("a referral is cancelled for a reason")
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
    """The appointment as a decision leaves it."""
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
    """Raise `InvalidValue` unless `start` lies in the past and at most 365 days back (rules 4, A011)."""
    if start is None:
        return
    if start > now:
        raise InvalidValue(Field.PATHWAY_START, start.isoformat(), "must be in the past")
    if now - start > OLDEST_PATHWAY_START:
        raise InvalidValue(Field.PATHWAY_START, start.isoformat(), "must be no longer than 365 days ago")


def letter_due(intention: LetterIntention, priority: Priority, created: Instant) -> date | None:
    """The day by which a letter that is intended has to be there; `None` where none is."""
    if intention is LetterIntention.NOT_INTENDING_TO_ADD:
        return None
    return add_working_days(created.date(), LETTER_DUE_WORKING_DAYS[priority])
