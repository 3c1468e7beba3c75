"""Search criteria and shortlists, and the requests that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from openers_client import fhir
from openers_client.fhir import Json
from openers_client.requests.attachments import Attachment, documents

LETTER_LATER: Final = "NEED_TO_ADD_LATER"
NO_LETTER: Final = "NOT_INTENDING_TO_ADD"


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What a service must suit. Needs a specialty with a clinic type, a clinical term or a named clinician.

    `distance_limit_miles` needs a postcode; `wait_limit_days` cannot go with TWO_WEEK_WAIT.
    """

    priority: str = "ROUTINE"
    specialty: str | None = None
    clinic_type: str | None = None
    clinical_term: str | None = None
    named_clinician: str | None = None
    organisation: str | None = None
    postcode: str | None = None
    distance_limit_miles: int | None = None
    wait_limit_days: int | None = None
    age_and_gender_appropriate: bool = True

    def resource(self) -> Json:
        """Return the criteria as a contained resource."""
        coded = [
            fhir.static("priority", self.priority, "Priority"),
            *(fhir.dynamic("specialty", each, "SPECIALTY") for each in _given(self.specialty)),
            *(fhir.static("clinicType", each, "ClinicType") for each in _given(self.clinic_type)),
            *(_term(each) for each in _given(self.clinical_term)),
            *(fhir.identified("namedClinician", fhir.SDS_USER, each) for each in _given(self.named_clinician)),
            *(fhir.identified("organisation", fhir.DIRECTORY, each) for each in _given(self.organisation)),
        ]
        limits = fhir.given(
            "UnsignedInt",
            indicativeAppointmentWaitTimeLimit=self.wait_limit_days,
            distanceLimit=self.distance_limit_miles,
        )
        place = fhir.given("String", postcode=self.postcode)
        suits = fhir.given("Boolean", ageAndGenderAppropriate=self.age_and_gender_appropriate)
        return {**fhir.parameters("ServiceSearchCriteria", [*coded, *limits, *place, *suits]), "id": "criteria"}


@dataclass(frozen=True)
class Shortlist:
    """The chosen services, and the criteria with which they were found."""

    services: Sequence[str]
    criteria: Criteria

    def parameter(self) -> Json:
        """Return the shortlist as a parameter."""
        pointer = {"url": f"{fhir.PROFILES}Extension-eRS-Shortlist-SearchCriteria-1"}
        resource: Json = {
            "resourceType": "List",
            "meta": {"profile": [f"{fhir.PROFILES}eRS-Shortlist-List-1"]},
            "status": "current",
            "mode": "snapshot",
            "contained": [self.criteria.resource()],
            "extension": [{**pointer, "valueReference": {"reference": "#criteria"}}],
            "entry": [{"item": {"identifier": {"system": fhir.ERS_SERVICE, "value": each}}} for each in self.services],
        }
        return {"name": "shortlist", "resource": resource}


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for services that suit a patient (A010).

    `request_type` is APPOINTMENT_REQUEST or ADVICE_AND_GUIDANCE_REQUEST, `sort_by` DISTANCE or IWT (the wait).
    An administrator names the `referring_clinician` for whom they work.
    """

    patient: str
    criteria: Criteria
    request_type: str = "APPOINTMENT_REQUEST"
    sort_by: str = "DISTANCE"
    referring_clinician: str | None = None
    rule_organisation: str | None = None

    def body(self) -> Json:
        """Return the request body."""
        listed = [
            fhir.static("requestType", self.request_type, "RequestType"),
            fhir.static("sortBy", self.sort_by, "SortBy"),
            *_people(self.patient, self.referring_clinician),
            *(
                fhir.identified("commissioningRuleOrganisation", fhir.ODS_CODE, each)
                for each in _given(self.rule_organisation)
            ),
            {"name": "searchCriteria", "resource": self.criteria.resource()},
        ]
        return fhir.parameters("PatientServiceSearch", listed)


@dataclass(frozen=True, kw_only=True)
class NewReferral:
    """A referral to create (A011, A021).

    `letter` is NEED_TO_ADD_LATER or NOT_INTENDING_TO_ADD. `reminder_days` is the time after which the patient is first
    reminded to book. An administrator names the `referring_clinician` for whom they work. `pathway_start` is an instant
    in ISO 8601, if the pathway began before.
    """

    patient: str
    shortlist: Shortlist
    letter: str = LETTER_LATER
    reminder_days: int = 0
    referring_clinician: str | None = None
    pathway_start: str | None = None

    def body(self, profile: str = "CreateReferral") -> Json:
        """Return the request body; `profile` names the operation's."""
        start = fhir.given("Instant", eReferralPathwayStart=self.pathway_start)
        people = _people(self.patient, self.referring_clinician)
        intent = intentions(self.letter, self.reminder_days)
        return fhir.parameters(profile, [*people, *intent, *start, self.shortlist.parameter()])


@dataclass(frozen=True, kw_only=True)
class NewShortlist:
    """A shortlist that replaces the one of a referral (A031, A032)."""

    shortlist: Shortlist
    letter: str = LETTER_LATER
    reminder_days: int = 0

    def body(self, profile: str) -> Json:
        """Return the request body; `profile` names the operation's."""
        return fhir.parameters(profile, [*intentions(self.letter, self.reminder_days), self.shortlist.parameter()])


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request for advice (A044). `may_convert` allows the provider to make it a referral."""

    patient: str
    shortlist: Shortlist
    text: str
    may_convert: bool = False
    referring_clinician: str | None = None
    files: Sequence[Attachment] = ()

    def body(self) -> Json:
        """Return the request body."""
        allowed = "AUTHORISED_TO_CONVERT" if self.may_convert else "NOT_AUTHORISED_TO_CONVERT"
        listed = [
            *_people(self.patient, self.referring_clinician),
            fhir.static("providerConversionAuthorisation", allowed, "ProviderConversionAuthorisation"),
            self.shortlist.parameter(),
            *fhir.given("String", request=self.text),
            *documents("requestAttachmentFile", self.files, "ADVICE_REQUEST"),
        ]
        return fhir.parameters("CreateAdviceAndGuidance-Request", listed)


def intentions(letter: str, reminder_days: int) -> list[Json]:
    """Return the parameters on the letter and the reminder."""
    coded = fhir.static("intentionToAddReferralLetter", letter, "ReferralLetterIntention")
    return [coded, *fhir.given("UnsignedInt", firstReminderLetterFollowUpDays=reminder_days)]


def _people(patient: str, clinician: str | None) -> list[Json]:
    named = [fhir.identified("referringClinician", fhir.SDS_USER, each) for each in _given(clinician)]
    return [fhir.identified("patient", fhir.NHS_NUMBER, patient), *named]


def _term(concept: str) -> Json:
    return {"name": "clinicalTerm", "valueCoding": {"system": fhir.SNOMED, "code": concept}}


def _given(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
