"""A referral: one patient's request for care, from its shortlist to its end.

Frozen: each act returns a new value, having applied its row of the lifecycle. Source: rules chapters 3 and 4 (A005).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Self

import msgspec

from openers.domain.appointment import Appointment, CancellationReason, ReviewCause
from openers.domain.attachments import Attachment, Availability, ClinicalInformation, with_availability
from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention, Priority
from openers.domain.errors import Field, InvalidValue
from openers.domain.identifiers import FileId, NhsNumber, OdsCode, RequestId, ServiceId, Ubrn, UserId
from openers.domain.lifecycle import Act, ReferralState, after
from openers.domain.shortlist import Shortlist, ShortlistedService
from openers.domain.working_days import add_working_days

OLDEST_PATHWAY_START: Final = timedelta(days=365)
"""How long ago a referrer may say that a pathway began."""


LETTER_DUE_WORKING_DAYS: Final = {Priority.ROUTINE: 3, Priority.URGENT: 1, Priority.TWO_WEEK_WAIT: 1}
"""How many working days after its creation a referral is to have its letter (inferred: no source gives numbers)."""


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """The current value of a referral.

    `owner` is the organisation that made it and whose commissioning rules apply to it, `created_by` the person who
    typed it, `referrer` the clinician responsible. `workgroup` is that of the service which holds it, if any.
    `letter_due` is the day by which the letter that is intended has to be there. `reminder_days` after its creation
    the patient is reminded of booking.
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

    @property
    def state_reason(self) -> ReviewCause | CancellationReason | None:
        """Why it is in its state, where a state has reasons."""
        return self.appointment.reason if self.appointment else None

    def shortlisted(self, service: ServiceId) -> ShortlistedService | None:
        """The entry of `service` on the shortlist."""
        return next((entry for entry in self.shortlist.services if entry.id == service), None)

    def book(self, appointment: Appointment, workgroup: str) -> Self:
        """The booking that the PAS has made. Raises `InvalidRequestState`."""
        return self._with(after(self.state, Act.BOOK), appointment, workgroup)

    def send_for_triage(self, appointment: Appointment, workgroup: str) -> Self:
        """Put the referral before a triage service. Raises `InvalidRequestState`."""
        return self._with(after(self.state, Act.SEND_FOR_TRIAGE), appointment, workgroup)

    def defer(self, appointment: Appointment, workgroup: str) -> Self:
        """Leave it to the provider to find an appointment. Raises `InvalidRequestState`."""
        return self._with(after(self.state, Act.DEFER), appointment, workgroup)

    def change_appointment(self, act: Act, appointment: Appointment) -> Self:
        """The appointment was cancelled, missed, moved or kept. Raises `InvalidRequestState`."""
        return msgspec.structs.replace(self, state=after(self.state, act), appointment=appointment)

    def maintain_letter(self, attachments: tuple[Attachment, ...], at: Instant) -> Self:
        """All attachments, the letter among them changed. Raises `InvalidRequestState`."""
        return msgspec.structs.replace(
            self,
            state=after(self.state, Act.MAINTAIN_LETTER),
            attachments=attachments,
            clinical_information=self.clinical_information.submitted(at),
        )

    def printed(self, at: Instant) -> Self:
        """The provider has its clinical information on paper."""
        return msgspec.structs.replace(self, clinical_information=self.clinical_information.on_paper(at))

    def scanned(self, file: FileId, availability: Availability) -> Self:
        """What the scan of an attached file has found."""
        return msgspec.structs.replace(self, attachments=with_availability(self.attachments, file, availability))

    def _with(self, state: ReferralState, appointment: Appointment, workgroup: str) -> Self:
        """In a new state, held by a service."""
        start = self.pathway_start or appointment.created
        return msgspec.structs.replace(
            self, state=state, appointment=appointment, workgroup=workgroup, pathway_start=start
        )


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
