"""Searches in the demo world's directory find the documented services."""

from __future__ import annotations

import pytest

from openers.domain.codes import Priority, RequestType, SortBy
from openers.domain.identifiers import NhsNumber, OdsCode, Postcode, ServiceId, SnomedCode, UserId
from openers.domain.listings import Found, Listings
from openers.domain.search import Listing, SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer
from openers.domain.shortlist import LONGEST, check_entries
from openers.reference import PackagedReference
from openers.worlds.packs import read_pack

PACK = read_pack("demo")
REFERENCE = PackagedReference(PACK.clinical_terms)
LISTINGS = Listings(
    1, (Listing.of(each, REFERENCE.locate(each.postcode)) for each in PACK.services if each.is_published)
)
PATIENT = next(each for each in PACK.patients if each.nhs_number == NhsNumber("9912003888"))
PRACTICE = OdsCode("D82106")


def search(
    criteria: SearchCriteria,
    kind: RequestType = RequestType.APPOINTMENT_REQUEST,
    sort: SortBy = SortBy.DISTANCE,
    rules_of: OdsCode = PRACTICE,
) -> list[Found]:
    """Search for the main patient, from their home unless the criteria name another place."""
    wanted = ServiceFilter.of(kind, criteria, pairs_of(criteria), Referrer(rules_of=rules_of), (PATIENT, PACK.day))
    postcode = criteria.postcode or PATIENT.postcode
    assert postcode is not None
    return LISTINGS.search(wanted, sort, REFERENCE.locate(postcode), 50)


def pairs_of(criteria: SearchCriteria) -> frozenset[tuple[str, str]] | None:
    """Return the specialty and clinic type pairs of the criteria, as a use case resolves them."""
    if criteria.clinical_term is not None:
        term = REFERENCE.clinical_term(criteria.clinical_term)
        assert term is not None
        return frozenset(term.leads_to)
    if criteria.specialty is None or criteria.clinic_type is None:
        return None
    return frozenset({(criteria.specialty, criteria.clinic_type)})


def heart_failure(priority: Priority = Priority.ROUTINE, appropriate: bool = True) -> SearchCriteria:
    """Return criteria for the clinic type with the most services in the demo world."""
    return SearchCriteria(
        priority=priority,
        age_and_gender_appropriate=appropriate,
        specialty="CARDIOLOGY",
        clinic_type="HEART_FAILURE",
    )


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("appropriate", [True, False])
def test_a_heart_failure_search_fills_a_shortlist(priority: Priority, appropriate: bool) -> None:
    found = [each.service for each in search(heart_failure(priority, appropriate))]
    assert len(found) >= LONGEST
    check_entries(found[:LONGEST])
    assert {"11001", "11002", "11003", "11004", "11007", "11008", "11010", "11021", "11030"} <= set(found)
    assert not {"11013", "11014", "11028"} & set(found)  # another practice's, advice only, withdrawn


def test_the_nearest_come_first_and_bromley_last() -> None:
    found = search(heart_failure())
    distances = [each.distance_miles for each in found if each.distance_miles is not None]
    assert len(distances) == len(found)
    assert distances == sorted(distances)
    assert distances[0] < 1
    assert found[-1].service == ServiceId("11015")


def test_the_neighbouring_practice_sees_its_own_clinic() -> None:
    found = {each.service for each in search(heart_failure(), rules_of=OdsCode("B86011"))}
    assert ServiceId("11013") in found


def test_advice_is_given_with_and_without_appointments() -> None:
    found = {each.service for each in search(heart_failure(), RequestType.ADVICE_AND_GUIDANCE_REQUEST)}
    assert found == {"11010", "11011", "11014"}


def test_lipid_management_is_found_urgently() -> None:
    criteria = SearchCriteria(
        priority=Priority.URGENT,
        age_and_gender_appropriate=True,
        specialty="CARDIOLOGY",
        clinic_type="LIPID_MANAGEMENT",
    )
    assert len(search(criteria)) >= 5
    assert len(search(criteria, RequestType.ADVICE_AND_GUIDANCE_REQUEST)) >= 2


def test_the_clinical_term_and_a_named_clinician_lead_to_the_triage_service() -> None:
    criteria = SearchCriteria(
        priority=Priority.ROUTINE,
        age_and_gender_appropriate=True,
        clinical_term=SnomedCode("1003"),
        named_clinician=UserId("021600556514"),
    )
    found = {each.service for each in search(criteria)}
    assert ServiceId("11004") in found
    assert len(found) >= 4


def test_a_narrow_search_far_away_finds_the_outreach_clinic() -> None:
    criteria = SearchCriteria(
        priority=Priority.URGENT,
        age_and_gender_appropriate=True,
        clinical_term=SnomedCode("1003"),
        organisation=OdsCode("R69"),
        wait_limit_days=15,
        postcode=Postcode("BR1 1AB"),
        distance_limit_miles=23,
    )
    assert [each.service for each in search(criteria, sort=SortBy.IWT)] == ["11015"]
