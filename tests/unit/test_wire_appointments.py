"""Appointments, as resources and contained in referrals, compared with replies typed by hand."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.unit.wire_appointments import APPOINTMENT, BOOKED, CANCELLED, DEFERRED, MISSED
from tests.unit.wire_values import BASE, REFERRAL, golden, in_order, stored

from openers.domain.appointment import Appointment, AppointmentStatus
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.wire.stu3.booking.appointment import write_appointment
from openers.wire.stu3.referral import STATES_WITH_REASON, write_referral

STATE = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-eRS-ReferralState-1"


def shown(appointment: Appointment, version: int = 8) -> dict[str, Any]:
    """Return an appointment as a resource."""
    referral = msgspec.structs.replace(BOOKED, appointment=appointment)
    return json.loads(write_appointment(stored(referral.ubrn, version, referral), BASE))


def state_of(referral: Referral) -> list[Any]:
    """Return the state that a referral shows."""
    body = json.loads(write_referral(stored(referral.ubrn, 8, referral), BASE))
    [state] = [each["extension"] for each in body["extension"] if each["url"] == STATE]
    return state


@pytest.mark.parametrize(
    ("referral", "version", "name"),
    [
        (BOOKED, 8, "a016/booked.json"),
        (DEFERRED, 8, "a016/deferred.json"),
        (CANCELLED, 9, "a034/cancelled.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_appointment_on_its_own(referral: Referral, version: int, name: str) -> None:
    assert in_order(write_appointment(stored(referral.ubrn, version, referral), BASE)) == in_order(golden(name))


def test_a_booked_referral() -> None:
    body = json.loads(write_referral(stored(BOOKED.ubrn, 8, BOOKED), BASE))
    contained = body["contained"]
    body["contained"] = [each["id"] for each in contained]
    assert in_order(body) == in_order(golden("a005/booked.json"))
    assert in_order(contained[2]) == in_order(golden("a016/booked.json") | {"id": "appointment"})


def test_the_type_of_a_clinician_is_one_object_that_names_a_value_set() -> None:
    value_set = "http://hl7.org/fhir/ValueSet/encounter-participant-type"
    clinician = shown(APPOINTMENT)["participant"][2]
    assert clinician["type"] == {"coding": [{"system": value_set, "code": "CON"}]}


def test_an_indirect_booking_has_times_and_no_slot() -> None:
    body = shown(msgspec.structs.replace(APPOINTMENT, slot=None, clinician=None))
    assert "slot" not in body
    assert {"start", "end"} <= body.keys()
    assert len(body["participant"]) == 2


def test_what_the_pas_knows_is_never_shown() -> None:
    for referral in (BOOKED, CANCELLED, MISSED):
        assert b"PAS" not in write_referral(stored(referral.ubrn, 8, referral), BASE)


@pytest.mark.parametrize("status", list(AppointmentStatus))
def test_every_status_is_shown_by_its_code(status: AppointmentStatus) -> None:
    assert shown(msgspec.structs.replace(APPOINTMENT, status=status))["status"] == status.value


def test_a_missed_appointment_gives_its_reason_in_its_own_system() -> None:
    assert MISSED.appointment is not None
    [reason] = shown(MISSED.appointment)["reason"]
    system = f"{BASE}/STU3/CodeSystem/APPOINTMENT-NON-ATTENDANCE-REASON"
    assert reason == {"coding": [{"system": system, "code": "PATIENT_DID_NOT_ATTEND"}]}


def test_a_referral_without_appointment_has_none_to_show() -> None:
    with pytest.raises(ValueError, match="has no appointment"):
        write_appointment(stored(REFERRAL.ubrn, 3, REFERRAL), BASE)


REASONS: list[tuple[Referral, str, str | None, str | None]] = [
    # The referral; the display of its state, its reason, its comments.
    (REFERRAL, "Not Booked", None, None),
    (BOOKED, "Booked", None, None),
    (DEFERRED, "Deferred To Provider", "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReviewReason-1", None),
    (
        CANCELLED,
        "Appointment Cancelled By Patient",
        f"{BASE}/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON",
        "In hospital",
    ),
    (MISSED, "Did Not Attend", f"{BASE}/STU3/CodeSystem/APPOINTMENT-NON-ATTENDANCE-REASON", None),
]


@pytest.mark.parametrize(("referral", "display", "system", "comment"), REASONS, ids=lambda value: str(value)[:20])
def test_a_state_says_why_if_it_has_reasons(
    referral: Referral, display: str, system: str | None, comment: str | None
) -> None:
    state, *more = state_of(referral)
    assert state["valueCoding"]["display"] == display
    told = {each["url"]: each for each in more}
    assert told.get("reason", {}).get("valueCoding", {}).get("system") == system
    assert told.get("comments", {}).get("valueString") == comment


@pytest.mark.parametrize("state", sorted(set(ReferralState) - STATES_WITH_REASON))
def test_other_states_keep_the_reason_to_the_appointment(state: ReferralState) -> None:
    assert len(state_of(msgspec.structs.replace(CANCELLED, state=state))) == 1
