"""Service search of the alpha API (A009, A010) and the referral made from it (A011).

Their JSON is not valid FHIR: parameters are texts, and an empty text means not given. Source: ADR 0073.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from openers.domain.codes import CommissioningProvisioning, LetterIntention, Priority, RequestFlow, RequestType, SortBy
from openers.domain.directory import LimitedWait, Service
from openers.domain.identifiers import NhsNumber, OdsCode, Postcode, ServiceId, SnomedCode, UserId
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria
from openers.usecases.directory.search_directory import SearchDirectory
from openers.usecases.directory.search_services import SearchServices, ServiceFound
from openers.usecases.referring.create_referral import CreateReferral
from openers.wire.dstu2.parameters import Sent
from openers.wire.dstu2.systems import NHS_NUMBER, PRIORITY, SDS_USER, SITE, SPECIALTY, extension, value_set
from openers.wire.json import BadCode, BadStructure, BadValue, Json, JsonValue, MissingField, array, encode, join

CodeT = TypeVar("CodeT")
_PRIORITIES: Final = {"2WW": Priority.TWO_WEEK_WAIT}
"""Another code of the time."""
_POSTCODES: Final = ("patientPostcode", "professionalPostcode")
_BOTH: Final = frozenset(
    {
        "commissioningProvisioning",
        "specialty",
        "clinicType",
        "priority",
        "clinicalTerm",
        "namedClinicianId",
        "organisationCode",
        "indicativeWaitTime",
        "distanceLimit",
        "sortBy",
        *_POSTCODES,
    }
)
OF_DIRECTORY: Final = _BOTH
"""The parameters of A009."""
OF_PATIENT: Final = _BOTH | {"patientNhsNumber", "requestType", "referringClinicianId"}
"""The parameters of A010, and the criteria of A011."""
_SERVICE: Final = extension("healthcareService-1-0")
_REMINDER_DAYS: Final = 14
_FLOWS: Final = {
    RequestFlow.APPOINTMENT_REQUEST: "APPOINTMENT",
    RequestFlow.TRIAGE_REQUEST: "TRIAGE",
    RequestFlow.ADVICE_AND_GUIDANCE_REQUEST: "ADVICE",
}
_REQUESTS: Final = {
    "APPOINTMENT_REQUEST": RequestType.APPOINTMENT_REQUEST,
    "ADVICE_REQUEST": RequestType.ADVICE_AND_GUIDANCE_REQUEST,
    "ADVICE_AND_GUIDANCE_REQUEST": RequestType.ADVICE_AND_GUIDANCE_REQUEST,
}
_SORTED: Final = {"DISTANCE": SortBy.DISTANCE, "IWT": SortBy.IWT, "INDICATIVE_WAIT_TIME": SortBy.IWT}
_FIELDS: Final = frozenset(
    {
        "alertedToLimitedCapacity",
        "clinicalInformationIntent",
        "contentSensitive",
        "firstReminderFollowUpDays",
        "referrerRightOverrideComment",
    }
)
"""The values of a new referral. The first, third and last have no effect."""
_MOST_REMINDER_DAYS: Final = 365


def read_search(body: Json, by: Principal) -> SearchServices:
    """Return the request of A010. Raises the classes of `Unreadable`."""
    sent = Sent(body, OF_PATIENT)
    return SearchServices(
        by=by,
        request_type=_request_type(sent),
        sort_by=_sort(sent),
        patient=_patient(sent),
        criteria=_criteria(sent),
        referring_clinician=sent.identifier("referringClinicianId", SDS_USER, UserId),
    )


def read_directory_search(body: Json) -> SearchDirectory:
    """Return the request of A009. Raises the classes of `Unreadable`."""
    sent = Sent(body, OF_DIRECTORY)
    return SearchDirectory(sort_by=_sort(sent), criteria=_criteria(sent, appropriate=False))


def read_create_referral(body: Json, by: Principal) -> CreateReferral:
    """Return the request of A011. Raises the classes of `Unreadable`."""
    criteria = body.get("searchCriteria")
    if not isinstance(criteria, dict):
        raise MissingField("", "searchCriteria", "is missing: send the parameters of A010.")
    sent = Sent(criteria, OF_PATIENT, "searchCriteria/parameter")
    told = _fields(body.get("extension", []))
    letter = told.get("clinicalInformationIntent", True)
    days = told.get("firstReminderFollowUpDays", _REMINDER_DAYS)
    if not isinstance(letter, bool):
        raise BadValue("extension/clinicalInformationIntent", None, "must be true or false")
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= _MOST_REMINDER_DAYS:
        raise BadValue("extension/firstReminderFollowUpDays", None, f"must be from 0 to {_MOST_REMINDER_DAYS}")
    return CreateReferral(
        by=by,
        patient=_patient(sent),
        criteria=_criteria(sent),
        services=_shortlist(body.get("shortlist")),
        letter_intention=LetterIntention.NEED_TO_ADD_LATER if letter else LetterIntention.NOT_INTENDING_TO_ADD,
        reminder_days=days,
        referring_clinician=sent.identifier("referringClinicianId", SDS_USER, UserId),
    )


def write_found(found: Sequence[ServiceFound], *, names_clinicians: bool) -> bytes:
    """Return the services found as a Bundle, which contains their sites."""
    sites = {each.service.value.site: str(at) for at, each in reversed(list(enumerate(found, 1)))}
    services = {each.service.value.site: each.service.value for each in reversed(found)}
    shown: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "contained": [_site(services[site], key) for site, key in sites.items()],
        "entry": [
            {"resource": _service(each, sites[each.service.value.site], names_clinicians=names_clinicians)}
            for each in found
        ],
    }
    return encode(shown if found else {"resourceType": "Bundle", "type": "searchset", "total": 0})


def _criteria(sent: Sent, *, appropriate: bool = True) -> SearchCriteria:
    sent.one_of("commissioningProvisioning", value_set("commissioningprovisioning"), CommissioningProvisioning)
    priority = sent.code("priority", PRIORITY)
    if priority is None:
        raise MissingField("parameter", "priority", "is missing: send ROUTINE, URGENT or TWO_WEEK_WAIT.")
    known = {**{str(each): each for each in Priority}, **_PRIORITIES}
    return SearchCriteria(
        priority=_chosen("priority", priority, known),
        age_and_gender_appropriate=appropriate,
        specialty=sent.code("specialty", SPECIALTY),
        clinic_type=sent.code("clinicType", value_set("clinictype")),
        clinical_term=sent.identifier("clinicalTerm", "http://snomed.info/sct", SnomedCode),
        named_clinician=sent.identifier("namedClinicianId", SDS_USER, UserId),
        organisation=sent.identifier("organisationCode", SITE, OdsCode),
        wait_limit_days=sent.number("indicativeWaitTime"),
        postcode=_postcode(sent),
        distance_limit_miles=sent.number("distanceLimit"),
    )


def _postcode(sent: Sent) -> Postcode | None:
    """Return the postcode, under either name."""
    name = next((each for each in _POSTCODES if sent.has(each)), None)
    return None if name is None else sent.identifier(name, "", Postcode)


def _request_type(sent: Sent) -> RequestType:
    text = sent.text("requestType")
    return RequestType.APPOINTMENT_REQUEST if text is None else _chosen("requestType", text, _REQUESTS)


def _sort(sent: Sent) -> SortBy:
    text = sent.text("sortBy")
    return SortBy.DISTANCE if text is None else _chosen("sortBy", text, _SORTED)


def _chosen(name: str, text: str, known: Mapping[str, CodeT]) -> CodeT:
    if text not in known:
        raise BadCode(name, text, f"must be one of {', '.join(known)}")
    return known[text]


def _patient(sent: Sent) -> NhsNumber:
    number = sent.identifier("patientNhsNumber", NHS_NUMBER, NhsNumber)
    if number is None:
        raise MissingField("parameter", "patientNhsNumber", "is missing.")
    return number


def _fields(extensions: JsonValue) -> dict[str, JsonValue]:
    """Return the values of the extension of a new referral, whose parts are extensions or plain elements."""
    found: dict[str, JsonValue] = {}
    for each in array(extensions, "extension"):
        if not isinstance(each, dict):
            raise BadStructure("extension", None, "must hold objects")
        parts = each.get("extension")
        for part in parts if isinstance(parts, list) else [each]:
            url = part.get("url") if isinstance(part, dict) else None
            if isinstance(part, dict) and isinstance(url, str) and url in _FIELDS:
                found[url] = next((value for key, value in part.items() if key.startswith("value")), None)
        found |= {name: each[name] for name in _FIELDS & each.keys()}
    return found


def _shortlist(node: JsonValue) -> tuple[ServiceId, ...]:
    """Return the services of a shortlist, each by its first identifier."""
    if not isinstance(node, dict):
        raise MissingField("", "shortlist", "is missing: send a Bundle with the chosen services.")
    services: list[ServiceId] = []
    for index, entry in enumerate(array(node.get("entry", []), "shortlist/entry")):
        at = f"shortlist/entry[{index}]"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        identifiers = resource.get("identifier") if isinstance(resource, dict) else None
        first = identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers
        value = first.get("value") if isinstance(first, dict) else None
        try:
            services.append(ServiceId(value if isinstance(value, str) else ""))
        except ValueError:
            raise BadValue(join(at, "identifier"), None, f"must be {ServiceId.shape}") from None
    return tuple(services)


def _site(service: Service, key: str) -> Json:
    address: Json = {"postalCode": service.postcode, "country": "United Kingdom"}
    identifier: Json = {"value": service.site}
    return {
        "resourceType": "Location",
        "id": key,
        "address": address,
        "identifier": [identifier],
        "name": service.location_name,
    }


def _service(found: ServiceFound, site: str, *, names_clinicians: bool) -> Json:
    """Return one service. As published, its identifier has no system, and most values are in one extension."""
    service = found.service.value
    number: Json = {"value": service.id}
    return {
        "resourceType": "HealthcareService",
        "identifier": [number],
        "name": service.name,
        "specialty": [{"coding": [{"code": service.specialty}]}],
        "location": [{"reference": f"#{site}"}],
        "extension": [{"url": _SERVICE, "extension": _details(found, names_clinicians=names_clinicians)}],
    }


def _details(found: ServiceFound, *, names_clinicians: bool) -> list[JsonValue]:
    """Return the values of a service that DSTU2 has no element for, those that it has."""
    service = found.service.value
    wait = service.appointment_wait_days
    national = service.commissioning.nationally_available
    texts = {
        "indicativeAppointmentWait": "" if isinstance(wait, LimitedWait) else f"{wait} days",
        "prioritiesSupported": ",".join(each for each in Priority if each in service.priorities),
        "namedClinicians": ",".join(sorted(service.clinicians)) if names_clinicians else "",
        "appointmentType": service.appointment_type or "",
        "serviceType": ",".join(_FLOWS[each] for each in service.flows),
        "exclusions": service.exclusions or "",
        "conditionsTreated": service.conditions_treated or "",
        "suggestedInvestigation": service.suggested_investigations or "",
    }
    codes = {
        "bookable": service.bookable,
        "commissioningType": "NATIONALLY_AVAILABLE" if national else "LOCALLY_COMMISSIONABLE",
        "capacityStatus": "LIMITED_CAPACITY" if service.low_capacity else "GOOD",
    }
    miles = found.distance_miles
    return [
        *({"url": name, "valueCode": code} for name, code in codes.items()),
        *({"url": name, "valueString": text} for name, text in texts.items() if text),
        *([] if miles is None else [{"url": "distance", "valueInteger": round(miles)}]),
        {"url": "referralLetterRequired", "valueBoolean": service.letter_required},
    ]
