"""A patient's demographics.

The Personal Demographics Service (PDS) owns them; the service asks for them when needed.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from openers.domain.clock import Instant
from openers.domain.identifiers import NhsNumber, OdsCode, Postcode


class Sex(StrEnum):
    """Administrative gender as PDS reports it."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """Demographics of a patient as PDS returns them.

    A `sensitive` record (S-flag) gets PATIENT_ERROR, without details.
    """

    nhs_number: NhsNumber
    family_name: str
    given_name: str
    born: date
    sex: Sex
    postcode: Postcode | None = None
    address: tuple[str, ...] = ()
    practice: OdsCode | None = None
    sensitive: bool = False
    died: date | None = None

    def age_years(self, day: date) -> int:
        """Return the age in whole years on `day`."""
        before_birthday = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - before_birthday


class Standing(StrEnum):
    """What PDS said of an NHS number when it was last asked."""

    CURRENT = "current"
    REPLACED = "replaced"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class MirrorState(msgspec.Struct, frozen=True, kw_only=True):
    """When PDS was last asked for a number (`asked`), and the answer.

    `version` is PDS' version of the record. `replaced_by` is the number that a replaced one was merged into.
    """

    nhs_number: NhsNumber
    asked: Instant
    standing: Standing
    version: str = ""
    replaced_by: NhsNumber | None = None
