"""Everything that the service refuses or fails at, as one tree. Each class is one reason.

    OpenersError
      Refused      the caller must change something
        FieldRefused   one field of the request is wrong
          (rules 2.7, one class for each code: MissingValue, InvalidCode, DuplicateService, ...)
        NotFound  NoRelationship  PatientError  HistoryNotSupported ...
      Clash        somebody else was faster: read again and retry
        VersionConflict  RecordLocked
      Broken       the service or something behind it failed: retry later
        Unavailable (with OutcomeUnknown)  PasRespondedWithError  PasNotResponding
        PasRefused  PasSilent (what the connector to a PAS says; never shown to a caller)

The core raises them and knows no HTTP: `openers.wire.outcome` maps each class to a status and a code, totally.
A refusal names the `field` (an enum here, labelled and located by the wire) and the `value` that was refused;
`hint` says what to do about it. Values of patients' identifiers are masked by whoever logs them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from openers.domain.fields import Field


class OpenersError(Exception):
    """The root. `source` cites the rule (chapter of the rules, or a published page)."""

    source: ClassVar[str] = "rules 2.7"


class Refused(OpenersError):
    """The caller must change something before trying again."""


class Clash(OpenersError):
    """Somebody else was faster; reading again and retrying may succeed."""


class Broken(OpenersError):
    """The service, or something behind it, failed; retrying later may succeed."""


class FieldRefused(Refused):
    """A field of the request breaks a rule. `hint` finishes the sentence that names field and value."""

    def __init__(
        self, field: Field, value: str | int | bool | None = None, hint: str = "", index: int | None = None
    ) -> None:
        """`index` is the position of the entry in a list, counted from 0."""
        super().__init__(field, value, hint)
        self.field, self.value, self.hint, self.index = field, value, hint, index


class ReferenceNotFound(FieldRefused):
    """A patient, clinician, organisation, service or file that is referred to does not exist."""


class InvalidValue(FieldRefused):
    """Wrong type, length or format."""


class InvalidCode(FieldRefused):
    """Not one of the legal codes."""


class MissingValue(FieldRefused):
    """A field that the endpoint always needs is missing."""


class ValueIsRequired(FieldRefused):
    """A rule makes the field mandatory in this situation."""


class FieldNotPermitted(FieldRefused):
    """A rule forbids the field in this situation."""


class InappropriateValue(FieldRefused):
    """Valid elsewhere, wrong together with the rest of the request."""


class TooManyItems(FieldRefused):
    """A list is longer than its maximum."""


class DuplicateService(FieldRefused):
    """A service stands twice in a shortlist."""


class ShortlistedServiceNotInResults(FieldRefused):
    """A shortlisted service does not satisfy the criteria that were sent with it."""


class ReferencedUserIsNotSpc(FieldRefused):
    """The named clinician is not a service provider clinician."""


class ReferencedUserIsNotActive(FieldRefused):
    """The user is not active any more."""


class ReferencedUserNotInOrg(FieldRefused):
    """The user does not belong to the organisation given."""


class ReferencedUserIsNotRc(FieldRefused):
    """The user is not a referring clinician anywhere."""


class ReferencedUserIsNotRcAtOrg(FieldRefused):
    """The user is not a referring clinician at the caller's organisation."""


class OrganisationIsClosed(FieldRefused):
    """The organisation has closed."""


class OrganisationNotAppropriate(FieldRefused):
    """The organisation is of a kind that can't be used here."""


class NoRegGpPractice(FieldRefused):
    """The patient has no registered GP practice."""


class SnomedNotFound(FieldRefused):
    """The clinical term is not in the service's dictionary."""


class PatientError(FieldRefused):
    """The patient's record can't be used (sensitive, or not retrievable). Says no more than that; don't retry."""


class InvalidRequestState(FieldRefused):
    """The request is in a state that does not allow the act."""

    source = "rules 3.1"


class InvalidRequestType(FieldRefused):
    """The UBRN is that of another kind of request, or of one that is not active any more."""

    source = "rules 4 (A028, A031)"


class UnsupportedPriority(FieldRefused):
    """The service that is asked does not take requests of this priority."""


class PriorityNotCurrent(FieldRefused):
    """A referral that is returned with advice keeps its priority."""

    source = "rules 4 (A028)"


class OldVersion(FieldRefused):
    """A search names a version of a record that is not its latest."""

    source = "rules 3.4, 4 (A029)"


class InvalidState(FieldRefused):
    """A referenced item, such as a service, is in a state that does not allow the act."""


class ServiceUnavailable(FieldRefused):
    """The service is not published any more."""


class InappropriateSlot(FieldRefused):
    """The slot does not suit the request."""


class SlotNotAvailable(FieldRefused):
    """The slot is gone."""


class SlotsCurrentlyAvailable(FieldRefused):
    """A deferral is refused, because the service has free slots."""


