"""Search criteria: read from a search (A010) or a shortlist, and written into the shortlist of a referral.

Source: rules chapters 4 (A010) and 12. The published criteria have three oddities. Replies never show `organisation`.
`place` occurs only in published replies, so it is unknown here. A sent `commissioningProvisioning` is checked and
ignored, and only some operations show the value used in its place.
"""

from __future__ import annotations

from typing import Final

from openers.domain.codes import CommissioningProvisioning, Priority
from openers.domain.identifiers import OdsCode, Postcode, SnomedCode, UserId
from openers.domain.search import SearchCriteria
from openers.wire.json import Json, JsonValue
from openers.wire.stu3 import systems
from openers.wire.stu3.kinds import boolean, coding, identifier, open_coding, string, unsigned_int
from openers.wire.stu3.parameters import Param, Parameters, WrittenParam, one, optional

PRIORITY: Final = WrittenParam("priority", coding(systems.PRIORITY, Priority))
SPECIALTY: Final = WrittenParam("specialty", open_coding(systems.SPECIALTY, str))
CLINIC_TYPE: Final = WrittenParam("clinicType", open_coding(systems.code_system("ClinicType"), str))
WAIT_LIMIT: Final = WrittenParam("indicativeAppointmentWaitTimeLimit", unsigned_int())
POSTCODE: Final = WrittenParam("postcode", string(Postcode, 20))
DISTANCE_LIMIT: Final = WrittenParam("distanceLimit", unsigned_int())
CLINICAL_TERM: Final = WrittenParam("clinicalTerm", open_coding(systems.SNOMED, SnomedCode))
NAMED_CLINICIAN: Final = WrittenParam("namedClinician", identifier(systems.SDS_USER, UserId))
APPROPRIATE: Final = WrittenParam("ageAndGenderAppropriate", boolean())
PROVISIONING: Final = WrittenParam(
    "commissioningProvisioning", coding(systems.code_system("CommissioningProvisioning"), CommissioningProvisioning)
)
ORGANISATION: Final = Param("organisation", identifier(systems.DIRECTORY, OdsCode))

SEARCH_CRITERIA: Final = Parameters(
    "ServiceSearchCriteria-Parameters",
    one(PRIORITY),
    optional(SPECIALTY),
    optional(CLINIC_TYPE),
    optional(WAIT_LIMIT),
    optional(POSTCODE),
    optional(DISTANCE_LIMIT),
    optional(CLINICAL_TERM),
    optional(NAMED_CLINICIAN),
    one(APPROPRIATE),
    optional(PROVISIONING),
    optional(ORGANISATION),
)
"""The parameters of a search's criteria."""

_META: Final[Json] = {"profile": [SEARCH_CRITERIA.profile]}


def read_criteria(node: JsonValue, path: str) -> SearchCriteria:
    """Return the criteria in `node`. Raises the classes of `Unreadable`."""
    values = SEARCH_CRITERIA.read(node, path)
    return SearchCriteria(
        priority=values[PRIORITY],
        age_and_gender_appropriate=values[APPROPRIATE],
        specialty=values.get(SPECIALTY),
        clinic_type=values.get(CLINIC_TYPE),
        clinical_term=values.get(CLINICAL_TERM),
        named_clinician=values.get(NAMED_CLINICIAN),
        organisation=values.get(ORGANISATION),
        wait_limit_days=values.get(WAIT_LIMIT),
        postcode=values.get(POSTCODE),
        distance_limit_miles=values.get(DISTANCE_LIMIT),
    )


def criteria_of(criteria: SearchCriteria, base: str, *, provisioning: bool) -> Json:
    """Return the criteria as a contained resource, in published order.

    `provisioning` adds `commissioningProvisioning`.
    """
    shown: list[JsonValue] = [
        *PRIORITY.shown(criteria.priority, base),
        *SPECIALTY.shown(criteria.specialty, base),
        *CLINIC_TYPE.shown(criteria.clinic_type, base),
        *WAIT_LIMIT.shown(criteria.wait_limit_days, base),
        *POSTCODE.shown(criteria.postcode, base),
        *DISTANCE_LIMIT.shown(criteria.distance_limit_miles, base),
        *CLINICAL_TERM.shown(criteria.clinical_term, base),
        *NAMED_CLINICIAN.shown(criteria.named_clinician, base),
        *APPROPRIATE.shown(criteria.age_and_gender_appropriate, base),
        *PROVISIONING.shown(criteria.provisioning if provisioning else None, base),
    ]
    return {
        "id": "serviceSearchCriteria",
        "meta": _META,
        "resourceType": "Parameters",
        "parameter": shown,
    }
