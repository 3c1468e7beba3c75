"""Search for a patient by demographics, as staff do when a patient does not know the NHS number.

Family name and date of birth are needed, other values narrow the result. Source: ADR 0054.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.identifiers import Postcode
from openers.domain.patient import Patient, Sex


class PatientSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The demographics to find. Names are compared without regard to case; `given_name` may be a beginning."""

    family_name: str
    born: date
    given_name: str | None = None
    sex: Sex | None = None
    postcode: Postcode | None = None

    def fits(self, patient: Patient) -> bool:
        """Return whether a patient has all the values that the search gives."""
        given = "" if self.given_name is None else self.given_name.casefold()
        return (
            patient.family_name.casefold() == self.family_name.casefold()
            and patient.born == self.born
            and patient.given_name.casefold().startswith(given)
            and self.sex in (None, patient.sex)
            and self.postcode in (None, patient.postcode)
        )
