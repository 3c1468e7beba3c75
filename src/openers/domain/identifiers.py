"""The identifiers of the service. Each is parsed once, on construction, and trusted after that.

Every identifier is a `str`, so it compares, sorts and serialises as its text. The constructor rejects text that does
not have the format. The wire readers turn its `ValueError` into a refusal that names the place in the request. Stores
skip the parsing, because their text was parsed before it was written. Formats: rules chapter 1.1.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, Self


class Identifier(str):
    """A text with a format. Raises `ValueError` with a description of the format."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    shape: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        """Parse `text`, which must match the whole pattern."""
        if not cls.pattern.fullmatch(text):
            raise ValueError(f"{cls.__name__} must be {cls.shape}")
        return super().__new__(cls, text)

    @classmethod
    def restored(cls, text: str) -> Self:
        """Return a text from the store without parsing it again."""
        return str.__new__(cls, text)


class NhsNumber(Identifier):
    """NHS number: ten digits. The check digit is not verified, because published test numbers fail it (rules 1.1)."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}", re.ASCII)
    shape = "10 digits"

    def grouped(self) -> str:
        """Return the number as printed for people: groups of three, three and four."""
        return f"{self[:3]} {self[3:6]} {self[6:]}"


NHS_NUMBER_IN_TEXT: Final = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)", re.ASCII)
"""What may be an NHS number within a text, grouped or not. UBRNs have more digits, so they are none."""


def without_nhs_numbers(text: str, mask: str, longest: int) -> str:
    """Return a text cut to `longest` characters, with `mask` for each NHS number; half a number at the cut is left out.

    Masks are longer or shorter than numbers, so the result may be longer than `longest`.
    """
    if len(text) > longest:
        text = text[:longest].rstrip("0123456789 -")
    return NHS_NUMBER_IN_TEXT.sub(mask, text)


class Ubrn(Identifier):
    """Unique Booking Reference Number: twelve digits, zero padded. No prefix or check digit is defined."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}", re.ASCII)
    shape = "12 digits"

    @classmethod
    def of(cls, number: int) -> Self:
        """Return the UBRN of `number`."""
        return cls(f"{number:012d}")

    def grouped(self) -> str:
        """Return the number as printed for people: three groups of four."""
        return f"{self[:4]} {self[4:8]} {self[8:]}"


class UserId(Identifier):
    """SDS user id (the CIS2 subject): twelve digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}", re.ASCII)
    shape = "12 digits"


class OdsCode(Identifier):
    """Code of an organisation in the Organisation Data Service (ODS); codes of sites are longer."""

    __slots__ = ()
    pattern = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
    shape = "2 to 12 capital letters and digits"


class ServiceId(Identifier):
    """Number of a service in the directory, as text."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
    shape = "a number of up to 12 digits"


class RequestId(Identifier):
    """Unique id of a request: `r.` (referral) or `a.` (advice and guidance) and a UUID."""

    __slots__ = ()
    pattern = re.compile(r"[ra]\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
    shape = "r. or a. followed by a UUID"


class AppointmentId(Identifier):
    """Number of an appointment, as text."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
    shape = "a number"


class SlotId(Identifier):
    """Number of an appointment slot, as text."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
    shape = "a number"


class FileId(Identifier):
    """Id of an uploaded file: a UUID, or the older `att-` and two numbers (rules 1.1)."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|att-[0-9]{1,18}-[0-9]{1,18}", re.ASCII)
    shape = "a UUID, or att- and two numbers"


class AttachmentId(Identifier):
    """Number of an attachment of a request, as text."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
    shape = "a number"


class CommunicationId(Identifier):
    """Number of a message of a conversation, as text."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
    shape = "a number"


class Postcode(Identifier):
    """A United Kingdom postcode, normalised to capitals with one space before the inward part."""

    __slots__ = ()
    pattern = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}", re.ASCII)
    shape = "a full postcode such as LS1 4AP"

    def __new__(cls, text: str) -> Self:
        """Parse `text` in any case and spacing."""
        squeezed = "".join(text.split()).upper()
        return super().__new__(cls, f"{squeezed[:-3]} {squeezed[-3:]}")

    @property
    def outward(self) -> str:
        """The part before the space."""
        return self.partition(" ")[0]


class SnomedCode(Identifier):
    """A SNOMED CT concept id. Length and check digit are not verified: unknown codes get SNOMED_NOT_FOUND."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{2,17}", re.ASCII)
    shape = "3 to 18 digits"


class VersionNumber(Identifier):
    """The version of a record as written in an address."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{1,9}", re.ASCII)
    shape = "a number of up to 9 digits"
