"""All errors of the service as one tree. Each class is one reason.

    OpenersError
      Refused      the caller must change something
        FieldRefused   one field of the request is wrong
          (rules 2.7, one class for each code: MissingValue, InvalidCode, DuplicateService, ...)
        NotFound  NoRelationship  PatientError  HistoryNotSupported ...
      Conflict     another caller changed the record first: read again and retry
        VersionConflict  RecordLocked
      Failure      the service or a system that it depends on failed: retry later
        Unavailable (with OutcomeUnknown and NeighbourSilent)  PasRespondedWithError  PasNotResponding
        PasRefused  PasSilent (raised by the PAS connector; callers never see them)

The core raises these errors and does not know HTTP: `openers.wire.outcome` maps every class to a status and a code. A
refusal names the `field` (an enum here, which the wire labels and locates) and the refused `value`; `hint` says how to
correct it. Code that logs a refusal masks patients' identifiers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from openers.domain.fields import Field


class OpenersError(Exception):
    """The root of all errors. `source` cites the rule (chapter of the rules, or a published page)."""

    source: ClassVar[str] = "rules 2.7"


class Refused(OpenersError):
    """The caller must change something before trying again."""


class Conflict(OpenersError):
    """Another caller changed the record first; reading it again and retrying may succeed."""


class Failure(OpenersError):
    """The service or a system that it depends on failed; a later retry may succeed."""


class FieldRefused(Refused):
    """A field of the request breaks a rule. `hint` completes the sentence that names the field and its value."""

    def __init__(
        self, field: Field, value: str | int | bool | None = None, hint: str = "", index: int | None = None
    ) -> None:
        """Store the field, the value and the hint; `index` is the position of a list entry, counted from 0."""
        super().__init__(field, value, hint)
        self.field, self.value, self.hint, self.index = field, value, hint, index


class ReferenceNotFound(FieldRefused):
    """The request refers to a patient, clinician, organisation, service or file that does not exist."""


class InvalidValue(FieldRefused):
    """The value has the wrong type, length or format."""


class InvalidCode(FieldRefused):
    """The value is not one of the permitted codes."""


class MissingValue(FieldRefused):
    """A field that the endpoint always requires is missing."""


class ValueIsRequired(FieldRefused):
    """A rule makes the field mandatory in this situation."""


class FieldNotPermitted(FieldRefused):
    """A rule forbids the field in this situation."""


class InappropriateValue(FieldRefused):
    """The value is permitted elsewhere, but not in combination with the rest of the request."""


class TooManyItems(FieldRefused):
    """A list has more entries than its maximum."""


class DuplicateService(FieldRefused):
    """A shortlist names a service twice."""


class ShortlistedServiceNotInResults(FieldRefused):
    """A shortlisted service does not match the criteria sent with the shortlist."""


class ReferencedUserIsNotSpc(FieldRefused):
    """The named clinician is not a service provider clinician."""


class ReferencedUserIsNotActive(FieldRefused):
    """The user is not active any more."""


class ReferencedUserNotInOrg(FieldRefused):
    """The user has no role at the given organisation."""


class ReferencedUserIsNotRc(FieldRefused):
    """The user is not a referring clinician at any organisation."""


class ReferencedUserIsNotRcAtOrg(FieldRefused):
    """The user is not a referring clinician at the caller's organisation."""


class OrganisationIsClosed(FieldRefused):
    """The organisation has closed."""


class OrganisationNotAppropriate(FieldRefused):
    """The organisation is of a kind that is not permitted here."""


class NoRegGpPractice(FieldRefused):
    """The patient has no registered GP practice."""


class SnomedNotFound(FieldRefused):
    """The clinical term is not in the service's dictionary."""


class PatientError(FieldRefused):
    """The patient's record cannot be used (sensitive, or not retrievable). The reply gives no detail; do not retry."""


class InvalidRequestState(FieldRefused):
    """The state of the request does not allow the act."""

    source = "rules 3.1"


class InvalidRequestType(FieldRefused):
    """The UBRN belongs to another type of request, or to a request that is not active any more."""

    source = "rules 4 (A028, A031)"


class UnsupportedPriority(FieldRefused):
    """The service does not accept requests of this priority."""


class PriorityNotCurrent(FieldRefused):
    """A request to return a referral with advice gives a priority other than the referral's."""

    source = "rules 4 (A028)"


class OldVersion(FieldRefused):
    """A search names a version of a record that is not the latest."""

    source = "rules 3.4, 4 (A029)"


class InvalidState(FieldRefused):
    """The state of a referenced item, such as a service, does not allow the act."""


class ServiceUnavailable(FieldRefused):
    """The service is not published any more."""


class InappropriateSlot(FieldRefused):
    """The slot does not match the request."""


class SlotNotAvailable(FieldRefused):
    """The slot is not available any more."""


class SlotsCurrentlyAvailable(FieldRefused):
    """A deferral is refused because the service has free slots."""


class ThisSlotIsAvailable(FieldRefused):
    """A deferral is refused because the named slot is free."""