class ThisSlotIsAvailable(FieldRefused):
    """A deferral is refused, because the quoted slot is free."""


class UnableToConfirmAppointment(FieldRefused):
    """Something unexpected came between a booking and its confirmation."""


class UnableToCancelAppointment(FieldRefused):
    """Something unexpected came between a cancellation and its confirmation."""


class ConflictingValues(FieldRefused):
    """Two values that were given contradict each other."""


class FileSizeError(FieldRefused):
    """A file is empty, or larger than the operation takes or gives."""


class DuplicateFilename(FieldRefused):
    """A file is named as another one that is attached, or that is to be."""


class NoChangesDetected(FieldRefused):
    """What is asked for is so already."""


class FilePending(FieldRefused):
    """A file has not been scanned yet; ask again in some minutes."""

    source = "rules 6"


class ThreatsFound(FieldRefused):
    """A file is in quarantine, since a threat was found in it."""

    source = "rules 6"


class ValidationFailed(FieldRefused):
    """The content of a file is not what its name and type say."""

    source = "rules 6"


class NoAccessCode(FieldRefused):
    """The patient has no access code."""


class MissingHeader(FieldRefused):
    """A header that is always needed is missing."""


class MissingParameter(FieldRefused):
    """A search parameter that is always needed is missing."""


class DailyLimitReached(FieldRefused):
    """An application has asked as often today as it may."""

    source = "rules 2.2, 4 (A008)"

    def __init__(self, field: Field, value: str, hint: str = "", retry_after_s: int = 86_400) -> None:
        """`retry_after_s` is how long the day still lasts, in seconds."""
        super().__init__(field, value, hint)
        self.retry_after_s = retry_after_s


class NoRelationship(Refused):
    """The record exists and the caller has no legitimate relationship to it."""

    source = "rules 1.3"


class NotFound(Refused):
    """There is no such record."""

    source = "rules 2.6"

    def __init__(self, field: Field, value: str) -> None:
        """What was looked for and by which key."""
        super().__init__(field, value)
        self.field, self.value = field, value


class HistoryNotSupported(Refused):
    """Only the latest version of a record can be read."""

    source = "rules 3.4, 11.2 row 27"

    def __init__(self, asked: int, latest: int) -> None:
        """The version asked for and the only one that can be read."""
        super().__init__(asked, latest)
        self.asked, self.latest = asked, latest


class VersionConflict(Clash):
    """The caller's version of the record is not the latest."""

    source = "rules 3.4"

    def __init__(self, sent: int, latest: int) -> None:
        """The version the caller sent and the one that is stored."""
        super().__init__(sent, latest)
        self.sent, self.latest = sent, latest


class RecordLocked(Clash):
    """Another request or person is working on the record right now."""

    source = "rules 3.4"


class Unavailable(Broken):
    """A part that the service needs does not answer. `part` names it for the operator."""

    def __init__(self, part: str, retry_after_s: int = 5) -> None:
        """`retry_after_s` is how long a client should wait, in seconds."""
        super().__init__(part)
        self.part, self.retry_after_s = part, retry_after_s


class OutcomeUnknown(Unavailable):
    """A part failed during the last step of an act, and does not tell whether the step was carried out."""


class PasCall(StrEnum):
    """What a Patient Administration System is asked to do with a slot."""

    BOOK = "BOOK"
    CANCEL = "CANCEL"


class PasFailure(Broken):
    """A Patient Administration System did not do what it was asked. Source of the texts: rules 2.6."""

    source = "rules 7"
    status: ClassVar[str]

    def __init__(self, call: PasCall, slot: str, ubrn: str) -> None:
        """Which call failed, for which slot and referral."""
        super().__init__(call, slot, ubrn)
        self.call, self.slot, self.ubrn = call, slot, ubrn


class PasRespondedWithError(PasFailure):
    """It refused or failed; nothing was changed."""

    status = "ERROR"


class PasNotResponding(PasFailure):
    """It did not answer in time; what became of the request is not known yet."""

    status = "TIMED_OUT"


class PasRefused(Broken):
    """A PAS answered and did not do what it was asked. `reason` is for the log and holds nothing of a patient."""

    source = "rules 7"

    def __init__(self, reason: str, gone: bool = False) -> None:
        """`gone`: it says that the slot or appointment is not there, or not in a state to be booked or cancelled."""
        super().__init__(reason)
        self.reason, self.gone = reason, gone


class PasSilent(Broken):
    """A PAS did not answer, or not readably: what became of the call is unknown. `reason` is for the log."""

    source = "rules 7"

    def __init__(self, reason: str, sent: bool = True) -> None:
        """`sent`: the call may have reached the PAS; `False` only where it certainly has not."""
        super().__init__(reason)
        self.reason, self.sent = reason, sent
