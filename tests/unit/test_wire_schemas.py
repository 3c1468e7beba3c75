"""The schema components describe the bodies that the service reads and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from tests.unit.wire_appointments import (
    BOOKED,
    CANCELLED,
    DEFERRED,
    QUERY,
    booking_body,
    cancellation_body,
    deferral_body,
    slot,
)
from tests.unit.wire_values import (
    AT,
    BASE,
    FULL_SERVICE,
    IN_TRIAGE,
    REFERRAL,
    SMALL_SERVICE,
    create_body,
    search_body,
    searchset,
    stored,
)

from openers.domain import errors as e
from openers.domain.codes import CodeSystem, CodeSystemName, Concept
from openers.domain.directory import User
from openers.domain.identifiers import UserId
from openers.usecases.ports.slot_page import SlotPage
from openers.usecases.referring.find_requests import FoundRequests
from openers.wire.json import BadValue
from openers.wire.outcome import outcome_of
from openers.wire.r4.dialect import R4
from openers.wire.r4.practitioners import write_practitioner_roles, write_practitioners
from openers.wire.r4.service_requests import write_service_requests
from openers.wire.r4.services import write_service, write_services
from openers.wire.schemas import COMPONENTS
from openers.wire.stu3.booking.appointment import write_appointment
from openers.wire.stu3.booking.slots import write_slots
from openers.wire.stu3.code_system import write_code_system
from openers.wire.stu3.dialect import STU3
from openers.wire.stu3.referral import write_referral
from openers.wire.stu3.search import fragment, write_services_found

USER = User(UserId("555000000001"), "Somebody", ())
TRIAGE = "eRS-CreateReferralAndSendForTriage-Parameters-1"
WRITTEN: list[tuple[str, bytes]] = [
    ("SearchServices", json.dumps(search_body()).encode()),
    ("CreateReferral", json.dumps(create_body()).encode()),
    ("CreateReferralAndSendForTriage", json.dumps(create_body(TRIAGE)).encode()),
    ("ReferralRequest", write_referral(stored("x", 3, REFERRAL), BASE)),
    ("ReferralRequest", write_referral(stored("x", 3, IN_TRIAGE), BASE)),
    ("AppointmentRequest", json.dumps(booking_body()).encode()),
    ("AppointmentRequest", json.dumps(deferral_body()).encode()),
    ("AppointmentRequest", json.dumps(cancellation_body()).encode()),
    *(("Appointment", write_appointment(stored("x", 3, each), BASE)) for each in (BOOKED, DEFERRED, CANCELLED)),
    *(("ReferralRequest", write_referral(stored("x", 3, each), BASE)) for each in (BOOKED, DEFERRED, CANCELLED)),
    ("Slots", write_slots(SlotPage(QUERY, [slot(1), slot(2, USER.id)], 5), BASE, UUID(int=1), AT)),
    ("Slots", write_slots(SlotPage(QUERY, [], 0), BASE, UUID(int=1), AT)),
    ("ServicesFound", write_services_found([])),
    (
        "ServicesFound",
        write_services_found([(fragment(FULL_SERVICE, BASE), 1.0), (fragment(SMALL_SERVICE, BASE), None)]),
    ),
    (
        "CodeSystem",
        write_code_system(
            CodeSystem(CodeSystemName.SPECIALTY, "n", "d", AT, (), {"X": Concept("X", "X", AT)}),
            BASE,
        ),
    ),
    ("OperationOutcome", STU3.body(outcome_of(BadValue("a", 1, "b"), STU3), AT)),
    ("R4OperationOutcome", R4.body(outcome_of(e.NoRelationship(), R4), AT)),
    ("R4HealthcareService", write_service(stored("x", 1, FULL_SERVICE), BASE)),
    ("R4HealthcareServices", write_services([stored("x", 1, SMALL_SERVICE)], searchset())),
    ("R4PractitionerRoles", write_practitioner_roles(USER, searchset())),
    ("R4Practitioners", write_practitioners([USER], searchset())),
    ("R4ServiceRequests", write_service_requests(FoundRequests(stored("x", 3, REFERRAL), None), searchset())),
]


def references(schema: Any) -> Iterator[str]:
    """Yield every `$ref` within a schema."""
    match schema:
        case {"$ref": str(target)}:
            yield target
        case dict():
            for each in schema.values():  # pyright: ignore[reportUnknownVariableType] (any schema)
                yield from references(each)
        case list():
            for each in schema:  # pyright: ignore[reportUnknownVariableType] (any schema)
                yield from references(each)
        case _:
            return


def errors(component: str, document: Any) -> list[str]:
    """Return the errors of `document` by the schema of `component`."""
    schema = {"$ref": f"#/components/schemas/{component}", "components": {"schemas": COMPONENTS}}
    checker = jsonschema_rs.Draft202012Validator(schema)
    return [each.message for each in checker.iter_errors(document)]


@pytest.mark.parametrize(("component", "body"), WRITTEN)
def test_a_document_fits_its_schema(component: str, body: bytes) -> None:
    assert errors(component, json.loads(body)) == []


@pytest.mark.parametrize("component", sorted({component for component, _ in WRITTEN}))
def test_no_schema_fits_everything(component: str) -> None:
    assert errors(component, {"resourceType": "Nothing"})


def test_every_reference_leads_to_a_component() -> None:
    known = {f"#/components/schemas/{name}" for name in COMPONENTS}
    assert set(references(COMPONENTS)) <= known


def test_the_schema_of_a_request_comes_from_its_declaration() -> None:
    names = {
        each["properties"]["name"]["const"]
        for each in COMPONENTS["CreateReferral"]["properties"]["parameter"]["items"]["anyOf"]
    }
    assert names == {
        "patient",
        "referringClinician",
        "shortlist",
        "intentionToAddReferralLetter",
        "firstReminderLetterFollowUpDays",
        "eReferralPathwayStart",
    }
