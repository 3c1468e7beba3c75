"""A referral in FHIR: ReferralRequest, with shortlist, criteria and appointment contained.

Written for A005, A011, A021 and every act on a referral. Source: rules chapters 3, 4 (A005) and 12 (A.3).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openers.domain.appointment import ReviewCause, Specialty
from openers.domain.codes import AdditionalRequirement, Priority
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.booking.appointment import appointment_of, contained_appointment, reason_of
from openers.wire.stu3.criteria import criteria_of
from openers.wire.stu3.document_reference import documents_of, references_to
from openers.wire.stu3.shortlist import shortlist_of
from openers.wire.stu3.systems import (
    NHS_NUMBER,
    ODS_CODE,
    PRIORITY,
    REQUEST_ID,
    SPECIALTY,
    code_system,
    coded,
    extension,
    identified,
    profile,
)

PRIORITY_DISPLAYS: Final[dict[Priority, str]] = {
    Priority.ROUTINE: "Routine",
    Priority.URGENT: "Urgent",
    Priority.TWO_WEEK_WAIT: "2 Week Wait",
}
"""The display text of each priority in resources; the code system's own display texts differ (rules 5.1)."""
STATE_DISPLAYS: Final[dict[ReferralState, str]] = {
    ReferralState.NOT_BOOKED: "Not Booked",
    ReferralState.AWAITING_TRIAGE: "Awaiting Triage",
    ReferralState.DEFERRED_TO_PROVIDER: "Deferred To Provider",
    ReferralState.BOOKED: "Booked",
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: "Triaged - Provider To Action",
    ReferralState.TRIAGE_RESPONSE: "Triage Response",
    ReferralState.REJECTED: "Rejected",
    ReferralState.APPT_CANCELLED_BY_PATIENT: "Appointment Cancelled By Patient",
    ReferralState.APPT_CANCELLED_BY_PROVIDER: "Appointment Cancelled By Provider",
    ReferralState.DID_NOT_ATTEND: "Did Not Attend",
    ReferralState.ASSESSMENT_RESULT: "Assessment Result",
    ReferralState.CANCELLED_REFERRAL: "Cancelled Referral",
}
"""The display text of each state."""
STATES_WITH_REASON: Final = frozenset(ReferralState) - {ReferralState.NOT_BOOKED, ReferralState.BOOKED}
"""States that show their reason; the others do not, even if their appointment has one (rules 3.1)."""

_PROFILE: Final[JsonValue] = [profile("ReferralRequest")]
_STATE: Final = code_system("ReferralState")
_TO_APPOINTMENT: Final = extension("Appointment")
_APPOINTMENT_ADDRESS: Final = extension("Appointment-Reference")
_FIRST_SUBMITTED: Final = extension("ClinicalInfoFirstSubmitted")
_LAST_UPDATED: Final = extension("ClinicalInfoLastUpdated")
_PATHWAY_START: Final = extension("eReferralPathwayStart")
_REFERRAL_STATE: Final = extension("ReferralState")
_RULE_ORGANISATION: Final = extension("Commissioning-Rule-Org")
_REFERRAL_PRIORITY: Final = extension("ReferralPriority")
_REQUIREMENT: Final = extension("PatientAdditionalRequirement")
_REQUIREMENTS: Final = code_system("AdditionalRequirementType")
_TO_SHORTLIST: Final[Json] = {"url": extension("ReferralShortlist"), "valueReference": {"reference": "#shortlist"}}


class View(NamedTuple):
    """Published differences between operations: whether they show `commissioningProvisioning` and the pathway start."""

    provisioning: bool = False
    pathway_start: bool = True


AS_READ: Final = View()
"""The view of A005, and of acts that do not change the shortlist."""
AS_SHORTLISTED: Final = View(provisioning=True)
"""The view of acts that set the shortlist: A011, A021, A031, A032."""
AS_CANCELLED: Final = View(provisioning=True, pathway_start=False)
"""The view of A036."""


def write_referral(stored: Stored[Referral], base: str) -> bytes:
    """Return the stored referral as JSON in the view of A005, for the service at `base`."""
    return encode(referral_of(stored, base))


def write_shortlisted(stored: Stored[Referral], base: str) -> bytes:
    """Return the stored referral as JSON after its shortlist was set."""
    return encode(referral_of(stored, base, AS_SHORTLISTED))


def referral_of(stored: Stored[Referral], base: str, view: View = AS_READ) -> Json:
    """Return the stored referral as values, for replies that contain more resources."""
    referral, version = stored.value, str(stored.version)
    shortlist = referral.shortlist
    contained: list[JsonValue] = [
        criteria_of(shortlist.criteria, base, provisioning=view.provisioning),
        shortlist_of(shortlist),
    ]
    if referral.appointment is not None:
        contained.append(contained_appointment(referral.appointment, stored, base))
    contained += documents_of(referral.attachments)
    shown: Json = {
        "id": referral.ubrn,
        "meta": {"versionId": version, "profile": _PROFILE},
        "resourceType": "ReferralRequest",
        "extension": _extensions(referral, base, view),
        "contained": contained,
        "status": "active" if referral.is_active else "cancelled",
    }
    if referral.shown_specialty is not None:
        shown["specialty"] = _specialty(referral.shown_specialty, base)
    shown["subject"] = {"identifier": identified(NHS_NUMBER, referral.patient)}
    shown["supportingInfo"] = _supporting_information(referral)
    shown["intent"] = "plan"
    shown["identifier"] = [identified(REQUEST_ID, referral.request_id)]
    return shown