class UnableToConfirmAppointment(FieldRefused):
    """The booking could not be confirmed because of an unexpected event."""


class UnableToCancelAppointment(FieldRefused):
    """The cancellation could not be confirmed because of an unexpected event."""


class ConflictingValues(FieldRefused):
    """Two values of the request contradict each other."""


class FileSizeError(FieldRefused):
    """A file is empty, or larger than the operation accepts or returns."""


class DuplicateFilename(FieldRefused):
    """A file has the same name as another file that the request has or attaches."""


class NoChangesDetected(FieldRefused):
    """The request would change nothing."""


class FilePending(FieldRefused):
    """A file has not been scanned yet; retry in a few minutes."""

    source = "rules 6"


class ThreatsFound(FieldRefused):
    """A file is in quarantine because a threat was found in it."""

    source = "rules 6"


class ValidationFailed(FieldRefused):
    """The content of a file does not match its name and type."""

    source = "rules 6"


class NoAccessCode(FieldRefused):
    """The patient has no access code."""


class MissingHeader(FieldRefused):
    """A header that is always required is missing."""


class MissingParameter(FieldRefused):
    """A search parameter that is always required is missing."""


class DailyLimitReached(FieldRefused):
    """An application has used up its calls for today."""

    source = "rules 2.2, 4 (A008)"

    def __init__(self, field: Field, value: str, hint: str = "", retry_after_s: int = 86_400) -> None:
        """Store the field and its value; `retry_after_s` is the time until the day ends, in seconds."""
        super().__init__(field, value, hint)
        self.retry_after_s = retry_after_s


class NoRelationship(Refused):
    """The record exists and the caller has no legitimate relationship to it."""

    source = "rules 1.3"


class NotFound(Refused):
    """No such record exists."""

    source = "rules 2.6"

    def __init__(self, field: Field, value: str) -> None:
        """Store the type of record and the key that was searched for."""
        super().__init__(field, value)
        self.field, self.value = field, value


class HistoryNotSupported(Refused):
    """The request names an older version of a record; only the latest can be read."""

    source = "rules 3.4, 11.2 row 27"

    def __init__(self, asked: int, latest: int) -> None:
        """Store the requested version and the latest one."""
        super().__init__(asked, latest)
        self.asked, self.latest = asked, latest


class VersionConflict(Conflict):
    """The caller's version of the record is not the latest."""

    source = "rules 3.4"

    def __init__(self, sent: int, latest: int) -> None:
        """Store the version that the caller sent and the latest one."""
        super().__init__(sent, latest)
        self.sent, self.latest = sent, latest


class RecordLocked(Conflict):
    """Another request or person is changing the record at the moment."""

    source = "rules 3.4"


class Unavailable(Failure):
    """A required part of the service is not available. `part` names it for the operator."""

    def __init__(self, part: str, retry_after_s: int = 5) -> None:
        """Store the part; `retry_after_s` is how long a client should wait, in seconds."""
        super().__init__(part)
        self.part, self.retry_after_s = part, retry_after_s


class NeighbourSilent(Unavailable):
    """A national service that is needed for this call, named by `part`, gave no usable reply. `reason` is for logs."""

    def __init__(self, part: str, reason: str, retry_after_s: int = 5) -> None:
        """Store the service's name and the reason, which contains no patient data."""
        super().__init__(part, retry_after_s)
        self.reason = reason


class OutcomeUnknown(Unavailable):
    """A part failed during the last step of an act, and it is unknown whether the step was carried out."""


class PasCall(StrEnum):
    """A call to a Patient Administration System (PAS) about a slot."""

    BOOK = "BOOK"
    CANCEL = "CANCEL"


class PasFailure(Failure):
    """A Patient Administration System (PAS) did not carry out a call. Source of the texts: rules 2.6."""

    source = "rules 7"
    status: ClassVar[str]

    def __init__(self, call: PasCall, slot: str, ubrn: str) -> None:
        """Store the call, its slot and its referral."""
        super().__init__(call, slot, ubrn)
        self.call, self.slot, self.ubrn = call, slot, ubrn


class PasRespondedWithError(PasFailure):
    """The PAS refused or failed; nothing was changed."""

    status = "ERROR"


class PasNotResponding(PasFailure):
    """The PAS did not answer in time; the outcome of the call is not known yet."""

    status = "TIMED_OUT"


class PasRefused(Failure):
    """A PAS answered but did not carry out the call. `reason` is for the log and contains no patient data."""

    source = "rules 7"

    def __init__(self, reason: str, gone: bool = False) -> None:
        """Store the reason.

        `gone`: the slot or appointment does not exist, or cannot be booked or cancelled any more.
        """
        super().__init__(reason)
        self.reason, self.gone = reason, gone


class PasSilent(Failure):
    """A PAS sent no answer, or an unreadable one, so the outcome is unknown. `reason` is for the log."""

    source = "rules 7"

    def __init__(self, reason: str, sent: bool = True) -> None:
        """Store the reason. `sent`: the call may have reached the PAS; `False` only if it certainly has not."""
        super().__init__(reason)
        self.reason, self.sent = reason, sent
