"""The replies of overviews (X003 to X007): Parameters whose entries have named parts. Source: ADR 0054."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from openers.domain.advice import Conversation
from openers.domain.directory import Organisation, User
from openers.domain.events import Event
from openers.domain.identifiers import UserId
from openers.domain.patient import Patient
from openers.domain.referral import Referral
from openers.usecases.overview.find_names import FoundNames
from openers.usecases.overview.find_patients import FoundPatients
from openers.usecases.overview.overviews import Overview
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.overview.requests import UBRN
from openers.wire.stu3.systems import ERS_SERVICE, NHS_NUMBER, ODS_CODE, SDS_USER, System, identified, own_profile


def write_names(found: FoundNames) -> bytes:
    """Return the names found (X003)."""
    return _parameters(
        "FindNames-Response-Parameters",
        [
            *(_entry("patient", [*_named_patient(each), *_replaced(each, found)]) for each in found.patients),
            *(_entry("person", _person(each)) for each in found.people),
            *(_entry("organisation", _organisation(each)) for each in found.organisations),
        ],
    )


def write_patients(found: FoundPatients) -> bytes:
    """Return the patients found, and whether these are all (X004)."""
    complete: Json = {"name": "complete", "valueBoolean": found.complete}
    entries = [_entry("patient", [*_named_patient(each), *_demographics(each)]) for each in found.patients]
    return _parameters("FindPatients-Response-Parameters", [complete, *entries])


def write_overviews(found: Iterable[Overview]) -> bytes:
    """Return overviews of requests (X005, X006)."""
    return _parameters("Overviews-Response-Parameters", [_entry("request", _overview(each)) for each in found])


def write_history(events: Iterable[Event]) -> bytes:
    """Return the events of a request (X007)."""
    return _parameters("History-Response-Parameters", [_entry("event", _event(each)) for each in events])


def _parameters(name: str, entries: list[Json]) -> bytes:
    shown: list[JsonValue] = [*entries]
    return encode({"meta": {"profile": [own_profile(name)]}, "resourceType": "Parameters", "parameter": shown})


def _entry(name: str, parts: Iterable[Json]) -> Json:
    return {"name": name, "part": [*parts]}


def _identifier(system: System, value: str, name: str = "identifier") -> Json:
    return {"name": name, "valueIdentifier": identified(system, value)}


def _text(name: str, value: str) -> Json:
    return {"name": name, "valueString": value}


def _code(name: str, value: str) -> Json:
    return {"name": name, "valueCode": value}


def _named_patient(patient: Patient) -> list[Json]:
    name: Json = {"family": patient.family_name, "given": [patient.given_name]}
    return [
        _identifier(NHS_NUMBER, patient.nhs_number),
        {"name": "name", "valueHumanName": name},
        {"name": "birthDate", "valueDate": patient.born.isoformat()},
        _code("gender", patient.sex),
    ]


def _replaced(patient: Patient, found: FoundNames) -> list[Json]:
    number = found.replaced.get(patient.nhs_number)
    return [] if number is None else [_identifier(NHS_NUMBER, number, "replacedBy")]


def _demographics(patient: Patient) -> list[Json]:
    shown = [_text("addressLine", line) for line in patient.address]
    if patient.postcode is not None:
        shown.append(_text("postcode", patient.postcode))
    if patient.practice is not None:
        shown.append(_identifier(ODS_CODE, patient.practice, "practice"))
    if patient.died is not None:
        shown.append({"name": "deceasedDate", "valueDate": patient.died.isoformat()})
    return shown


def _person(user: User) -> list[Json]:
    return [_identifier(SDS_USER, user.id), _text("name", user.name)]


def _organisation(organisation: Organisation) -> list[Json]:
    return [
        _identifier(ODS_CODE, organisation.ods),
        _text("name", organisation.name),
        _code("kind", organisation.kind),
    ]


def _overview(each: Overview) -> list[Json]:
    value = each.request.value
    kind = "referral" if isinstance(value, Referral) else "advice"
    return [
        _identifier(UBRN, value.ubrn),
        _code("kind", kind),
        {"name": "version", "valueUnsignedInt": each.request.version},
        _code("state", value.state),
        _code("priority", value.priority),
        _identifier(NHS_NUMBER, value.patient, "patient"),
        _identifier(ODS_CODE, value.owner, "referringOrganisation"),
        _identifier(SDS_USER, value.referrer, "referringClinician"),
        *_place(value),
        {"name": "created", "valueInstant": write_instant(value.created)},
        *_next(each),
        *_last(each.last),
    ]


def _place(value: Referral | Conversation) -> list[Json]:
    """Return service, specialty and time of the appointment, as far as the request has them."""
    shown: list[Json] = []
    if isinstance(value, Conversation):
        service, specialty, start = value.service, value.specialty_name, None
    else:
        held, chosen = value.appointment, value.shown_specialty
        service = None if held is None else held.service
        specialty, start = None if chosen is None else chosen.name, None if held is None else held.start
    if service is not None:
        shown += [_identifier(ERS_SERVICE, service.id, "service"), _text("serviceName", service.name)]
    if specialty is not None:
        shown.append(_text("specialty", specialty))
    if start is not None:
        shown.append({"name": "appointmentStart", "valueInstant": write_instant(start)})
    return shown


def _next(each: Overview) -> list[Json]:
    if each.next is None:
        return []
    shown = [_code("nextStep", each.next.step), _code("nextSide", each.next.side)]
    due = each.next.due
    if isinstance(due, datetime):
        shown.append({"name": "nextDue", "valueInstant": write_instant(due)})
    elif due is not None:
        shown.append({"name": "nextDue", "valueDate": due.isoformat()})
    return shown


def _last(event: Event | None) -> list[Json]:
    if event is None:
        return []
    return [
        _text("lastAct", event.act),
        {"name": "lastChanged", "valueInstant": write_instant(event.at)},
        *_actor(event, "lastActor"),
    ]


def _event(event: Event) -> list[Json]:
    return [
        _code("kind", "referral" if event.kind == "referral" else "advice"),
        {"name": "version", "valueUnsignedInt": event.version},
        _text("act", event.act),
        {"name": "at", "valueInstant": write_instant(event.at)},
        *_actor(event, "actor"),
    ]


def _actor(event: Event, name: str) -> list[Json]:
    """Return who acted: a person by id; nothing for the service itself, or for another system."""
    try:
        return [_identifier(SDS_USER, UserId(event.by), name)]
    except ValueError:
        return []
