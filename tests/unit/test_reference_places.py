"""Places of postcodes, and the dictionary of clinical terms."""

from __future__ import annotations

import pytest

from openers.domain.codes import ClinicalTerm, CodeSystemName
from openers.domain.geography import METRES_PER_MILE, Point, distance_miles
from openers.domain.identifiers import Postcode
from openers.reference import PackagedReference
from openers.reference.tables import read_clinical_terms, read_outward_codes

REFERENCE = PackagedReference()


@pytest.mark.parametrize(
    ("postcode", "near"),
    [
        ("LS1 4AP", Point(429900, 433700)),
        ("sw1a1aa", Point(529090, 179645)),  # Buckingham Palace
        ("EH1 1YZ", Point(325800, 673800)),  # Edinburgh Waverley
    ],
)
def test_a_postcode_is_located_within_three_kilometres(postcode: str, near: Point) -> None:
    found = REFERENCE.locate(Postcode(postcode))
    assert found is not None
    assert distance_miles(found, near) * METRES_PER_MILE < 3000


@pytest.mark.parametrize("postcode", ["ZZ1 1AA", "BT1 5GS"])  # no such area; Northern Ireland has another grid
def test_an_unknown_outward_code_has_no_place(postcode: str) -> None:
    assert REFERENCE.locate(Postcode(postcode)) is None


def test_all_outward_codes_are_in_great_britain() -> None:
    places = read_outward_codes()
    assert len(places) > 2800
    assert all(0 < place.easting < 700_000 and 0 < place.northing < 1_300_000 for place in places.values())


def test_a_term_leads_to_live_clinic_types() -> None:
    clinic_types = REFERENCE.code_system(CodeSystemName.CLINIC_TYPE).concepts
    terms = list(read_clinical_terms())
    assert len(terms) >= 40
    for term in terms:
        assert term.leads_to
        for specialty, clinic_type in term.leads_to:
            assert clinic_types[clinic_type].effective_to is None
            assert clinic_types[clinic_type].values("specialty") == (specialty,)


def test_terms_are_unique_and_have_the_check_digit_of_snomed_ct() -> None:
    codes = [term.code for term in read_clinical_terms()]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not verhoeff(code)] == []


def test_heart_failure_and_atrial_fibrillation() -> None:
    heart_failure, fibrillation = (REFERENCE.clinical_term(code) for code in ("84114007", "49436004"))
    assert heart_failure is not None
    assert fibrillation is not None
    assert heart_failure.leads_to == (("CARDIOLOGY", "HEART_FAILURE"),)
    assert fibrillation.leads_to == (("CARDIOLOGY", "ARRHYTHMIA"),)


def test_a_world_can_add_terms() -> None:
    extra = ClinicalTerm("1234567", "Something local", (("CARDIOLOGY", "ARRHYTHMIA"),))
    assert REFERENCE.clinical_term(extra.code) is None
    assert PackagedReference([extra]).clinical_term(extra.code) == extra


def verhoeff(code: str) -> bool:
    """Return whether `code` passes Verhoeff's check (1969), which SNOMED CT identifiers use."""
    turn = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    total = 0
    for place, digit in enumerate(int(each) for each in reversed(code)):
        for _ in range(place % 8):
            digit = turn[digit]
        total = dihedral(total, digit)
    return total == 0


def dihedral(left: int, right: int) -> int:
    """Return the product in the dihedral group of order ten."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5
