"""The identifiers of the service, each parsed once on construction and then trusted.

Every one is a `str`, so it compares, sorts and serialises as its text; the constructor refuses what does not
have the format. Called by the wire readers (which turn `ValueError` into a refusal that names the place) and by
the stores (whose text was parsed before it was written). Formats: rules chapter 1.1.
"""

from __future__ import annotations

import re
from typing import ClassVar, Self


class Identifier(str):
    """A text with a format. Raises `ValueError` saying what the format is."""

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
        """A text that was parsed before it was stored, taken as it is."""
        return str.__new__(cls, text)


class NhsNumber(Identifier):
    """Ten digits. The check digit is not insisted on: published test numbers fail it (rules 1.1)."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}", re.ASCII)
    shape = "10 digits"

    def grouped(self) -> str:
        """As printed for people: three, three and four."""
        return f"{self[:3]} {self[3:6]} {self[6:]}"


class Ubrn(Identifier):
    """Unique Booking Reference Number: twelve digits, zero padded. No prefix or check digit is defined."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}", re.ASCII)
    shape = "12 digits"

    @classmethod
    def of(cls, number: int) -> Self:
        """The UBRN with this number."""
        return cls(f"{number:012d}")

    def grouped(self) -> str:
        """As printed for people: three groups of four."""
        return f"{self[:4]} {self[4:8]} {self[8:]}"


class UserId(Identifier):
    """SDS user id (the CIS2 subject): twelve digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}", re.ASCII)
    shape = "12 digits"


class OdsCode(Identifier):
    """Code of an organisation in the Organisation Data Service; sites have longer ones."""

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
    """A SNOMED CT concept id. Length and check digit are not insisted on: the dictionary decides (SNOMED_NOT_FOUND)."""

    __slots__ = ()
    pattern = re.compile(r"[1-9][0-9]{2,17}", re.ASCII)
    shape = "3 to 18 digits"


class VersionNumber(Identifier):
    """The version of a record as it stands in an address."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{1,9}", re.ASCII)
    shape = "a number of up to 9 digits"
