"""The six packaged code systems, compared with facts typed from rules 5.1 and 11.2 row 26."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from openers.domain.codes import CodeSystem, CodeSystemName, PropertyKind
from openers.reference import PackagedReference

DAY = date(2026, 11, 23)
REFERENCE = PackagedReference()
ENDED_BEFORE_THEY_BEGAN = {"DO_NOT_USE_AFTER_30_01_09_DYSPEPSIA", "DO_NOT_USE_HEPATOLOGY_SPECIALIST"}  # as published
BUSINESS_FUNCTION = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-BusinessFunction-1"
SPC, SPCA, RC, RCA, PAA = (
    "SERVICE_PROVIDER_CLINICIAN",
    "SERVICE_PROVIDER_CLINICIAN_ADMIN",
    "REFERRING_CLINICIAN",
    "REFERRING_CLINICIAN_ADMIN",
    "PROVIDER_AUTHORISED_APPLICATION",
)


def system(name: CodeSystemName) -> CodeSystem:
    """Return the packaged code system."""
    return REFERENCE.code_system(name)


def live(name: CodeSystemName) -> set[str]:
    """Return its codes that are effective on the day."""
    return {concept.code for concept in system(name).concepts.values() if concept.effective_on(DAY)}


@pytest.mark.parametrize(
    ("name", "count", "count_live"),
    [
        (CodeSystemName.SPECIALTY, 93, 56),
        (CodeSystemName.CLINIC_TYPE, 672, 388),
        (CodeSystemName.PRIORITY, 3, 3),
        (CodeSystemName.APPOINTMENT_CANCELLATION_REASON, 36, 30),
        (CodeSystemName.APPOINTMENT_NON_ATTENDANCE_REASON, 8, 7),
        (CodeSystemName.REFERRAL_CANCELLATION_REASON, 18, 18),
    ],
)
def test_how_many_codes_there_are(name: CodeSystemName, count: int, count_live: int) -> None:
    assert len(system(name).concepts) == count
    assert len(live(name)) == count_live


@pytest.mark.parametrize("name", CodeSystemName)
def test_every_concept_fits_its_system(name: CodeSystemName) -> None:
    found = system(name)
    declared = [each.code for each in found.properties]
    assert found.name is name
    assert declared[:2] == ["effectiveFrom", "effectiveTo"]
    for each in found.properties:
        assert (each.system is not None) == (each.kind is PropertyKind.CODING)
    for code, concept in found.concepts.items():
        assert concept.code == code
        assert concept.display
        assert concept.effective_from.tzinfo is UTC
        ended_first = concept.effective_to is not None and concept.effective_to < concept.effective_from
        assert ended_first == (code in ENDED_BEFORE_THEY_BEGAN)
        places = [declared.index(name) for name, _ in concept.properties]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        (CodeSystemName.SPECIALTY, []),
        (CodeSystemName.CLINIC_TYPE, ["specialty"]),
        (CodeSystemName.PRIORITY, ["deferToProviderContactDays", "triageContactDays"]),
        (
            CodeSystemName.APPOINTMENT_CANCELLATION_REASON,
            [
                "appointmentBookingCancellationReasonType",
                "willCancelWholeRequest",
                "commentIsMandatory",
                "businessFunction",
                "usage",
            ],
        ),
        (CodeSystemName.APPOINTMENT_NON_ATTENDANCE_REASON, []),
        (
            CodeSystemName.REFERRAL_CANCELLATION_REASON,
            [
                "appointmentRequestCancellationReasonType",
                "commentIsMandatory",
                "canCancelAppointment",
                "businessFunction",
                "referrerUsage",
            ],
        ),
    ],
)
def test_which_properties_are_declared(name: CodeSystemName, declared: list[str]) -> None:
    assert [each.code for each in system(name).properties[2:]] == declared


def test_the_systems_of_codings() -> None:
    by_code = {each.code: each.system for name in CodeSystemName for each in system(name).properties}
    assert by_code["businessFunction"] == BUSINESS_FUNCTION
    assert by_code["specialty"] == CodeSystemName.SPECIALTY


def test_every_clinic_type_has_a_specialty_that_lives_as_long() -> None:
    specialties = system(CodeSystemName.SPECIALTY).concepts
    for concept in system(CodeSystemName.CLINIC_TYPE).concepts.values():
        (specialty,) = concept.values("specialty")
        assert isinstance(specialty, str)
        assert not concept.effective_on(DAY) or specialties[specialty].effective_on(DAY)


def test_priorities() -> None:
    concepts = system(CodeSystemName.PRIORITY).concepts
    days = {
        code: (each.display, each.values("deferToProviderContactDays"), each.values("triageContactDays"))
        for code, each in concepts.items()
    }
    assert days == {
        "ROUTINE": ("Routine", (40,), (40,)),
        "URGENT": ("urgent", (10,), (5,)),  # lower case only here, as published
        "TWO_WEEK_WAIT": ("Two Week Wait", (5,), (2,)),
    }


@pytest.mark.parametrize(
    ("code", "kind", "comment", "functions", "usage"),
    [
        ("OTHER", "PROVIDER_REJECT", False, {SPC, SPCA}, ("REJECT",)),
        ("SERVICE_INAPPROPRIATE", "PROVIDER_REJECT", False, {SPC, SPCA}, ("REJECT",)),
        ("PATIENT_HOLIDAY", "PATIENT", False, {RC, RCA}, ("CANCEL",)),
        ("PATIENT_OTHER_ENGAGEMENT", "PATIENT", True, {RC, RCA}, ("CANCEL",)),
        ("CLINIC_CANCELLED", "PROVIDER", False, set[str](), ()),
        ("PRIORITY_CHANGE", "PROVIDER", True, set[str](), ()),
        ("REDIRECTED_AGE", "UNKNOWN", True, set[str](), ()),
    ],
)
def test_appointment_cancellation_reasons(
    code: str, kind: str, comment: bool, functions: set[str], usage: tuple[str, ...]
) -> None:
    concept = system(CodeSystemName.APPOINTMENT_CANCELLATION_REASON).concepts[code]
    assert concept.values("appointmentBookingCancellationReasonType") == (kind,)
    assert concept.values("commentIsMandatory") == (comment,)
    assert set(concept.values("businessFunction")) == functions
    assert concept.values("usage") == usage


def test_which_appointment_cancellation_reasons_have_expired() -> None:
    name = CodeSystemName.APPOINTMENT_CANCELLATION_REASON
    assert set(system(name).concepts) - live(name) == {
        "ADDITIONAL_REQ_NOT_AVAILABLE",
        "APPT_MADE_FOR_WRONG_PATIENT",
        "OTHER_MIGRATION_FROM_CAB",
        "PATIENT_APPOINTMENT_CLASH",
        "REDIRECTED_TEMPORARILY",
        "WRONG_PROVIDER",
    }


@pytest.mark.parametrize(
    ("code", "kind", "functions", "cancels_appointment", "comment"),
    [
        ("STRAIGHT_TO_TEST", "PROVIDER_TRIAGE", {SPC, SPCA, PAA}, False, True),
        ("TRIAGE_ENDED", "PROVIDER_TRIAGE", {SPC, SPCA, PAA}, False, False),
        ("BOOKED_OUTSIDE_CAB", "PROVIDER", {SPC, SPCA, PAA}, True, False),
        ("INTEND_PRIVATE", "PATIENT", {RC, RCA, SPC, SPCA, PAA}, True, False),
        ("PATIENT_REQUEST_CANCELLATION_OTHER", "PATIENT", {RC, RCA, SPC, SPCA, PAA}, True, True),
        ("RAISED_IN_ERROR", "UNKNOWN", {RC, RCA}, True, False),
        ("PROVIDER_CANCELLATION", "UNKNOWN", set[str](), True, False),
    ],
)
def test_referral_cancellation_reasons(
    code: str, kind: str, functions: set[str], cancels_appointment: bool, comment: bool
) -> None:
    concept = system(CodeSystemName.REFERRAL_CANCELLATION_REASON).concepts[code]
    assert concept.values("appointmentRequestCancellationReasonType") == (kind,)
    assert set(concept.values("businessFunction")) == functions
    assert concept.values("canCancelAppointment") == (cancels_appointment,)
    assert concept.values("commentIsMandatory") == (comment,)
    assert concept.values("referrerUsage") == (("CANCEL_REFERRAL",) if functions else ())


def test_cardiology_has_the_clinic_types_of_the_rules() -> None:
    concepts = system(CodeSystemName.CLINIC_TYPE).concepts.values()
    assert {each.code for each in concepts if each.effective_on(DAY) and "CARDIOLOGY" in each.values("specialty")} == {
        "ARRHYTHMIA",
        "CARDIOLOGY_GENETICS",
        "CONGENITAL_HEART_DISEASE",
        "HEART_FAILURE",
        "HYPERTENSION_1",
        "ISCHAEMIC_HEART_DISEASE",
        "LIPID_MANAGEMENT",
        "NOT_OTHERWISE_SPECIFIED_1",
        "RAPID_ACCESS_CHEST_PAIN_INC_EXERCISE_ECG",
        "VALVE_DISORDERS",
    }


def test_dates_are_instants_in_utc() -> None:
    ended = system(CodeSystemName.APPOINTMENT_NON_ATTENDANCE_REASON).concepts["OTHER_MIGRATION_FROM_CAB"]
    assert ended.effective_to == datetime(2012, 1, 31, tzinfo=UTC)
    to_the_second = system(CodeSystemName.REFERRAL_CANCELLATION_REASON).concepts["TRIAGE_ENDED"]
    assert to_the_second.effective_from == datetime(2019, 7, 23, 17, 9, 56, tzinfo=UTC)


def test_a_code_system_is_read_once() -> None:
    assert system(CodeSystemName.CLINIC_TYPE) is system(CodeSystemName.CLINIC_TYPE)
