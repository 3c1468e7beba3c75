"""The patient service search (A010): the request, and the list of services found.

A service's part of the reply is built once (`fragment`) and can be cached for each version of the service. The list
then only joins bytes. Source: rules chapters 4 (A010), 11.1 row 15 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from openers.domain.codes import RequestType, SortBy
from openers.domain.directory import AgeRange, LimitedWait, Service
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.principal import Principal
from openers.usecases.directory.search_services import SearchServices
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.criteria import read_criteria
from openers.wire.stu3.kinds import coding, identifier, resource
from openers.wire.stu3.parameters import Param, Parameters, one, optional
from openers.wire.stu3.systems import (
    DIRECTORY,
    ERS_SERVICE,
    NHS_NUMBER,
    ODS_CODE,
    SDS_USER,
    SPECIALTY,
    System,
    code_system,
    extension,
    identified,
    profile,
)

REQUEST_TYPE: Final = Param("requestType", coding(code_system("RequestType"), RequestType))
SORT_BY: Final = Param("sortBy", coding(code_system("SortBy"), SortBy))
PATIENT: Final = Param("patient", identifier(NHS_NUMBER, NhsNumber))
REFERRING_CLINICIAN: Final = Param("referringClinician", identifier(SDS_USER, UserId))
RULE_ORGANISATION: Final = Param("commissioningRuleOrganisation", identifier(ODS_CODE, OdsCode))
CRITERIA: Final = Param("searchCriteria", resource(read_criteria, "ServiceSearchCriteria"))

SEARCH_SERVICES: Final = Parameters(
    "PatientServiceSearch-Parameters",
    one(REQUEST_TYPE),
    one(SORT_BY),
    one(PATIENT),
    optional(REFERRING_CLINICIAN),
    optional(RULE_ORGANISATION),
    one(CRITERIA),
)
"""The parameters of A010."""

OLDEST_YEARS: Final = 150
"""Upper limit shown for a service without one, because the profile requires both ends of an age range."""
_WEBSITE: Final = "https://www.nhs.uk/service-search/other-services/chooseandbook?serviceId="


class Fragment(NamedTuple):
    """One entry of the list in bytes, split at the distance."""

    before: bytes
    after: bytes


def read_search_services(node: JsonValue, by: Principal) -> SearchServices:
    """Return the request that `by` sent. Raises the classes of `Unreadable`."""
    values = SEARCH_SERVICES.read(node)
    return SearchServices(
        by=by,
        request_type=values[REQUEST_TYPE],
        sort_by=values[SORT_BY],
        patient=values[PATIENT],
        criteria=values[CRITERIA],
        referring_clinician=values.get(REFERRING_CLINICIAN),
        rule_organisation=values.get(RULE_ORGANISATION),
    )


def write_services_found(found: Iterable[tuple[Fragment, float | None]]) -> bytes:
    """Return the services found, in order, each with its distance in whole miles; `None` if it is unknown."""
    entries = b",".join(
        fragment.before + fragment.after
        if miles is None
        else b'%b,{"url":"distance","valueUnsignedInt":%d}%b' % (fragment.before, round(miles), fragment.after)
        for fragment, miles in found
    )
    return b"%b%b%b" % (_HEAD, entries, b"]}" if entries else _NOTHING)


def fragment(service: Service, base: str) -> Fragment:
    """Return the entry of `service`, which is the same for every search."""
    prominent: JsonValue = {"url": "displayProminently", "valueBoolean": service.displayed_prominently}
    item: JsonValue = {
        "extension": [{"extension": _summary(service, base), "url": _SUMMARY}],
        "identifier": identified(ERS_SERVICE, service.id),
    }
    return Fragment(
        b'{"extension":[{"extension":[' + encode(prominent),
        b",%b%b%b}" % (encode(_appointment_wait(service)), _AFTER_WAIT, encode(item)),
    )


def _appointment_wait(service: Service) -> Json:
    """Return the wait for an appointment: days, or the reason for having no number."""
    url, wait = "indicativeAppointmentWaitTime", service.appointment_wait_days
    if isinstance(wait, LimitedWait):
        return _concept(url, code_system("IWT"), wait.value)
    return {"url": url, "valueUnsignedInt": wait}


def _summary(service: Service, base: str) -> list[JsonValue]:
    """Return the service summary view: required elements first, then the optional ones that the service has."""
    shown: list[JsonValue] = [
        {"url": "serviceName", "valueString": service.name},
        _concept("specialty", System(SPECIALTY.url(base)), service.specialty),
        _concept("genderTreated", code_system("GenderTreated"), service.gender),
    ]
    if service.ages != AgeRange():
        shown.append({"url": "ageTreated", "valueRange": _age_range(service.ages)})
    shown.append(_concept("bookableType", code_system("BookableType"), service.bookable))
    if service.appointment_type is not None:
        shown.append(_concept("supportedAppointmentType", code_system("AppointmentType"), service.appointment_type))
    location: JsonValue = {
        "identifier": identified(DIRECTORY, service.organisation),
        "display": service.location_name,
    }
    shown.append({"url": "referralLetterRequired", "valueBoolean": service.letter_required})
    shown.append({"url": "location", "valueReference": location})
    shown.append({"url": "linkToNHSWebsite", "valueString": f"{_WEBSITE}{service.id}"})
    shown += (_concept("supportedRequestFlowType", code_system("RequestFlowType"), flow) for flow in service.flows)
    return shown + _texts(service) + _support(service)


def _texts(service: Service) -> list[JsonValue]:
    """Return the optional texts that the service has."""
    texts = {
        "referrerAlert": service.referrer_alert,
        "exclusions": service.exclusions,
        "suggestedInvestigations": service.suggested_investigations,
        "conditionsTreated": service.conditions_treated,
    }
    return [{"url": url, "valueString": text} for url, text in texts.items() if text]


def _support(service: Service) -> list[JsonValue]:
    """Return the wait for treatment, or the alert that replaces it, and the support that the service can arrange."""
    shown: list[JsonValue] = []
    url = "indicativeTreatmentWaitTime"
    if service.low_capacity:
        shown.append(_concept(url, code_system("CapacityAlert"), "LOW"))
    elif service.treatment_wait_days is not None:
        shown.append({"url": url, "valueUnsignedInt": service.treatment_wait_days})
    support = code_system("AdditionalRequirementType")
    shown += (_concept("additionalRequirementSupported", support, each) for each in service.additional_requirements)
    return shown


def _age_range(ages: AgeRange) -> Json:
    """Return both ends of the age range in years."""
    lowest, highest = ages.lowest or 0, OLDEST_YEARS if ages.highest is None else ages.highest
    return {"low": {"value": lowest, "unit": "YEARS"}, "high": {"value": highest, "unit": "YEARS"}}


def _concept(url: str, system: System, code: str) -> Json:
    """Return an extension whose value is one code."""
    return {"url": url, "valueCodeableConcept": {"coding": [{"system": system.name, "code": code}]}}


_SUMMARY: Final = extension("ServiceSummaryView")
_AFTER_WAIT: Final = b'],"url":"%b"}],"item":' % extension("ServiceSearch-ListItem").encode()
_HEAD: Final = (
    b'{"meta":{"profile":["%b"]},"resourceType":"List","status":"current","mode":"snapshot","entry":['
    % profile("FetchServices-List").encode()
)
# As published, the code system is the URL of the value set, and the display is "no results" (rules 11.1 row 15).
_NOTHING: Final = (
    b'],"emptyReason":{"coding":[{"system":"http://hl7.org/fhir/ValueSet/list-empty-reason",'
    b'"code":"nilknown","display":"no results"}]}}'
)
