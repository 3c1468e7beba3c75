"""Searches for patients and their names (extensions of OpenERS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from openers_client import fhir
from openers_client.fhir import Json

UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"


@dataclass(frozen=True, kw_only=True)
class PatientSearch:
    """A search for a patient (X004): by `nhs_number`, or by `family_name` and `birth_date`."""

    nhs_number: str | None = None
    family_name: str | None = None
    birth_date: date | None = None
    given_name: str | None = None
    gender: str | None = None
    postcode: str | None = None

    def body(self) -> Json:
        """Return the request body."""
        number = self.nhs_number
        listed = [
            *([] if number is None else [fhir.identified("patient", fhir.NHS_NUMBER, number)]),
            *fhir.given("String", familyName=self.family_name),
            *fhir.given("Date", birthDate=None if self.birth_date is None else self.birth_date.isoformat()),
            *fhir.given("String", givenName=self.given_name),
            *fhir.given("Code", gender=self.gender),
            *fhir.given("String", postcode=self.postcode),
        ]
        return fhir.parameters(_profile("FindPatients"), listed)


def names_of(patients: Sequence[str], people: Sequence[str], organisations: Sequence[str]) -> Json:
    """Return the request body of X003."""
    listed = [
        *(fhir.identified("patient", fhir.NHS_NUMBER, each) for each in patients),
        *(fhir.identified("person", fhir.SDS_USER, each) for each in people),
        *(fhir.identified("organisation", fhir.ODS_CODE, each) for each in organisations),
    ]
    return fhir.parameters(_profile("FindNames"), listed)


def requests_of(patient: str) -> Json:
    """Return the request body of X005."""
    return fhir.parameters(_profile("PatientRequests"), [fhir.identified("patient", fhir.NHS_NUMBER, patient)])


def overviews_of(ubrns: Sequence[str]) -> Json:
    """Return the request body of X006."""
    return fhir.parameters(_profile("Overviews"), [fhir.identified("request", UBRN, each) for each in ubrns])


def _profile(name: str) -> str:
    return f"urn:openers:profile:{name}-Request-Parameters-1"
