"""STU3 replies, compared with replies typed by hand, including the order of elements."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from tests.unit.wire_values import (
    AT,
    BASE,
    FULL_SERVICE,
    IN_TRIAGE,
    REFERRAL,
    SMALL_SERVICE,
    golden,
    in_order,
    stored,
)

from openers.domain.codes import CodeSystem, CodeSystemName, Concept, Priority, Property, PropertyKind
from openers.domain.directory import AgeRange
from openers.domain.lifecycle import ReferralState
from openers.wire.stu3.code_system import write_code_system
from openers.wire.stu3.referral import PRIORITY_DISPLAYS, STATE_DISPLAYS, write_referral, write_shortlisted
from openers.wire.stu3.search import OLDEST_YEARS, fragment, write_services_found

ENDS = datetime(2032, 1, 1, tzinfo=UTC)


def test_a_referral_that_is_not_booked() -> None:
    written = write_shortlisted(stored(REFERRAL.ubrn, 3, REFERRAL), BASE)
    assert in_order(written) == in_order(golden("a011/not_booked.json"))


def test_a_referral_that_awaits_triage() -> None:
    written = write_shortlisted(stored(IN_TRIAGE.ubrn, 4, IN_TRIAGE), BASE)
    assert in_order(written) == in_order(golden("a021/awaiting_triage.json"))


def test_the_pathway_start_stands_after_the_priority_without_an_appointment() -> None:
    referral = msgspec.structs.replace(REFERRAL, pathway_start=AT)
    shown = json.loads(write_referral(stored(referral.ubrn, 3, referral), BASE))
    names = [each["url"].rpartition("eRS-")[2] for each in shown["extension"]]
    assert names[:3] == ["ReferralPriority-1", "eReferralPathwayStart-1", "ReferralShortlist-1"]


def test_the_organisation_searched_for_is_never_shown_again() -> None:
    assert REFERRAL.shortlist.criteria.organisation == "RXX"
    assert b"RXX" not in write_referral(stored(REFERRAL.ubrn, 3, REFERRAL), BASE)


def test_every_priority_and_state_has_a_display() -> None:
    assert set(PRIORITY_DISPLAYS) == set(Priority)
    assert set(STATE_DISPLAYS) == set(ReferralState)


def test_services_found_in_the_order_given_with_whole_miles() -> None:
    rows = [(fragment(FULL_SERVICE, BASE), 3.7), (fragment(SMALL_SERVICE, BASE), None)]
    assert in_order(write_services_found(rows)) == in_order(golden("a010/two_services.json"))


def test_nothing_found_says_so() -> None:
    assert in_order(write_services_found([])) == in_order(golden("a010/nothing_found.json"))


@pytest.mark.parametrize(("miles", "shown"), [(0.0, 0), (0.4, 0), (0.6, 1), (12.0, 12), (99.9, 100)])
def test_distances_are_whole_miles(miles: float, shown: int) -> None:
    entry = json.loads(write_services_found([(fragment(SMALL_SERVICE, BASE), miles)]))["entry"][0]
    assert entry["extension"][0]["extension"][1] == {"url": "distance", "valueUnsignedInt": shown}


def summary(**changes: object) -> dict[str, object]:
    """Return the values of a service's summary view, by name."""
    service = msgspec.structs.replace(FULL_SERVICE, **changes)
    entry = json.loads(write_services_found([(fragment(service, BASE), None)]))["entry"][0]
    views = entry["item"]["extension"][0]["extension"]
    return {each["url"]: next(value for key, value in each.items() if key != "url") for each in views}


def test_low_capacity_takes_the_place_of_the_wait_for_treatment() -> None:
    alert = {"coding": [{"system": "https://fhir.nhs.uk/STU3/CodeSystem/eRS-CapacityAlert-1", "code": "LOW"}]}
    assert summary(low_capacity=True)["indicativeTreatmentWaitTime"] == alert
    assert "indicativeTreatmentWaitTime" not in summary(treatment_wait_days=None)


def test_an_age_range_shows_both_ends_because_the_profile_demands_them() -> None:
    def years(value: int) -> dict[str, object]:
        return {"value": value, "unit": "YEARS"}

    assert summary(ages=AgeRange(18, None))["ageTreated"] == {"low": years(18), "high": years(OLDEST_YEARS)}
    assert summary(ages=AgeRange(None, 17))["ageTreated"] == {"low": years(0), "high": years(17)}
    assert "ageTreated" not in summary(ages=AgeRange())


def test_a_code_system_with_every_kind_of_property() -> None:
    properties = (
        Property("effectiveFrom", PropertyKind.DATE_TIME),
        Property("specialty", PropertyKind.CODING, "SPECIALTY"),
        Property("usage", PropertyKind.CODING, "https://codes.example/usage"),
        Property("optional", PropertyKind.BOOLEAN),
        Property("days", PropertyKind.INTEGER),
    )
    values = (("specialty", "UROLOGY"), ("usage", "CANCEL"), ("optional", True), ("days", 5))
    concepts = {"STONES": Concept("STONES", "Stones", AT, ENDS, values)}
    system = CodeSystem(CodeSystemName.CLINIC_TYPE, "e-RS Clinic Type", "Kinds of clinic", AT, properties, concepts)
    assert in_order(write_code_system(system, BASE)) == in_order(golden("a004/clinic_type.json"))


def test_specialties_have_a_profile_of_their_own_and_dates_twice() -> None:
    concepts = {"UROLOGY": Concept("UROLOGY", "Urology", AT, ENDS)}
    system = CodeSystem(CodeSystemName.SPECIALTY, "e-RS Specialty", "Specialties", AT, (), concepts)
    assert in_order(write_code_system(system, BASE)) == in_order(golden("a004/specialty.json"))
