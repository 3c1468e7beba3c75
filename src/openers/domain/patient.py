"""A patient as the service needs to know one. Demographics belong to PDS and are asked for when needed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from openers.domain.identifiers import NhsNumber, OdsCode, Postcode


class Sex(StrEnum):
    """Administrative gender as PDS gives it."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """What PDS tells of a patient. `sensitive` records (S-flag) are answered with PATIENT_ERROR and nothing else."""

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
        """Whole years of age on `day`."""
        before_birthday = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - before_birthday
