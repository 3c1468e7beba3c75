"""The requests of overviews: X003 to X006. Source: ADR 0054."""

from __future__ import annotations

from typing import Final

from openers.domain.errors import Field, ValueIsRequired
from openers.domain.identifiers import OdsCode, Postcode, Ubrn, UserId
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import Sex
from openers.domain.principal import Principal
from openers.usecases.overview.find_names import FindNames
from openers.usecases.overview.find_patients import FindPatients
from openers.usecases.overview.overviews import PatientRequests, RowOverviews
from openers.wire.json import JsonValue
from openers.wire.stu3.kinds import code, day, identifier, string
from openers.wire.stu3.parameters import Param, Parameters, many, one, optional
from openers.wire.stu3.search import PATIENT
from openers.wire.stu3.systems import ODS_CODE, SDS_USER, System

UBRN: Final = System("https://fhir.nhs.uk/Id/UBRN")
LONGEST_NAME: Final = 100
"""Maximum length of a name to find, in characters."""

PERSON: Final = Param("person", identifier(SDS_USER, UserId))
ORGANISATION: Final = Param("organisation", identifier(ODS_CODE, OdsCode))
FAMILY_NAME: Final = Param("familyName", string(str, LONGEST_NAME))
GIVEN_NAME: Final = Param("givenName", string(str, LONGEST_NAME))
BIRTH_DATE: Final = Param("birthDate", day())
GENDER: Final = Param("gender", code(Sex))
POSTCODE: Final = Param("postcode", string(Postcode, LONGEST_NAME))
REQUEST: Final = Param("request", identifier(UBRN, Ubrn))

FIND_NAMES: Final = Parameters(
    "FindNames-Request-Parameters", many(PATIENT), many(PERSON), many(ORGANISATION), own=True
)
"""The parameters of X003."""
FIND_PATIENTS: Final = Parameters(
    "FindPatients-Request-Parameters",
    optional(PATIENT),
    optional(FAMILY_NAME),
    optional(BIRTH_DATE),
    optional(GIVEN_NAME),
    optional(GENDER),
    optional(POSTCODE),
    own=True,
)
"""The parameters of X004."""
PATIENT_REQUESTS: Final = Parameters("PatientRequests-Request-Parameters", one(PATIENT), own=True)
"""The parameters of X005."""
ROW_OVERVIEWS: Final = Parameters("Overviews-Request-Parameters", many(REQUEST, required=True), own=True)
"""The parameters of X006."""


def read_find_names(node: JsonValue, by: Principal) -> FindNames:
    """Return the request that `by` sent to X003. Raises the classes of `Unreadable`."""
    values = FIND_NAMES.read(node)
    return FindNames(
        by=by, patients=values.all(PATIENT), people=values.all(PERSON), organisations=values.all(ORGANISATION)
    )


def read_find_patients(node: JsonValue) -> FindPatients:
    """Return the request of X004. Raises the classes of `Unreadable`, ValueIsRequired."""
    values = FIND_PATIENTS.read(node)
    demographics = (FAMILY_NAME, BIRTH_DATE, GIVEN_NAME, GENDER, POSTCODE)
    if not any(values.has(each) for each in demographics):
        return FindPatients(nhs_number=values.get(PATIENT))
    family, born = values.get(FAMILY_NAME), values.get(BIRTH_DATE)
    if family is None or born is None:
        raise ValueIsRequired(Field.PATIENT, hint="needs both familyName and birthDate to be found without a number")
    search = PatientSearch(
        family_name=family,
        born=born,
        given_name=values.get(GIVEN_NAME),
        sex=values.get(GENDER),
        postcode=values.get(POSTCODE),
    )
    return FindPatients(nhs_number=values.get(PATIENT), search=search)


def read_patient_requests(node: JsonValue, by: Principal) -> PatientRequests:
    """Return the request that `by` sent to X005. Raises the classes of `Unreadable`."""
    return PatientRequests(by=by, patient=PATIENT_REQUESTS.read(node)[PATIENT])


def read_row_overviews(node: JsonValue, by: Principal) -> RowOverviews:
    """Return the request that `by` sent to X006. Raises the classes of `Unreadable`."""
    return RowOverviews(by=by, ubrns=ROW_OVERVIEWS.read(node).all(REQUEST))
