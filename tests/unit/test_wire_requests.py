"""Requests: each is read into a command, or refused with its code, place and text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.unit.wire_values import BY, CS, create_body, criteria_body, pair, search_body, shortlist_body

from openers.domain.codes import (
    CommissioningProvisioning,
    LetterIntention,
    Priority,
    RequestType,
    SortBy,
)
from openers.domain.search import SearchCriteria
from openers.wire.json import (
    UnexpectedField,
)
from openers.wire.outcome import diagnostics_of
from openers.wire.stu3.create_referral import read_create_referral, read_create_referral_for_triage
from openers.wire.stu3.search import read_search_services

URGENT = SearchCriteria(
    priority=Priority.URGENT, age_and_gender_appropriate=True, specialty="UROLOGY", clinic_type="STONES"
)


def add(body: dict[str, Any], name: str, **value: object) -> dict[str, Any]:
    """Add one parameter to `body`, and return it."""
    body["parameter"].append({"name": name, **value})
    return body


def test_a_search_becomes_a_command() -> None:
    read = read_search_services(search_body(), BY)
    assert read.by is BY
    assert (read.request_type, read.sort_by) == (RequestType.APPOINTMENT_REQUEST, SortBy.DISTANCE)
    assert (read.patient, read.criteria) == ("9990000042", URGENT)
    assert (read.referring_clinician, read.rule_organisation) == (None, None)


def test_a_search_with_everything_becomes_a_command() -> None:
    body = search_body()
    add(body, "referringClinician", valueIdentifier=pair("http://fhir.nhs.net/Id/sds-user-id", "value", "555000000009"))
    ods = pair("https://fhir.nhs.uk/Id/ods-organization-code", "value", "A81001")
    add(body, "commissioningRuleOrganisation", valueIdentifier=ods)
    criteria = body["parameter"][3]["resource"]
    add(criteria, "indicativeAppointmentWaitTimeLimit", valueUnsignedInt=30)
    add(criteria, "postcode", valueString="ls14ap")
    add(criteria, "distanceLimit", valueUnsignedInt=0)
    add(criteria, "clinicalTerm", valueCoding=pair("http://snomed.info/sct", "code", "95570007"))
    add(criteria, "namedClinician", valueIdentifier=pair("http://fhir.nhs.net/Id/sds-user-id", "value", "555000000008"))
    directory = "https://directory.spineservices.nhs.uk/STU3/Organization"
    add(criteria, "organisation", valueIdentifier=pair(directory, "value", "RXX"))
    read = read_search_services(body, BY)
    assert (read.referring_clinician, read.rule_organisation) == ("555000000009", "A81001")
    found = read.criteria
    assert (found.wait_limit_days, found.postcode, found.distance_limit_miles) == (30, "LS1 4AP", 0)
    assert (found.clinical_term, found.named_clinician, found.organisation) == ("95570007", "555000000008", "RXX")


@pytest.mark.parametrize(
    "system",
    ["_baseUrl_/STU3/CodeSystem/SPECIALTY", "https://any.example/FHIR/STU3/CodeSystem/SPECIALTY"],
)
def test_a_dynamic_code_system_may_have_any_address(system: str) -> None:
    body = search_body()
    body["parameter"][3]["resource"]["parameter"][1]["valueCoding"]["system"] = system
    assert read_search_services(body, BY).criteria == URGENT


@pytest.mark.parametrize("code", list(CommissioningProvisioning))
def test_the_provisioning_sent_is_checked_and_ignored(code: str) -> None:
    body = search_body()
    coding = pair(f"{CS}eRS-CommissioningProvisioning-1", "code", code)
    add(body["parameter"][3]["resource"], "commissioningProvisioning", valueCoding=coding)
    assert read_search_services(body, BY).criteria == URGENT


def test_what_fhir_allows_everywhere_is_tolerated() -> None:
    body = search_body()
    body |= {"id": "x", "language": "en"}
    body["meta"] |= {"lastUpdated": "2031-02-03T04:05:06.789Z", "versionId": "1"}
    body["parameter"][0] |= {"id": "p1"}
    body["parameter"][0]["valueCoding"] |= {"id": "c1", "display": "Appointment"}
    body["meta"]["profile"].insert(0, "https://another.example/profile")
    assert read_search_services(body, BY).criteria == URGENT


def test_a_new_referral_becomes_a_command() -> None:
    read = read_create_referral(
        add(create_body(), "eReferralPathwayStart", valueInstant="2031-01-02T01:00:00+01:00"), BY
    )
    assert (read.patient, read.criteria, read.services) == ("9990000042", URGENT, ("501", "502"))
    assert (read.letter_intention, read.reminder_days) == (LetterIntention.NEED_TO_ADD_LATER, 7)
    assert read.pathway_start == datetime(2031, 1, 2, tzinfo=UTC)
    assert read.referring_clinician is None
    assert not read.send_for_triage


def test_a_referral_for_triage_is_the_same_command_that_says_so() -> None:
    body = create_body("eRS-CreateReferralAndSendForTriage-Parameters-1")
    assert read_create_referral_for_triage(body, BY) == msgspec.structs.replace(
        read_create_referral(create_body(), BY), send_for_triage=True
    )


def test_a_referral_for_triage_knows_no_pathway_start() -> None:
    body = create_body("eRS-CreateReferralAndSendForTriage-Parameters-1")
    add(body, "eReferralPathwayStart", valueInstant="2031-01-02T01:00:00Z")
    with pytest.raises(UnexpectedField):
        read_create_referral_for_triage(body, BY)


@pytest.mark.parametrize("entries", [None, []])
def test_how_many_services_there_are_is_left_to_the_domain(entries: list[object] | None) -> None:
    body = create_body()
    shortlist = body["parameter"][0]["resource"]
    shortlist.pop("entry")
    if entries is not None:
        shortlist["entry"] = entries
    assert read_create_referral(body, BY).services == ()


def test_the_published_words_for_an_unknown_parameter() -> None:
    body = create_body()
    body["parameter"][0]["resource"]["contained"][0]["parameter"][1] = {"name": "unknownParameter", "valueString": "x"}
    with pytest.raises(UnexpectedField) as refused:
        read_create_referral(body, BY)
    words = "'parameter[0]/resource/contained[0]/parameter[1]' (unknownParameter) unknown parameter name"
    assert diagnostics_of(refused.value) == words


def test_the_bodies_that_are_changed_are_good() -> None:
    assert read_search_services(search_body(), BY)
    assert read_create_referral(create_body(), BY)
    assert shortlist_body()["contained"] == [criteria_body()]
