"""Referrals, their shortlists, and what a caller may do with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from openers_client import fhir
from openers_client.fhir import Resource


@dataclass(frozen=True)
class ListedService:
    """A service on a shortlist."""

    id: str
    name: str


@dataclass(frozen=True)
class Referral:
    """A referral as it was read or changed. Its `version` goes with the next change.

    `state` is a code such as NOT_BOOKED; `reason` and `comments` are those of the state. `appointment_id` names the
    current appointment, `appointment_status` is booked, proposed or cancelled.
    """

    ubrn: str
    version: int
    state: str
    reason: str | None
    comments: str | None
    priority: str | None
    patient: str | None
    specialty: str | None
    clinic_type: str | None
    shortlist: tuple[ListedService, ...]
    appointment_id: str | None
    appointment_status: str | None
    appointment_slot: str | None
    pathway_start: datetime | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class SentForTriage:
    """A referral that was sent for triage, and the appointment that stands for it."""

    referral: Referral
    appointment_id: str | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Cancelled:
    """A cancelled referral, and the appointment that was cancelled with it."""

    referral: Referral
    appointment_id: str | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Action:
    """An act that the caller may perform now."""

    code: str
    display: str
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class FoundRequest:
    """A referral or request for advice that was found by its UBRN. `category` says which of the two it is."""

    ubrn: str
    version: int
    category: str | None
    status: str
    patient: str | None
    resource: Resource = field(repr=False)


def referral(resource: Resource) -> Referral:
    """Return a ReferralRequest as a referral."""
    state = fhir.columns(fhir.extension(resource, "ReferralState"))
    criteria = _criteria(resource)
    shown = next(fhir.contained(resource, "Appointment"), None)
    reference = fhir.value(fhir.extension(resource, "Appointment-Reference"))
    return Referral(
        ubrn=fhir.text(resource, "id"),
        version=fhir.version_of(resource),
        state=str(state.get("state") or ""),
        reason=_text(state.get("reason")),
        comments=_text(state.get("comments")),
        priority=_text(fhir.value(fhir.extension(resource, "ReferralPriority"))),
        patient=fhir.maybe(resource, "subject", "identifier", "value"),
        specialty=_text(criteria.get("specialty")),
        clinic_type=_text(criteria.get("clinicType")),
        shortlist=shortlist_of(resource),
        appointment_id=fhir.last(str(reference)) if reference else None,
        appointment_status=fhir.maybe(shown, "status"),
        appointment_slot=fhir.last(fhir.text(shown, "slot", 0, "reference")) or None,
        pathway_start=fhir.instant(fhir.value(fhir.extension(resource, "eReferralPathwayStart"))),
        resource=resource,
    )


def shortlist_of(resource: Resource) -> tuple[ListedService, ...]:
    """Return the services on the shortlist that a resource contains."""
    found = next(fhir.contained(resource, "List"), None)
    listed = (fhir.at(entry, "item") for entry in fhir.items(found, "entry"))
    return tuple(ListedService(fhir.text(each, "identifier", "value"), fhir.text(each, "display")) for each in listed)


def sent_for_triage(resource: Resource) -> SentForTriage:
    """Return the result of A032."""
    updated = fhir.result(resource, "updatedReferralRequest") or {}
    made = fhir.result(resource, "createdAppointment")
    return SentForTriage(referral(updated), fhir.maybe(made, "id"), resource)


def cancelled(resource: Resource) -> Cancelled:
    """Return the result of A036."""
    updated = fhir.result(resource, "updatedReferralRequest") or {}
    return Cancelled(referral(updated), fhir.maybe(fhir.result(resource, "updatedAppointment"), "id"), resource)


def actions(bundle: Resource) -> tuple[Action, ...]:
    """Return the actions in a bundle of A029."""
    return tuple(_action(task) for task in fhir.entries(bundle, "Task"))


def found_requests(bundle: Resource) -> tuple[FoundRequest, ...]:
    """Return the requests in a bundle of A041."""
    return tuple(_found(each) for each in fhir.entries(bundle, "ServiceRequest"))


def _action(task: Resource) -> Action:
    return Action(fhir.code(fhir.at(task, "code")) or "", fhir.text(task, "code", "coding", 0, "display"), task)


def _found(resource: Resource) -> FoundRequest:
    return FoundRequest(
        ubrn=fhir.text(resource, "identifier", 0, "value"),
        version=fhir.version_of(resource),
        category=fhir.code(fhir.at(resource, "category", 0)),
        status=fhir.text(resource, "status"),
        patient=fhir.maybe(resource, "subject", "identifier", "value"),
        resource=resource,
    )


def _criteria(resource: Resource) -> dict[str, fhir.Value]:
    found = next(fhir.contained(resource, "Parameters"), None)
    return {fhir.text(each, "name"): fhir.value(each) for each in fhir.items(found, "parameter")}


def _text(found: fhir.Value) -> str | None:
    return found if isinstance(found, str) else None
