"""A worklist of referrals in DSTU2 (A008): the request, and the List with one extension for each entry.

Source: ADR 0073.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.domain.referral_worklists import Worklist, referral_type, waiting_since
from openers.domain.worklists import Assigned, WorklistFilter
from openers.usecases.worklists.fetch_worklist import FetchWorklist, ListedReferral
from openers.wire.dstu2.parameters import Sent
from openers.wire.dstu2.referral import patient, practitioner
from openers.wire.dstu2.systems import (
    PRIORITY,
    SDS_USER,
    SERVICE,
    SITE,
    SPECIALTY,
    concept,
    extension,
    local,
    profile,
    value_set,
)
from openers.wire.instants import write_instant
from openers.wire.json import BadCode, BadValue, Json, JsonValue, MissingField, UnexpectedField, encode

_LIST: Final = value_set("referrallistselector")
_ASSIGNED: Final = value_set("assignedindicator")
_ITEM: Final = extension("referralsforreview-worklistitem-1")
_KNOWN: Final = frozenset(
    {
        "listType",
        "service",
        "specialtyAssignedIndicator",
        "specialty",
        "location",
        "clinicianAssignedIndicator",
        "clinician",
    }
)
_EMPTY: Final[Json] = {
    "coding": [{"system": "http://hl7.org/fhir/ValueSet/list-empty-reason", "code": "nilknown", "display": "Nil Known"}]
}


def read_fetch_worklist(body: Json, by: Principal) -> FetchWorklist:
    """Return the request that `by` sent. Raises the classes of `Unreadable`."""
    sent = Sent(body, _KNOWN)
    listed = sent.code("listType", _LIST)
    if listed is None:
        raise MissingField("listType", "listType", "is missing: send REFERRALS_FOR_REVIEW.")
    if listed != Worklist.REFERRALS_FOR_REVIEW:
        raise BadCode("listType", listed, f"must be {Worklist.REFERRALS_FOR_REVIEW}")
    specialty_is = sent.one_of("specialtyAssignedIndicator", _ASSIGNED, Assigned)
    clinician_is = sent.one_of("clinicianAssignedIndicator", _ASSIGNED, Assigned)
    if specialty_is is Assigned.NOT_ASSIGNED:
        raise BadValue("specialtyAssignedIndicator", specialty_is, "must be ASSIGNED: every entry has a specialty")
    specialty = sent.code("specialty", SPECIALTY)
    clinician = sent.identifier("clinician", SDS_USER, UserId)
    for name, value, indicator in (("specialty", specialty, specialty_is), ("clinician", clinician, clinician_is)):
        _check(name, value, indicator)
    wanted = WorklistFilter(
        service=sent.identifier("service", SERVICE, ServiceId),
        specialty=specialty,
        location=sent.identifier("location", SITE, OdsCode),
        clinician=clinician,
        without_clinician=clinician_is is Assigned.NOT_ASSIGNED,
    )
    return FetchWorklist(by=by, worklist=Worklist.REFERRALS_FOR_REVIEW, wanted=wanted)


def write_worklist(rows: Sequence[ListedReferral]) -> bytes:
    """Return the list, with each person to whom an entry refers once."""
    shown: Json = {
        "resourceType": "List",
        "meta": {"profile": [profile("fetchworklist-list-1")]},
        "status": "current",
        "mode": "snapshot",
    }
    if not rows:
        return encode({**shown, "emptyReason": _EMPTY})
    referrals = [each.referral.value for each in rows]
    clinicians = dict.fromkeys(who for each in referrals if (who := _allocated(each)) is not None)
    people: list[JsonValue] = [practitioner(each) for each in clinicians]
    people += [patient(number) for number in dict.fromkeys(each.patient for each in referrals)]
    return encode({**shown, "contained": people, "entry": [_entry(each) for each in referrals]})


def _check(name: str, value: str | None, indicator: Assigned | None) -> None:
    """Check that a value is given if and only if its indicator is ASSIGNED."""
    if indicator is Assigned.ASSIGNED and value is None:
        raise MissingField(name, name, "is missing: the indicator says ASSIGNED")
    if indicator is not Assigned.ASSIGNED and value is not None:
        raise UnexpectedField(name, value, "is only allowed if its indicator is ASSIGNED")


def _entry(referral: Referral) -> Json:
    """Return one entry, with its columns in the published order, then those that only the profile has."""
    information, clinician, appointment = referral.clinical_information, _allocated(referral), referral.appointment
    context = referral.review.context
    waiting, held = waiting_since(referral), None if appointment is None else appointment.specialty
    columns: list[JsonValue | None] = [
        None if held is None else _concept("specialty", SPECIALTY, held),
        _concept("requestContextStatus", value_set("requestcontextstatus"), context, context.replace("_", " ").title()),
        None
        if clinician is None
        else {"url": "allocatedClinician", "valueReference": local("Practitioner", clinician)},
        {"url": "clinicalInfoPrinted", "valueBoolean": information.printed is not None},
        *(
            None if at is None else {"url": name, "valueDateTime": write_instant(at)}
            for name, at in (
                ("clinicalInfoFirstSubmitted", information.first_submitted),
                ("clinicalInfoLastUpdated", information.last_updated),
                ("dateWhenBookingMade", None if appointment is None else appointment.created),
                ("appointmentStart", None if appointment is None else appointment.start),
            )
        ),
        _concept("priority", PRIORITY, referral.priority),
        _reference("patient", "Patient", referral.patient),
        {"url": "eReferralPathwayStart", "valueDateTime": write_instant(waiting)},
        _concept("referralType", value_set("referraltype"), referral_type(referral)),
    ]
    item: Json = {"reference": f"ReferralRequest/{referral.ubrn}"}
    return {"extension": [{"url": _ITEM, "extension": [each for each in columns if each is not None]}], "item": item}


def _concept(name: str, system: str, code: str, display: str | None = None) -> Json:
    return {"url": name, "valueCodeableConcept": concept(system, code, display)}


def _reference(name: str, kind: str, key: str | None) -> Json | None:
    return None if key is None else {"url": name, "valueReference": local(kind, key)}


def _allocated(referral: Referral) -> UserId | None:
    return None if referral.appointment is None else referral.appointment.clinician