def write_sent_for_triage(stored: Stored[Referral], base: str) -> bytes:
    """Return the reply of A032: the referral with its new appointment, and that appointment separately."""
    referral = referral_of(stored, base, AS_SHORTLISTED)
    parts = {"updatedReferralRequest": referral, "createdAppointment": appointment_of(stored, base)}
    return _parameters("ChangeShortlistAndSendForTriage-Response-Parameters", parts)


def write_cancelled(stored: Stored[Referral], base: str) -> bytes:
    """Return the reply of A036: the referral, and the appointment if it was cancelled too."""
    parts = {"updatedReferralRequest": referral_of(stored, base, AS_CANCELLED)}
    cancellation = stored.value.cancellation
    if cancellation is not None and cancellation.with_booking:
        parts["updatedAppointment"] = appointment_of(stored, base)
    return _parameters("CancelReferral-Response-Parameters", parts)


def _parameters(of_profile: str, parts: dict[str, Json]) -> bytes:
    """Return several resources in one reply, each with its name."""
    parameters: list[JsonValue] = [{"name": name, "resource": resource} for name, resource in parts.items()]
    meta: Json = {"profile": [profile(of_profile)]}
    return encode({"meta": meta, "resourceType": "Parameters", "parameter": parameters})


def _extensions(referral: Referral, base: str, view: View) -> list[JsonValue]:
    """Return the values for which FHIR has no element.

    As published, the pathway start comes before the priority only if appointment or clinical information precede them.
    """
    priority: JsonValue = {
        "url": _REFERRAL_PRIORITY,
        "valueCodeableConcept": {"coding": [coded(PRIORITY, referral.priority, PRIORITY_DISPLAYS[referral.priority])]},
    }
    begun: list[JsonValue] = []
    if view.pathway_start and referral.pathway_start is not None:
        begun.append({"url": _PATHWAY_START, "valueInstant": write_instant(referral.pathway_start)})
    before = [*_appointment(referral), *_clinical_information(referral)]
    first: list[JsonValue] = [*before, *begun, priority] if before else [priority, *begun]
    organisation: JsonValue = identified(ODS_CODE, referral.commissioning_organisation)
    return [
        *first,
        _TO_SHORTLIST,
        {"url": _RULE_ORGANISATION, "valueIdentifier": organisation},
        {"url": _REFERRAL_STATE, "extension": _state(referral, base)},
        *({"url": _REQUIREMENT, "valueCoding": _requirement(each)} for each in referral.additional_requirements),
    ]


def _appointment(referral: Referral) -> list[JsonValue]:
    """Return the references to the contained appointment and to its address."""
    if referral.appointment is None:
        return []
    return [
        {"url": _TO_APPOINTMENT, "valueReference": {"reference": "#appointment"}},
        {"url": _APPOINTMENT_ADDRESS, "valueReference": {"reference": f"Appointment/{referral.appointment.id}"}},
    ]


def _clinical_information(referral: Referral) -> list[JsonValue]:
    """Return when the letter was first added and, if it changed, when it last changed."""
    told = referral.clinical_information
    moments = ((_FIRST_SUBMITTED, told.first_submitted), (_LAST_UPDATED, told.last_updated))
    return [{"url": url, "valueDateTime": write_instant(at)} for url, at in moments if at is not None]


def _state(referral: Referral, base: str) -> list[JsonValue]:
    """Return the state, and its reason if it has one. The comment follows the reason, except for deferrals."""
    state: JsonValue = coded(_STATE, referral.state, STATE_DISPLAYS[referral.state])
    shown: list[JsonValue] = [{"url": "state", "valueCoding": state}]
    reason = referral.state_reason
    if reason is None or referral.state not in STATES_WITH_REASON:
        return shown
    shown.append({"url": "reason", "valueCoding": reason_of(reason, base)})
    if not isinstance(reason, ReviewCause) and referral.state_comment is not None:
        shown.append({"url": "comments", "valueString": referral.state_comment})
    return shown


def _requirement(requirement: AdditionalRequirement) -> Json:
    """Return the coding of one need of the patient for a visit."""
    return coded(_REQUIREMENTS, requirement, requirement.capitalize())


def _supporting_information(referral: Referral) -> list[JsonValue]:
    """Return references to the files, the converted request for advice, and related referrals."""
    converted = (f"CommunicationRequest/{referral.ubrn}",) if referral.from_advice else ()
    others = (*converted, *(f"ReferralRequest/{ubrn}" for ubrn in referral.related))
    return [*references_to(referral.attachments), *({"reference": each} for each in others)]


def _specialty(specialty: Specialty, base: str) -> Json:
    """Return the specialty of the service that holds or held the referral."""
    return {"coding": [{"system": SPECIALTY.url(base), "code": specialty.code, "display": specialty.name}]}
